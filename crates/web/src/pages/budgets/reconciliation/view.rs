//! A month's comparison as the page shows it: days, differences, causes.

use super::super::months::month_words;
use crate::AppState;
use crate::costs::{MonthDay, MonthReport, ReadDay, cause_words, month_days};
use crate::error::PageResult;
use crate::filters::{counted, grouped};
use crate::view as pages;
use chrono::NaiveDate;
use dakiya_core::ids::FindingId;
use dakiya_core::money::{Currency, FxRate, Money, Price};
use dakiya_core::reconciliation::{FindingKind, FindingState};
use dakiya_core::time::Month;
use dakiya_store::costs::{self, UnchargedRent};
use dakiya_store::reconciliation::{self, Differing, Finding, ReconciledDay};
use dakiya_store::{Cursor, PhoneKey, usage};
use rust_decimal::Decimal;
use std::collections::HashMap;

/// Differences on a page, and messages of a day that cost something else than expected.
const SHOWN: u64 = 100;

/// Which part of a month is looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// One of its days.
    pub(super) day: Option<NaiveDate>,
    /// Where the page of differences begins.
    pub(super) after: String,
}

/// A day of the table.
pub(super) struct DayRow {
    pub(super) day: NaiveDate,
    pub(super) vendor: String,
    pub(super) ours: String,
    pub(super) difference: String,
    pub(super) listed: String,
    pub(super) unexplained: String,
    pub(super) messages: String,
    pub(super) tag: (&'static str, &'static str),
    /// What most likely explains the rest, and what to do; empty where nothing is to be said.
    pub(super) hint: String,
}

/// Amounts of a month, in rupees at each day's rate.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) vendor: Money,
    pub(super) ours: Money,
    pub(super) difference: Money,
    pub(super) listed: Money,
    pub(super) unexplained: Money,
}

pub(super) struct FindingRow {
    pub(super) id: FindingId,
    pub(super) day: NaiveDate,
    pub(super) what: &'static str,
    /// Where the message is, if it is ours.
    pub(super) href: String,
    pub(super) subject: String,
    pub(super) amount: String,
    /// What our message is counted at while it has no price; empty where that is nothing.
    pub(super) expected: String,
    pub(super) tag: (&'static str, &'static str),
    pub(super) note: String,
    pub(super) may_be_explained: bool,
    /// Its field in a form.
    pub(super) field: String,
}

pub(super) struct CauseRow {
    pub(super) words: &'static str,
    pub(super) amount: Money,
}

pub(super) struct DifferingRow {
    pub(super) href: String,
    /// The number, masked.
    pub(super) phone: PhoneKey,
    pub(super) estimated: String,
    pub(super) actual: String,
    pub(super) segments: String,
    pub(super) dollar: String,
}

pub(super) struct MonthView {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) read_at: Option<dakiya_core::time::Timestamp>,
    pub(super) first_day: Option<NaiveDate>,
    pub(super) days: Vec<DayRow>,
    pub(super) sums: Sums,
    pub(super) findings: Vec<FindingRow>,
    /// Where this page of differences begins; empty for the first one.
    pub(super) begins: String,
    /// Where more differences are.
    pub(super) next: Option<String>,
    /// Rents that are booked and in none of Twilio's records, and their sum.
    pub(super) rents: Vec<UnchargedRent>,
    pub(super) rents_sum: Money,
    pub(super) causes: Vec<CauseRow>,
    pub(super) estimated: Money,
    pub(super) actual: Money,
    pub(super) outstanding: Money,
    /// The day whose messages are listed.
    pub(super) day: Option<NaiveDate>,
    pub(super) differing: Vec<DifferingRow>,
    /// More cost something else than expected than are shown.
    pub(super) more_differing: bool,
}

