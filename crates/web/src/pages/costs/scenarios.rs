//! What-if months: the kept ones side by side on every card, and one to play with. Nothing is kept until somebody says so.

use super::scenario_form::{FIELDS, PricedView, WITH_SIGN, fields_of, read};
use crate::AppState;
use crate::auth::Person;
use crate::costs::{CardInForce, Pricer, gst_words};
use crate::error::{PageError, PageResult};
use crate::filters;
use crate::forms::{Faults, Fields, Submitted};
use crate::pages::confirm::Confirm;
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use dakiya_core::rate_card::RateCard;
use dakiya_core::scenario::{SHIPPED, Scenario, checked_name};
use dakiya_core::user::Permission;
use dakiya_store::StoreError;
use dakiya_store::scenarios::{self, NewScenario, SavedScenario};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/costs/scenarios", get(list).post(add))
        .route("/costs/scenarios/new", get(new))
        .route("/costs/scenarios/{key}", get(show).post(save))
        .route("/costs/scenarios/{key}/remove", get(ask_remove).post(remove))
}

/// Scenarios on the page.
const ROWS: u64 = 200;

struct ScenarioRow {
    key: String,
    name: String,
    words: String,
    chosen: bool,
    /// The card it is meant for.
    card: String,
    cells: Vec<PricedView>,
}

struct CardChoice {
    key: String,
    name: String,
    in_force: bool,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "costs/scenarios.html")]
struct ListPage {
    frame: Frame,
    tab: &'static str,
    rows: Vec<ScenarioRow>,
    hidden: Vec<ScenarioRow>,
    cards: Vec<CardChoice>,
    more_cards: bool,
    more: Option<String>,
    comparing: bool,
    fx: String,
    gst: String,
    done: &'static str,
}

async fn list(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<Vec<(String, String)>>,
) -> PageResult {
    let asked = Fields::from_pairs(query);
    let pricer = Pricer::now(&app).await?;
    let (only, on) = (asked.all("scenario"), asked.all("card"));
    let cursor = Some(asked.text("cursor")).filter(|text| !text.is_empty()).map(dakiya_store::Cursor::new);
    let page = scenarios::list(&app.store, cursor.as_ref(), ROWS).await?;
    let chosen = |list: &[String], key: &str| list.is_empty() || list.iter().any(|found| found == key);
    // A card that can price none of them stands in the way of those that can, unless somebody asks for it.
    let prices_none = |card: &RateCard| {
        on.is_empty()
            && !page.items.is_empty()
            && page.items.iter().all(|saved| pricer.price(&saved.scenario, card).is_err())
    };
    let cards: Vec<CardChoice> = pricer
        .cards
        .iter()
        .map(|card| CardChoice {
            key: card.key.clone(),
            name: card.name.clone(),
            in_force: card.key == pricer.in_force,
            chosen: chosen(&on, &card.key) && !prices_none(card),
        })
        .collect();
    let shown: Vec<_> =
        pricer.cards.iter().zip(&cards).filter(|(_, choice)| choice.chosen).map(|(card, _)| card).collect();
    let row = |saved: SavedScenario| ScenarioRow {
        cells: shown.iter().map(|card| PricedView::of(&pricer, &saved.scenario, card)).collect(),
        chosen: chosen(&only, &saved.key),
        words: words(&saved.scenario),
        card: saved.rate_card.unwrap_or_default(),
        key: saved.key,
        name: saved.name,
    };
    let (rows, hidden) = page.items.into_iter().map(row).partition(|row| row.chosen);
    let done = match asked.text("done") {
        "saved" => "Scenario saved. What it costs is reckoned anew whenever somebody looks.",
        "removed" => "Scenario thrown away.",
        _ => "",
    };
    let page = ListPage {
        frame: Frame::of(&app, &person, Section::Costs).await?,
        tab: "scenarios",
        rows,
        hidden,
        cards,
        more_cards: pricer.more,
        more: page.next.map(|next| view::href("/costs/scenarios", &[("cursor", &next.to_string())])),
        comparing: !only.is_empty() || !on.is_empty(),
        fx: pricer.fx.inr_per_usd.normalize().to_string(),
        gst: gst_words(&pricer.gst),
        done,
    };
    Ok(view::html(&page))
}

