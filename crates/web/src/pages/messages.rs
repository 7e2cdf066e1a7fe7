//! The message log: filters in the address, one message's story on a page of its own.

use super::explain::{self, Explained};
use super::ledger;
use super::preview::Preview;
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters::{self, spaced, status_words};
use crate::forms::Faults;
use crate::view::{self, Frame, Section, Zone};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use chrono::{Days, NaiveDate};
use dakiya_core::ids::CampaignId;
use dakiya_core::message::{Channel, Status};
use dakiya_core::phone::{AllowedCountries, PhoneNumber};
use dakiya_core::time::{Timestamp, parse_day};
use dakiya_store::messages::{self, Message, MessageFilter};
use dakiya_store::{budgets, campaigns, settings, templates};
use std::collections::HashMap;

const ROWS: u64 = 50;

/// A choice beside the statuses: undelivered, failed and rejected together.
const NOT_ARRIVED: &str = "not_arrived";
const NOT_ARRIVED_WORDS: &str = "Did not arrive";

/// The log and its messages.
pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/messages", get(list)).route("/messages/{id}", get(show))
}

/// The filters as the address spells them.
#[derive(Clone, Debug, Default)]
struct Chosen {
    phone: String,
    status: String,
    campaign: String,
    template: String,
    from: String,
    until: String,
    error: String,
}

/// A filter in force, and the list without it.
pub(crate) struct Chip {
    pub(crate) words: String,
    pub(crate) href: String,
}

impl Chosen {
    fn read(query: &HashMap<String, String>) -> Chosen {
        let text = |name: &str| query.get(name).map_or_else(String::new, |value| value.trim().to_owned());
        Chosen {
            phone: text("phone"),
            status: text("status"),
            campaign: text("campaign"),
            template: text("template"),
            from: text("from"),
            until: text("until"),
            error: text("error"),
        }
    }