impl MonthView {
    pub(super) async fn of(app: &AppState, month: Month, asked: Asked) -> PageResult<Self> {
        let Asked { day, after } = asked;
        let store = &app.store;
        let own = usage::first_message_day(store).await?;
        let (first, last) = (month.first_day(), month.last_day());
        let (mut days, mut sums, mut units) = (Vec::new(), Sums::default(), HashMap::new());
        for of_month in month_days(app, month).await? {
            days.push(match &of_month {
                MonthDay::Compared(compared) => {
                    units.insert(compared.day, compared.unit.clone());
                    compared_row(compared, &mut sums)
                }
                MonthDay::Read(read) => unread_row(read, &mut sums),
            });
        }
        let shown = day.map_or((first, last), |day| (day, day));
        let cursor = Some(after.clone()).filter(|after| !after.is_empty()).map(Cursor::new);
        let found = reconciliation::findings_page(store, shown, cursor.as_ref(), SHOWN).await?;
        let key = month.to_string();
        let next = found.next.map(|next| {
            let (day, next) = (day.map(|day| day.to_string()).unwrap_or_default(), next.to_string());
            let href = [("month", key.as_str()), ("day", &day), ("cursor", &next)];
            pages::href("/budgets/reconciliation", &href) + "#c-found"
        });
        let report = MonthReport::of(app, month).await?;
        let mut differing = match day {
            Some(day) => reconciliation::differing(store, day, SHOWN + 1).await?,
            None => Vec::new(),
        };
        let more_differing = differing.len() as u64 > SHOWN;
        differing.truncate(usize::try_from(SHOWN).unwrap_or(usize::MAX));
        let rents = costs::uncharged_rents(store, month).await?;
        let previous = first.pred_opt().map(Month::of).unwrap_or(month);
        Ok(Self {
            key,
            name: month_words(month),
            before: previous.to_string(),
            after: month.plus(1).to_string(),
            read_at: usage::state(store).await?.read_at,
            first_day: own,
            days,
            sums,
            findings: found.items.into_iter().map(|finding| FindingRow::of(finding, &units)).collect(),
            begins: after,
            next,
            rents_sum: rents.iter().map(|rent| rent.cost).sum(),
            rents,
            causes: report
                .causes
                .iter()
                .map(|(cause, amount)| CauseRow { words: cause_words(cause), amount: amount.shown })
                .collect(),
            estimated: report.estimated.shown,
            actual: report.charged.shown,
            outstanding: report.outstanding.shown,
            day,
            differing: differing.iter().map(DifferingRow::of).collect(),
            more_differing,
        })
    }
}

/// `US$0.0083`, `−US$0.5`, `₹12.50`: exact.
pub(super) fn exact(amount: Decimal, unit: &str) -> String {
    let sign = if amount.is_sign_negative() && !amount.is_zero() { "−" } else { "" };
    let symbol = match unit {
        "USD" => "US$",
        "INR" => "₹",
        other => other,
    };
    format!("{sign}{symbol}{}", amount.abs().normalize())
}

fn in_rupees(amount: Decimal, unit: &str, fx: FxRate) -> Money {
    let currency = Currency::parse(unit).unwrap_or(Currency::Usd);
    Price { amount, currency }.in_rupees(fx)
}

fn compared_row(day: &ReconciledDay, sums: &mut Sums) -> DayRow {
    let balance = day.balance;
    let rupees = |amount| in_rupees(amount, &day.unit, day.fx);
    sums.vendor += rupees(balance.vendor);
    sums.ours += rupees(balance.ours);
    sums.difference += rupees(balance.difference());
    sums.listed += rupees(balance.found);
    sums.unexplained += rupees(balance.unexplained());
    let tag = match (balance.difference().is_zero(), balance.unexplained().is_zero(), day.complete) {
        (_, false, true) => ("bad", "Not explained"),
        (_, false, false) => ("bad", "Too many to look through"),
        (true, true, _) if day.unpriced > 0 => ("info", "Prices to come"),
        (true, true, _) if day.open > 0 => ("warn", "Differences cancel out"),
        // Wrong prices may add up to the right sum.
        (true, true, _) if day.listed_at.is_none() => ("info", "Agrees in sum"),
        (true, true, _) => ("ok", "Agrees"),
        (false, true, _) => ("warn", "Listed"),
    };
    DayRow {
        day: day.day,
        vendor: exact(balance.vendor, &day.unit),
        ours: exact(balance.ours, &day.unit),
        difference: exact(balance.difference(), &day.unit),
        listed: exact(balance.found, &day.unit),
        unexplained: exact(balance.unexplained(), &day.unit),
        messages: format!("{} / {}", grouped(day.our_messages.into()), grouped(day.vendor_messages.into())),
        tag,
        hint: match (balance.unexplained().is_zero(), u64::try_from(day.unpriced)) {
            (false, Ok(unpriced @ 1..)) => format!(
                "Likely {} without a price here. Read Twilio’s records again.",
                counted(unpriced, "message", "messages")
            ),
            _ => String::new(),
        },
    }
}

