//! Asking what was found.

use crate::column::Stored;
use crate::costs::UnchargedRent;
use crate::sql::{Row, Sql};
use crate::{Cursor, Page, Store, StoreError, costs};
use chrono::NaiveDate;
use dakiya_core::ids::{FindingId, MessageId};
use dakiya_core::money::{FxRate, Money};
use dakiya_core::reconciliation::{Balance, FindingKind, FindingState};
use dakiya_core::time::{Month, Timestamp};
use rust_decimal::Decimal;
use sea_orm::{ConnectionTrait, QueryResult};

/// A day that was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconciledDay {
    /// The day, in UTC.
    pub day: NaiveDate,
    /// When it was compared last.
    pub at: Timestamp,
    /// The vendor's currency.
    pub unit: String,
    /// What it is converted with for display.
    pub fx: FxRate,
    /// What it is made of.
    pub balance: Balance,
    /// How many messages the vendor charged.
    pub vendor_messages: i64,
    /// How many of ours it has.
    pub our_messages: i64,
    /// Ours without a price.
    pub unpriced: i64,
    /// Whether the vendor's messages were looked through one by one.
    pub listed: bool,
    /// Whether all of them were.
    pub complete: bool,
    /// When its messages were looked through one by one the last time, if they ever were.
    pub listed_at: Option<Timestamp>,
    /// Findings that nobody has explained.
    pub open: i64,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its id.
    pub id: FindingId,
    /// Of which day, in UTC.
    pub day: NaiveDate,
    /// What it is.
    pub kind: FindingKind,
    /// Twilio's id of the message, or the category.
    pub subject: String,
    /// Our message.
    pub message: Option<MessageId>,
    /// What our message is counted at, in rupees, while it has no price.
    pub expected: Option<Money>,
    /// What the vendor charged beyond our books.
    pub amount: Decimal,
    /// What became of it.
    pub state: FindingState,
    /// What was said about it.
    pub note: String,
    /// Who said so.
    pub decided_by: Option<String>,
}

impl Finding {
    /// Whether it was settled because a later comparison did not find it any more.
    pub fn is_gone(&self) -> bool {
        self.state == FindingState::Settled && self.decided_by.as_deref() == Some(LATER)
    }
}

/// The days of a month that were compared, the first one first.
pub async fn days(store: &Store, month: Month) -> Result<Vec<ReconciledDay>, StoreError> {
    let rows = Sql::new(
        "SELECT d.*, (SELECT COUNT(*) FROM reconciliation_findings f WHERE f.day = d.day AND f.state = ",
    )
    .bind(Stored(FindingState::Open))
    .text(") AS open FROM reconciled_days d WHERE day >= ")
    .bind(month.first_day())
    .text(" AND day <= ")
    .bind(month.last_day())
    .text(" ORDER BY day")
    .all(store.read())
    .await?;
    rows.iter().map(day).collect()
}

/// The newest day that was compared.
pub async fn newest_day(store: &Store) -> Result<Option<NaiveDate>, StoreError> {
    let row = Sql::new("SELECT day FROM reconciled_days ORDER BY day DESC LIMIT 1").one(store.read()).await?;
    Ok(row.map(|row| row.try_get("", "day")).transpose()?)
}

/// Who settles what is not found again.
pub(super) const LATER: &str = "a later comparison";

/// What is known of a day's messages one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookedThrough {
    /// When they were looked through the last time.
    pub at: Option<Timestamp>,
    /// Whether something of what was found then still counts, rents and other charges aside.
    pub differs: bool,
}

/// What is known of a day's messages one by one.
pub async fn looked_through(store: &Store, day: NaiveDate) -> Result<LookedThrough, StoreError> {
    let row = Sql::new("SELECT listed_at FROM reconciled_days WHERE day = ").bind(day);
    let at = row.one(store.read()).await?.map(|row| row.try_get("", "listed_at")).transpose()?.flatten();
    let row = Sql::new("SELECT id FROM reconciliation_findings WHERE day = ")
        .bind(day)
        .text(" AND state <> ")
        .bind(Stored(FindingState::Settled))
        .text(" AND kind NOT IN ")
        .list([FindingKind::Rent, FindingKind::Other].map(Stored))
        .text(" LIMIT 1");
    Ok(LookedThrough { at, differs: row.one(store.read()).await?.is_some() })
}

/// What was found between two days, both included: what is open first, then what is explained, then what is settled.
pub async fn findings_page(
    store: &Store,
    (first, last): (NaiveDate, NaiveDate),
    after: Option<&Cursor>,
    limit: u64,
) -> Result<Page<Finding>, StoreError> {
    let after = after.map(place).transpose()?;
    let mut found = Vec::new();
    for state in [FindingState::Open, FindingState::Explained, FindingState::Settled] {
        let left = (limit + 1).saturating_sub(found.len() as u64);
        if left == 0 || after.as_ref().is_some_and(|after| rank(state) < rank(after.state)) {
            continue;
        }
        let mut query = Sql::new(SELECT)
            .text(" WHERE f.state = ")
            .bind(Stored(state))
            .text(" AND f.day >= ")
            .bind(first)
            .text(" AND f.day <= ")
            .bind(last);
        if let Some(after) = after.as_ref().filter(|after| after.state == state) {
            query = query
                .text(" AND (f.day, f.kind, f.subject) > (")
                .bind(after.day)
                .text(", ")
                .bind(Stored(after.kind))
                .text(", ")
                .bind(after.subject.clone())
                .text(")");
        }
        let rows =
            query.text(" ORDER BY f.day, f.kind, f.subject LIMIT ").bind(left).all(store.read()).await?;
        for row in &rows {
            found.push(finding(row)?);
        }
    }
    Ok(Page::cut(found, limit, |finding: &Finding| {
        let (state, day, kind) = (finding.state.as_str(), finding.day.to_string(), finding.kind.as_str());
        Cursor::of([state, &day, kind, &finding.subject])
    }))
}

