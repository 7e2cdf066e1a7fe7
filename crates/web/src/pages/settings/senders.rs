//! Who messages come from.

use super::{Tab, tabs};
use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::filters;
use crate::forms::{Faults, Fields, Submitted};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use dakiya_core::money::Money;
use dakiya_core::sender::{Sender, SenderAddress, SenderError, SenderKind, monthly_rent};
use dakiya_core::user::Permission;
use dakiya_store::senders;
use std::collections::HashMap;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/settings/senders", get(list).post(save))
}

const KINDS: [(&str, &str); 4] = [
    (SenderKind::Number.as_str(), "Phone number"),
    (SenderKind::Header.as_str(), "Header (letters)"),
    (SenderKind::Service.as_str(), "Messaging service"),
    (SenderKind::Whatsapp.as_str(), "WhatsApp number"),
];

#[derive(Template)]
#[template(path = "settings/senders.html")]
struct SendersPage {
    frame: Frame,
    tabs: Vec<Tab>,
    senders: Vec<Sender>,
    kinds: [(&'static str, &'static str); 4],
    /// A sender that is there already is being changed.
    editing: bool,
    fields: Fields,
    faults: Faults,
    done: &'static str,
}

fn edit_href(sender: &Sender) -> String {
    format!("{}#edit", view::href("/settings/senders", &[("edit", sender.address.as_str())]))
}

async fn page(
    app: &AppState,
    person: &Person,
    fields: Fields,
    faults: Faults,
    done: &'static str,
) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let senders = senders::list(&app.store, None).await?;
    let editing = senders.iter().any(|sender| sender.address.as_str() == fields.text("address"));
    let frame = Frame::of(app, person, Section::Settings).await?;
    let tabs = tabs("/settings/senders", frame.may_set());
    let page = SendersPage { frame, tabs, senders, kinds: KINDS, editing, fields, faults, done };
    Ok((status, view::html(&page)).into_response())
}

async fn list(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let done = if query.contains_key("done") { "Sender saved." } else { "" };
    let senders = senders::list(&app.store, None).await?;
    let chosen = query
        .get("edit")
        .and_then(|address| senders.iter().find(|sender| sender.address.as_str() == address));
    page(&app, &person, fields_of(chosen), Faults::default(), done).await
}

fn fields_of(sender: Option<&Sender>) -> Fields {
    let field = |name: &str, value: String| (name.to_owned(), value);
    let Some(sender) = sender else {
        return Fields::from_pairs(vec![
            field("segments_per_second", "10".to_owned()),
            field("kind", SenderKind::Number.as_str().to_owned()),
        ]);
    };
    let mut pairs = vec![
        field("address", sender.address.to_string()),
        field("kind", sender.kind.as_str().to_owned()),
        field("segments_per_second", sender.segments_per_second.to_string()),
        field("monthly_rent", sender.monthly_rent.map_or_else(String::new, Money::to_plain)),
    ];
    if sender.promotional {
        pairs.push(field("promotional", "yes".to_owned()));
    }
    Fields::from_pairs(pairs)
}

async fn save(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::ManageSettings)?;
    let mut faults = Faults::default();
    let Some(sender) = parse(&fields, &mut faults) else {
        return page(&app, &person, fields, faults, "").await;
    };
    senders::put(&app.store, &sender, &person.actor(), app.clock.now()).await?;
    app.commands.nudge();
    Ok(Redirect::to("/settings/senders?done=1").into_response())
}

fn parse(fields: &Fields, faults: &mut Faults) -> Option<Sender> {
    let kind = faults.take("kind", SenderKind::parse(fields.text("kind")));
    let address =
        kind.and_then(|kind| faults.take("address", SenderAddress::parse(fields.text("address"), kind)));
    let pace = fields.text("segments_per_second").parse().unwrap_or(0);
    if !(1..=1_000).contains(&pace) {
        faults.add("segments_per_second", SenderError::Throughput(pace));
    }
    let monthly_rent = match fields.text("monthly_rent") {
        "" => None,
        text => faults
            .take("monthly_rent", Money::parse(text))
            .and_then(|rent| faults.take("monthly_rent", monthly_rent(rent))),
    };
    let (Some(kind), Some(address), true) = (kind, address, faults.is_empty()) else { return None };
    Some(Sender {
        address,
        kind,
        segments_per_second: pace,
        promotional: fields.has("promotional"),
        monthly_rent,
    })
}
