//! What needs me, and where the money stands.

mod budget_needs;
mod figures;

use super::campaigns::progress::Progress;
use super::campaigns::progress_of;
use super::reminders::{Hours, reason_of, run_href};
use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::filters::{self, counted, percent};
use crate::view::{self, Frame, Section, Zone};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use chrono::Duration;
use dakiya_core::campaign::CampaignState;
use dakiya_core::message::{Channel, Status};
use dakiya_core::money::Money;
use dakiya_core::rate_card::STALE_AFTER_DAYS;
use dakiya_core::reminder::when_in_words;
use dakiya_core::time::Timestamp;
use dakiya_store::campaigns::{self, Campaign};
use dakiya_store::messages::{self, MessageFilter};
use dakiya_store::overview::{self, SentGroup};
use dakiya_store::{
    contacts, rate_cards, recurring_campaigns, reminder_rules, reminder_runs, senders, settings, templates,
};
use figures::{Spend, TemplateRow, Week, count, is_delivered, is_failed, spend, summed, templates_used};
use std::collections::HashMap;

/// More campaigns than this are in the list of campaigns.
const MOST_CAMPAIGNS: u64 = 10;

/// What waits beyond these comes up when some of them are decided.
const MOST_HELD: u64 = 10;

/// The dashboard.
pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/", get(show)).route("/running", get(running_part))
}

/// One line of the "Needs you" list.
struct Need {
    level: &'static str,
    tag: &'static str,
    what: String,
    why: String,
    action: &'static str,
    href: String,
}

struct Running {
    campaign: Campaign,
    progress: Progress,
    is_paused: bool,
}

/// A campaign or a run of reminders that begins today.
struct Upcoming {
    begins: Option<Timestamp>,
    at: String,
    name: String,
    channel: Channel,
    note: String,
    href: String,
    cost: Money,
}

#[derive(Template)]
#[template(path = "dashboard/dashboard.html")]
struct Dashboard {
    frame: Frame,
    needs: Vec<Need>,
    spend: Spend,
    week: Week,
    running: Vec<Running>,
    upcoming: Vec<Upcoming>,
    templates: Vec<TemplateRow>,
    done: &'static str,
}

async fn show(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let (now, zone) = (app.clock.now(), Zone(app.config.timezone));
    let week_ago = zone.day_start(zone.date(&(now - Duration::days(6))));
    let week = overview::sent_since(&app.store, week_ago).await?;
    let done = match query.get("done").map(String::as_str) {
        Some("stopped") => "All sending is stopped. No message begins until somebody lets it go on.",
        Some("resumed") => "Sending goes on.",
        _ => "",
    };
    let page = Dashboard {
        frame: Frame::of(&app, &person, Section::Dashboard).await?,
        needs: needs(&app, &week).await?,
        spend: spend(&app).await?,
        templates: templates_used(&app, &week).await?,
        week: summed(
            &week,
            overview::opt_outs_since(&app.store, week_ago).await?,
            zone.date_field(&week_ago),
        ),
        running: running(&app).await?,
        upcoming: upcoming(&app, zone).await?,
        done,
    };
    Ok(view::html(&page))
}

#[derive(Template)]
#[template(path = "dashboard/_running.html")]
struct RunningPart {
    running: Vec<Running>,
}

/// `GET /running`: the campaigns that are going out, while somebody watches.
async fn running_part(State(app): State<AppState>, _: Person, headers: HeaderMap) -> PageResult {
    if !headers.contains_key("hx-request") {
        return Ok(Redirect::to("/").into_response());
    }
    Ok(view::html(&RunningPart { running: running(&app).await? }))
}

async fn of_state(app: &AppState, state: CampaignState) -> PageResult<Vec<Campaign>> {
    Ok(campaigns::list(&app.store, Some(state), None, MOST_CAMPAIGNS).await?.items)
}

async fn running(app: &AppState) -> PageResult<Vec<Running>> {
    let mut running = Vec::new();
    for state in [CampaignState::Sending, CampaignState::Paused] {
        for campaign in of_state(app, state).await? {
            let progress = progress_of(app, &campaign).await?;
            running.push(Running { progress, is_paused: state == CampaignState::Paused, campaign });
        }
    }
    Ok(running)
}

async fn upcoming(app: &AppState, zone: Zone) -> PageResult<Vec<Upcoming>> {
    let today = zone.date(&app.clock.now());
    let start = |campaign: &Campaign| campaign.predicted_start.or(campaign.draft.send_at);
    let mut scheduled = of_state(app, CampaignState::Scheduled).await?;
    scheduled.retain(|campaign| start(campaign).is_none_or(|at| zone.date(&at) <= today));
    let clock = |at: Option<Timestamp>| at.map_or_else(|| "now".to_owned(), |at| zone.time(&at));
    let campaign = |campaign: Campaign| Upcoming {
        begins: start(&campaign),
        at: clock(start(&campaign)),
        note: String::new(),
        href: format!("/campaigns/{}", campaign.id),
        channel: campaign.draft.channel,
        name: campaign.draft.name,
        cost: campaign.estimated_cost,
    };
    let mut upcoming: Vec<Upcoming> = scheduled.into_iter().map(campaign).collect();
    let tomorrow = zone.day_start(today + Duration::days(1));
    let hours = Hours::of(app).await?;
    for (stored, coming) in app.commands.runs_until(tomorrow).await? {
        let goes_at = hours.opens(&stored.rule, coming.run.at).unwrap_or(coming.run.at);
        if coming.skipped.is_some() || goes_at >= tomorrow {
            continue;
        }
        upcoming.push(Upcoming {
            begins: Some(goes_at),
            at: zone.time(&goes_at),
            note: counted(coming.reckoned.will_send, "reminder", "reminders"),
            href: run_href(&stored.key, &coming.run),
            channel: stored.rule.channel.first(),
            name: format!("{}, {}", stored.rule.name, when_in_words(coming.run.step).to_lowercase()),
            cost: coming.reckoned.cost,
        });
    }
    upcoming.sort_by_key(|row| row.begins);
    Ok(upcoming)
}

