//! What the limits of a rule leave room for, before anything is sent: counted as it will be when messages go out.

use crate::context::Context;
use chrono::{NaiveDate, TimeDelta};
use dakiya_core::ids::PaymentId;
use dakiya_core::message::SuppressedReason;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::reminder::{Holidays, PaymentFilter, ReminderLimits, ReminderRule, ReminderRun};
use dakiya_core::settings::Settings;
use dakiya_core::time::{TimeOfDay, Timestamp, day_in, instant_of};
use dakiya_store::reminder_payments::{self, ReminderPayment};
use dakiya_store::{Store, StoreError, reminder_limits};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Reminders are written down when their run comes, and wait no longer than this: on later days nobody had any yet.
const MOST_WAIT: TimeDelta = TimeDelta::days(8);

/// What is known of a page of payments, whichever run reaches them.
#[derive(Default)]
pub(crate) struct Known {
    /// Those who owe several payments of the run. Others need not be remembered from page to page.
    several: HashSet<PhoneNumber>,
    of_payment: HashMap<PaymentId, u32>,
}

/// The room of one run, used up payment by payment in the order in which they are written to.
pub(crate) struct Room {
    limits: ReminderLimits,
    /// The day on which the run goes out.
    day: Range<Timestamp>,
    /// Somebody may have had something on that day.
    near: bool,
    /// Earlier steps of the same payments that are still to come.
    ahead: u32,
    /// Of those who owe several payments of the run: what they had.
    of_several: HashMap<PhoneNumber, u32>,
    to_person: HashMap<PhoneNumber, u32>,
}

impl Known {
    /// What the limits of some rooms ask about a page.
    pub(crate) async fn of<'r>(
        store: &Store,
        rooms: impl Iterator<Item = &'r Room> + Clone + Send,
        due_on: NaiveDate,
        filter: &PaymentFilter,
        page: &[ReminderPayment],
        phones: &[PhoneNumber],
    ) -> Result<Self, StoreError> {
        let mut known = Self::default();
        if rooms.clone().any(|room| room.limits.per_person_a_day.is_some()) {
            known.several = reminder_payments::owing_several(store, due_on, filter, phones).await?;
        }
        if rooms.clone().any(|room| room.limits.per_payment.is_some()) {
            let ids: Vec<PaymentId> = page.iter().map(|payment| payment.id).collect();
            known.of_payment = reminder_limits::of_payments(store, &ids).await?;
        }
        Ok(known)
    }
}

impl Room {
    /// The room of a run before which so many steps of the same payments are still to come; `None`: there is no end of it.
    pub(crate) fn of(
        context: &Context,
        rule: &ReminderRule,
        run: &ReminderRun,
        settings: &Settings,
        holidays: &Holidays,
        ahead: u32,
    ) -> Option<Self> {
        if !rule.limits.counts() {
            return None;
        }
        let zone = context.config.timezone;
        let goes_at = rule.hours(&settings.reminder_window, zone, holidays).opening(run.at);
        let day = day_in(goes_at, zone);
        let midnight = |day| instant_of(day, TimeOfDay::MIDNIGHT, zone);
        let day = midnight(day)..midnight(day.succ_opt().unwrap_or(day));
        Some(Self {
            limits: rule.limits,
            near: day.start < context.clock.now() + MOST_WAIT,
            day,
            ahead,
            of_several: HashMap::new(),
            to_person: HashMap::new(),
        })
    }

    /// Learns what the people of the next page had on the day.
    pub(crate) async fn learn(
        &mut self,
        store: &Store,
        known: &Known,
        phones: &[PhoneNumber],
    ) -> Result<(), StoreError> {
        if self.limits.per_person_a_day.is_none() {
            return Ok(());
        }
        if self.near {
            self.to_person = reminder_limits::to_people(store, phones, self.day.clone()).await?;
        }
        for phone in &known.several {
            let had = self.to_person.get(phone).copied().unwrap_or(0);
            self.of_several.entry(*phone).or_insert(had);
        }
        Ok(())
    }

    /// Takes room for one reminder, or says which limit there is.
    pub(crate) fn take(
        &mut self,
        known: &Known,
        payment: PaymentId,
        phone: PhoneNumber,
    ) -> Option<SuppressedReason> {
        let several = self.of_several.get_mut(&phone);
        let to_person = several.as_deref().or(self.to_person.get(&phone)).copied().unwrap_or(0);
        let of_payment = known.of_payment.get(&payment).copied().unwrap_or(0).saturating_add(self.ahead);
        let exceeded = self.limits.exceeded(to_person, of_payment);
        if let (None, Some(had)) = (exceeded, several) {
            *had += 1;
        }
        exceeded
    }
}
