//! What the coming runs of all rules will cost, month by month: exact, like each run's own quote, and reckoned in one
//! walk over the payments that are due, however many steps remind of each of them.
//!
//! Where few payments are due the walk is made whenever somebody asks. A million take longer than a page may: then the figures of the
//! last walk are given, with their time, and a timer makes new ones.

use crate::context::Context;
use crate::next_runs;
use crate::quoting::QuoteError;
use crate::reminder_limits::{Known, Room};
use crate::reminder_quotes::{Coming, not_begun, times};
use crate::reminder_texts::{PAGE, RuleComposer, composer_of};
use chrono::{NaiveDate, TimeDelta};
use dakiya_core::fx_rate::FxHistory;
use dakiya_core::message::{Channel, Direction};
use dakiya_core::money::Money;
use dakiya_core::rate_card::{RateCard, Route};
use dakiya_core::reminder::{PaymentFilter, ReminderRule, ReminderRun};
use dakiya_core::time::{Month, Timestamp, day_in};
use dakiya_store::messages::people;
use dakiya_store::reminder_commitments::{self as store, ByMonth, Kept};
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::{StoreError, fx_rates, reminder_payments, reminder_runs, settings};
use std::collections::BTreeMap;

/// Payments and waiting messages up to which figures are made when somebody asks.
const FEW: u64 = 5_000;

/// Figures that are kept are made anew after this long, or ten times as long as they took if that is longer.
const KEPT_FOR: TimeDelta = TimeDelta::minutes(5);

/// Whoever makes figures and has not kept them by then is gone.
const AT_MOST: TimeDelta = TimeDelta::minutes(30);

/// Months ahead.
const MONTHS: u32 = dakiya_core::projection::FORECAST_MONTHS;

/// Some runs that reach the same payments.
struct Group {
    due_on: NaiveDate,
    filter: PaymentFilter,
    /// After this reference only: the payments before have their messages.
    after: Option<String>,
    runs: Vec<Planned>,
}

/// A run that is still to come, or is being written down.
struct Planned {
    rule: usize,
    run: ReminderRun,
    begun: bool,
    /// Which text: an index into the composers.
    text: usize,
    /// Steps of the same payments that go before it.
    ahead: u32,
}

/// What all coming runs cost, exact as of the time in it.
pub(crate) async fn commitments(context: &Context) -> Result<Kept, StoreError> {
    if few(context).await? {
        return made_now(context).await;
    }
    if let Some(kept) = store::kept(&context.store).await? {
        return Ok(kept);
    }
    // The first ones are waited for; nobody in this process makes them twice.
    let _turn = context.projections.committing.lock().await;
    match store::kept(&context.store).await? {
        Some(kept) => Ok(kept),
        None => {
            let made = made_now(context).await?;
            store::keep(&context.store, &made, &next_runs::made_now(context).await?).await?;
            Ok(made)
        }
    }
}

/// Makes new figures when those kept are old. Harmless to repeat, and in several processes. Also while few payments are due,
/// so that there are some when a million more were imported a moment ago.
pub(crate) async fn tick(context: &Context) -> Result<(), StoreError> {
    let _turn = context.projections.committing.lock().await;
    let now = context.clock.now();
    let kept = store::kept(&context.store).await?;
    let stale = now - kept.as_ref().map_or(KEPT_FOR, |kept| KEPT_FOR.max(kept.took * 10));
    if kept.is_some_and(|kept| kept.at >= stale) {
        return Ok(());
    }
    if store::claim(&context.store, now, stale, now + AT_MOST).await? {
        let began = context.clock.monotonic();
        let next = next_runs::made_now(context).await?;
        let made = made_now(context).await?;
        let took = context.clock.monotonic().saturating_sub(began);
        let made = Kept { took: TimeDelta::from_std(took).unwrap_or(made.took), ..made };
        store::keep(&context.store, &made, &next).await?;
    }
    Ok(())
}

/// Whether so little is due that it can be reckoned while somebody waits.
pub(crate) async fn few(context: &Context) -> Result<bool, StoreError> {
    let today = day_in(context.clock.now(), context.config.timezone);
    let rules = reminder_rules::running(&context.store).await?;
    let holidays = reminder_rules::holidays(&context.store).await?;
    let from = rules.iter().map(|stored| stored.rule.first_due_on(context.clock.now(), &holidays)).min();
    let Some(from) = from else { return Ok(!store::more_wait_than(&context.store, FEW).await?) };
    let until = Month::of(today).plus(MONTHS + 2).last_day();
    let due = reminder_payments::due_between(&context.store, from, until).await?;
    Ok(due <= FEW && !store::more_wait_than(&context.store, FEW).await?)
}

