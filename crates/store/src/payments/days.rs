//! Sums per due date and status, in paise, kept in the transaction of every change; and what they add up to.

use crate::column::Stored;
use crate::entities::payments::Model;
use crate::messages::tally::micros;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::money::Money;
use dakiya_core::payment::{AgeBucket, PaymentStatus};
use sea_orm::ConnectionTrait;
use std::collections::BTreeMap;

/// Payments added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub payments: u64,
    /// What is or was asked for.
    pub amount: Money,
    /// What came.
    pub paid: Money,
}

impl Sum {
    /// What is still to come, of payments that are owed.
    pub fn left(&self) -> Money {
        self.amount - self.paid
    }

    fn add(&mut self, other: Sum) {
        self.payments += other.payments;
        self.amount += other.amount;
        self.paid += other.paid;
    }
}

/// All payments added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// By where they stand.
    pub by_status: BTreeMap<PaymentStatus, Sum>,
    /// What is owed, by how long it has been owed.
    pub by_age: BTreeMap<AgeBucket, Sum>,
}

impl Totals {
    /// Payments of a status.
    pub fn of(&self, status: PaymentStatus) -> Sum {
        self.by_status.get(&status).copied().unwrap_or_default()
    }

    /// What has been owed for so long.
    pub fn aged(&self, bucket: AgeBucket) -> Sum {
        self.by_age.get(&bucket).copied().unwrap_or_default()
    }

    /// What is owed in all.
    pub fn owed(&self) -> Sum {
        let mut sum = self.of(PaymentStatus::Open);
        sum.add(self.of(PaymentStatus::PartlyPaid));
        sum
    }

    /// What is owed and late.
    pub fn overdue(&self) -> Sum {
        let mut late = Sum::default();
        for (bucket, sum) in &self.by_age {
            if *bucket != AgeBucket::NotDue {
                late.add(*sum);
            }
        }
        late
    }
}

/// All payments added up, as of a day. Reads one row per due date and status, however many payments there are.
pub async fn totals(store: &Store, today: NaiveDate) -> Result<Totals, StoreError> {
    let query =
        "SELECT due_on, status, payments, amount_paise, paid_paise FROM payment_days WHERE payments > 0";
    let mut totals = Totals::default();
    for row in Sql::new(query).all(store.read()).await? {
        let payments: i64 = row.try_get("", "payments")?;
        let money = |column| Ok::<_, StoreError>(Money::from_paise(row.try_get("", column)?));
        let sum = Sum {
            payments: payments.unsigned_abs(),
            amount: money("amount_paise")?,
            paid: money("paid_paise")?,
        };
        let status: PaymentStatus = row.read("status")?;
        totals.by_status.entry(status).or_default().add(sum);
        if status.is_owed() {
            totals.by_age.entry(AgeBucket::of(row.try_get("", "due_on")?, today)).or_default().add(sum);
        }
    }
    Ok(totals)
}

/// Differences in paise, collected while a batch is worked on and written once at its end. Ordered, so that two transactions never
/// wait for each other in a circle.
#[derive(Default)]
pub(super) struct DayTally(BTreeMap<(NaiveDate, Stored<PaymentStatus>), (i64, i64, i64)>);

impl DayTally {
    /// A payment was this, if it was anything, and is that.
    pub(super) fn moved(&mut self, before: Option<&Model>, after: &Model) -> Result<(), StoreError> {
        if let Some(before) = before {
            self.add(before, -1)?;
        }
        self.add(after, 1)
    }

    fn add(&mut self, row: &Model, sign: i64) -> Result<(), StoreError> {
        let (amount, paid) = (paise(row.amount.0)?, paise(row.paid.0)?);
        let sums = self.0.entry((row.due_on, row.status)).or_default();
        sums.0 += sign;
        sums.1 += sign * amount;
        sums.2 += sign * paid;
        Ok(())
    }

    pub(super) async fn write<C: ConnectionTrait>(self, tx: &C) -> Result<(), StoreError> {
        let sums: Vec<_> = self.0.into_iter().filter(|(_, sums)| *sums != (0, 0, 0)).collect();
        for batch in sums.chunks(super::write::BATCH) {
            Sql::new("INSERT INTO payment_days (due_on, status, payments, amount_paise, paid_paise) VALUES ")
                .rows(batch.iter().map(|((due_on, status), (payments, amount, paid))| {
                    [(*due_on).into(), (*status).into(), (*payments).into(), (*amount).into(), (*paid).into()]
                }))
                .text(
                    " ON CONFLICT (due_on, status) DO UPDATE SET payments = payment_days.payments + excluded.payments, \
                     amount_paise = payment_days.amount_paise + excluded.amount_paise, \
                     paid_paise = payment_days.paid_paise + excluded.paid_paise",
                )
                .execute(tx)
                .await?;
        }
        Ok(())
    }
}

/// In paise, of what the payment's own row can keep.
fn paise(money: Money) -> Result<i64, StoreError> {
    micros(money)?;
    money.to_paise().ok_or_else(|| StoreError::Inconsistent(format!("{money} is larger than sums can be")))
}
