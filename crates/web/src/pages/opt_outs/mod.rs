//! Who asked not to be messaged: searched, added, allowed again; and the history that proves it.

mod import;

use super::confirm::Confirm;
use super::contacts::number_in_address;
use super::imports;
use super::messages::Chip;
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters::{self, counted, scope_words, source_words, spaced};
use crate::forms::{Faults, Fields, Submitted};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use dakiya_core::opt_out::{OptOutAction, OptOutScope, OptOutSource};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use dakiya_core::user::Permission;
use dakiya_scheduler::OptOutRequest;
use dakiya_store::opt_outs::{self, Entry, OptOut, OptOutFilter};
use dakiya_store::{Store, settings};
use std::collections::HashMap;

const ROWS: u64 = 50;
const MOST_ENTRIES: u64 = 200;

/// Everything about opt-outs.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/opt-outs", get(list).post(add))
        .merge(import::routes())
        .route("/opt-outs/{phone}", get(show))
        .route("/opt-outs/{phone}/allow", get(ask_allow).post(allow))
}

struct Row {
    /// `None`: the person was erased since.
    phone: Option<PhoneNumber>,
    scope: OptOutScope,
    source: OptOutSource,
    since: Timestamp,
}

impl From<OptOut> for Row {
    fn from(opt_out: OptOut) -> Self {
        Row {
            phone: opt_out.phone.number(),
            scope: opt_out.scope,
            source: opt_out.source,
            since: opt_out.since,
        }
    }
}

/// The filters as the address spells them.
struct Chosen {
    q: String,
    scope: String,
    source: String,
}

impl Chosen {
    fn read(query: &HashMap<String, String>) -> Chosen {
        let text = |name: &str| query.get(name).map_or_else(String::new, |value| value.trim().to_owned());
        Chosen { q: text("q"), scope: text("scope"), source: text("source") }
    }

    /// What the store is asked for. What is no scope or source is left out, as if it had not been chosen.
    fn filter(&self) -> OptOutFilter {
        OptOutFilter {
            search: Some(self.q.clone()).filter(|text| !text.is_empty()),
            scope: OptOutScope::parse(&self.scope).ok(),
            source: OptOutSource::parse(&self.source).ok(),
        }
    }

    /// The list without one of the filters, from a place on.
    fn href(&self, without: Option<&str>, cursor: &str) -> String {
        let all =
            [("q", self.q.as_str()), ("scope", &self.scope), ("source", &self.source), ("cursor", cursor)];
        let kept: Vec<_> = all.into_iter().filter(|(name, _)| Some(*name) != without).collect();
        view::href("/opt-outs", &kept)
    }

    fn chips(&self, filter: &OptOutFilter) -> Vec<Chip> {
        let chip = |name: &str, words: String| Chip { words, href: self.href(Some(name), "") };
        let mut chips = Vec::new();
        chips.extend(filter.search.as_ref().map(|search| chip("q", format!("“{search}”"))));
        chips.extend(filter.scope.map(|scope| chip("scope", format!("Stops: {}", scope_words(scope)))));
        chips.extend(filter.source.map(|source| chip("source", source_words(source).to_owned())));
        chips
    }
}

/// Opt-outs are counted no further than this while somebody waits.
const MOST_COUNTED: u64 = 100_000;

async fn total(store: &Store, filter: &OptOutFilter) -> PageResult<String> {
    let count = opt_outs::count(store, filter, MOST_COUNTED + 1).await?;
    let shown = counted(count.min(MOST_COUNTED), "opt-out", "opt-outs");
    Ok(if count > MOST_COUNTED { format!("more than {shown}") } else { shown })
}

#[derive(Template)]
#[template(path = "opt_outs/list.html")]
struct OptOutsPage {
    frame: Frame,
    /// How many numbers there are, and how many the filter finds.
    total: String,
    found: String,
    chosen: Chosen,
    chips: Vec<Chip>,
    scopes: Vec<(&'static str, &'static str)>,
    sources: Vec<(&'static str, &'static str)>,
    rows: Vec<Row>,
    next: Option<String>,
    fields: Fields,
    faults: Faults,
    done: String,
}

async fn list(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let done = match query.get("done").map(String::as_str) {
        Some("imported") => imports::done_words(&query, imports::FIRST_STAYED),
        _ => String::new(),
    };
    page(&app, &person, &query, Fields::default(), Faults::default(), done).await
}

async fn page(
    app: &AppState,
    person: &Person,
    query: &HashMap<String, String>,
    fields: Fields,
    faults: Faults,
    done: String,
) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let chosen = Chosen::read(query);
    let filter = chosen.filter();
    let found = opt_outs::page(&app.store, &filter, view::cursor(query).as_ref(), ROWS).await?;
    let next = found.next.map(|next| chosen.href(None, &next.to_string()));
    let page = OptOutsPage {
        frame: Frame::of(app, person, Section::OptOuts).await?,
        total: total(&app.store, &OptOutFilter::default()).await?,
        found: total(&app.store, &filter).await?,
        chips: chosen.chips(&filter),
        scopes: OptOutScope::ALL.iter().map(|scope| (scope.as_str(), scope_words(*scope))).collect(),
        sources: OptOutSource::ALL.iter().map(|source| (source.as_str(), source_words(*source))).collect(),
        chosen,
        rows: found.items.into_iter().map(Row::from).collect(),
        next,
        fields,
        faults,
        done,
    };
    Ok((status, view::html(&page)).into_response())
}