/// Runs of reminders and times of recurring campaigns that wait for a person to decide.
async fn held(app: &AppState) -> PageResult<Vec<Need>> {
    let zone = Zone(app.config.timezone);
    let need = |what, why, href| Need { level: "warn", tag: "Held", what, why, action: "Decide", href };
    let mut needs = Vec::new();
    for run in reminder_runs::held(&app.store, MOST_HELD).await? {
        let Some(rule) = reminder_rules::by_id(&app.store, run.rule_id).await? else { continue };
        let step = when_in_words(run.run.step).to_lowercase();
        let what = format!("“{}”, {step}, of {} waits.", rule.rule.name, zone.when(&run.run.at));
        needs.push(need(what, format!("{}.", reason_of(&run)), run_href(&rule.key, &run.run)));
    }
    for time in recurring_campaigns::held(&app.store, MOST_HELD).await? {
        let what = format!("“{}” of {} waits as a draft.", time.name, zone.when(&time.at));
        let why =
            time.reason.map(|reason| format!("It was not sent by itself: {reason}.")).unwrap_or_default();
        needs.push(need(what, why, format!("/campaigns/{}", time.campaign_id)));
    }
    Ok(needs)
}

async fn needs(app: &AppState, week: &[SentGroup]) -> PageResult<Vec<Need>> {
    let mut needs = first_steps(app).await?;
    needs.extend(budget_needs::all(app).await?);
    needs.extend(price_need(app).await?);
    needs.extend(held(app).await?);
    for campaign in of_state(app, CampaignState::Paused).await? {
        let why = campaign.paused_reason.clone().unwrap_or_else(|| "A person paused it.".to_owned());
        needs.push(Need {
            level: "warn",
            tag: "Paused",
            what: format!("“{}” waits.", campaign.draft.name),
            why,
            action: "Open",
            href: format!("/campaigns/{}", campaign.id),
        });
    }
    let unknown = messages::page(
        &app.store,
        &MessageFilter { status: Some(Status::Unknown), ..MessageFilter::default() },
        None,
        1,
    )
    .await?;
    if !unknown.items.is_empty() {
        needs.push(Need {
            level: "warn",
            tag: "Doubt",
            what: "Some messages got no clear answer.".to_owned(),
            why: "Dakiya asks Twilio about them and sends nothing twice.".to_owned(),
            action: "Look",
            href: "/messages?status=unknown".to_owned(),
        });
    }
    let (failed, ended) =
        (count(week, is_failed), count(week, |status| is_failed(status) || is_delivered(status)));
    // Below a hundred, one wrong number is a large share.
    if ended >= 100 && failed * 100 > ended * 3 {
        needs.push(Need {
            level: "bad",
            tag: "Failures",
            what: format!("{} of the last 7 days did not arrive.", percent(failed, ended)),
            why: format!(
                "{} of {}.",
                counted(failed, "message", "messages"),
                crate::filters::grouped(ended.into())
            ),
            action: "See reasons",
            href: "/messages?status=undelivered".to_owned(),
        });
    }
    Ok(needs)
}

/// Prices in force that are too old to trust.
async fn price_need(app: &AppState) -> PageResult<Option<Need>> {
    let key = settings::get(&app.store).await?.rate_card;
    let Some(card) = rate_cards::get(&app.store, &key).await? else { return Ok(None) };
    let stale = card.stale(app.today()).len() as u64;
    Ok((stale > 0).then(|| Need {
        level: "warn",
        tag: "Prices",
        what: format!(
            "{} of the rate card “{}” began more than {STALE_AFTER_DAYS} days ago.",
            counted(stale, "price", "prices"),
            card.name
        ),
        why: "Estimates may be wrong.".to_owned(),
        action: "Compare",
        href: "/budgets/rate-cards".to_owned(),
    }))
}

/// What a new installation still lacks.
async fn first_steps(app: &AppState) -> PageResult<Vec<Need>> {
    let step = |what: &str, why: &str, action: &'static str, href: &str| Need {
        level: "info",
        tag: "Set up",
        what: what.to_owned(),
        why: why.to_owned(),
        action,
        href: href.to_owned(),
    };
    let mut steps = Vec::new();
    if senders::list(&app.store, None).await?.is_empty() {
        steps.push(step("Add a sender.", "Messages need somebody to come from.", "Add", "/settings/senders"));
    }
    if templates::list(&app.store, None, 1).await?.items.is_empty() {
        steps.push(step(
            "Write a template.",
            "A text with details in double curly brackets.",
            "Write",
            "/templates/new",
        ));
    }
    if contacts::page(&app.store, &contacts::ContactFilter::default(), None, 1).await?.items.is_empty() {
        steps.push(step(
            "Import your contacts.",
            "A CSV file with a column “phone”.",
            "Import",
            "/contacts/import",
        ));
    }
    Ok(steps)
}
