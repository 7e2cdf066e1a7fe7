//! A month or a financial year as a file.

use super::month_of;
use crate::AppState;
use crate::auth::Person;
use crate::costs::{MonthReport, month_csv, month_xlsx, months_ahead, projection_csv, year_csv};
use crate::error::{PageError, PageResult};
use crate::pages::upload_page::csv_file;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use chrono::NaiveDate;
use dakiya_core::projection::financial_year;
use dakiya_core::time::Month;
use dakiya_core::user::Permission;
use std::collections::HashMap;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/costs/export.csv", get(year))
        .route("/costs/projection.csv", get(projection))
        .route("/costs/{month}/export.csv", get(csv))
        .route("/costs/{month}/export.xlsx", get(xlsx))
}

async fn csv(State(app): State<AppState>, person: Person, Path(text): Path<String>) -> PageResult {
    person.must(Permission::ExportMoney)?;
    let month = month_of(&text)?;
    let file =
        month_csv(&MonthReport::of(&app, month).await?).map_err(|error| PageError::internal(&error))?;
    Ok(csv_file(&format!("costs-{month}.csv"), Body::from(file)))
}

async fn xlsx(State(app): State<AppState>, person: Person, Path(text): Path<String>) -> PageResult {
    person.must(Permission::ExportMoney)?;
    let month = month_of(&text)?;
    let report = MonthReport::of(&app, month).await?;
    let now = app.clock.now();
    // A month of many campaigns takes a while to pack; other requests go on meanwhile.
    let packed = tokio::task::spawn_blocking(move || {
        month_xlsx(&report, &app.config.brand, (now, app.config.timezone))
    });
    let packed = packed.await;
    let file = packed.map_err(|error| PageError::internal(&error))?;
    let file = file.map_err(|error| PageError::internal(&error))?;
    let headers = [
        (
            header::CONTENT_TYPE,
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned(),
        ),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"costs-{month}.xlsx\"")),
    ];
    Ok((headers, file).into_response())
}

async fn projection(State(app): State<AppState>, person: Person) -> PageResult {
    person.must(Permission::ExportMoney)?;
    let file = projection_csv(&months_ahead(&app).await?).map_err(|error| PageError::internal(&error))?;
    Ok(csv_file(&format!("projection-{}.csv", app.today()), Body::from(file)))
}

/// `?fy=2026`: April 2026 to March 2027, as far as it has come; the current one when absent.
async fn year(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    person.must(Permission::ExportMoney)?;
    let year = match query.get("fy").map(|text| text.trim()).filter(|text| !text.is_empty()) {
        None => financial_year(Month::of(app.today())),
        Some(text) => text.parse().ok().filter(|year| (2000..2100).contains(year)).ok_or_else(|| {
            PageError::BadRequest(
                "A financial year is named by the year it begins in, for example fy=2026.".to_owned(),
            )
        })?,
    };
    let april = NaiveDate::from_ymd_opt(year, 4, 1).map(Month::of).ok_or(PageError::NotFound("year"))?;
    let this = Month::of(app.today());
    let mut reports = Vec::with_capacity(12);
    for month in (0..12).map(|months| april.plus(months)).filter(|month| *month <= this) {
        reports.push(MonthReport::of(&app, month).await?);
    }
    let name = format!("{year}-{:02}", (year + 1) % 100);
    let file =
        year_csv(&name, &reports, this < april.plus(12)).map_err(|error| PageError::internal(&error))?;
    Ok(csv_file(&format!("costs-{name}.csv"), Body::from(file)))
}