/// A month in a few words.
fn words(scenario: &Scenario) -> String {
    let count = |number: u64| filters::grouped(number.into());
    let mut said = vec![format!(
        "{} × {}",
        filters::counted(scenario.requests_per_month, "request", "requests"),
        filters::counted(scenario.sms_per_request, "message", "messages")
    )];
    if scenario.whatsapp_percent > 0 {
        said.push(format!("{}% by WhatsApp", scenario.whatsapp_percent));
    }
    if scenario.rupee_sign {
        said.push("amounts with ₹".to_owned());
    }
    if scenario.inbound_sms + scenario.inbound_whatsapp > 0 {
        said.push(format!("{} received", count(scenario.inbound_sms + scenario.inbound_whatsapp)));
    }
    if let Some(rate) = scenario.usd_inr {
        said.push(format!("dollar at ₹{}", rate.normalize()));
    }
    if scenario.phone_numbers > 0 {
        said.push(filters::counted(scenario.phone_numbers, "number", "numbers"));
    }
    said.join(", ")
}

#[derive(Template)]
#[template(path = "costs/scenario.html")]
struct ScenarioPage {
    frame: Frame,
    tab: &'static str,
    /// Empty for one that is not kept.
    key: String,
    title: String,
    saved_by: String,
    /// What was typed is not what is kept.
    changed: bool,
    /// What stands in the field for its name.
    called: String,
    fields: Fields,
    cards: Vec<(String, String)>,
    in_force: Option<CardInForce>,
    fx_hint: String,
    gst: String,
    /// On the card it names or the one in force, then on every other.
    result: Option<PricedView>,
    others: Vec<PricedView>,
    faults: Faults,
}

impl ScenarioPage {
    fn with_sign(&self) -> bool {
        self.fields.text("rupee") == WITH_SIGN
    }

    /// What the form sends to.
    fn action(&self) -> String {
        let key = if self.key.is_empty() { "new" } else { &self.key };
        format!("/costs/scenarios/{key}")
    }

    /// Whether it may be saved in its place, renamed and thrown away.
    fn is_ours(&self) -> bool {
        !self.key.is_empty() && self.key != SHIPPED
    }
}

async fn page(
    app: &AppState,
    person: &Person,
    saved: Option<&SavedScenario>,
    fields: Fields,
    mut faults: Faults,
) -> PageResult {
    let pricer = Pricer::now(app).await?;
    let mut said = Faults::default();
    let month = read(&fields, &pricer, &mut said);
    // What saving found wrong is not said twice.
    for (field, message) in said.iter() {
        if faults.of(field).is_empty() {
            faults.add(field.clone(), message);
        }
    }
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (mut result, mut others) = (None, Vec::new());
    let mut changed = false;
    if let Some((scenario, card)) = &month {
        let first = card.as_deref().unwrap_or(&pricer.in_force);
        for card in &pricer.cards {
            let view = PricedView::of(&pricer, scenario, card);
            if card.key == first { result = Some(view) } else { others.push(view) }
        }
        changed = saved.is_some_and(|saved| saved.scenario != *scenario || saved.rate_card != *card);
    }
    let name = match (fields.text("name"), saved) {
        // The shipped one is saved under another name only.
        ("", Some(saved)) if saved.key != SHIPPED => saved.name.clone(),
        (typed, _) => typed.to_owned(),
    };
    changed |= saved.is_some_and(|saved| saved.key != SHIPPED && saved.name != name);
    let page = ScenarioPage {
        frame: Frame::of(app, person, Section::Costs).await?,
        tab: "scenarios",
        key: saved.map_or_else(String::new, |saved| saved.key.clone()),
        title: saved.map_or_else(|| "Try a month".to_owned(), |saved| saved.name.clone()),
        called: name,
        saved_by: saved.map_or_else(String::new, |saved| saved.updated_by.clone()),
        changed,
        fields,
        cards: pricer.cards.iter().map(|card| (card.key.clone(), card.name.clone())).collect(),
        in_force: pricer.card_in_force(),
        fx_hint: format!("Empty: the rate in force, ₹{}", pricer.fx.inr_per_usd.normalize()),
        gst: gst_words(&pricer.gst),
        result,
        others,
        faults,
    };
    Ok((status, view::html(&page)).into_response())
}

