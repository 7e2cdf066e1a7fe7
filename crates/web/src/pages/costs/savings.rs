//! What last month's traffic wasted, each with what it costs and what can be done about it by one click; and what was saved
//! since by what was done.

use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters;
use crate::forms::Submitted;
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use chrono::NaiveDate;
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::savings::Waste;
use dakiya_core::user::Permission;
use dakiya_scheduler::{DAYS_LOOKED_AT, Measured, TextFix, WasteFound, WasteSubject};
use dakiya_store::savings::FixError;
use std::collections::HashMap;

/// Everything about wasted money.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/costs/savings", get(show))
        .route("/costs/savings/text", post(fix_text))
        .route("/costs/savings/number", post(suppress))
}

/// What one click can do about it.
enum Remedy {
    /// Writes this text.
    Text { key: String, language: String, version: i32, better: String },
    /// Stops writing to this number.
    Number(PhoneNumber),
    /// Leads to where a person has to think.
    Look { href: String, words: &'static str },
}

struct Row {
    title: &'static str,
    subject: String,
    href: String,
    advice: String,
    basis: String,
    waste: Waste,
    per_message: Money,
    per_month: Money,
    messages: u64,
    remedy: Remedy,
}

struct DoneRow {
    title: &'static str,
    subject: String,
    href: String,
    when: String,
    by: String,
    expected: Money,
    messages: u64,
    saved: Money,
    /// Why there is nothing to count yet, or any more.
    counted: String,
}

#[derive(Template)]
#[template(path = "costs/savings.html")]
struct SavingsPage {
    frame: Frame,
    first: NaiveDate,
    last: NaiveDate,
    days: u64,
    rate_card: String,
    texts: u64,
    saved: Money,
    rows: Vec<Row>,
    done_rows: Vec<DoneRow>,
    may_fix_texts: bool,
    may_suppress: bool,
    tab: &'static str,
    done: &'static str,
    problem: String,
}

async fn show(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let done = match query.get("done").map(String::as_str) {
        Some("text") => {
            "New version saved. Whatever is written down from now on uses it; campaigns that are approved keep the text that \
             was approved. What it saves is counted below."
        }
        Some("number") => "That number gets nothing more. On its page you can let it be tried again.",
        _ => "",
    };
    page(&app, &person, done, String::new()).await
}

async fn page(app: &AppState, person: &Person, done: &'static str, problem: String) -> PageResult {
    let report = app.commands.waste().await?;
    let frame = Frame::of(app, person, Section::Costs).await?;
    let done_rows: Vec<DoneRow> =
        report.done.into_iter().map(|measured| done_row(measured, &frame, report.last)).collect();
    let page = SavingsPage {
        first: report.first,
        last: report.last,
        days: DAYS_LOOKED_AT,
        rate_card: report.rate_card,
        texts: report.texts,
        saved: done_rows.iter().map(|row| row.saved).sum(),
        rows: report.found.into_iter().map(row).collect(),
        done_rows,
        may_fix_texts: person.role.may(Permission::Send),
        may_suppress: may_suppress(person),
        frame,
        tab: "savings",
        done,
        problem,
    };
    Ok(view::html(&page))
}

/// Whoever keeps contacts or opt-outs may stop writing to a number.
fn may_suppress(person: &Person) -> bool {
    person.role.may(Permission::Send) || person.role.may(Permission::ManageOptOuts)
}

fn title(waste: Waste) -> &'static str {
    match waste {
        Waste::RupeeSign => "₹ where Rs. would do",
        Waste::Typography => "Curly quotes and other signs",
        Waste::JustOver => "A few characters over a segment",
        Waste::DeadNumber => "A number that takes no messages",
        Waste::CheaperOnWhatsapp => "WhatsApp would be cheaper",
    }
}

