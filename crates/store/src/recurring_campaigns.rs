//! Campaigns that are sent again and again: what a person approved, when it comes next, and what each time became.

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use dakiya_core::audience::Audience;
use dakiya_core::ids::{CampaignId, RecurringCampaignId, TemplateId};
use dakiya_core::message::Channel;
use dakiya_core::money::Money;
use dakiya_core::sender::SenderAddress;
use dakiya_core::time::{Timestamp, to_micros};
use dakiya_core::worded_enum;
use sea_orm::QueryResult;

worded_enum! {
    /// Where one time of a recurring campaign is.
    RecurringRunState {
        /// Its campaign is being made.
        Begun = "begun",
        /// Its campaign was approved as far as the person's cap goes, and goes out by itself.
        Sent = "sent",
        /// Its campaign waits as a draft for a person: it would cost more than the cap, or cannot be made.
        Held = "held",
    }
}

/// What recurs, and what the person who saved it approved: this text, to whoever fits then, for at most so much a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecurringCampaign {
    /// What people call it.
    pub name: String,
    /// When, as a cron expression.
    pub cron: String,
    /// By whose clock: a zone's name.
    pub zone: String,
    /// The template, and the version that was approved.
    pub template: (TemplateId, i32),
    /// How it travels.
    pub channel: Channel,
    /// From whom.
    pub sender: SenderAddress,
    /// To whom: asked anew each time.
    pub audience: Audience,
    /// A pace slower than the sender's.
    pub segments_per_second: Option<u32>,
    /// Expected cost of one time before tax; one that would cost more waits for a person.
    pub cost_cap: Money,
    /// What was missed is made up for once.
    pub catch_up: bool,
    /// Whether it runs.
    pub enabled: bool,
}

/// As it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecurring {
    /// Its id.
    pub id: RecurringCampaignId,
    /// Its key in addresses.
    pub key: String,
    /// What was approved.
    pub campaign: RecurringCampaign,
    /// When it comes next; `None`: it is off.
    pub next_at: Option<Timestamp>,
    /// Who approved it, as people know them.
    pub approved_by: String,
    /// When.
    pub approved_at: Timestamp,
}

/// One time it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecurringRun {
    /// Of which.
    pub recurring_id: RecurringCampaignId,
    /// When it was due.
    pub at: Timestamp,
    /// The campaign it became.
    pub campaign_id: Option<CampaignId>,
    /// Where it is.
    pub state: RecurringRunState,
    /// Why it is held, as a sentence.
    pub reason: Option<String>,
}

const COLUMNS: &str = "SELECT id, key, name, cron, zone, template_id, template_version, channel, sender, audience, \
     segments_per_second, cost_cap, catch_up, enabled, next_at, approved_by, approved_at FROM recurring_campaigns";

/// Listed, and looked at together.
const MOST: u64 = 500;

/// Stores it as approved by whoever saves it; it comes next at `next_at`.
pub async fn put(
    store: &Store,
    key: &str,
    campaign: &RecurringCampaign,
    next_at: Option<Timestamp>,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let now = to_micros(now);
    let tx = store.write().await?;
    let approved_by = audit::name_of(&*tx, actor).await?;
    Sql::new(
        "INSERT INTO recurring_campaigns (id, key, name, cron, zone, template_id, template_version, channel, sender, \
         audience, segments_per_second, cost_cap, catch_up, enabled, next_at, approved_by, approved_at, created_at, \
         updated_at) VALUES ",
    )
    .rows([[
        Stored(store.new_id::<RecurringCampaignId>(now)).into(),
        key.to_owned().into(),
        campaign.name.clone().into(),
        campaign.cron.clone().into(),
        campaign.zone.clone().into(),
        Stored(campaign.template.0).into(),
        campaign.template.1.into(),
        Stored(campaign.channel).into(),
        Stored(campaign.sender.clone()).into(),
        Stored(campaign.audience.clone()).into(),
        campaign.segments_per_second.map(Stored).into(),
        Stored(campaign.cost_cap).into(),
        campaign.catch_up.into(),
        campaign.enabled.into(),
        next_at.filter(|_| campaign.enabled).map(to_micros).into(),
        approved_by.into(),
        now.into(),
        now.into(),
        now.into(),
    ]])
    .text(
        " ON CONFLICT (key) DO UPDATE SET name = excluded.name, cron = excluded.cron, zone = excluded.zone, \
         template_id = excluded.template_id, template_version = excluded.template_version, channel = excluded.channel, \
         sender = excluded.sender, audience = excluded.audience, segments_per_second = excluded.segments_per_second, \
         cost_cap = excluded.cost_cap, catch_up = excluded.catch_up, enabled = excluded.enabled, \
         next_at = excluded.next_at, approved_by = excluded.approved_by, approved_at = excluded.approved_at, \
         updated_at = excluded.updated_at",
    )
    .execute(&*tx)
    .await?;
    let detail = format!("{} {}, at most {} a time", campaign.cron, campaign.zone, campaign.cost_cap);
    audit::record(store, &*tx, actor, now, "recurring_campaign.approved", key, detail).await?;
    tx.commit().await
}

