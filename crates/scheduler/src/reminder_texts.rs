//! The texts of a rule's step: composed, reckoned and written down alike, so that what is shown before is what goes out.

use crate::composing::{Composer, Send, Texts};
use crate::context::Context;
use crate::quoting::QuoteError;
use crate::reminder_limits::{Known, Room};
use dakiya_core::encoding::measure;
use dakiya_core::ids::TemplateId;
use dakiya_core::message::{Channel, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::reminder::{Holidays, ReminderHours, ReminderRule, ReminderRun};
use dakiya_core::template::Variables;
use dakiya_core::time::Timestamp;
use dakiya_store::messages::{NewMessage, NewReminder, People, people};
use dakiya_store::reminder_payments::{self, ReminderPayment};
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::reminder_runs::Suppressed;
use dakiya_store::{StoreError, senders, settings, templates};

/// Payments worked on at a time.
pub(crate) const PAGE: u64 = 2_000;

/// What composes the messages of one step by one channel.
pub(crate) struct RuleComposer {
    pub(crate) composer: Composer,
    pub(crate) holidays: Holidays,
    template: (TemplateId, i32),
}

/// Until when a message goes out, from when on.
#[derive(Clone, Copy)]
pub(crate) struct Due {
    at: Timestamp,
    latest: Timestamp,
}

/// What a run would do and cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reckoned {
    /// People not written to, by reason; those who paid among them.
    pub suppressed: Suppressed,
    /// Messages that would go out.
    pub will_send: u64,
    /// What they are expected to cost before tax.
    pub cost: Money,
    /// The first few texts, and to whom.
    pub samples: Vec<(PhoneNumber, String)>,
}

impl Reckoned {
    /// Payments it comes upon.
    pub fn matched(&self) -> u64 {
        self.will_send + self.suppressed.values().sum::<u64>()
    }

    fn suppress(&mut self, reason: SuppressedReason) {
        *self.suppressed.entry(reason).or_default() += 1;
    }
}

impl RuleComposer {
    /// When messages go out that are to go at an instant: when the hours of reminders allow, and how late counts from then.
    pub(crate) fn due(&self, context: &Context, rule: &ReminderRule, send_at: Timestamp) -> Due {
        let hours = self.hours(context, rule);
        let at = hours.opening(send_at);
        Due { at, latest: hours.latest(at, rule.maximum_lateness()) }
    }

    /// When messages go out that are to go at an instant.
    pub(crate) fn goes_at(&self, context: &Context, rule: &ReminderRule, send_at: Timestamp) -> Timestamp {
        self.hours(context, rule).opening(send_at)
    }

    fn hours(&self, context: &Context, rule: &ReminderRule) -> ReminderHours<'_> {
        rule.hours(&self.composer.settings.reminder_window, context.config.timezone, &self.holidays)
    }
}

/// What composes a step's messages that are to go at an instant: with the texts of now, and the prices of the day on which
/// the hours of reminders let them go.
pub(crate) async fn composer_of(
    context: &Context,
    rule: &ReminderRule,
    step: i32,
    channel: Channel,
    send_at: Timestamp,
) -> Result<RuleComposer, QuoteError> {
    let key = rule.step(step).map_or(rule.template.as_str(), |step| rule.template_of(step));
    let unknown = || QuoteError::UnknownTemplate(key.to_owned());
    let latest = templates::get(&context.store, key, None).await?.ok_or_else(unknown)?;
    let variants = templates::variants(&context.store, latest.template_id, i32::MAX).await?;
    let version = variants.iter().map(|variant| variant.version).max().unwrap_or(latest.version);
    let sender = senders::first(&context.store, channel).await?;
    let settings = settings::get(&context.store).await?;
    let holidays = reminder_rules::holidays(&context.store).await?;
    let hours = rule.hours(&settings.reminder_window, context.config.timezone, &holidays);
    let send = Send {
        texts: Texts::of_template(&variants)?,
        channel,
        category: latest.category,
        sender: sender.ok_or_else(|| QuoteError::UnknownSender(channel.to_string()))?,
        on: hours.opening(send_at),
    };
    let composer = Composer::new(context, settings, send).await?;
    Ok(RuleComposer { composer, holidays, template: (latest.template_id, version) })
}

