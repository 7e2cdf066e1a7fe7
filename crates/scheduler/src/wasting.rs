//! What the traffic of the last thirty days wasted, in rupees, with what can be done about it; and what was saved since by what
//! was done. Read from roll-ups and from a look at each template's latest texts.

mod fixing;
mod texts;

pub(crate) use fixing::{fix_text, suppress};

use crate::composing::rate_card;
use crate::context::Context;
use chrono::{Days, NaiveDate};
use dakiya_core::message::{Category, Channel};
use dakiya_core::money::{FxRate, Money};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::rate_card::RateCard;
use dakiya_core::savings::{Traffic, Waste, scaled};
use dakiya_core::time::{TimeOfDay, Timestamp, day_in, instant_of};
use dakiya_store::savings::{self, Fix};
use dakiya_store::templates::{self, TemplateVersion};
use dakiya_store::{StoreError, fx_rates, senders, settings};
use dakiya_twilio::error::{plain_words, unreachable_codes};
use std::collections::BTreeMap;
use texts::of_template;

/// Days of traffic that are looked at, today included.
pub const DAYS_LOOKED_AT: u64 = 30;

/// Templates looked at, those that sent most first.
const TEMPLATES: usize = 50;

/// The latest texts of each.
const TEXTS: u64 = 400;

/// A number that took none of so many messages takes none.
const FAILURES: u64 = 3;
const NUMBERS: u64 = 50;

/// What was done, the latest.
const FIXES: u64 = 50;

/// Where money is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WasteFound {
    /// What wastes it.
    pub waste: Waste,
    /// In what.
    pub subject: WasteSubject,
    /// In words, for the page.
    pub advice: String,
    /// Messages of the days looked at that it concerns.
    pub messages: u64,
    /// What each of them loses, before tax.
    pub per_message: Money,
    /// What the days lost, before tax.
    pub per_month: Money,
}

/// In what money is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WasteSubject {
    /// In a template's text.
    Text {
        /// Its latest version in that language.
        version: Box<TemplateVersion>,
        /// What it sent in the days looked at.
        traffic: Traffic,
        /// How many of its texts were looked at.
        looked_at: u64,
        /// The text that loses nothing; `None` where a person must write it.
        better: Option<String>,
    },
    /// In a number that takes no messages.
    Number(PhoneNumber),
}

/// Which better text to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFix {
    /// The template's key.
    pub key: String,
    /// The language of the text.
    pub language: String,
    /// The version that was looked at.
    pub version: i32,
    /// What it wastes.
    pub waste: Waste,
}

/// Something that was done, and what it saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// What was done.
    pub fix: Fix,
    /// The template's key, where it was about one.
    pub key: Option<String>,
    /// The last day that counts: on the next one a later change of the same template takes over.
    pub until: Option<NaiveDate>,
    /// Messages since; for a number, those it did not get.
    pub messages: u64,
    /// What they saved so far, before tax; less than nothing when the texts grew.
    pub saved: Money,
}

/// The whole account.
#[derive(Clone, Debug)]
pub struct WasteReport {
    /// First day looked at.
    pub first: NaiveDate,
    /// Last day looked at.
    pub last: NaiveDate,
    /// What prices it.
    pub rate_card: String,
    /// Text messages that the busiest templates sent in these days.
    pub texts: u64,
    /// Where money is lost, the most first.
    pub found: Vec<WasteFound>,
    /// What was done, the latest first.
    pub done: Vec<Measured>,
}

/// What everything is priced and dated with.
struct Basis {
    card: RateCard,
    fx: FxRate,
    first: NaiveDate,
    last: NaiveDate,
    since: Timestamp,
    has_whatsapp: bool,
}

impl Basis {
    async fn now(context: &Context) -> Result<Self, StoreError> {
        let store = &context.store;
        let (last, zone) = (day_in(context.clock.now(), context.config.timezone), context.config.timezone);
        let first = last.checked_sub_days(Days::new(DAYS_LOOKED_AT - 1)).unwrap_or(last);
        let settings = settings::get(store).await?;
        Ok(Self {
            card: rate_card(store, &settings).await?,
            fx: fx_rates::on(store, last).await?,
            first,
            last,
            since: instant_of(first, TimeOfDay::MIDNIGHT, zone),
            has_whatsapp: senders::first(store, Channel::Whatsapp).await?.is_some(),
        })
    }

