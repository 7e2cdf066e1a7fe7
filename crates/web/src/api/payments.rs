//! What customers owe: put, looked up, imported, paid and canceled.

use super::auth::{MayRead, MaySend};
use super::fields::Fields;
use super::idempotency::RequestKey;
use super::imports::{self, Imported};
use super::json::{Json, OptionalJson, Path, Query};
use super::pagination::{self, List};
use super::payment_shapes::{PaymentDetail, PaymentItem, PaymentPaid, PaymentPut, PaymentQuery};
use super::problem::{Code, Problem};
use super::schema;
use crate::AppState;
use crate::imports::{Payments, last_rows};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use dakiya_core::payment::{PaymentEvent, PaymentReference, checked_amount, parse_due_date};
use dakiya_store::payments::{
    self, Payment, PaymentFilter, PaymentReport, Recorded, Reported, Reporter, Standing,
};
use dakiya_store::settings;

/// What is told of the history of one payment.
const HISTORY: u64 = 200;

/// List payments
///
/// What is owed comes with the longest owed first, everything else with the latest due date first; what a search finds
/// comes by reference, then by number or name.
#[utoipa::path(
    get, path = "/payments", operation_id = "list_payments", tag = "Payments", params(PaymentQuery),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "A page of payments", body = List<PaymentItem>)),
)]
pub async fn list(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Query(query): Query<PaymentQuery>,
) -> Result<axum::Json<List<PaymentItem>>, Problem> {
    let (limit, cursor) = pagination::page(query.limit.as_deref(), query.cursor)?;
    let allowed = settings::get(&app.store).await?.allowed_countries;
    let mut fields = Fields::default();
    let day = |fields: &mut Fields, name: &str, text: Option<&String>| {
        fields.keep(name, Code::InvalidRequest, parse_due_date(text?))
    };
    let filter = PaymentFilter {
        search: query.search,
        standing: fields.word("status", query.status.as_deref()).map(Standing::In),
        phone: query.phone.as_deref().and_then(|text| fields.phone("phone", text, &allowed)),
        due_from: day(&mut fields, "due_from", query.due_from.as_ref()),
        due_until: day(&mut fields, "due_until", query.due_until.as_ref()),
    };
    fields.finish()?;
    let page = payments::page(&app.store, &filter, cursor.as_ref(), limit).await?;
    Ok(axum::Json(List::of(page, PaymentItem::from)))
}

/// Look a payment up
#[utoipa::path(
    get, path = "/payments/{reference}", operation_id = "get_payment", tag = "Payments",
    params(("reference" = String, Path, description = "What you call the payment")),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "The payment and what happened to it", body = PaymentDetail)),
)]
pub async fn get(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Path(reference): Path<String>,
) -> Result<axum::Json<PaymentDetail>, Problem> {
    let reference = named(&reference)?;
    let payment = payments::get(&app.store, &reference).await?.ok_or_else(not_found)?;
    let history = payments::history(&app.store, &reference, HISTORY).await?;
    Ok(axum::Json(PaymentDetail::of(payment, history)))
}

/// Store a payment
///
/// A payment that is known is changed, and never reminded of twice. One that is paid or canceled keeps its amount and due
/// date and stays paid or canceled.
#[utoipa::path(
    put, path = "/payments/{reference}", operation_id = "put_payment", tag = "Payments", request_body = PaymentPut,
    params(("reference" = String, Path, description = "What you call the payment: up to 100 characters, unique")),
    security(("api_key" = ["send"])),
    responses(
        (status = 200, description = "It was known and is changed", body = PaymentItem),
        (status = 201, description = "It is new", body = PaymentItem),
    ),
)]
pub async fn put(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    Path(reference): Path<String>,
    Json(given): Json<PaymentPut>,
) -> Result<(StatusCode, axum::Json<PaymentItem>), Problem> {
    caller.must_be_live()?;
    let allowed = settings::get(&app.store).await?.allowed_countries;
    let row = given.read(&reference, &allowed)?;
    let (payment, new) = app.commands.put_payment(row, &caller.actor()).await?;
    Ok((if new { StatusCode::CREATED } else { StatusCode::OK }, axum::Json(payment.into())))
}