/// Reckons a run over all its payments, a page at a time: memory does not grow with them. `ahead` steps of the same payments
/// are to come before it.
pub(crate) async fn reckon(
    context: &Context,
    composer: &RuleComposer,
    rule: &ReminderRule,
    run: &ReminderRun,
    samples: usize,
    ahead: u32,
) -> Result<Reckoned, StoreError> {
    let store = &context.store;
    let RuleComposer { composer, holidays, .. } = composer;
    let mut room = Room::of(context, rule, run, &composer.settings, holidays, ahead);
    let mut reckoned = Reckoned::default();
    let (mut after, mut body) = (None, String::new());
    let link = composer.links().placeholder();
    loop {
        let page =
            reminder_payments::owed_on(store, run.due_on, &rule.payments, after.as_deref(), PAGE).await?;
        let phones: Vec<PhoneNumber> = page.iter().filter_map(|payment| payment.phone.number()).collect();
        let people = people(store, &phones).await?;
        let known = Known::of(store, room.iter(), run.due_on, &rule.payments, &page, &phones).await?;
        if let Some(room) = &mut room {
            room.learn(store, &known, &phones).await?;
        }
        for payment in &page {
            let Some(phone) = payment.phone.number() else { continue };
            let suppressed = composer.unsendable(phone, people.get(phone));
            let rendered = suppressed.map_or_else(
                || {
                    let language = payment.language.as_deref();
                    composer
                        .render(&mut body, language, &payment.placeholders(), &link)
                        .map_err(SuppressedReason::from)
                },
                Err,
            );
            let exceeded = |_: &_| room.as_mut().and_then(|room| room.take(&known, payment.id, phone));
            let rendered = match rendered.as_ref().ok().and_then(exceeded) {
                Some(reason) => Err(reason),
                None => rendered,
            };
            match rendered {
                Ok(measure) => {
                    reckoned.will_send += 1;
                    reckoned.cost += composer.unit_price.expected * u64::from(composer.billed(&measure).0);
                    if reckoned.samples.len() < samples {
                        reckoned.samples.push((phone, body.clone()));
                    }
                }
                Err(reason) => reckoned.suppress(reason),
            }
        }
        let more = page.len() as u64 == PAGE;
        after = page.into_iter().next_back().map(|payment| payment.reference.as_str().to_owned());
        if !more {
            break;
        }
    }
    let paid = reminder_payments::paid_on(store, run.due_on, &rule.payments).await?;
    if paid > 0 {
        reckoned.suppressed.insert(SuppressedReason::Paid, paid);
    }
    Ok(reckoned)
}

/// What makes it the same reminder, whoever writes it down and when.
pub(crate) fn occurrence(payment: &ReminderPayment, rule: &StoredRule, step: i32) -> String {
    format!("reminder:{}:{}:{step}:{}", payment.id, rule.id, payment.due_on)
}

/// The message of one payment; `None` when nobody can be written to any more.
pub(crate) fn message(
    composer: &RuleComposer,
    rule: &StoredRule,
    step: i32,
    payment: &ReminderPayment,
    people: &People,
    due: Due,
) -> Option<NewMessage> {
    let phone = payment.phone.number()?;
    let RuleComposer { composer, template, .. } = composer;
    let link = if composer.texts.has_opt_out_link() { composer.links().of(phone).0 } else { String::new() };
    let language = payment.language.as_deref();
    let variables: Variables = payment.placeholders();
    let mut body = String::new();
    let rendered = match composer.unsendable(phone, people.get(phone)) {
        Some(reason) => Err(reason),
        None => composer.render(&mut body, language, &variables, &link).map_err(SuppressedReason::from),
    };
    if rendered.is_err() {
        body.clear();
    }
    let measure = rendered.unwrap_or_else(|_| measure(""));
    let segments = composer.billed(&measure);
    let sendable = rendered.is_ok();
    Some(NewMessage {
        dedupe_key: occurrence(payment, rule, step),
        campaign_id: None,
        template: Some(*template),
        phone,
        channel: composer.channel,
        category: composer.category,
        sender: composer.sender.address.clone(),
        body,
        encoding: measure.encoding,
        segments,
        estimated_cost: if sendable {
            composer.unit_price.expected * u64::from(segments.0)
        } else {
            Money::ZERO
        },
        estimated_fx: composer.fx,
        due_at: due.at,
        expires_at: Some(due.latest),
        api_key_id: None,
        test: false,
        suppressed: rendered.err(),
        reminder: Some(NewReminder {
            payment: payment.id,
            rule: rule.id,
            step,
            due_on: payment.due_on,
            revision: payment.revision,
            text: if sendable { composer.open_text(language, &link) } else { String::new() },
            fallback_at: rule
                .rule
                .fallback_at(due.at)
                .filter(|_| sendable && composer.channel == Channel::Whatsapp),
        }),
    })
}
