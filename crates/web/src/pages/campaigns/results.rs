//! A campaign's results as a file.

use super::find;
use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::pages::upload_page::csv_file;
use crate::uploads::safe_cell;
use axum::body::Body;
use axum::extract::{Path, State};
use bytes::Bytes;
use dakiya_core::ids::CampaignId;
use dakiya_core::money::Money;
use dakiya_core::time::Timestamp;
use dakiya_core::user::Permission;
use dakiya_store::campaigns;
use dakiya_store::messages::Message;
use dakiya_store::{Cursor, Store};
use futures::stream::{self, StreamExt as _};

/// Rows per read: memory stays flat however large the campaign.
const PAGE: u64 = 1_000;

const HEADER: [&str; 12] = [
    "phone",
    "status",
    "reason",
    "error_code",
    "segments",
    "estimated_cost_inr",
    "actual_cost_inr",
    "sent_at",
    "delivered_at",
    "twilio_sid",
    "message_id",
    "body",
];

/// `GET /campaigns/{id}/results.csv`
pub(super) async fn download(
    State(app): State<AppState>,
    person: Person,
    Path(id): Path<String>,
) -> PageResult {
    person.must(Permission::View)?;
    let campaign = find(&app, &id).await?;
    let store = app.store.clone();
    let pages = stream::try_unfold(Next::First, move |next| {
        let store = store.clone();
        async move { page(&store, campaign.id, next).await }
    });
    let header = stream::iter([record(HEADER.map(str::to_owned).to_vec())]);
    Ok(csv_file(&format!("campaign-{}.csv", campaign.id), Body::from_stream(header.chain(pages))))
}

enum Next {
    First,
    After(Cursor),
    End,
}

async fn page(
    store: &Store,
    campaign: CampaignId,
    next: Next,
) -> Result<Option<(Bytes, Next)>, std::io::Error> {
    let cursor = match next {
        Next::First => None,
        Next::After(cursor) => Some(cursor),
        Next::End => return Ok(None),
    };
    let page =
        campaigns::results(store, campaign, cursor.as_ref(), PAGE).await.map_err(std::io::Error::other)?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    for message in &page.items {
        writer.write_record(cells(message)).map_err(std::io::Error::other)?;
    }
    let bytes = writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(Some((Bytes::from(bytes), page.next.map_or(Next::End, Next::After))))
}

fn record(cells: Vec<String>) -> Result<Bytes, std::io::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).map_err(std::io::Error::other)?;
    writer.into_inner().map(Bytes::from).map_err(|error| std::io::Error::other(error.to_string()))
}

fn cells(message: &Message) -> Vec<String> {
    let time = |at: Option<Timestamp>| {
        at.map_or_else(String::new, |at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    };
    [
        message.phone.number().map_or_else(|| "erased".to_owned(), |phone| phone.to_string()),
        message.status.to_string(),
        message.suppressed_reason.map_or_else(String::new, |reason| reason.to_string()),
        message.error_code.map_or_else(String::new, |code| code.to_string()),
        message.segments.0.to_string(),
        message.estimated_cost.to_plain(),
        message.actual_cost.map_or_else(String::new, Money::to_plain),
        time(message.sent_at),
        time(message.delivered_at),
        message.twilio_sid.clone().unwrap_or_default(),
        message.id.to_string(),
        message.body.clone(),
    ]
    .iter()
    .map(|cell| safe_cell(cell))
    .collect()
}