async fn made_now(context: &Context) -> Result<Kept, StoreError> {
    let (at, began) = (context.clock.now(), context.clock.monotonic());
    let mut costs = written_down(context, at).await?;
    for (key, cost) in coming(context, at).await? {
        *costs.entry(key).or_default() += cost;
    }
    costs.retain(|_, cost| !cost.is_zero());
    let took = context.clock.monotonic().saturating_sub(began);
    Ok(Kept { at, took: TimeDelta::from_std(took).unwrap_or(TimeDelta::zero()), costs })
}

/// Reminders that wait to be posted.
async fn written_down(context: &Context, now: Timestamp) -> Result<ByMonth, StoreError> {
    let zone = context.config.timezone;
    let month = Month::of(day_in(now, zone));
    let mut costs = ByMonth::new();
    for (soon, channel, category, cost) in store::waiting(&context.store, month.plus(1).start(zone)).await? {
        let month = if soon { month } else { month.plus(1) };
        *costs.entry((month, channel, category)).or_default() += cost;
    }
    Ok(costs)
}

/// Texts, and what one segment of each costs on a day.
struct Texts {
    composers: Vec<(String, Channel, RuleComposer)>,
    card: RateCard,
    fx: FxHistory,
}

async fn coming(context: &Context, now: Timestamp) -> Result<ByMonth, StoreError> {
    let rules = reminder_rules::running(&context.store).await?;
    let settings = settings::get(&context.store).await?;
    let mut texts = Texts {
        composers: Vec::new(),
        card: crate::composing::rate_card(&context.store, &settings).await?,
        fx: fx_rates::history(&context.store).await?,
    };
    let mut runs: BTreeMap<(usize, ReminderRun), (bool, Money)> = BTreeMap::new();
    for group in groups(context, &rules, now, &mut texts).await? {
        reckon(context, &group, &rules, &texts, now, &mut runs).await?;
    }
    let mut costs = ByMonth::new();
    for ((rule, run), (begun, cost)) in runs {
        let rule = &rules[rule].rule;
        // A run that would cost more than its rule allows waits for a person: nothing certain.
        let within = begun || rule.limits.cost_per_run.is_none_or(|limit| cost <= limit);
        if let (true, Some(text)) = (within, texts.of(rule, run)) {
            let month = Month::of(texts.day(context, text, rule, run.at.max(now)));
            let category = texts.composers[text].2.composer.category;
            *costs.entry((month, rule.channel.first(), category)).or_default() += cost;
        }
    }
    Ok(costs)
}

/// Runs by the payments they reach.
async fn groups(
    context: &Context,
    rules: &[StoredRule],
    now: Timestamp,
    texts: &mut Texts,
) -> Result<Vec<Group>, StoreError> {
    let horizon =
        Month::of(day_in(now, context.config.timezone)).plus(MONTHS + 1).start(context.config.timezone);
    let mut groups: BTreeMap<(NaiveDate, Option<String>), Vec<Group>> = BTreeMap::new();
    let mut add = |due_on, after: Option<String>, filter: &PaymentFilter, planned: Planned| {
        let same_day = groups.entry((due_on, after.clone())).or_default();
        match same_day.iter_mut().find(|group| group.filter == *filter) {
            Some(group) => group.runs.push(planned),
            None => same_day.push(Group { due_on, filter: filter.clone(), after, runs: vec![planned] }),
        }
    };
    for begun in reminder_runs::to_plan(&context.store).await? {
        let found = rules.iter().position(|stored| stored.id == begun.rule_id);
        let Some(rule) = found else { continue };
        if let Some(text) = texts.learn(context, &rules[rule].rule, begun.run).await? {
            let planned = Planned { rule, run: begun.run, begun: true, text, ahead: 0 };
            add(begun.run.due_on, begun.after_reference, &rules[rule].rule.payments, planned);
        }
    }
    for (rule, stored) in rules.iter().enumerate() {
        let after = not_begun(context, stored, now);
        for Coming { run, skipped, ahead } in times(context, &stored.rule, Some(stored), after).await? {
            if skipped.is_some() || run.at >= horizon {
                continue;
            }
            if let Some(text) = texts.learn(context, &stored.rule, run).await? {
                let planned = Planned { rule, run, begun: false, text, ahead };
                add(run.due_on, None, &stored.rule.payments, planned);
            }
        }
    }
    Ok(groups.into_values().flatten().collect())
}

