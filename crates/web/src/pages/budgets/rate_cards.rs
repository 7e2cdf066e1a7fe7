//! Rate cards: side by side, row by row with their history, and prices that wait for a click.

use super::rate_card_making as making;
use super::rate_rows::{self, RowView};
use super::{Tab, tabs};
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters::{self, counted};
use crate::forms::{Faults, Fields, Submitted};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use chrono::NaiveDate;
use dakiya_core::ids::RateProposalId;
use dakiya_core::rate_card::{Change, Comparison, Proposal, RateCard, RateRow, STALE_AFTER_DAYS, compare};
use dakiya_core::user::Permission;
use dakiya_scheduler::PriceSource;
use dakiya_store::{StoreError, fx_rates, rate_cards, rate_proposals, settings};
use std::collections::HashMap;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/budgets/rate-cards", get(list).post(making::create))
        .route("/budgets/rate-cards/use", post(choose))
        .route("/budgets/rate-cards/refresh", post(refresh))
        .route("/budgets/rate-cards/proposals/{id}", post(decide))
        .route("/budgets/rate-cards/{key}", get(show).post(add_row))
        .route("/budgets/rate-cards/{key}/retire", post(retire))
        .route("/budgets/rate-cards/{key}/remove", get(making::ask_remove).post(making::remove))
}

/// A card in the list.
struct CardView {
    card: RateCard,
    in_force: bool,
    may_be_removed: bool,
    dated: Option<NaiveDate>,
    stale_for: Option<i64>,
    /// Which of its prices in force are too old, and how old each is.
    stale: Vec<String>,
}

impl CardView {
    fn of(card: RateCard, in_force: &str, today: NaiveDate) -> Self {
        let aged = |row: &RateRow| {
            let days = row.stale_for(today)?;
            Some(format!("{}: {}", rate_rows::row_subject(row), counted(days.unsigned_abs(), "day", "days")))
        };
        Self {
            in_force: card.key == in_force,
            may_be_removed: card.key != in_force && RateCard::preset(&card.key).is_none(),
            dated: card.dated(today),
            stale_for: card.stale_for(today),
            stale: card.stale(today).into_iter().filter_map(aged).collect(),
            card,
        }
    }
}

fn line_of(line: &Comparison) -> String {
    rate_rows::line_words(line)
}

fn change_words(change: &Change) -> String {
    rate_rows::row_words(&change.row)
}

/// `+10%`, `−3.5%`, `same`, or a dash when there was no price.
fn change_percent(change: &Change) -> String {
    match change.percent() {
        _ if !change.differs() => "same".to_owned(),
        Some(percent) if percent.is_sign_negative() => format!("−{}%", percent.abs()),
        Some(percent) => format!("+{percent}%"),
        None => "–".to_owned(),
    }
}

/// A proposal with what it would change.
struct ProposalView {
    id: RateProposalId,
    card: String,
    source: String,
    simulated: bool,
    changes: Vec<Change>,
}

/// What the page of all cards says besides the cards.
#[derive(Default)]
pub(super) struct Told {
    pub(super) done: &'static str,
    /// Why Twilio's prices could not be read.
    pub(super) problem: String,
    pub(super) fields: Fields,
    pub(super) faults: Faults,
}

#[derive(Template)]
#[template(path = "budgets/rate_cards.html")]
struct CardsPage {
    frame: Frame,
    tabs: Vec<Tab>,
    cards: Vec<CardView>,
    lines: Vec<Comparison>,
    proposals: Vec<ProposalView>,
    fx: String,
    stale_after: i64,
    told: Told,
}

pub(super) async fn list_page(app: &AppState, person: &Person, told: Told) -> PageResult {
    let (today, in_force) = (app.today(), settings::get(&app.store).await?.rate_card);
    let fx = fx_rates::on(&app.store, today).await?;
    let mut cards = Vec::new();
    for name in rate_cards::list(&app.store).await? {
        cards.extend(rate_cards::get(&app.store, &name.key).await?);
    }
    let mut proposals = Vec::new();
    for open in rate_proposals::open(&app.store).await? {
        let proposal = open.proposal.not_before(today);
        let Some(card) = cards.iter().find(|card| card.key == proposal.card) else { continue };
        proposals.push(ProposalView {
            id: open.id,
            card: card.name.clone(),
            source: open.source,
            simulated: proposal.simulated,
            changes: proposal.changes(card, fx),
        });
    }
    let page = CardsPage {
        frame: Frame::of(app, person, Section::Budgets).await?,
        tabs: tabs("/budgets/rate-cards"),
        lines: compare(&cards, today, fx),
        cards: cards.into_iter().map(|card| CardView::of(card, &in_force, today)).collect(),
        proposals,
        fx: fx.inr_per_usd.to_string(),
        stale_after: STALE_AFTER_DAYS,
        told,
    };
    let status = match &page.told {
        told if !told.faults.is_empty() => StatusCode::UNPROCESSABLE_ENTITY,
        told if !told.problem.is_empty() => StatusCode::BAD_GATEWAY,
        _ => StatusCode::OK,
    };
    Ok((status, view::html(&page)).into_response())
}

async fn list(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let done = match query.get("done").map(String::as_str) {
        Some("used") => {
            "Estimates use this card from now on. Messages already written down keep their price."
        }
        Some("read") => "Prices read. Nothing has changed yet: see what would, and decide.",
        Some("applied") => {
            "The new prices are in the card, with today’s date. The old ones stay in its history."
        }
        Some("dismissed") => "The prices were thrown away. Nothing has changed.",
        Some("removed") => "Rate card removed. Its prices are kept to explain what was reckoned with them.",
        _ => "",
    };
    list_page(&app, &person, Told { done, ..Told::default() }).await
}

