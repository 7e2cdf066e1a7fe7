//! Creates, fetches, lists and cancels messages, as the 2010 API does.

use crate::admission::{self, LEGACY_TRIAL_PREFIX, Request, SERVICE_NUMBER};
use crate::answer;
use crate::book::{Book, Direction, Post, Stored};
use crate::config::AccountKind;
use crate::faults::{Answer, Fate, PostFault};
use crate::sim::{Sim, api_error, json};
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use dakiya_core::encoding::measure;
use dakiya_core::message::Channel;
use dakiya_core::time::Timestamp;
use dakiya_twilio::TwilioStatus;
use dakiya_twilio::wire::{MessageResource, rfc2822};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

const WHATSAPP_WINDOW_HOURS: i64 = 24;

/// `POST …/Messages.json`
pub(crate) async fn create(State(sim): State<Arc<Sim>>, body: Bytes) -> Response {
    let instant = Instant::now();
    let request = Request::parse(&body);
    let Some(_place) = sim.gauge.enter(sim.config.rate_limit, instant) else {
        log(&mut sim.book(), &sim, &request, instant, None, Some(429), Some(20429));
        return api_error(StatusCode::TOO_MANY_REQUESTS, 20429);
    };
    let latency = sim.faults.current_latency();
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let fault = sim.faults.post(request.number());
    if let Some(PostFault { accepted: false, answer }) = &fault {
        let (status, code) = answer::summary(answer);
        log(&mut sim.book(), &sim, &request, instant, None, status, code);
        return answer::faulty(answer).await;
    }
    let created = {
        let mut book = sim.book();
        let now = sim.now();
        if let Some(code) = admission::refusal(&request, &sim.config, &book, now) {
            log(&mut book, &sim, &request, instant, None, Some(400), Some(code));
            drop(book);
            return api_error(StatusCode::BAD_REQUEST, code);
        }
        accept(&mut book, &sim, &request, instant, fault.as_ref().map(|fault| &fault.answer), now)
    };
    if let Some(PostFault { answer, .. }) = fault {
        start(&sim, created.number, &request);
        return answer::faulty(&answer).await;
    }
    if sim.faults.callback_faults().before_answer {
        start(&sim, created.number, &request);
        answer::after_first_callback(&sim, created.number).await;
        return json(StatusCode::CREATED, &created.resource);
    }
    let after = sim.clone();
    answer::then(StatusCode::CREATED, &created.resource, move || start(&after, created.number, &request))
}

struct Created {
    number: u64,
    resource: MessageResource,
}

fn accept(
    book: &mut Book,
    sim: &Sim,
    request: &Request,
    instant: Instant,
    fault: Option<&Answer>,
    now: Timestamp,
) -> Created {
    let channel = request.channel();
    let to: Arc<str> = request.to.clone().unwrap_or_default();
    let text = text_of(book, request);
    let body = match sim.config.account {
        AccountKind::LegacyTrial { .. } => format!("{LEGACY_TRIAL_PREFIX}{text}").into(),
        _ => text,
    };
    let fate = fate(book, sim, request, now);
    let number = book.add(Stored {
        direction: Direction::OutboundApi,
        channel,
        to,
        from: request.from.clone(),
        service: request.service.clone(),
        segments: segments(channel, &body),
        body,
        status: first_status(request),
        counted: request.service.is_none(),
        bill: sim.faults.bill(request.number()).unwrap_or_default(),
        price: None,
        price_shown_at: None,
        repriced: None,
        error: None,
        fate,
        created: now,
        updated: now,
        sent: None,
        callback: request.status_callback.clone(),
        callbacks_answered: 0,
    });
    book.accepted_by_channel[usize::from(channel == Channel::Whatsapp)] += 1;
    let (status, code) = fault.map_or((Some(201), None), answer::summary);
    log(book, sim, request, instant, Some(number), status, code);
    Created { number, resource: resource(book, sim, number) }
}

/// What the person reads. A template that nobody approved here has no words.
fn text_of(book: &Book, request: &Request) -> Arc<str> {
    let content = request.content_sid.as_deref().zip(request.values());
    let content = content.and_then(|(sid, values)| book.content(sid, &values));
    content.map(Arc::from).or_else(|| request.body.clone()).unwrap_or_default()
}

fn first_status(request: &Request) -> TwilioStatus {
    match (&request.service, &request.send_at) {
        (Some(_), Some(_)) => TwilioStatus::Scheduled,
        (Some(_), None) => TwilioStatus::Accepted,
        (None, _) => TwilioStatus::Queued,
    }
}