fn row(found: WasteFound) -> Row {
    let (subject, href, basis, remedy) = match found.subject {
        WasteSubject::Number(phone) => (
            filters::hidden(phone),
            format!("/contacts/{phone}"),
            "what these messages cost".to_owned(),
            Remedy::Number(phone),
        ),
        WasteSubject::Text { version, traffic, looked_at, better } => {
            let (key, language) = (version.key, version.language);
            let href = view::href(&format!("/templates/{key}"), &[("language", &language)]);
            let basis = format!(
                "from {} of {}",
                filters::counted(looked_at.min(traffic.messages), "text", "texts"),
                filters::grouped(traffic.messages.into())
            );
            let remedy = match (better, found.waste) {
                (Some(_), _) if version.dlt.is_some() => Remedy::Look {
                    href: href.clone(),
                    words: "It is registered: register the new words first, then change it",
                },
                (Some(better), _) => {
                    Remedy::Text { key: key.clone(), language, version: version.version, better }
                }
                (None, Waste::CheaperOnWhatsapp) => Remedy::Look {
                    href: view::href("/templates/new", &[("from", &key), ("channel", "whatsapp")]),
                    words: "Write it for WhatsApp",
                },
                (None, _) => Remedy::Look { href: href.clone(), words: "Open the text" },
            };
            (version.name, href, basis, remedy)
        }
    };
    Row {
        title: title(found.waste),
        subject,
        href,
        advice: format!("{}.", found.advice.trim_end_matches('.')),
        basis,
        waste: found.waste,
        per_message: found.per_message,
        per_month: found.per_month,
        messages: found.messages,
        remedy,
    }
}

fn done_row(measured: Measured, frame: &Frame, today: NaiveDate) -> DoneRow {
    let Measured { fix, key, until, messages, saved } = measured;
    let day = |day: NaiveDate| day.format("%-d %b");
    let counted = match until {
        _ if fix.template.is_none() => String::new(),
        Some(until) if until < fix.counted_from => "counted with the next change of this template".to_owned(),
        Some(until) => format!("counted until {}", day(until)),
        None if fix.counted_from > today => format!("counted from {}", day(fix.counted_from)),
        None => String::new(),
    };
    let (subject, href) = match (key, &fix.template) {
        (Some(key), Some((_, language, version))) => {
            let href = view::href(&format!("/templates/{key}"), &[("language", language)]);
            (format!("{key}, {language}, version {version}"), href)
        }
        _ => match fix.phone {
            Some(phone) => (filters::hidden(phone), format!("/contacts/{phone}")),
            None => ("A person who was erased".to_owned(), String::new()),
        },
    };
    DoneRow {
        title: title(fix.waste),
        subject,
        href,
        when: frame.zone.when(&fix.at),
        by: fix.by,
        expected: fix.expected,
        messages,
        saved,
        counted,
    }
}

async fn fix_text(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::Send)?;
    let fix = TextFix {
        key: fields.text("template").to_owned(),
        language: fields.text("language").to_owned(),
        version: fields.text("version").parse().map_err(|_| PageError::NotFound("version"))?,
        waste: Waste::parse(fields.text("waste")).map_err(|_| PageError::NotFound("saving"))?,
    };
    match app.commands.fix_text(&fix, &person.actor()).await {
        Ok(_) => Ok(Redirect::to("/costs/savings?done=text").into_response()),
        Err(refused) => refusal(&app, &person, refused).await,
    }
}

async fn refusal(app: &AppState, person: &Person, refused: FixError) -> PageResult {
    match refused {
        FixError::Store(error) => Err(error.into()),
        FixError::Changed(_) | FixError::NotDead(_) => page(app, person, "", refused.to_string()).await,
    }
}

async fn suppress(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    if !may_suppress(&person) {
        person.must(Permission::ManageOptOuts)?;
    }
    let phone = PhoneNumber::from_e164(fields.text("phone")).ok_or(PageError::NotFound("number"))?;
    match app.commands.suppress_number(phone, &person.actor()).await {
        Ok(()) => Ok(Redirect::to("/costs/savings?done=number").into_response()),
        Err(refused) => refusal(&app, &person, refused).await,
    }
}
