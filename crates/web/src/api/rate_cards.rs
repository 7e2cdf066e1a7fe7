//! Rate cards: dated prices, with their history kept.

use super::auth::{MayAdmin, MayRead};
use super::fields::Fields;
use super::json::{Json, Path, Query};
use super::pagination::{List, PageQuery};
use super::problem::{Code, Problem};
use super::schema;
use crate::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use dakiya_core::message::{Category, Direction};
use dakiya_core::money::Currency;
use dakiya_core::rate_card::{Charge, Confidence, RateCard, RateItem, RateRow, RateUnit, Route};
use dakiya_core::time::Timestamp;
use dakiya_store::{rate_cards, settings};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One charge of a price; a price may combine several, in two currencies.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RateCharge)]
pub struct ChargeItem {
    /// Who charges it.
    #[schema(example = "Twilio")]
    name: String,
    /// INR or USD.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// If all goes well.
    #[serde(with = "dakiya_core::decimal")]
    #[schema(value_type = schema::Decimal)]
    low: Decimal,
    /// What to plan with.
    #[serde(with = "dakiya_core::decimal")]
    #[schema(value_type = schema::Decimal)]
    expected: Decimal,
    /// If all goes badly.
    #[serde(with = "dakiya_core::decimal")]
    #[schema(value_type = schema::Decimal)]
    high: Decimal,
    /// Units free of this charge each month, per sender.
    #[serde(default)]
    #[schema(required = false)]
    free_per_month: u64,
}

/// A dated price. On a day the latest that had begun holds.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RateRow)]
pub struct RowItem {
    /// What it prices: `sms`, `whatsapp` or `number`; `other` is known after from usage records and has no price.
    #[schema(value_type = String, example = "sms")]
    item: RateItem,
    /// `outbound` or `inbound`.
    #[schema(value_type = String, example = "outbound")]
    direction: Direction,
    /// For one category; for all when absent.
    #[schema(value_type = Option<schema::Category>)]
    category: Option<Category>,
    /// `any`, `business_initiated` or `in_window`.
    #[schema(value_type = String, example = "any")]
    route: Route,
    /// `segment`, `message` or `month`.
    #[schema(value_type = String, example = "segment")]
    unit: RateUnit,
    /// The charges, added up.
    charges: Vec<ChargeItem>,
    /// First day in force.
    valid_from: NaiveDate,
    /// Where the figure comes from.
    #[schema(example = "Contract of 1 November 2026")]
    source: String,
    /// `high`, `medium` or `low`.
    #[schema(value_type = String, example = "high")]
    confidence: Confidence,
}

/// A rate card to store; its rows replace those that hold now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateCardPut {
    /// As people read it.
    #[schema(example = "Our contract")]
    name: String,
    /// All rows, of all dates. Rows left out are retired; the history keeps them.
    rows: Vec<RowItem>,
}

/// A rate card in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RateCardName)]
pub struct CardItem {
    /// Its key.
    #[schema(example = "setup-guide")]
    key: String,
    /// As people read it.
    name: String,
    /// Whether estimates use it.
    in_force: bool,
    /// When its rows last changed.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    updated_at: Timestamp,
}

/// A rate card with the rows that hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RateCard)]
pub struct CardDetail {
    /// Its key.
    #[schema(example = "setup-guide")]
    key: String,
    /// As people read it.
    name: String,
    /// Whether estimates use it.
    in_force: bool,
    /// Since when its oldest price in force holds; null when none is.
    #[schema(required = true)]
    dated: Option<NaiveDate>,
    /// Whether that is longer ago than prices usually last.
    stale: bool,
    /// Its rows, of all dates.
    rows: Vec<RowItem>,
}

impl From<RateRow> for RowItem {
    fn from(row: RateRow) -> Self {
        let charge = |charge: Charge| ChargeItem {
            name: charge.name,
            currency: charge.currency,
            low: charge.low,
            expected: charge.expected,
            high: charge.high,
            free_per_month: charge.free_per_month,
        };
        Self {
            item: row.item,
            direction: row.direction,
            category: row.category,
            route: row.route,
            unit: row.unit,
            charges: row.charges.into_iter().map(charge).collect(),
            valid_from: row.valid_from,
            source: row.source,
            confidence: row.confidence,
        }
    }
}