    fn pairs(&self) -> [(&'static str, &str); 7] {
        [
            ("phone", &self.phone),
            ("status", &self.status),
            ("campaign", &self.campaign),
            ("template", &self.template),
            ("from", &self.from),
            ("until", &self.until),
            ("error", &self.error),
        ]
    }

    fn href_without(&self, name: &str) -> String {
        let rest: Vec<_> = self.pairs().into_iter().filter(|(other, _)| *other != name).collect();
        view::href("/messages", &rest)
    }

    fn href_after(&self, cursor: &str) -> String {
        let mut all = self.pairs().to_vec();
        all.push(("cursor", cursor));
        view::href("/messages", &all)
    }

    /// What the store is asked for, and what is wrong with the address.
    fn filter(&self, allowed: &AllowedCountries, zone: Zone) -> (MessageFilter, Faults) {
        let mut faults = Faults::default();
        let given = |text: &str| !text.is_empty();
        let phone = Some(&self.phone)
            .filter(|text| given(text))
            .and_then(|text| faults.take("phone", number(text, allowed)));
        let not_arrived = self.status == NOT_ARRIVED;
        let status = Some(&self.status)
            .filter(|text| given(text) && !not_arrived)
            .and_then(|text| faults.take("status", Status::parse(text)));
        let unknown = |what: &str| format!("No {what} is at this address. Clear the filter");
        let campaign = Some(&self.campaign)
            .filter(|text| given(text))
            .and_then(|text| faults.take("campaign", text.parse().map_err(|_| unknown("campaign"))));
        let template = Some(&self.template)
            .filter(|text| given(text))
            .and_then(|text| faults.take("template", text.parse().map_err(|_| unknown("template"))));
        let no_code = || format!("\"{}\" is no error code; write its digits, for example 30003", self.error);
        let error_code = Some(&self.error)
            .filter(|text| given(text))
            .and_then(|text| faults.take("error", text.parse::<u32>().map_err(|_| no_code())));
        let mut day = |name: &str, text: &str| -> Option<NaiveDate> {
            if text.is_empty() {
                return None;
            }
            faults.take(name, parse_day(text))
        };
        let (from, until) = (day("from", &self.from), day("until", &self.until));
        let filter = MessageFilter {
            from: from.map(|day| zone.day_start(day)),
            until: until.and_then(|day| day.checked_add_days(Days::new(1))).map(|day| zone.day_start(day)),
            status,
            phone,
            campaign,
            template,
            not_arrived,
            error_code,
        };
        (filter, faults)
    }
}

/// A number to look for: any that was ever messaged, whatever countries are allowed now.
fn number(text: &str, allowed: &AllowedCountries) -> Result<PhoneNumber, String> {
    PhoneNumber::from_e164(text)
        .map_or_else(|| PhoneNumber::parse(text, allowed).map_err(|error| error.to_string()), Ok)
}

struct Row {
    message: Message,
    why: String,
    sent_by: String,
    is_sms: bool,
    cost: String,
}

/// Failures of one kind.
struct Reason {
    title: String,
    code_words: String,
    people: u64,
    href: String,
}

#[derive(Template)]
#[template(path = "messages/list.html")]
struct LogPage {
    frame: Frame,
    filter: Chosen,
    fault: String,
    statuses: Vec<(&'static str, &'static str)>,
    campaigns: Vec<(String, String)>,
    chips: Vec<Chip>,
    reasons: Vec<Reason>,
    rows: Vec<Row>,
    next: Option<String>,
}

async fn list(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let chosen = Chosen::read(&query);
    let zone = Zone(app.config.timezone);
    let (filter, faults) = chosen.filter(&settings::get(&app.store).await?.allowed_countries, zone);
    let frame = Frame::of(&app, &person, Section::Messages).await?;
    let known = campaigns::list(&app.store, None, None, ROWS).await?.items;
    let names: HashMap<CampaignId, String> =
        known.iter().map(|campaign| (campaign.id, campaign.draft.name.clone())).collect();
    let (rows, next, reasons) = if faults.is_empty() {
        let page = messages::page(&app.store, &filter, view::cursor(&query).as_ref(), ROWS).await?;
        let next = page.next.map(|next| chosen.href_after(&next.to_string()));
        (
            page.items.into_iter().map(|message| row(message, &names)).collect(),
            next,
            reasons(&app, filter.campaign).await?,
        )
    } else {
        (Vec::new(), None, Vec::new())
    };
    let fault = faults.iter().map(|(_, message)| format!("{message}.")).collect::<Vec<_>>().join(" ");
    let status = if fault.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = LogPage {
        frame,
        chips: chips(&chosen, &filter, &names),
        filter: chosen,
        fault,
        statuses: choices(),
        campaigns: known.into_iter().map(|campaign| (campaign.id.to_string(), campaign.draft.name)).collect(),
        reasons,
        rows,
        next,
    };
    Ok((status, view::html(&page)).into_response())
}

fn choices() -> Vec<(&'static str, &'static str)> {
    let statuses = Status::ALL.iter().map(|status| (status.as_str(), status_words(*status)));
    std::iter::once((NOT_ARRIVED, NOT_ARRIVED_WORDS)).chain(statuses).collect()
}

fn row(message: Message, names: &HashMap<CampaignId, String>) -> Row {
    let sent_by = match (message.campaign_id, message.api_key_id) {
        (Some(id), _) => names.get(&id).cloned().unwrap_or_else(|| "A campaign".to_owned()),
        (None, Some(_)) => "API".to_owned(),
        (None, None) => "A person".to_owned(),
    };
    let cost = match message.actual_cost {
        Some(cost) => cost.with_sign(),
        None => "–".to_owned(),
    };
    Row { why: explain::why(&message), sent_by, is_sms: message.channel == Channel::Sms, cost, message }
}

async fn reasons(app: &AppState, campaign: Option<CampaignId>) -> PageResult<Vec<Reason>> {
    let Some(campaign) = campaign else { return Ok(Vec::new()) };
    let groups = messages::failure_groups(&app.store, campaign).await?;
    let reason = |group: messages::FailureGroup| Reason {
        title: group.error_code.map_or_else(|| "No reason given".to_owned(), explain::title_of),
        code_words: group.error_code.map_or_else(String::new, |code| format!("Twilio {code}")),
        people: group.count,
        href: match group.error_code {
            Some(code) => {
                view::href("/messages", &[("campaign", &campaign.to_string()), ("error", &code.to_string())])
            }
            None => format!("/campaigns/{campaign}#c-why"),
        },
    };
    Ok(groups.into_iter().take(5).map(reason).collect())
}

fn chips(chosen: &Chosen, filter: &MessageFilter, names: &HashMap<CampaignId, String>) -> Vec<Chip> {
    let mut chips = Vec::new();
    let mut chip = |name: &str, words: Option<String>| {
        chips.extend(words.map(|words| Chip { words, href: chosen.href_without(name) }))
    };
    chip("phone", filter.phone.map(spaced));
    chip("status", filter.not_arrived.then(|| NOT_ARRIVED_WORDS.to_owned()));
    chip("status", filter.status.map(|status| status_words(status).to_owned()));
    chip(
        "campaign",
        filter.campaign.map(|id| names.get(&id).cloned().unwrap_or_else(|| "One campaign".to_owned())),
    );
    chip("template", filter.template.map(|_| "One template".to_owned()));
    chip("from", filter.from.map(|_| format!("From {}", chosen.from)));
    chip("error", filter.error_code.map(|code| format!("{code}: {}", explain::title_of(code))));
    chip("until", filter.until.map(|_| format!("To {}", chosen.until)));
    chips
}

struct EventRow {
    at: Timestamp,
    words: String,
    source: &'static str,
    note: Option<String>,
}

#[derive(Template)]
#[template(path = "messages/show.html")]
struct MessagePage {
    frame: Frame,
    message: Message,
    explained: Explained,
    /// A budget keeps it waiting.
    held: bool,
    /// Its cost is in what a budget counts as spent or set aside. A single message is, once it is taken for posting.
    set_aside: bool,
    events: Vec<EventRow>,
    campaign: Option<(CampaignId, String)>,
    template_key: Option<String>,
    preview: Preview,
    sender_words: String,
    is_sms: bool,
}

async fn show(State(app): State<AppState>, person: Person, Path(id): Path<String>) -> PageResult {
    let id = id.parse().map_err(|_| PageError::NotFound("message"))?;
    let message = messages::get(&app.store, id).await?.ok_or(PageError::NotFound("message"))?;
    let campaign = match message.campaign_id {
        Some(id) => campaigns::get(&app.store, id).await?.map(|campaign| (id, campaign.draft.name)),
        None => None,
    };
    let template_key = match message.template {
        Some((id, version)) => {
            templates::at_version(&app.store, id, version, None).await?.map(|version| version.key)
        }
        None => None,
    };
    let hold = budgets::holds(&app.store).await?.of(&message);
    let events = messages::events(&app.store, &message).await?;
    let events = events
        .into_iter()
        .rev()
        .map(|event| EventRow {
            at: event.at,
            words: event.error_code.map_or_else(
                || status_words(event.status).to_owned(),
                |code| format!("{}, {code}", status_words(event.status)),
            ),
            source: explain::source_words(event.source),
            note: event.note,
        })
        .collect();
    let page = MessagePage {
        frame: Frame::of(&app, &person, Section::Messages).await?,
        explained: Explained::of(&message, hold),
        held: hold.is_some(),
        set_aside: message.is_reserved() && (campaign.is_some() || message.status != Status::Queued),
        events,
        campaign,
        template_key,
        preview: Preview::of_body(&message.body),
        sender_words: message.sender.to_string(),
        is_sms: message.channel == Channel::Sms,
        message,
    };
    Ok(view::html(&page))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(pairs: &[(&str, &str)]) -> Chosen {
        Chosen::read(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_day_in_the_filter_is_a_day_of_the_business() {
        let zone = Zone(chrono_tz::Asia::Kolkata);
        let (filter, faults) = chosen(&[("from", "2026-08-18"), ("until", "2026-08-18")])
            .filter(&AllowedCountries::default(), zone);
        assert!(faults.is_empty());
        assert_eq!(filter.from, Some("2026-08-17T18:30:00Z".parse().unwrap()));
        assert_eq!(filter.until, Some("2026-08-18T18:30:00Z".parse().unwrap()));
    }

    #[test]
    fn a_filter_is_taken_away_alone() {
        let chosen = chosen(&[("status", "failed"), ("from", "2026-08-18")]);
        assert_eq!(chosen.href_without("status"), "/messages?from=2026-08-18");
    }

    #[test]
    fn an_address_that_means_nothing_is_refused_in_words() {
        let (_, faults) = chosen(&[("status", "nonsense"), ("from", "yesterday"), ("campaign", "x")])
            .filter(&AllowedCountries::default(), Zone(chrono_tz::UTC));
        assert_eq!(faults.len(), 3);
    }
}