/// The first page of what was found.
pub async fn findings(
    store: &Store,
    days: (NaiveDate, NaiveDate),
    limit: u64,
) -> Result<Vec<Finding>, StoreError> {
    Ok(findings_page(store, days, None, limit).await?.items)
}

/// Where a page of findings ended.
struct Place {
    state: FindingState,
    day: NaiveDate,
    kind: FindingKind,
    subject: String,
}

fn place(cursor: &Cursor) -> Result<Place, StoreError> {
    let [state, day, kind, subject] = cursor.parts::<4>()?;
    let fault = || StoreError::Cursor(cursor.to_string());
    Ok(Place {
        state: FindingState::parse(&state).map_err(|_| fault())?,
        day: day.parse().map_err(|_| fault())?,
        kind: FindingKind::parse(&kind).map_err(|_| fault())?,
        subject,
    })
}

fn rank(state: FindingState) -> u8 {
    match state {
        FindingState::Open => 0,
        FindingState::Explained => 1,
        FindingState::Settled => 2,
    }
}

/// A finding, and what our message is counted at while it has no price.
const SELECT: &str = "SELECT f.*, CASE WHEN m.actual_cost IS NULL THEN m.estimated_cost END AS expected \
    FROM reconciliation_findings f LEFT JOIN messages m ON m.id = f.message_id";

/// What would become a correction if a month were closed as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsettled {
    /// Findings that nobody has explained.
    pub open: u64,
    /// Messages of ours without a price.
    pub unpriced: u64,
    /// Rents that are booked and in no record of the vendor's.
    pub rents: Vec<UnchargedRent>,
}

/// What of a month is neither explained nor settled.
pub async fn unsettled(store: &Store, month: Month) -> Result<Unsettled, StoreError> {
    let days = days(store, month).await?;
    let open: i64 = days.iter().map(|day| day.open).sum();
    let lines = costs::month(store, month).await?;
    let unpriced: i64 = lines
        .iter()
        .filter(|line| !line.costs.outstanding.is_zero())
        .map(|line| line.costs.messages - line.costs.priced)
        .sum();
    let rents = costs::uncharged_rents(store, month).await?;
    Ok(Unsettled { open: open.unsigned_abs(), unpriced: unpriced.unsigned_abs(), rents })
}

/// One finding.
pub async fn get(store: &Store, id: FindingId) -> Result<Option<Finding>, StoreError> {
    let row = Sql::new(SELECT).text(" WHERE f.id = ").bind(Stored(id));
    row.one(store.read()).await?.as_ref().map(finding).transpose()
}

/// Everything that was found of a day.
pub(super) async fn load<C: ConnectionTrait>(tx: &C, day: NaiveDate) -> Result<Vec<Finding>, StoreError> {
    let rows = Sql::new(SELECT).text(" WHERE f.day = ").bind(day).all(tx).await?;
    rows.iter().map(finding).collect()
}

fn decimal(row: &QueryResult, column: &str) -> Result<Decimal, StoreError> {
    let text: String = row.try_get("", column)?;
    Decimal::from_str_exact(&text)
        .map_err(|_| StoreError::Inconsistent(format!("{text} where an amount was expected")))
}

fn finding(row: &QueryResult) -> Result<Finding, StoreError> {
    Ok(Finding {
        id: row.read("id")?,
        day: row.try_get("", "day")?,
        kind: row.read("kind")?,
        subject: row.try_get("", "subject")?,
        message: row.maybe("message_id")?,
        expected: row.maybe("expected")?,
        amount: decimal(row, "amount")?,
        state: row.read("state")?,
        note: row.try_get("", "note")?,
        decided_by: row.try_get("", "decided_by")?,
    })
}

fn day(row: &QueryResult) -> Result<ReconciledDay, StoreError> {
    Ok(ReconciledDay {
        day: row.try_get("", "day")?,
        at: row.try_get("", "at")?,
        unit: row.try_get("", "unit")?,
        fx: row.read("fx_rate")?,
        balance: Balance {
            vendor: decimal(row, "vendor")?,
            ours: decimal(row, "ours")?,
            found: decimal(row, "found")?,
        },
        vendor_messages: row.try_get("", "vendor_messages")?,
        our_messages: row.try_get("", "our_messages")?,
        unpriced: row.try_get("", "unpriced")?,
        listed: row.try_get("", "listed")?,
        complete: row.try_get("", "complete")?,
        listed_at: row.try_get("", "listed_at")?,
        open: row.try_get("", "open")?,
    })
}