/// A day that was read and not compared: it is before our log, or not over.
fn unread_row(read: &ReadDay, sums: &mut Sums) -> DayRow {
    if read.is_past {
        // Twilio's totals are what we booked.
        sums.vendor += in_rupees(read.charged, &read.unit, read.fx);
        sums.ours += in_rupees(read.charged, &read.unit, read.fx);
    }
    let dash = || "–".to_owned();
    let of_past = |amount| if read.is_past { exact(amount, &read.unit) } else { dash() };
    DayRow {
        day: read.day,
        vendor: exact(read.charged, &read.unit),
        ours: of_past(read.charged),
        difference: of_past(Decimal::ZERO),
        listed: dash(),
        unexplained: dash(),
        messages: format!("– / {}", grouped(read.messages.into())),
        tag: if read.is_past { ("plain", "From Twilio’s records") } else { ("info", "Not compared yet") },
        hint: String::new(),
    }
}

/// What was found, in words.
pub(super) fn kind_words(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::LatePrice => "Price came late",
        FindingKind::Repriced => "Price changed",
        FindingKind::FailedCharged => "Failed, and charged",
        FindingKind::NotCharged => "Failed, not charged",
        FindingKind::Unknown => "Unknown, found at Twilio",
        FindingKind::Unpriced => "No price yet",
        FindingKind::NotOurs => "Not ours",
        FindingKind::Missing => "Twilio does not know it",
        FindingKind::OtherDay => "On another day at Twilio",
        FindingKind::Rent => "Number rents",
        FindingKind::Other => "Other charges",
    }
}

impl FindingRow {
    fn of(finding: Finding, units: &HashMap<NaiveDate, String>) -> Self {
        let unit = units.get(&finding.day).map_or("USD", String::as_str);
        let what = kind_words(finding.kind);
        let tag = match finding.state {
            FindingState::Open => ("warn", "Open"),
            FindingState::Explained => ("info", "Explained"),
            FindingState::Settled if finding.is_gone() => ("plain", "No longer differs"),
            FindingState::Settled => ("ok", "In our books"),
        };
        let note = match &finding.decided_by {
            Some(by) if !finding.note.is_empty() => format!("{} ({by})", finding.note),
            Some(by) => by.clone(),
            None => finding.note.clone(),
        };
        Self {
            id: finding.id,
            day: finding.day,
            what,
            href: finding.message.map(|id| format!("/messages/{id}")).unwrap_or_default(),
            subject: finding.subject,
            amount: exact(finding.amount, unit),
            expected: finding.expected.map(|cost| format!("₹{}", cost.to_plain())).unwrap_or_default(),
            field: format!("note-{}", finding.id),
            tag,
            note,
            may_be_explained: finding.state != FindingState::Settled
                && !matches!(finding.kind, FindingKind::Rent | FindingKind::Other),
        }
    }
}

impl DifferingRow {
    fn of(message: &Differing) -> Self {
        let rate =
            |fx: Option<FxRate>| fx.map_or("–".to_owned(), |fx| format!("₹{}", fx.inr_per_usd.normalize()));
        let theirs = message.twilio_segments.map_or("–".to_owned(), |count| count.to_string());
        Self {
            href: format!("/messages/{}", message.id),
            phone: message.phone.clone(),
            estimated: format!("₹{}", message.estimated.to_plain()),
            actual: format!("₹{}", message.actual.to_plain()),
            segments: format!("{} / {theirs}", message.segments),
            dollar: format!("{} / {}", rate(message.fx.0), rate(message.fx.1)),
        }
    }
}
