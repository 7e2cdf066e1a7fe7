//! What happens to payments: money comes, somebody cancels, a pay link expires.

use super::change::Change;
use super::events::{self, NewEvent};
use super::write::{locked, write};
use super::{Payment, get_in};
use crate::audit::{self, Actor};
use crate::{Store, StoreError, sending};
use dakiya_core::money::Money;
use dakiya_core::payment::{PaymentEvent, PaymentReference, is_another_link};
use dakiya_core::time::{Timestamp, to_micros};

/// What happened, as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reported {
    /// This.
    Event(PaymentEvent),
    /// A pay link brought so much in all, earlier part payments included. Counted once however often it is told.
    LinkTotal {
        /// The provider's id of the link.
        link: String,
        /// All that it brought.
        total: Money,
    },
}

/// Who tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reporter {
    /// A person or a program of ours. They hear when it does not fit.
    Ours(&'static str),
    /// A payment provider, under the name its webhook is called by. It tells late, twice, in any order and of payments
    /// that are not stored yet; all of it is kept, and money always counts.
    Provider(String),
}

/// Something about a payment, to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentReport {
    /// Which payment.
    pub reference: PaymentReference,
    /// What happened.
    pub what: Reported,
    /// Who tells it.
    pub by: Reporter,
    /// What makes it the same report when it is told twice.
    pub external_id: Option<String>,
    /// The link it is about; one that the payment no longer has cannot expire for it.
    pub pay_url: Option<String>,
}

/// What came of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The payment is another one now.
    Changed(Payment),
    /// It was recorded, and the payment stays as it was.
    Unchanged(Payment),
    /// It was told before; nothing was recorded.
    Repeated,
    /// There is no such payment yet. The report counts when it is stored.
    Early,
}

impl Reporter {
    fn name(&self) -> &str {
        match self {
            Reporter::Ours(name) => name,
            Reporter::Provider(name) => name,
        }
    }
}

/// Records what happened. Once a payment is paid or canceled its waiting reminders are canceled, in the same transaction.
///
/// Messages already being posted are fenced by the caller (`Commands::record_payment` does).
pub async fn record(
    store: &Store,
    report: &PaymentReport,
    actor: &Actor,
    now: Timestamp,
) -> Result<Recorded, StoreError> {
    let now = to_micros(now);
    let tx = store.write().await?;
    sending::after_takes(&*tx).await?;
    let (reference, source) = (&report.reference, report.by.name());
    let known = locked(&*tx, [reference.clone()]).await?.remove(reference);
    if let Some(external_id) = &report.external_id
        && events::is_known(&*tx, reference, source, external_id).await?
    {
        let stored = get_in(&*tx, reference).await?;
        let ours = matches!(report.by, Reporter::Ours(_));
        return Ok(stored.filter(|_| ours).map_or(Recorded::Repeated, Recorded::Unchanged));
    }
    if let Reporter::Ours(_) = report.by {
        let Some(row) = &known else { return Err(StoreError::not_found("payment", reference)) };
        if let Reported::Event(event) = &report.what {
            row.balance().allows(*event).map_err(|fault| StoreError::Conflict(fault.to_string()))?;
        }
    }
    let (event, link) = match &report.what {
        // What exactly came is what the history should say.
        Reported::Event(PaymentEvent::Received(None)) => {
            (PaymentEvent::Received(known.as_ref().map(|row| row.balance().left_to_pay())), None)
        }
        Reported::Event(event) => (*event, None),
        Reported::LinkTotal { link, total } => {
            let earlier = events::brought_by(&*tx, reference, link).await?;
            let more = if *total > earlier { *total - earlier } else { Money::ZERO };
            (PaymentEvent::Received(Some(more)), Some(link.as_str()))
        }
    };
    let change = known.map(|row| {
        let links = row.pay_url.as_deref().zip(report.pay_url.as_deref());
        let replaced =
            event == PaymentEvent::LinkExpired && links.is_some_and(|(now, told)| is_another_link(now, told));
        if replaced {
            let balance = row.balance();
            Change { after: row.clone(), before: Some(row), tags: None }.with_balance(balance, now)
        } else {
            Change::of_event(row, event, now)
        }
    });
    let changed = change.as_ref().is_some_and(Change::moves);
    if change.is_none() || changed || matches!(report.by, Reporter::Provider(_)) {
        let external_id = report.external_id.as_deref();
        let new = NewEvent { reference, event, source, external_id, link, takes_back: None };
        events::append(store, &*tx, &new, actor, now).await?;
    }
    let Some(change) = change else {
        tx.commit().await?;
        return Ok(Recorded::Early);
    };
    let status = change.after.status.0;
    write(store, &*tx, vec![change], now).await?;
    if changed {
        audit::record(
            store,
            &*tx,
            actor,
            now,
            action(event),
            reference.as_str(),
            format!("{source}, now {status}"),
        )
        .await?;
    }
    let missing = || StoreError::not_found("payment", reference);
    let stored = get_in(&*tx, reference).await?.ok_or_else(missing)?;
    tx.commit().await?;
    Ok(if changed { Recorded::Changed(stored) } else { Recorded::Unchanged(stored) })
}

fn action(event: PaymentEvent) -> &'static str {
    match event {
        PaymentEvent::Received(_) => "payment.received",
        PaymentEvent::Canceled => "payment.canceled",
        PaymentEvent::LinkExpired => "payment.link_expired",
        PaymentEvent::TakenBack(_) => "payment.taken_back",
    }
}
