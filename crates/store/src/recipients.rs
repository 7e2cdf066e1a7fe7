//! The people a campaign goes to, in the order of their numbers.

use crate::column::{PhoneKey, Stored};
use crate::entities::recipients as table;
use crate::{Store, StoreError};
use dakiya_core::ids::CampaignId;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::template::Variables;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

/// One person in one campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// To whom.
    pub phone: PhoneNumber,
    /// In which language; the template's default if `None`.
    pub language: Option<String>,
    /// Values of placeholders.
    pub variables: Variables,
    /// There as a stored contact; `false`: uploaded for this campaign.
    pub from_contacts: bool,
}

/// The recipients after a number, at most `limit`. Erased people are left out.
pub async fn page(
    store: &Store,
    campaign: CampaignId,
    after: Option<PhoneNumber>,
    limit: u64,
) -> Result<Vec<Recipient>, StoreError> {
    let rows = stretch(campaign, after, None).limit(limit).all(store.read()).await?;
    Ok(rows.into_iter().filter_map(recipient).collect())
}

/// The recipients after one number and up to another.
pub(crate) async fn between(
    store: &Store,
    campaign: CampaignId,
    after: Option<PhoneNumber>,
    through: Option<PhoneNumber>,
) -> Result<Vec<Recipient>, StoreError> {
    let rows = stretch(campaign, after, through).all(store.read()).await?;
    Ok(rows.into_iter().filter_map(recipient).collect())
}

/// How many recipients there are after one number and up to another.
pub(crate) async fn count_between<C: ConnectionTrait>(
    tx: &C,
    campaign: CampaignId,
    after: Option<PhoneNumber>,
    through: Option<PhoneNumber>,
) -> Result<u64, StoreError> {
    Ok(stretch(campaign, after, through).count(tx).await?)
}

/// How many of these numbers are there as stored contacts.
pub(crate) async fn from_contacts_among<C: ConnectionTrait>(
    tx: &C,
    campaign: CampaignId,
    phones: impl IntoIterator<Item = PhoneNumber>,
) -> Result<u64, StoreError> {
    let phones = phones.into_iter().map(|phone| Stored(PhoneKey::Number(phone)));
    let query = stretch(campaign, None, None)
        .filter(table::Column::FromContacts.eq(true))
        .filter(table::Column::Phone.is_in(phones));
    Ok(query.count(tx).await?)
}

fn stretch(
    campaign: CampaignId,
    after: Option<PhoneNumber>,
    through: Option<PhoneNumber>,
) -> sea_orm::Select<table::Entity> {
    // Numbers begin with "+", which sorts before the "h" of erased ones.
    let mut query = table::Entity::find()
        .filter(table::Column::CampaignId.eq(Stored(campaign)))
        .filter(table::Column::Phone.lt("h"))
        .order_by_asc(table::Column::Phone);
    if let Some(after) = after {
        query = query.filter(table::Column::Phone.gt(Stored(PhoneKey::Number(after))));
    }
    if let Some(through) = through {
        query = query.filter(table::Column::Phone.lte(Stored(PhoneKey::Number(through))));
    }
    query
}

fn recipient(row: table::Model) -> Option<Recipient> {
    Some(Recipient {
        phone: row.phone.0.number()?,
        language: row.language,
        variables: row.variables.0,
        from_contacts: row.from_contacts,
    })
}
