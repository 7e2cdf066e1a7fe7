//! Everything that differs in a month, as a CSV file.

use super::view::kind_words;
use crate::AppState;
use crate::auth::Person;
use crate::downloads::{Line, csv_lines};
use crate::error::{PageError, PageResult};
use crate::pages::upload_page::csv_file;
use axum::body::Body;
use axum::extract::{Query, State};
use dakiya_core::time::Month;
use dakiya_core::user::Permission;
use dakiya_store::costs::{self, UnchargedRent};
use dakiya_store::reconciliation::{self, Finding};
use std::collections::HashMap;
use std::sync::Arc;

const HEADER: [&str; 11] = [
    "day_utc",
    "kind",
    "what",
    "twilio_id_or_category",
    "message_id",
    "difference",
    "currency",
    "expected_inr",
    "state",
    "why",
    "decided_by",
];

/// `?month=2026-10`
pub(super) async fn differences(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    person.must(Permission::ExportMoney)?;
    let asked = query.get("month").and_then(|text| Month::parse(text).ok());
    let month = asked.ok_or(PageError::NotFound("month"))?;
    let days = reconciliation::days(&app.store, month).await?;
    let units: HashMap<_, _> = days.into_iter().map(|day| (day.day, day.unit)).collect();
    let (store, units) = (app.store.clone(), Arc::new(units));
    let lines = csv_lines(&HEADER, move |cursor, limit| {
        let (store, units) = (store.clone(), units.clone());
        async move {
            let days = (month.first_day(), month.last_day());
            let page = reconciliation::findings_page(&store, days, cursor.as_ref(), limit).await?;
            let mut page = page.map(|finding| {
                let unit = units.get(&finding.day).cloned().unwrap_or_else(|| "USD".to_owned());
                line(finding, unit)
            });
            if page.next.is_none() {
                page.items.extend(costs::uncharged_rents(&store, month).await?.into_iter().map(rent));
            }
            Ok(page)
        }
    });
    Ok(csv_file(&format!("differences-{month}.csv"), Body::from_stream(lines)))
}

/// A rent that is booked and in no record: nothing was charged, and it is counted at what was booked.
fn rent(rent: UnchargedRent) -> Line {
    Some(vec![
        rent.day.to_string(),
        "rent_not_charged".to_owned(),
        "Booked rent, in no record".to_owned(),
        rent.sender.to_string(),
        String::new(),
        "0".to_owned(),
        "INR".to_owned(),
        rent.cost.to_plain(),
        "open".to_owned(),
        String::new(),
        String::new(),
    ])
}

fn line(finding: Finding, unit: String) -> Line {
    Some(vec![
        finding.day.to_string(),
        finding.kind.to_string(),
        kind_words(finding.kind).to_owned(),
        finding.subject,
        finding.message.map(|id| id.to_string()).unwrap_or_default(),
        finding.amount.normalize().to_string(),
        unit,
        finding.expected.map(|cost| cost.to_plain()).unwrap_or_default(),
        finding.state.to_string(),
        finding.note,
        finding.decided_by.unwrap_or_default(),
    ])
}
