//! From a figure to the messages behind it: estimate, price, segments, dollar and the cause of the difference.

use super::month::month_words;
use super::month_of;
use crate::AppState;
use crate::auth::Person;
use crate::costs::{By, MonthReport, Row};
use crate::error::{PageError, PageResult};
use crate::filters;
use crate::pages::ledger::{difference_words, quoted_words};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use dakiya_core::message::Channel;
use dakiya_core::time::Month;
use dakiya_store::messages::{self, ChargedTo, Message};
use std::collections::HashMap;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/costs/{month}/messages", get(list))
}

const ROWS: u64 = 50;

struct MessageRow {
    segments: String,
    quoted: String,
    actual: String,
    causes: Vec<(&'static str, String)>,
    message: Message,
}

#[derive(Template)]
#[template(path = "costs/messages.html")]
struct MessagesPage {
    frame: Frame,
    tab: &'static str,
    month: Month,
    name: String,
    by: By,
    group: Row,
    rows: Vec<MessageRow>,
    next: Option<String>,
}

async fn list(
    State(app): State<AppState>,
    person: Person,
    Path(text): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let month = month_of(&text)?;
    let (by, id, to) = asked(&query)?;
    let report = MonthReport::of(&app, month).await?;
    let group = report.of_group(by, &id).ok_or(PageError::NotFound("figure of this month"))?;
    let end = month.plus(1).start(app.config.timezone);
    let expected = u64::try_from(group.costs.messages).unwrap_or(0);
    let page =
        messages::charged(&app.store, month, end, to, expected, view::cursor(&query).as_ref(), ROWS).await?;
    let next = page.next.map(|next| {
        view::href(&format!("/costs/{month}/messages"), &[(by.word(), &id), ("cursor", &next.to_string())])
    });
    let page = MessagesPage {
        frame: Frame::of(&app, &person, Section::Costs).await?,
        tab: "months",
        month,
        name: month_words(month),
        by,
        group,
        rows: page.items.into_iter().map(row).collect(),
        next,
    };
    Ok(view::html(&page))
}

/// Which campaign, template or rule; one of them.
fn asked(query: &HashMap<String, String>) -> PageResult<(By, String, ChargedTo)> {
    fn id<I: std::str::FromStr>(text: &str) -> PageResult<I> {
        text.parse().map_err(|_| PageError::NotFound("figure of this month"))
    }
    for by in [By::Campaign, By::Template, By::Rule] {
        let Some(text) = query.get(by.word()) else { continue };
        let to = match by {
            By::Campaign => ChargedTo::Campaign(id(text)?),
            By::Template => ChargedTo::Template(id(text)?),
            _ => ChargedTo::Rule(id(text)?),
        };
        return Ok((by, text.clone(), to));
    }
    Err(PageError::NotFound("figure of this month"))
}

fn row(message: Message) -> MessageRow {
    let segments = match (message.channel, message.twilio_segments) {
        (Channel::Whatsapp, _) => "–".to_owned(),
        (Channel::Sms, Some(billed)) if billed > 0 && billed != message.segments.0 => {
            format!("{} estimated, {billed} billed", message.segments.0)
        }
        (Channel::Sms, _) => message.segments.0.to_string(),
    };
    MessageRow {
        segments,
        quoted: quoted_words(&message).unwrap_or_default(),
        actual: message
            .actual_cost
            .map_or_else(|| "not yet".to_owned(), |cost| format!("₹{}", cost.to_plain())),
        causes: difference_words(&message),
        message,
    }
}
