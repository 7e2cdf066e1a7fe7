//! Who a campaign goes to: uploaded rows, and stored contacts written down when it is quoted.

use super::lifecycle::lock;
use super::{Campaign, CampaignError};
use crate::audit::Actor;
use crate::column::Stored;
use crate::contacts::{self, Contact};
use crate::imports::{self, Import, ImportKind, Imported, Rows};
use crate::recipients::{self, Recipient};
use crate::sql::Sql;
use crate::{Store, StoreError};
use dakiya_core::campaign::CampaignState;
use dakiya_core::ids::CampaignId;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::template::Variables;
use dakiya_core::time::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Value};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// Contacts compared at a time.
const PAGE: u64 = 2_000;

/// A row uploaded for a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRecipient {
    /// To whom.
    pub phone: PhoneNumber,
    /// In which language.
    pub language: Option<String>,
    /// Values of placeholders.
    pub variables: Variables,
}

/// Adds uploaded rows to a draft. A number uploaded before stays as it was; one that is only there as a stored
/// contact is replaced, because an upload knows more about this campaign.
pub async fn add_recipients(
    store: &Store,
    id: CampaignId,
    rows: impl IntoIterator<Item = NewRecipient, IntoIter: Send>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Imported, CampaignError> {
    let open = || async {
        let campaign = super::get(store, id).await?.ok_or(CampaignError::NotFound(id))?;
        let is_draft = campaign.state == CampaignState::Draft;
        if is_draft { Ok(()) } else { Err(CampaignError::NotADraft(campaign.state)) }
    };
    open().await?;
    match imports::run(store, rows, Some(id), actor, now).await? {
        Some(added) => Ok(added),
        None => {
            open().await?;
            Err(StoreError::Interrupted.into())
        }
    }
}

impl Rows for NewRecipient {
    const KIND: ImportKind = ImportKind::Recipients;
    type Key = PhoneNumber;

    fn key(&self) -> PhoneNumber {
        self.phone
    }

    async fn apply(
        _: &Store,
        tx: &DatabaseTransaction,
        import: &Import,
        rows: &[Self],
    ) -> Result<Option<u64>, StoreError> {
        let Some(id) = import.campaign else { return Ok(None) };
        match draft(tx, id).await {
            Ok(_) => {}
            Err(CampaignError::Store(fault)) => return Err(fault),
            Err(_) => return Ok(None),
        }
        let known = recipients::from_contacts_among(tx, id, rows.iter().map(|row| row.phone)).await?;
        let written = upsert(tx, id, &rows.iter().collect::<Vec<_>>(), false).await?;
        grow(tx, id, i64::try_from(written).unwrap_or(0) - i64::try_from(known).unwrap_or(0)).await?;
        Ok(Some(written))
    }
}

async fn draft<C: ConnectionTrait>(tx: &C, id: CampaignId) -> Result<Campaign, CampaignError> {
    let row = lock(tx, id).await?;
    if row.state.0 == CampaignState::Draft {
        Ok(row.into())
    } else {
        Err(CampaignError::NotADraft(row.state.0))
    }
}

/// Writes recipients; rows uploaded by a person are never overwritten. How many were written.
async fn upsert<C: ConnectionTrait>(
    tx: &C,
    id: CampaignId,
    rows: &[&NewRecipient],
    from_contacts: bool,
) -> Result<u64, StoreError> {
    if rows.is_empty() {
        return Ok(0);
    }
    let values = rows.iter().map(|row| -> [Value; 5] {
        [
            Stored(id).into(),
            Stored(row.phone).into(),
            row.language.clone().into(),
            Stored(row.variables.clone()).into(),
            from_contacts.into(),
        ]
    });
    Sql::new("INSERT INTO recipients (campaign_id, phone, language, variables, from_contacts) VALUES ")
        .rows(values)
        .text(
            " ON CONFLICT (campaign_id, phone) DO UPDATE SET language = excluded.language, \
             variables = excluded.variables, from_contacts = excluded.from_contacts WHERE recipients.from_contacts",
        )
        .execute(tx)
        .await
}

/// So many recipients more (or fewer); every quote asked for before is void.
async fn grow<C: ConnectionTrait>(tx: &C, id: CampaignId, by: i64) -> Result<(), StoreError> {
    Sql::new("UPDATE campaigns SET recipients_revision = recipients_revision + 1, recipients_count = recipients_count + ")
        .bind(by)
        .text(" WHERE id = ")
        .bind(Stored(id))
        .execute(tx)
        .await?;
    Ok(())
}

/// Brings the stored contacts among a draft's recipients up to date: page by page, writing only what differs, so
/// that an unchanged audience keeps its revision.
pub async fn snapshot_audience(store: &Store, id: CampaignId) -> Result<(), CampaignError> {
    let campaign = super::get(store, id).await?.ok_or(CampaignError::NotFound(id))?;
    if campaign.state != CampaignState::Draft {
        return Ok(());
    }
    let mut after: Option<PhoneNumber> = None;
    loop {
        let contacts = contacts::page_audience(store, &campaign.draft.audience, after, PAGE).await?;
        let contacts: Vec<NewRecipient> = contacts.into_iter().map(from_contact).collect();
        let full = u64::try_from(contacts.len()) == Ok(PAGE);
        let through = if full { contacts.last().map(|contact| contact.phone) } else { None };
        let stored = recipients::between(store, id, after, through).await?;
        compare(store, id, &contacts, stored).await?;
        if !full {
            return Ok(());
        }
        after = through;
    }
}

/// Writes what differs between a page of contacts and the recipients stored for the same stretch of numbers.
async fn compare(
    store: &Store,
    id: CampaignId,
    contacts: &[NewRecipient],
    stored: Vec<Recipient>,
) -> Result<(), CampaignError> {
    let (known, uploaded): (Vec<Recipient>, Vec<Recipient>) =
        stored.into_iter().partition(|row| row.from_contacts);
    let uploaded: HashSet<PhoneNumber> = uploaded.into_iter().map(|row| row.phone).collect();
    let mut known: BTreeMap<PhoneNumber, Recipient> = known.into_iter().map(|row| (row.phone, row)).collect();
    let mut differing: Vec<&NewRecipient> = Vec::new();
    for contact in contacts.iter().filter(|contact| !uploaded.contains(&contact.phone)) {
        match known.remove(&contact.phone) {
            Some(row) if row.language == contact.language && row.variables == contact.variables => {}
            _ => differing.push(contact),
        }
    }
    let gone = known;
    if differing.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let tx = store.write().await?;
    draft(&*tx, id).await?;
    // Counted under the lock: somebody else may have compared at the same time.
    let there = recipients::from_contacts_among(&*tx, id, differing.iter().map(|row| row.phone)).await?;
    let written = upsert(&*tx, id, &differing, true).await?;
    let mut left = there;
    if !gone.is_empty() {
        left += Sql::new("DELETE FROM recipients WHERE from_contacts AND campaign_id = ")
            .bind(Stored(id))
            .text(" AND phone IN ")
            .list(gone.keys().copied().map(Stored))
            .execute(&*tx)
            .await?;
    }
    grow(&*tx, id, i64::try_from(written).unwrap_or(0) - i64::try_from(left).unwrap_or(0)).await?;
    tx.commit().await?;
    Ok(())
}

/// A stored contact as a recipient: its attributes are its placeholders, its name among them.
pub fn from_contact(contact: Contact) -> NewRecipient {
    let mut variables = contact.attributes;
    if let Some(name) = contact.name {
        variables.entry("name".to_owned()).or_insert(name);
    }
    NewRecipient { phone: contact.phone, language: contact.language, variables }
}