/// Record that a payment was paid
///
/// Without an amount, all that was left was paid; with less than that, a part of it; what is more is the `surplus`. Once it is paid none of its reminders
/// begins any more. Saying again that it is paid changes nothing; a further amount for what is paid, or any for what is
/// canceled, is refused.
#[utoipa::path(
    post, path = "/payments/{reference}/paid", operation_id = "record_payment_paid", tag = "Payments",
    request_body = PaymentPaid,
    params(("reference" = String, Path, description = "What you call the payment")),
    security(("api_key" = ["send"])),
    responses(
        (status = 200, description = "The payment as it stands now", body = PaymentItem),
        (status = 409, description = "It is paid or canceled already", body = super::problem::Document, content_type = "application/problem+json"),
    ),
)]
pub async fn paid(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    Path(reference): Path<String>,
    key: RequestKey,
    OptionalJson(given): OptionalJson<PaymentPaid>,
) -> Result<axum::Json<PaymentItem>, Problem> {
    caller.must_be_live()?;
    let amount = given.amount.map(checked_amount).transpose();
    let amount = amount.map_err(|fault| Problem::field("amount", Code::InvalidRequest, fault))?;
    let external_id = key.dedupe_key(&caller);
    let event = PaymentEvent::Received(amount);
    Ok(axum::Json(record(&app, &caller, &reference, event, external_id).await?.into()))
}

/// Cancel a payment
///
/// Nobody is reminded of it any more. What is paid cannot be canceled; canceling twice changes nothing.
#[utoipa::path(
    post, path = "/payments/{reference}/cancel", operation_id = "cancel_payment", tag = "Payments",
    params(("reference" = String, Path, description = "What you call the payment")),
    security(("api_key" = ["send"])),
    responses(
        (status = 200, description = "The payment as it stands now", body = PaymentItem),
        (status = 409, description = "It is paid", body = super::problem::Document, content_type = "application/problem+json"),
    ),
)]
pub async fn cancel(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    Path(reference): Path<String>,
    key: RequestKey,
) -> Result<axum::Json<PaymentItem>, Problem> {
    caller.must_be_live()?;
    let external_id = key.dedupe_key(&caller);
    Ok(axum::Json(record(&app, &caller, &reference, PaymentEvent::Canceled, external_id).await?.into()))
}

async fn record(
    app: &AppState,
    caller: &super::auth::Caller,
    reference: &str,
    event: PaymentEvent,
    external_id: Option<String>,
) -> Result<Payment, Problem> {
    let report = PaymentReport {
        reference: named(reference)?,
        what: Reported::Event(event),
        by: Reporter::Ours("api"),
        external_id,
        pay_url: None,
    };
    match app.commands.record_payment(&report, &caller.actor()).await? {
        Recorded::Changed(payment) | Recorded::Unchanged(payment) => Ok(payment),
        Recorded::Repeated | Recorded::Early => Err(not_found()),
    }
}

/// Import payments
///
/// Good rows are stored, or update the payments of their references; every other one is explained. Of several rows about
/// one payment the last one counts. What is paid or canceled stays so.
#[utoipa::path(
    post, path = "/payments/import", operation_id = "import_payments", tag = "Payments",
    request_body(content = schema::Csv, content_type = "text/csv",
        description = "Columns `reference`, `phone`, `amount` and `due_on` (`YYYY-MM-DD` or `DD/MM/YYYY`), and if there are such `pay_url`, `name`, `language`, `tags` (split by `;`), `status` (`open`, `partly_paid`, `paid`, `cancelled`) and `paid` (what came so far, in all); every other column is a placeholder"),
    security(("api_key" = ["send"])),
    responses((status = 200, description = "What became of the rows", body = Imported)),
)]
pub async fn import(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    request: Request,
) -> Result<axum::Json<Imported>, Problem> {
    caller.must_be_live()?;
    let allowed = settings::get(&app.store).await?.allowed_countries;
    let (file, checked) = imports::checked_csv::<Payments>(request, allowed.clone()).await?;
    let sorting = tokio::task::spawn_blocking(move || last_rows(&file, &allowed));
    let (rows, duplicates) = sorting.await.map_err(|error| Problem::internal(&error))??;
    let mut stored = app.commands.import_payments(rows, &caller.actor()).await?;
    stored.duplicates += duplicates;
    Ok(axum::Json(Imported::of(stored, checked)))
}

/// A reference in an address. What cannot be one names nothing.
fn named(text: &str) -> Result<PaymentReference, Problem> {
    PaymentReference::parse(text).map_err(|_| not_found())
}

fn not_found() -> Problem {
    Problem::not_found("payment")
}