/// How the message will end: as somebody wished, or as the rules of the channel have it.
fn fate(book: &Book, sim: &Sim, request: &Request, now: Timestamp) -> Fate {
    let (sender, person) = (request.sender(), request.number());
    if let Some(fate) = sim.faults.fate(person) {
        return fate;
    }
    if request.service.is_some() && book.has_opted_out(sender, person) {
        return Fate::Fail(21610);
    }
    let free_form = request.channel() == Channel::Whatsapp && request.content_sid.is_none();
    let heard =
        || book.heard_at(sender, person).is_some_and(|at| now - at < Duration::hours(WHATSAPP_WINDOW_HOURS));
    if free_form && sim.config.whatsapp_window && !heard() {
        return Fate::Fail(63016);
    }
    Fate::Deliver
}

pub(crate) fn segments(channel: Channel, body: &str) -> u32 {
    match channel {
        Channel::Sms => measure(body).segments.0,
        Channel::Whatsapp => 1,
    }
}

fn start(sim: &Sim, number: u64, request: &Request) {
    if sim.config.account == AccountKind::TestCredentials {
        return;
    }
    let wait = request
        .scheduled_for()
        .map_or(std::time::Duration::ZERO, |at| (at - sim.now()).to_std().unwrap_or_default());
    crate::progress::begin(sim, number, first_status(request), wait);
}

fn log(
    book: &mut Book,
    sim: &Sim,
    request: &Request,
    instant: Instant,
    number: Option<u64>,
    status: Option<u16>,
    code: Option<u32>,
) {
    let body = text_of(book, request);
    let post = Post {
        number: 0,
        at: sim.now(),
        instant,
        to: request.to.clone().unwrap_or_default(),
        from: request.from.clone().or_else(|| request.service.clone()).unwrap_or_default(),
        segments: segments(request.channel(), &body),
        body,
        content_sid: request.content_sid.clone(),
        content_variables: request.content_variables.clone(),
        status_callback: request.status_callback.clone(),
        sid: number.map(|number| book.sid(number)),
        status,
        code,
    };
    book.log_post(post);
}

/// `GET …/Messages/{sid}.json`
pub(crate) async fn fetch(State(sim): State<Arc<Sim>>, Path((_, file)): Path<(String, String)>) -> Response {
    if sim.config.account == AccountKind::TestCredentials {
        return api_error(StatusCode::FORBIDDEN, 20008);
    }
    let book = sim.book();
    match file.strip_suffix(".json").and_then(|sid| book.find(sid)) {
        Some(number) => json(StatusCode::OK, &resource(&book, &sim, number)),
        None => api_error(StatusCode::NOT_FOUND, 20404),
    }
}

/// `POST …/Messages/{sid}.json`: `Status=canceled`, or an empty `Body` to redact.
pub(crate) async fn update(
    State(sim): State<Arc<Sim>>,
    Path((_, file)): Path<(String, String)>,
    form: Bytes,
) -> Response {
    let mut book = sim.book();
    let Some(number) = file.strip_suffix(".json").and_then(|sid| book.find(sid)) else {
        return api_error(StatusCode::NOT_FOUND, 20404);
    };
    let now = sim.now();
    for (name, value) in url::form_urlencoded::parse(&form) {
        let Some(message) = book.message_mut(number) else { continue };
        match (name.as_ref(), value.as_ref()) {
            ("Status", "canceled") if message.status == TwilioStatus::Scheduled => {
                (message.status, message.updated) = (TwilioStatus::Canceled, now);
                crate::progress::report(&sim, &book, number);
            }
            ("Status", "canceled") => return api_error(StatusCode::BAD_REQUEST, 30409),
            ("Body", "") => message.body = "".into(),
            _ => return api_error(StatusCode::BAD_REQUEST, 20001),
        }
    }
    json(StatusCode::OK, &resource(&book, &sim, number))
}

#[derive(Default)]
struct Filter {
    to: Option<String>,
    from: Option<String>,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
    page_size: usize,
    page: usize,
    token: Option<u64>,
    /// The query without the page: every page's URI begins with it.
    query: String,
}

/// `GET …/Messages.json`, newest first.
pub(crate) async fn list(State(sim): State<Arc<Sim>>, RawQuery(query): RawQuery) -> Response {
    if sim.config.account == AccountKind::TestCredentials {
        return api_error(StatusCode::FORBIDDEN, 20008);
    }
    let book = sim.book();
    let Some(filter) = Filter::parse(&book, query.as_deref().unwrap_or_default()) else {
        return api_error(StatusCode::BAD_REQUEST, 20422);
    };
    let matching =
        book.newest_first(filter.to.as_deref(), filter.token).filter(|number| filter.admits(&book, *number));
    let mut numbers: Vec<u64> = matching.take(filter.page_size + 1).collect();
    let more = numbers.len() > filter.page_size;
    numbers.truncate(filter.page_size);
    let path = format!("/2010-04-01/Accounts/{}/Messages.json?{}", sim.config.account_sid, filter.query);
    let token = numbers.last().map(|last| format!("PA{}", book.sid(*last))).unwrap_or_default();
    let start = filter.page * filter.page_size;
    let messages: Vec<MessageResource> =
        numbers.iter().map(|number| resource(&book, &sim, *number)).collect();
    drop(book);
    json(
        StatusCode::OK,
        &serde_json::json!({
            "first_page_uri": format!("{path}&Page=0"),
            "next_page_uri": more.then(|| format!("{path}&Page={}&PageToken={token}", filter.page + 1)),
            "previous_page_uri": null,
            "uri": format!("{path}&Page={}", filter.page),
            "page": filter.page,
            "page_size": filter.page_size,
            "start": start,
            "end": if messages.is_empty() { 0 } else { start + messages.len() - 1 },
            "messages": messages,
        }),
    )
}