impl From<RowItem> for RateRow {
    fn from(row: RowItem) -> Self {
        let charge = |charge: ChargeItem| Charge {
            name: charge.name,
            currency: charge.currency,
            low: charge.low,
            expected: charge.expected,
            high: charge.high,
            free_per_month: charge.free_per_month,
        };
        Self {
            item: row.item,
            direction: row.direction,
            category: row.category,
            route: row.route,
            unit: row.unit,
            charges: row.charges.into_iter().map(charge).collect(),
            valid_from: row.valid_from,
            source: row.source,
            confidence: row.confidence,
        }
    }
}

async fn detail(app: &AppState, card: RateCard) -> Result<CardDetail, Problem> {
    let today = app.today();
    Ok(CardDetail {
        in_force: settings::get(&app.store).await?.rate_card == card.key,
        dated: card.dated(today),
        stale: card.stale_for(today).is_some(),
        key: card.key,
        name: card.name,
        rows: card.rows.into_iter().map(RowItem::from).collect(),
    })
}

/// List rate cards
#[utoipa::path(
    get, path = "/rate-cards", operation_id = "list_rate_cards", tag = "Finance", params(PageQuery),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "Rate cards, by name", body = List<CardItem>)),
)]
pub async fn list(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<List<CardItem>>, Problem> {
    let (limit, cursor) = query.page()?;
    let in_force = settings::get(&app.store).await?.rate_card;
    let cards = rate_cards::page(&app.store, cursor.as_ref(), limit).await?;
    let item = |card: rate_cards::RateCardName| CardItem {
        in_force: card.key == in_force,
        key: card.key,
        name: card.name,
        updated_at: card.updated_at,
    };
    Ok(axum::Json(List::of(cards, item)))
}

/// Read a rate card
#[utoipa::path(
    get, path = "/rate-cards/{key}", operation_id = "get_rate_card", tag = "Finance",
    params(("key" = String, Path, description = "Its key", example = "setup-guide")),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "The card with its rows", body = CardDetail)),
)]
pub async fn get(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Path(key): Path<String>,
) -> Result<axum::Json<CardDetail>, Problem> {
    let card = rate_cards::get(&app.store, &key).await?.ok_or_else(|| Problem::not_found("rate card"))?;
    Ok(axum::Json(detail(&app, card).await?))
}

/// Store a rate card
///
/// Prices that hold for messages already written down do not change; each keeps what it was estimated with. The card in
/// force must keep a price for everything that goes out, and no two cards have one name (409 `invalid_state` otherwise).
#[utoipa::path(
    put, path = "/rate-cards/{key}", operation_id = "put_rate_card", tag = "Finance", request_body = RateCardPut,
    params(("key" = String, Path, description = "Small letters, digits and hyphens", example = "our-contract")),
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, description = "It was known and is changed", body = CardDetail),
        (status = 201, description = "It is new", body = CardDetail),
        (status = 409, description = "Another card has its name, or it is in force and would lack a price"),
    ),
)]
pub async fn put(
    MayAdmin(caller): MayAdmin,
    State(app): State<AppState>,
    Path(key): Path<String>,
    Json(given): Json<RateCardPut>,
) -> Result<(StatusCode, axum::Json<CardDetail>), Problem> {
    let rows = given.rows.into_iter().map(RateRow::from).collect();
    let card = RateCard { key, name: given.name.trim().to_owned(), rows };
    if let Err(errors) = card.validate() {
        let mut fields = Fields::default();
        for error in errors {
            fields.fault(&error.field, Code::InvalidRequest, error.message);
        }
        fields.finish()?;
    }
    let known = rate_cards::get(&app.store, &card.key).await?.is_some();
    rate_cards::put(&app.store, &card, &caller.actor(), app.clock.now(), app.today()).await?;
    let status = if known { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, axum::Json(detail(&app, card).await?)))
}

/// Remove a rate card
///
/// Its prices are kept, to explain what was reckoned with them. A card that ships with Dakiya, is in force, or prices a saved
/// scenario is not removed (409 `invalid_state`).
#[utoipa::path(
    delete, path = "/rate-cards/{key}", operation_id = "remove_rate_card", tag = "Finance",
    params(("key" = String, Path, description = "Its key", example = "our-contract")),
    security(("api_key" = ["admin"])),
    responses(
        (status = 204, description = "It is offered nowhere any more"),
        (status = 409, description = "It ships with Dakiya, is in force, or prices a saved scenario"),
    ),
)]
pub async fn remove(
    MayAdmin(caller): MayAdmin,
    State(app): State<AppState>,
    Path(key): Path<String>,
) -> Result<StatusCode, Problem> {
    rate_cards::remove(&app.store, &key, &caller.actor(), app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