async fn add(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::ManageOptOuts)?;
    let allowed = settings::get(&app.store).await?.allowed_countries;
    let mut faults = Faults::default();
    let phone = faults.take("phone", PhoneNumber::parse(fields.text("phone"), &allowed));
    let evidence = fields.text("evidence");
    if evidence.is_empty() || evidence.chars().count() > 300 {
        faults.add("evidence", "Say in a few words how they asked, so that it can be proved later");
    }
    let scope = faults.take("scope", OptOutScope::parse(fields.text("scope")));
    let (Some(phone), Some(scope), true) = (phone, scope, faults.is_empty()) else {
        return page(&app, &person, &HashMap::new(), fields, faults, String::new()).await;
    };
    app.commands.opt_out(request(&person, phone, scope, evidence)).await?;
    Ok(Redirect::to(&format!("/opt-outs/{phone}?done=added")).into_response())
}

fn request(person: &Person, phone: PhoneNumber, scope: OptOutScope, evidence: &str) -> OptOutRequest {
    OptOutRequest {
        phone,
        scope,
        source: OptOutSource::Person,
        evidence: evidence.to_owned(),
        actor: person.actor(),
    }
}

struct EntryRow {
    title: String,
    evidence: String,
    source: OptOutSource,
    who: String,
    at: Timestamp,
}

impl From<Entry> for EntryRow {
    fn from(entry: Entry) -> Self {
        let title = match (entry.action, entry.scope) {
            (OptOutAction::OptOut, OptOutScope::All) => "Stopped everything",
            (OptOutAction::OptOut, OptOutScope::Promotional) => "Stopped promotional messages",
            (OptOutAction::OptIn, OptOutScope::All) => "Allowed everything again",
            (OptOutAction::OptIn, OptOutScope::Promotional) => "Allowed promotional messages again",
        };
        EntryRow {
            title: title.to_owned(),
            evidence: entry.evidence,
            source: entry.source,
            who: entry.actor,
            at: entry.at,
        }
    }
}

#[derive(Template)]
#[template(path = "opt_outs/show.html")]
struct NumberPage {
    frame: Frame,
    phone: PhoneNumber,
    stops: Vec<OptOut>,
    entries: Vec<EntryRow>,
    done: &'static str,
}

async fn show(
    State(app): State<AppState>,
    person: Person,
    Path(phone): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let phone = number_in_address(&app, &phone).await?;
    let done = match query.get("done").map(String::as_str) {
        Some("added") => {
            "Opt-out recorded. Nothing it covers begins any more, and what waited was taken back."
        }
        Some("allowed") => "Messages are allowed again.",
        _ => "",
    };
    let page = NumberPage {
        frame: Frame::of(&app, &person, Section::OptOuts).await?,
        phone,
        stops: opt_outs::state(&app.store, phone).await?,
        entries: opt_outs::history(&app.store, phone, MOST_ENTRIES)
            .await?
            .into_iter()
            .map(EntryRow::from)
            .collect(),
        done,
    };
    Ok(view::html(&page))
}

async fn ask_allow(State(app): State<AppState>, person: Person, Path(phone): Path<String>) -> PageResult {
    person.must(Permission::ManageOptOuts)?;
    let phone = number_in_address(&app, &phone).await?;
    allow_page(&app, &person, phone, "").await
}

async fn allow_page(app: &AppState, person: &Person, phone: PhoneNumber, fault: &'static str) -> PageResult {
    let state = opt_outs::state(&app.store, phone).await?;
    let Some(widest) = state.first() else {
        return Err(PageError::Conflict("This number has no opt-out any more.".to_owned()));
    };
    let frame = Frame::of(app, person, Section::OptOuts).await?;
    let since = frame.zone.when(&widest.since);
    let page = Confirm {
        frame,
        title: format!("Allow messages to {} again?", spaced(phone)),
        consequences: vec![
            format!("This person has asked since {since} not to be messaged."),
            "Only they can change that. Allow it again when they asked you to, and say how.".to_owned(),
        ],
        action: format!("/opt-outs/{phone}/allow"),
        button: "Allow messages again".to_owned(),
        button_class: "primary",
        back: format!("/opt-outs/{phone}"),
        back_words: "Opt-outs",
        reason_label: "How did they ask?",
        fault,
        hidden: Vec::new(),
    };
    Ok(page.into_page())
}

async fn allow(
    State(app): State<AppState>,
    Path(phone): Path<String>,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    person.must(Permission::ManageOptOuts)?;
    let phone = number_in_address(&app, &phone).await?;
    let reason = fields.text("reason");
    if reason.is_empty() {
        return allow_page(&app, &person, phone, "Say how they asked, so that it can be proved later").await;
    }
    app.commands.opt_in(request(&person, phone, OptOutScope::All, reason)).await?;
    Ok(Redirect::to(&format!("/opt-outs/{phone}?done=allowed")).into_response())
}