impl Filter {
    fn parse(book: &Book, query: &str) -> Option<Self> {
        let mut filter = Self { page_size: 50, ..Self::default() };
        let mut kept = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "To" => filter.to = Some(value.to_string()),
                "From" => filter.from = Some(value.to_string()),
                "DateSent>" => filter.after = Some(first_moment(&value)?),
                "DateSent<" => filter.before = Some(last_moment(&value)?),
                "DateSent" => {
                    (filter.after, filter.before) = (Some(first_moment(&value)?), Some(last_moment(&value)?))
                }
                "Page" => filter.page = value.parse().ok()?,
                "PageToken" => filter.token = Some(book.find(value.strip_prefix("PA")?)?),
                "PageSize" => {}
                _ => continue,
            }
            if name == "PageSize" {
                filter.page_size = value.parse::<usize>().ok()?.clamp(1, 1_000);
            } else if !matches!(name.as_ref(), "Page" | "PageToken") {
                kept.append_pair(&name, &value);
            }
        }
        kept.append_pair("PageSize", &filter.page_size.to_string());
        filter.query = kept.finish();
        Some(filter)
    }

    fn admits(&self, book: &Book, number: u64) -> bool {
        let Some(message) = book.message(number) else { return false };
        let at = message.sent.unwrap_or(message.created);
        self.from.as_deref().is_none_or(|from| shown_from(message) == Some(from))
            && self.after.is_none_or(|after| at >= after)
            && self.before.is_none_or(|before| at <= before)
    }
}

fn first_moment(text: &str) -> Option<Timestamp> {
    moment(text).or_else(|| Some(text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?.and_utc()))
}

fn last_moment(text: &str) -> Option<Timestamp> {
    moment(text)
        .or_else(|| Some(text.parse::<NaiveDate>().ok()?.and_hms_milli_opt(23, 59, 59, 999)?.and_utc()))
}

fn moment(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc))
}

/// A service's sender is null until it was chosen.
fn shown_from(message: &Stored) -> Option<&str> {
    match (&message.from, message.counted) {
        (Some(from), _) => Some(from),
        (None, true) => Some(SERVICE_NUMBER),
        (None, false) => None,
    }
}

/// Twilio writes what it takes as a negative amount.
fn shown_price(price: Decimal) -> String {
    if price.is_zero() { "0".to_owned() } else { (-price).to_string() }
}

/// A message as Twilio spells it.
pub(crate) fn resource(book: &Book, sim: &Sim, number: u64) -> MessageResource {
    let Some(message) = book.message(number) else { return MessageResource::default() };
    let sid = book.sid(number);
    let path = format!("/2010-04-01/Accounts/{}/Messages/{sid}", sim.config.account_sid);
    let direction = match message.direction {
        Direction::Inbound => "inbound",
        Direction::OutboundApi => "outbound-api",
        Direction::OutboundReply => "outbound-reply",
    };
    MessageResource {
        account_sid: Some(sim.config.account_sid.clone()),
        api_version: Some("2010-04-01".to_owned()),
        body: Some(message.body.to_string()),
        date_created: Some(rfc2822(message.created)),
        date_sent: message.sent.map(rfc2822),
        date_updated: Some(rfc2822(message.updated)),
        direction: Some(direction.to_owned()),
        error_code: message.error,
        error_message: message.error.and_then(dakiya_twilio::error::explain).map(|entry| entry.title.clone()),
        from: shown_from(message).map(str::to_owned),
        messaging_service_sid: message.service.as_deref().map(str::to_owned),
        num_media: Some("0".to_owned()),
        num_segments: Some(if message.counted { message.segments.to_string() } else { "0".to_owned() }),
        price: message.shown_price(sim.now()).map(shown_price),
        price_unit: Some("USD".to_owned()),
        status: Some(message.status.to_string()),
        subresource_uris: BTreeMap::from([("media".to_owned(), format!("{path}/Media.json"))]),
        to: Some(message.to.to_string()),
        uri: Some(format!("{path}.json")),
        sid: Some(sid),
    }
}