/// One of them.
pub async fn get(store: &Store, key: &str) -> Result<Option<StoredRecurring>, StoreError> {
    let row = Sql::new(COLUMNS).text(" WHERE key = ").bind(key.to_owned()).one(store.read()).await?;
    row.map(|row| stored(&row)).transpose()
}

/// One of them, by id.
pub async fn by_id(store: &Store, id: RecurringCampaignId) -> Result<Option<StoredRecurring>, StoreError> {
    let row = Sql::new(COLUMNS).text(" WHERE id = ").bind(Stored(id)).one(store.read()).await?;
    row.map(|row| stored(&row)).transpose()
}

/// All of them, by key.
pub async fn list(store: &Store) -> Result<Vec<StoredRecurring>, StoreError> {
    let rows = Sql::new(COLUMNS).text(" ORDER BY key LIMIT ").bind(MOST).all(store.read()).await?;
    rows.iter().map(stored).collect()
}

/// Those whose time has come.
pub async fn due(store: &Store, now: Timestamp) -> Result<Vec<StoredRecurring>, StoreError> {
    let query = Sql::new(COLUMNS).text(" WHERE enabled AND next_at <= ").bind(now);
    let rows = query.text(" ORDER BY next_at LIMIT ").bind(MOST).all(store.read()).await?;
    rows.iter().map(stored).collect()
}

