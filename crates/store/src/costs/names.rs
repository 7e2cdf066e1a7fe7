//! What people call the templates, campaigns and rules that roll-ups name by id.

use super::CostLine;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use dakiya_core::ids::{CampaignId, Id, ReminderRuleId, TemplateId};
use sea_orm::QueryResult;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Names by id. One that is missing belongs to something that is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Of templates: key and name.
    pub templates: HashMap<TemplateId, (String, String)>,
    /// Of campaigns.
    pub campaigns: HashMap<CampaignId, String>,
    /// Of reminder rules: key and name.
    pub rules: HashMap<ReminderRuleId, (String, String)>,
}

/// Ids looked up at a time.
const BATCH: usize = 1_000;

/// The names of everything in some lines.
pub async fn names(store: &Store, lines: &[CostLine]) -> Result<Names, StoreError> {
    let mut names = Names::default();
    for row in
        rows(store, "id, key, name FROM templates", lines.iter().filter_map(|line| line.template)).await?
    {
        names.templates.insert(row.read("id")?, (row.try_get("", "key")?, row.try_get("", "name")?));
    }
    for row in rows(store, "id, name FROM campaigns", lines.iter().filter_map(|line| line.campaign)).await? {
        names.campaigns.insert(row.read("id")?, row.try_get("", "name")?);
    }
    let rules = lines.iter().filter_map(|line| line.reminder_rule);
    for row in rows(store, "id, key, rule FROM reminder_rules", rules).await? {
        let rule: dakiya_core::reminder::ReminderRule = row.read("rule")?;
        names.rules.insert(row.read("id")?, (row.try_get("", "key")?, rule.name));
    }
    Ok(names)
}

async fn rows<I: Id>(
    store: &Store,
    what: &str,
    ids: impl Iterator<Item = I>,
) -> Result<Vec<QueryResult>, StoreError> {
    let ids: Vec<Uuid> = ids.map(Id::uuid).collect::<BTreeSet<_>>().into_iter().collect();
    let mut found = Vec::with_capacity(ids.len());
    for batch in ids.chunks(BATCH) {
        let query = Sql::new(&format!("SELECT {what} WHERE id IN ")).list(batch.iter().copied());
        found.extend(query.all(store.read()).await?);
    }
    Ok(found)
}
