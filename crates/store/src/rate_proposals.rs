//! Prices that were read from a vendor and wait for somebody's click.

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::sql::{Row, Sql, for_update};
use crate::{Store, StoreError, rate_cards};
use chrono::NaiveDate;
use dakiya_core::ids::RateProposalId;
use dakiya_core::rate_card::Proposal;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{QueryResult, Value};

/// More than anybody leaves undecided.
const MOST_LISTED: i64 = 100;

/// A proposal that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenProposal {
    /// Its id.
    pub id: RateProposalId,
    /// What it would change.
    pub proposal: Proposal,
    /// Where the prices were read.
    pub source: String,
    /// When.
    pub fetched_at: Timestamp,
}

/// Keeps a proposal until somebody decides. An older one for the same card that nobody decided about gives way.
pub async fn propose(
    store: &Store,
    proposal: &Proposal,
    source: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<RateProposalId, StoreError> {
    let tx = store.write().await?;
    let id = store.new_id::<RateProposalId>(now);
    Sql::new("UPDATE rate_proposals SET applied = FALSE, decided_by = 'a newer reading', decided_at = ")
        .bind(to_micros(now))
        .text(" WHERE decided_at IS NULL AND card_key = ")
        .bind(proposal.card.clone())
        .execute(&*tx)
        .await?;
    let row: [Value; 5] = [
        Stored(id).into(),
        proposal.card.clone().into(),
        Stored(proposal.clone()).into(),
        source.into(),
        to_micros(now).into(),
    ];
    Sql::new("INSERT INTO rate_proposals (id, card_key, proposal, source, fetched_at) VALUES ")
        .rows([row])
        .execute(&*tx)
        .await?;
    audit::record(store, &*tx, actor, now, "rate_card.prices_read", &proposal.card, source).await?;
    tx.commit().await?;
    Ok(id)
}

/// Proposals nobody has decided about, the oldest first.
pub async fn open(store: &Store) -> Result<Vec<OpenProposal>, StoreError> {
    let rows = Sql::new(
        "SELECT id, proposal, source, fetched_at FROM rate_proposals WHERE decided_at IS NULL ORDER BY id LIMIT ",
    )
    .bind(MOST_LISTED)
    .all(store.read())
    .await?;
    rows.iter().map(read).collect()
}

fn read(row: &QueryResult) -> Result<OpenProposal, StoreError> {
    Ok(OpenProposal {
        id: row.read("id")?,
        proposal: row.read("proposal")?,
        source: row.try_get("", "source")?,
        fetched_at: row.try_get("", "fetched_at")?,
    })
}

/// Takes the proposed rows into their card, from the day `today` at the earliest, or throws them away. A conflict when
/// somebody decided before.
pub async fn decide(
    store: &Store,
    id: RateProposalId,
    apply: bool,
    actor: &Actor,
    now: Timestamp,
    today: NaiveDate,
) -> Result<(), StoreError> {
    let tx = store.write().await?;
    let found = Sql::new(
        "SELECT id, proposal, source, fetched_at FROM rate_proposals WHERE decided_at IS NULL AND id = ",
    )
    .bind(Stored(id))
    .text(for_update(&*tx))
    .one(&*tx)
    .await?;
    let Some(row) = found else {
        return Err(StoreError::Conflict("these prices were decided about before".to_owned()));
    };
    let open = read(&row)?;
    let by = audit::name_of(&*tx, actor).await?;
    Sql::new("UPDATE rate_proposals SET applied = ")
        .bind(apply)
        .text(", decided_at = ")
        .bind(to_micros(now))
        .text(", decided_by = ")
        .bind(by.clone())
        .text(" WHERE id = ")
        .bind(Stored(id))
        .execute(&*tx)
        .await?;
    let key = &open.proposal.card;
    let action = if apply { "rate_card.prices_applied" } else { "rate_card.prices_dismissed" };
    if apply {
        let card =
            rate_cards::get_in(&*tx, key).await?.ok_or_else(|| StoreError::not_found("rate card", key))?;
        let changed = open.proposal.clone().not_before(today).applied_to(&card);
        rate_cards::write(store, &*tx, &changed, &by, now).await?;
    }
    audit::record(store, &*tx, actor, now, action, key, open.source).await?;
    tx.commit().await
}