    fn price(&self, channel: Channel, category: Category) -> Option<Money> {
        self.card.outbound(channel, category, self.last, self.fx).ok().map(|price| price.expected)
    }

    /// The first whole day after a change made now.
    fn counted_from(&self) -> NaiveDate {
        self.last.succ_opt().unwrap_or(self.last)
    }
}

/// Looks at everything.
pub(crate) async fn report(context: &Context) -> Result<WasteReport, StoreError> {
    let basis = Basis::now(context).await?;
    let (mut found, mut texts) = (Vec::new(), 0);
    for (version, traffic) in busiest(context, &basis).await? {
        texts += traffic.messages;
        found.extend(of_template(context, &basis, &version, traffic).await?);
    }
    found.extend(dead_numbers(context, &basis).await?);
    found.sort_by_key(|found| std::cmp::Reverse(found.per_month));
    Ok(WasteReport {
        done: measured(context, &basis).await?,
        first: basis.first,
        last: basis.last,
        rate_card: basis.card.name,
        texts,
        found,
    })
}

/// The templates that sent most text messages, each as its latest version in its default language.
async fn busiest(context: &Context, basis: &Basis) -> Result<Vec<(TemplateVersion, Traffic)>, StoreError> {
    let traffic = savings::template_traffic(&context.store, basis.first, basis.last).await?;
    let mut by_segments: Vec<_> = traffic.into_iter().collect();
    by_segments.sort_by_key(|(_, traffic)| std::cmp::Reverse(traffic.segments));
    let mut found = Vec::new();
    for (template, traffic) in by_segments.into_iter().take(TEMPLATES) {
        if let Some(version) = templates::at_version(&context.store, template, i32::MAX, None).await? {
            found.push((version, traffic));
        }
    }
    Ok(found)
}

/// Numbers that took none of several messages.
async fn dead_numbers(context: &Context, basis: &Basis) -> Result<Vec<WasteFound>, StoreError> {
    let codes = unreachable_codes();
    let dead = savings::dead_numbers(&context.store, basis.since, &codes, FAILURES, NUMBERS).await?;
    let found = dead.into_iter().map(|number| WasteFound {
        waste: Waste::DeadNumber,
        advice: format!(
            "{} messages in {DAYS_LOOKED_AT} days, none arrived: {}",
            number.messages,
            plain_words(number.error_code)
        ),
        messages: number.messages,
        per_message: scaled(number.cost, number.messages, 1),
        per_month: number.cost,
        subject: WasteSubject::Number(number.phone),
    });
    Ok(found.collect())
}

async fn measured(context: &Context, basis: &Basis) -> Result<Vec<Measured>, StoreError> {
    let store = &context.store;
    let (mut all, mut later) = (Vec::new(), BTreeMap::new());
    for fix in savings::fixes(store, FIXES).await? {
        let (mut key, mut messages, mut saved, mut until) = (None, 0, Money::ZERO, None);
        if let Some((template, _, _)) = &fix.template {
            // A message is measured once: against what went out before the last change that came before it.
            until = later.insert(*template, fix.counted_from).and_then(|next: NaiveDate| next.pred_opt());
            let last = until.map_or(basis.last, |until| until.min(basis.last));
            let since = savings::template_traffic(store, fix.counted_from, last).await?;
            let since = since.get(template).copied().unwrap_or_default();
            (messages, saved) = (since.messages, Traffic::saved(fix.before, since, fix.segment_price));
            key = templates::at_version(store, *template, i32::MAX, None).await?.map(|version| version.key);
        } else if let Some(contact) = fix.contact {
            messages = savings::spared(store, contact, fix.at).await?;
            saved = scaled(fix.expected, fix.before.messages, messages);
        }
        all.push(Measured { fix, key, until, messages, saved });
    }
    Ok(all)
}