/// What was typed, or the month it begins with.
fn typed(query: Vec<(String, String)>, otherwise: impl FnOnce() -> Fields) -> Fields {
    if query.iter().any(|(name, _)| FIELDS.contains(&name.as_str())) {
        Fields::from_pairs(query)
    } else {
        otherwise()
    }
}

async fn new(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<Vec<(String, String)>>,
) -> PageResult {
    let plain =
        Scenario { requests_per_month: 1_000, sms_per_request: 3, phone_numbers: 1, ..Scenario::default() };
    let fields = typed(query, || fields_of(&plain, None));
    page(&app, &person, None, fields, Faults::default()).await
}

async fn known(app: &AppState, key: &str) -> PageResult<SavedScenario> {
    scenarios::get(&app.store, key).await?.ok_or(PageError::NotFound("scenario"))
}

async fn show(
    State(app): State<AppState>,
    person: Person,
    Path(key): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> PageResult {
    let saved = known(&app, &key).await?;
    let fields = typed(query, || fields_of(&saved.scenario, saved.rate_card.as_deref()));
    page(&app, &person, Some(&saved), fields, Faults::default()).await
}

/// What a form asks to keep, or what is wrong with it.
async fn asked(app: &AppState, fields: &Fields) -> PageResult<Result<NewScenario, Faults>> {
    let mut faults = Faults::default();
    let name = faults.take("name", checked_name(fields.text("name")));
    let month = read(fields, &Pricer::now(app).await?, &mut faults);
    Ok(match (name, month) {
        (Some(name), Some((scenario, rate_card))) if faults.is_empty() => {
            Ok(NewScenario { name, rate_card, scenario })
        }
        _ => Err(faults),
    })
}

async fn add(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::ManageMoney)?;
    match asked(&app, &fields).await? {
        Err(faults) => page(&app, &person, None, fields, faults).await,
        Ok(new) => {
            let kept = scenarios::add(&app.store, &new, &person.actor(), app.clock.now()).await;
            answer(&app, &person, None, fields, kept.map(|_| ())).await
        }
    }
}

/// To the list; or the form again, when the name is kept already.
async fn answer(
    app: &AppState,
    person: &Person,
    saved: Option<&SavedScenario>,
    fields: Fields,
    kept: Result<(), StoreError>,
) -> PageResult {
    match kept {
        Ok(()) => Ok(Redirect::to("/costs/scenarios?done=saved").into_response()),
        Err(StoreError::Conflict(why)) => {
            let mut faults = Faults::default();
            faults.add("name", why);
            page(app, person, saved, fields, faults).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn save(
    State(app): State<AppState>,
    Path(key): Path<String>,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let saved = known(&app, &key).await?;
    match asked(&app, &fields).await? {
        Err(faults) => page(&app, &person, Some(&saved), fields, faults).await,
        Ok(new) => {
            let kept = scenarios::put(&app.store, &key, &new, &person.actor(), app.clock.now()).await;
            answer(&app, &person, Some(&saved), fields, kept.map(|_| ())).await
        }
    }
}

async fn ask_remove(State(app): State<AppState>, person: Person, Path(key): Path<String>) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let saved = known(&app, &key).await?;
    let href = format!("/costs/scenarios/{key}");
    let page = Confirm {
        frame: Frame::of(&app, &person, Section::Costs).await?,
        title: format!("Throw away “{}”?", saved.name),
        consequences: vec![format!(
            "{}. Nobody sees it any more, and it does not come back. Nothing that is sent or spent changes.",
            words(&saved.scenario)
        )],
        action: format!("{href}/remove"),
        button: "Throw the scenario away".to_owned(),
        button_class: "danger",
        back: href,
        back_words: "Scenario",
        reason_label: "",
        fault: "",
        hidden: Vec::new(),
    };
    Ok(page.into_page())
}

async fn remove(
    State(app): State<AppState>,
    Path(key): Path<String>,
    Submitted { person, .. }: Submitted,
) -> PageResult {
    person.must(Permission::ManageMoney)?;
    known(&app, &key).await?;
    scenarios::remove(&app.store, &key, &person.actor(), app.clock.now()).await?;
    Ok(Redirect::to("/costs/scenarios?done=removed").into_response())
}
