//! A payment before and after: what is put together in memory, then written at once.

use super::{PaymentFields, clean_tags};
use crate::PhoneKey;
use crate::column::Stored;
use crate::entities::payments::Model;
use dakiya_core::ids::PaymentId;
use dakiya_core::payment::{Balance, PaymentEvent, PaymentReference, Terms, merged};
use dakiya_core::time::Timestamp;
use std::collections::BTreeSet;

/// One payment that is about to be written.
pub(super) struct Change {
    /// As it is stored; `None`: it is new.
    pub(super) before: Option<Model>,
    /// As it will be.
    pub(super) after: Model,
    /// All its tags; `None` leaves them.
    pub(super) tags: Option<BTreeSet<String>>,
}

impl Change {
    /// A known payment as somebody now says it is.
    pub(super) fn of_known(before: Model, fields: &PaymentFields, now: Timestamp) -> Self {
        let mut after = before.clone();
        let given = Terms { amount: fields.amount, due_on: fields.due_on };
        let (balance, due_on) = merged(before.balance(), before.due_on, given);
        after.due_on = due_on;
        // A link that is given again is the one that expired; another one works.
        let new_link = matches!(&fields.pay_url, Some(given) if *given != before.pay_url);
        if new_link {
            after.link_expired_at = None;
        }
        take_details(&mut after, fields);
        let change = Self { before: Some(before), after, tags: tags_of(fields) };
        change.with_balance(balance, now)
    }

    /// A new payment, after what a provider told of it before it came.
    pub(super) fn of_new(
        id: PaymentId,
        reference: PaymentReference,
        fields: &PaymentFields,
        early: &[(PaymentEvent, Timestamp)],
        now: Timestamp,
    ) -> Self {
        let balance =
            early.iter().fold(Balance::open(fields.amount), |balance, (event, _)| balance.after(*event));
        let expired = early.iter().rfind(|(event, _)| *event == PaymentEvent::LinkExpired);
        let mut after = Model {
            id: Stored(id),
            reference: Stored(reference),
            phone: Stored(PhoneKey::Number(fields.phone)),
            name: None,
            name_key: None,
            language: None,
            amount: Stored(fields.amount),
            paid: Stored(balance.paid),
            due_on: fields.due_on,
            pay_url: None,
            link_expired_at: expired.map(|(_, at)| *at),
            variables: Stored(Default::default()),
            status: Stored(balance.status()),
            settled_at: None,
            revision: 1,
            created_at: now,
            updated_at: now,
        };
        if !balance.status().is_owed() {
            after.settled_at = early.last().map(|(_, at)| *at);
        }
        take_details(&mut after, fields);
        Self { before: None, after, tags: tags_of(fields) }
    }

    /// A known payment to which something happened.
    pub(super) fn of_event(before: Model, event: PaymentEvent, now: Timestamp) -> Self {
        let balance = before.balance().after(event);
        let mut after = before.clone();
        if event == PaymentEvent::LinkExpired {
            after.link_expired_at = after.link_expired_at.or(Some(now));
        }
        Self { before: Some(before), after, tags: None }.with_balance(balance, now)
    }

    /// Something else happened to it as well.
    pub(super) fn happened(&mut self, event: PaymentEvent, now: Timestamp) {
        self.set_balance(self.after.balance().after(event), now);
    }

    /// With another balance, and what follows from it.
    pub(super) fn with_balance(mut self, balance: Balance, now: Timestamp) -> Self {
        self.set_balance(balance, now);
        self
    }

    fn set_balance(&mut self, balance: Balance, now: Timestamp) {
        let status = balance.status();
        let after = &mut self.after;
        (after.amount, after.paid) = (Stored(balance.amount), Stored(balance.paid));
        if status != after.status.0 {
            after.settled_at = (!status.is_owed()).then_some(now);
        }
        after.status = Stored(status);
        if self.before.as_ref() != Some(&*after) {
            after.revision += 1;
            after.updated_at = now;
        }
    }

    /// Whether the row changes. Importing a list twice changes none.
    pub(super) fn moves(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }

    /// Why reminders that wait for it must not go out any more, if so: nothing is owed, or it is due on another day.
    pub(super) fn ends_reminders(&self) -> Option<&'static str> {
        let before = self.before.as_ref()?;
        let after = &self.after;
        if before.status.0.is_owed() && !after.status.0.is_owed() {
            return Some(after.status.0.as_str());
        }
        (before.due_on != after.due_on).then_some("payment changed")
    }

    /// Whether reminders that wait for it have to go to another number.
    pub(super) fn renumbers(&self) -> bool {
        let renumbered = self.before.as_ref().is_some_and(|before| before.phone != self.after.phone);
        renumbered && self.after.status.0.is_owed() && self.ends_reminders().is_none()
    }
}

fn take_details(after: &mut Model, fields: &PaymentFields) {
    after.phone = Stored(PhoneKey::Number(fields.phone));
    if let Some(pay_url) = &fields.pay_url {
        after.pay_url.clone_from(pay_url);
    }
    if let Some(name) = &fields.name {
        after.name.clone_from(name);
        after.name_key = name.as_deref().map(str::to_lowercase);
    }
    if let Some(language) = &fields.language {
        after.language.clone_from(language);
    }
    if let Some(variables) = &fields.variables {
        after.variables = Stored(variables.clone());
    }
}

fn tags_of(fields: &PaymentFields) -> Option<BTreeSet<String>> {
    fields.tags.as_deref().map(clean_tags)
}