/// Walks once over the payments of a group, a page at a time: memory does not grow with them. A text is filled in once for
/// each of them, whatever number of steps uses it; each step counts it as far as the limits of its rule leave room.
async fn reckon(
    context: &Context,
    group: &Group,
    rules: &[StoredRule],
    texts: &Texts,
    now: Timestamp,
    costs: &mut BTreeMap<(usize, ReminderRun), (bool, Money)>,
) -> Result<(), StoreError> {
    let mut used: Vec<usize> = group.runs.iter().map(|planned| planned.text).collect();
    used.sort_unstable();
    used.dedup();
    let room = |planned: &Planned| {
        let RuleComposer { composer, holidays, .. } = &texts.composers[planned.text].2;
        let rule = &rules[planned.rule].rule;
        Room::of(context, rule, &planned.run, &composer.settings, holidays, planned.ahead)
    };
    let mut rooms: Vec<Option<Room>> = group.runs.iter().map(room).collect();
    let mut units: Vec<u64> = vec![0; group.runs.len()];
    let (mut after, mut body) = (group.after.clone(), String::new());
    loop {
        let page =
            reminder_payments::owed_on(&context.store, group.due_on, &group.filter, after.as_deref(), PAGE)
                .await?;
        let phones: Vec<_> = page.iter().filter_map(|payment| payment.phone.number()).collect();
        let people = people(&context.store, &phones).await?;
        let limited = rooms.iter().flatten();
        let known = Known::of(&context.store, limited, group.due_on, &group.filter, &page, &phones).await?;
        for room in rooms.iter_mut().flatten() {
            room.learn(&context.store, &known, &phones).await?;
        }
        for payment in &page {
            let Some(phone) = payment.phone.number() else { continue };
            let placeholders = payment.placeholders();
            for text in &used {
                let composer = &texts.composers[*text].2.composer;
                if composer.unsendable(phone, people.get(phone)).is_some() {
                    continue;
                }
                let (language, link) = (payment.language.as_deref(), composer.links().placeholder());
                let Ok(measure) = composer.render(&mut body, language, &placeholders, &link) else {
                    continue;
                };
                let billed = u64::from(composer.billed(&measure).0);
                for (at, _) in group.runs.iter().enumerate().filter(|(_, planned)| planned.text == *text) {
                    let room = rooms[at].as_mut();
                    if room.and_then(|room| room.take(&known, payment.id, phone)).is_none() {
                        units[at] += billed;
                    }
                }
            }
        }
        let more = page.len() as u64 == PAGE;
        after = page.into_iter().next_back().map(|payment| payment.reference.as_str().to_owned());
        if !more {
            break;
        }
    }
    for (planned, units) in group.runs.iter().zip(units) {
        let day = texts.day(context, planned.text, &rules[planned.rule].rule, planned.run.at.max(now));
        if let Some(price) = texts.price(planned.text, day) {
            let cost = price * units;
            let known = costs.entry((planned.rule, planned.run)).or_insert((planned.begun, Money::ZERO));
            known.1 += cost;
        }
    }
    Ok(())
}

impl Texts {
    fn of(&self, rule: &ReminderRule, run: ReminderRun) -> Option<usize> {
        let key = template_of(rule, run);
        let channel = rule.channel.first();
        self.composers.iter().position(|(known, by, _)| known == key && *by == channel)
    }

    /// The text of a run; `None`: it cannot be written out, and will not be sent.
    async fn learn(
        &mut self,
        context: &Context,
        rule: &ReminderRule,
        run: ReminderRun,
    ) -> Result<Option<usize>, StoreError> {
        if let Some(known) = self.of(rule, run) {
            return Ok(Some(known));
        }
        let channel = rule.channel.first();
        match composer_of(context, rule, run.step, channel, run.at).await {
            Ok(composer) => {
                self.composers.push((template_of(rule, run).to_owned(), channel, composer));
                Ok(Some(self.composers.len() - 1))
            }
            Err(QuoteError::Store(error)) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// The day on which messages of a text go out that are to go at an instant.
    fn day(&self, context: &Context, text: usize, rule: &ReminderRule, send_at: Timestamp) -> NaiveDate {
        let goes_at = self.composers[text].2.goes_at(context, rule, send_at);
        day_in(goes_at, context.config.timezone)
    }

    /// What one segment, or one WhatsApp message, of a text is expected to cost on a day.
    fn price(&self, text: usize, day: NaiveDate) -> Option<Money> {
        let (_, channel, composer) = &self.composers[text];
        let category = Some(composer.composer.category);
        let row =
            self.card.row((*channel).into(), Direction::Outbound, category, Route::BusinessInitiated, day);
        row.ok().map(|row| row.unit_price(self.fx.on(day)).expected)
    }
}

fn template_of(rule: &ReminderRule, run: ReminderRun) -> &str {
    rule.step(run.step).map_or(rule.template.as_str(), |step| rule.template_of(step))
}