/// Begins the time `at`, or passes over it, and sets when the next comes; `false`: somebody else did.
pub async fn begin(
    store: &Store,
    recurring: &StoredRecurring,
    at: Option<Timestamp>,
    next_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let tx = store.write().await?;
    let moved = Sql::new("UPDATE recurring_campaigns SET next_at = ")
        .bind(next_at.map(to_micros))
        .text(" WHERE id = ")
        .bind(Stored(recurring.id))
        .text(" AND next_at = ")
        .bind(recurring.next_at)
        .execute(&*tx)
        .await?;
    if moved == 0 {
        return Ok(false);
    }
    if let Some(at) = at {
        Sql::new("INSERT INTO recurring_runs (recurring_id, at, state, created_at) VALUES ")
            .rows([[
                Stored(recurring.id).into(),
                to_micros(at).into(),
                Stored(RecurringRunState::Begun).into(),
                to_micros(now).into(),
            ]])
            .text(" ON CONFLICT (recurring_id, at) DO NOTHING")
            .execute(&*tx)
            .await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Times whose campaign is still being made, the earliest first.
pub async fn begun(store: &Store) -> Result<Vec<RecurringRun>, StoreError> {
    let query = Sql::new(RUN_COLUMNS).text(" WHERE state = 'begun' ORDER BY at LIMIT ").bind(MOST);
    query.all(store.read()).await?.iter().map(run).collect()
}

/// The last times one of them came, the latest first.
pub async fn runs(
    store: &Store,
    id: RecurringCampaignId,
    limit: u64,
) -> Result<Vec<RecurringRun>, StoreError> {
    let query = Sql::new(RUN_COLUMNS).text(" WHERE recurring_id = ").bind(Stored(id));
    query.text(" ORDER BY at DESC LIMIT ").bind(limit).all(store.read()).await?.iter().map(run).collect()
}

/// A time that waits for a person, as a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldTime {
    /// What recurs, as people call it.
    pub name: String,
    /// When it was due.
    pub at: Timestamp,
    /// The draft.
    pub campaign_id: CampaignId,
    /// Why, as a sentence.
    pub reason: Option<String>,
}

/// Times whose campaigns still wait as drafts for a person, those of longest ago first.
pub async fn held(store: &Store, limit: u64) -> Result<Vec<HeldTime>, StoreError> {
    let rows = Sql::new(
        "SELECT o.name, r.at, r.campaign_id, r.reason FROM recurring_runs r JOIN recurring_campaigns o ON o.id = r.recurring_id \
         JOIN campaigns c ON c.id = r.campaign_id WHERE r.state = 'held' AND c.state = 'draft' ORDER BY r.at LIMIT ",
    )
    .bind(limit)
    .all(store.read())
    .await?;
    let held = |row: &QueryResult| {
        Ok(HeldTime {
            name: row.try_get("", "name")?,
            at: row.try_get("", "at")?,
            campaign_id: row.read("campaign_id")?,
            reason: row.try_get("", "reason")?,
        })
    };
    rows.iter().map(held).collect()
}

/// Whether one of its times still waits as a draft for a person.
pub async fn waits(store: &Store, id: RecurringCampaignId) -> Result<bool, StoreError> {
    let query = Sql::new(
        "SELECT r.at FROM recurring_runs r JOIN campaigns c ON c.id = r.campaign_id WHERE r.state = 'held' \
         AND c.state = 'draft' AND r.recurring_id = ",
    );
    Ok(query.bind(Stored(id)).text(" LIMIT 1").one(store.read()).await?.is_some())
}

const RUN_COLUMNS: &str = "SELECT recurring_id, at, campaign_id, state, reason FROM recurring_runs";

/// Says which campaign a time became; `false`: it became one already.
pub async fn became(store: &Store, run: &RecurringRun, campaign: CampaignId) -> Result<bool, StoreError> {
    let tx = store.write().await?;
    let query = Sql::new("UPDATE recurring_runs SET campaign_id = ").bind(Stored(campaign));
    let written = of_run(query.text(" WHERE campaign_id IS NULL AND "), run).execute(&*tx).await? > 0;
    tx.commit().await?;
    Ok(written)
}

/// Ends it: sent, or held for a reason.
pub async fn finish(store: &Store, run: &RecurringRun, held: Option<&str>) -> Result<(), StoreError> {
    let state = if held.is_some() { RecurringRunState::Held } else { RecurringRunState::Sent };
    let tx = store.write().await?;
    let query = Sql::new("UPDATE recurring_runs SET state = ")
        .bind(Stored(state))
        .text(", reason = ")
        .bind(held.map(str::to_owned));
    of_run(query.text(" WHERE state = 'begun' AND "), run).execute(&*tx).await?;
    tx.commit().await
}

fn of_run(query: Sql, run: &RecurringRun) -> Sql {
    query.text("recurring_id = ").bind(Stored(run.recurring_id)).text(" AND at = ").bind(run.at)
}

fn run(row: &QueryResult) -> Result<RecurringRun, StoreError> {
    Ok(RecurringRun {
        recurring_id: row.read("recurring_id")?,
        at: row.try_get("", "at")?,
        campaign_id: row.maybe("campaign_id")?,
        state: row.read("state")?,
        reason: row.try_get("", "reason")?,
    })
}

fn stored(row: &QueryResult) -> Result<StoredRecurring, StoreError> {
    Ok(StoredRecurring {
        id: row.read("id")?,
        key: row.try_get("", "key")?,
        campaign: RecurringCampaign {
            name: row.try_get("", "name")?,
            cron: row.try_get("", "cron")?,
            zone: row.try_get("", "zone")?,
            template: (row.read("template_id")?, row.try_get("", "template_version")?),
            channel: row.read("channel")?,
            sender: row.read("sender")?,
            audience: row.read("audience")?,
            segments_per_second: row.maybe("segments_per_second")?,
            cost_cap: row.read("cost_cap")?,
            catch_up: row.try_get("", "catch_up")?,
            enabled: row.try_get("", "enabled")?,
        },
        next_at: row.try_get("", "next_at")?,
        approved_by: row.try_get("", "approved_by")?,
        approved_at: row.try_get("", "approved_at")?,
    })
}
