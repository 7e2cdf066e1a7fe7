//! Where messages come from.

use super::auth::{MayAdmin, MayRead};
use super::fields::Fields;
use super::json::{Json, Object, Path, Query};
use super::pagination::List;
use super::problem::{Code, Problem};
use super::schema;
use crate::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use dakiya_core::message::Channel;
use dakiya_core::money::Money;
use dakiya_core::sender::{Sender, SenderAddress, SenderKind, monthly_rent};
use dakiya_store::senders;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What is known of a sender.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SenderPut {
    /// What it is.
    #[schema(value_type = schema::SenderKind)]
    kind: SenderKind,
    /// Twilio's throughput for it.
    #[schema(minimum = 1, maximum = 1000, example = 10)]
    segments_per_second: u32,
    /// Declared fit for promotional messages.
    promotional: bool,
    /// What it costs a month, when it costs anything of its own: at most ten lakh rupees.
    #[schema(value_type = Option<schema::Money>)]
    monthly_rent: Option<Object<Money>>,
}

/// A sender.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sender)]
pub struct SenderDetail {
    /// A number in E.164, a header, or a messaging service SID.
    #[schema(example = "+919876500000")]
    address: String,
    /// What it is.
    #[schema(value_type = schema::SenderKind)]
    kind: SenderKind,
    /// The channel it speaks.
    #[schema(value_type = schema::Channel)]
    channel: Channel,
    /// Twilio's throughput for it.
    segments_per_second: u32,
    /// Declared fit for promotional messages.
    promotional: bool,
    /// What it costs a month.
    #[schema(value_type = Option<schema::Money>, required = true)]
    monthly_rent: Option<Money>,
}

impl From<Sender> for SenderDetail {
    fn from(sender: Sender) -> Self {
        Self {
            address: sender.address.to_string(),
            kind: sender.kind,
            channel: sender.kind.channel(),
            segments_per_second: sender.segments_per_second,
            promotional: sender.promotional,
            monthly_rent: sender.monthly_rent,
        }
    }
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SenderQuery {
    /// Only those of this channel.
    #[param(value_type = Option<schema::Channel>)]
    channel: Option<String>,
    /// Taken for symmetry with other lists; senders are few and always on one page.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// There is never a next page.
    cursor: Option<String>,
}

/// List senders
///
/// In the order in which they were added: the first of a channel is used when none is named.
#[utoipa::path(
    get, path = "/senders", operation_id = "list_senders", tag = "Senders", params(SenderQuery),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "All senders", body = List<SenderDetail>)),
)]
pub async fn list(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Query(query): Query<SenderQuery>,
) -> Result<axum::Json<List<SenderDetail>>, Problem> {
    super::pagination::page(query.limit.as_deref(), query.cursor)?;
    let mut fields = Fields::default();
    let channel = fields.word("channel", query.channel.as_deref());
    fields.finish()?;
    let senders = senders::list(&app.store, channel).await?;
    Ok(axum::Json(List::whole(senders.into_iter().map(SenderDetail::from).collect())))
}

/// Store a sender
#[utoipa::path(
    put, path = "/senders/{address}", operation_id = "put_sender", tag = "Senders", request_body = SenderPut,
    params(("address" = String, Path, description = "A number in E.164, a header, or a messaging service SID")),
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, description = "It was known and is changed", body = SenderDetail),
        (status = 201, description = "It is new", body = SenderDetail),
    ),
)]
pub async fn put(
    MayAdmin(caller): MayAdmin,
    State(app): State<AppState>,
    Path(address): Path<String>,
    Json(given): Json<SenderPut>,
) -> Result<(StatusCode, axum::Json<SenderDetail>), Problem> {
    let mut fields = Fields::default();
    let address = fields.keep("address", Code::InvalidRequest, SenderAddress::parse(&address, given.kind));
    if !(1..=1_000).contains(&given.segments_per_second) {
        fields.fault("segments_per_second", Code::InvalidRequest, "between 1 and 1000");
    }
    let rent = given.monthly_rent.map(|Object(rent)| monthly_rent(rent)).transpose();
    let rent = fields.keep("monthly_rent", Code::InvalidRequest, rent).flatten();
    let sender = Sender {
        address: fields.finish_with(address)?,
        kind: given.kind,
        segments_per_second: given.segments_per_second,
        promotional: given.promotional,
        monthly_rent: rent,
    };
    let known = senders::get(&app.store, sender.kind.channel(), &sender.address).await?.is_some();
    senders::put(&app.store, &sender, &caller.actor(), app.clock.now()).await?;
    Ok((if known { StatusCode::OK } else { StatusCode::CREATED }, axum::Json(sender.into())))
}