async fn choose(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let card = find(&app, fields.text("key")).await?;
    let changed = settings::on(&app.store, app.today()).await?;
    let changed = dakiya_core::settings::Settings { rate_card: card.key, ..changed };
    match settings::update(&app.store, &changed, &person.actor(), app.clock.now(), app.today()).await {
        Ok(()) => Ok(Redirect::to("/budgets/rate-cards?done=used").into_response()),
        Err(StoreError::Conflict(detail)) => {
            let mut faults = Faults::default();
            faults.add("key", detail);
            list_page(&app, &person, Told { fields, faults, ..Told::default() }).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn refresh(State(app): State<AppState>, Submitted { person, .. }: Submitted) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let source = match app.config.simulated_people {
        Some(_) => PriceSource::Simulator,
        None => PriceSource::Twilio,
    };
    match app.commands.refresh_prices(source, &person.actor()).await {
        Ok(_) => Ok(Redirect::to("/budgets/rate-cards?done=read#proposals").into_response()),
        Err(dakiya_scheduler::RefreshError::Store(error)) => Err(error.into()),
        Err(error) => {
            let problem = format!("{error}. Nothing has changed; try again later.");
            list_page(&app, &person, Told { problem, ..Told::default() }).await
        }
    }
}

async fn decide(
    State(app): State<AppState>,
    Path(id): Path<String>,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let id: RateProposalId = id.parse().map_err(|_| PageError::NotFound("proposal"))?;
    let apply = fields.has("apply");
    rate_proposals::decide(&app.store, id, apply, &person.actor(), app.clock.now(), app.today()).await?;
    let done = if apply { "applied" } else { "dismissed" };
    Ok(Redirect::to(&format!("/budgets/rate-cards?done={done}")).into_response())
}

#[derive(Template)]
#[template(path = "budgets/rate_card.html")]
struct CardPage {
    frame: Frame,
    tabs: Vec<Tab>,
    view: CardView,
    rows: Vec<RowView>,
    retired: Vec<RowView>,
    fields: Fields,
    faults: Faults,
    done: &'static str,
}

pub(super) async fn find(app: &AppState, key: &str) -> PageResult<RateCard> {
    rate_cards::get(&app.store, key).await?.ok_or(PageError::NotFound("rate card"))
}

async fn card_page(
    app: &AppState,
    person: &Person,
    card: RateCard,
    fields: Fields,
    faults: Faults,
    done: &'static str,
) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (today, in_force) = (app.today(), settings::get(&app.store).await?.rate_card);
    let kept = rate_cards::history(&app.store, &card.key).await?;
    let views = rate_rows::views(&card, kept, today, view::Zone(app.config.timezone));
    let (retired, rows) = views.into_iter().partition(|row: &RowView| row.retired.is_some());
    let page = CardPage {
        frame: Frame::of(app, person, Section::Budgets).await?,
        tabs: tabs("/budgets/rate-cards"),
        view: CardView::of(card, &in_force, today),
        rows,
        retired,
        fields,
        faults,
        done,
    };
    Ok((status, view::html(&page)).into_response())
}

async fn show(
    State(app): State<AppState>,
    person: Person,
    Path(key): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let done = match query.get("done").map(String::as_str) {
        Some("added") => "Price added. It holds from its first day on.",
        Some("retired") => "Price taken out. The history keeps it.",
        Some("created") => {
            "Rate card made. Nothing is priced with it until you choose it on the page of all cards."
        }
        _ => "",
    };
    let card = find(&app, &key).await?;
    let fields = rate_rows::blank(app.today());
    card_page(&app, &person, card, fields, Faults::default(), done).await
}

async fn add_row(
    State(app): State<AppState>,
    Path(key): Path<String>,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let card = find(&app, &key).await?;
    let mut faults = Faults::default();
    let Some(row) = rate_rows::parse(&fields, &mut faults) else {
        return card_page(&app, &person, card, fields, faults, "").await;
    };
    // A row of the same price and day gives way to this one, as when prices are read.
    let changed = Proposal { card: key.clone(), rows: vec![row], simulated: false }.applied_to(&card);
    // The form is about the last row; what was stored under older rules is not mended here.
    let ours = format!("rows[{}]", changed.rows.len() - 1);
    let errors = changed.validate().err().unwrap_or_default();
    for error in errors.into_iter().filter(|error| error.field == "rows" || error.field.starts_with(&ours)) {
        faults.add(rate_rows::field_of(&error.field), error.message);
    }
    if !faults.is_empty() {
        return card_page(&app, &person, card, fields, faults, "").await;
    }
    rate_cards::put(&app.store, &changed, &person.actor(), app.clock.now(), app.today()).await?;
    Ok(Redirect::to(&format!("/budgets/rate-cards/{key}?done=added")).into_response())
}

async fn retire(
    State(app): State<AppState>,
    Path(key): Path<String>,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let card = find(&app, &key).await?;
    let mut left = card.clone();
    left.rows.retain(|row| rate_rows::mark(row) != fields.text("row"));
    let done = if left == card {
        Ok(())
    } else {
        rate_cards::put(&app.store, &left, &person.actor(), app.clock.now(), app.today()).await
    };
    match done {
        Ok(()) => Ok(Redirect::to(&format!("/budgets/rate-cards/{key}?done=retired")).into_response()),
        Err(StoreError::Conflict(detail)) => {
            let mut faults = Faults::default();
            faults.add("item", detail);
            card_page(&app, &person, card, rate_rows::blank(app.today()), faults, "").await
        }
        Err(error) => Err(error.into()),
    }
}
