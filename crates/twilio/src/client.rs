//! Sends, fetches, lists and cancels messages.
//!
//! Nothing is retried and no redirect is followed: what a failure means for a message is for [`crate::outcome`] to
//! say and for the caller to act upon.

use crate::credentials::{AccountSid, AuthToken};
use crate::error::{ApiError, TwilioError};
use crate::gate::Gate;
use crate::outcome::{self, Doubt, NotSent, PostOutcome};
use crate::wire::{Address, Message, MessagePage, MessageSid};
use bytes::Bytes;
use dakiya_core::message::Channel;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::sender::{SenderAddress, SenderKind};
use dakiya_core::time::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use serde::de::DeserializeOwned;
use std::time::{Duration, Instant};
use url::{Url, form_urlencoded};

const FORM: &str = "application/x-www-form-urlencoded";
/// The answer to a POST is one message; more is not an answer.
const LARGEST_ANSWER: usize = 64 * 1024;
/// A page of a thousand long messages, every letter escaped, is below this.
const LARGEST_PAGE: usize = 16 * 1024 * 1024;
/// Twilio's own limit.
const LARGEST_PAGE_SIZE: u16 = 1_000;

/// Installs ring as the process's provider of cryptography for TLS, unless one is installed already.
/// [`Client::new`] does it; whoever builds another HTTP client first must do it too.
pub fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Losing a race against another thread that installs the same provider is no failure.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// How to reach an account.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Twilio's REST API, or a server that speaks like it.
    pub api_base_url: Url,
    /// Twilio's Pricing API.
    pub pricing_base_url: Url,
    /// The account.
    pub account_sid: AccountSid,
    /// Its primary token.
    pub auth_token: AuthToken,
    /// For a whole exchange, from connecting to the last byte of the answer.
    pub post_timeout: Duration,
    /// For connecting alone.
    pub connect_timeout: Duration,
}

impl ClientConfig {
    /// With the usual limits: 30 s for an exchange, 5 s of them to connect.
    pub fn new(
        api_base_url: Url,
        pricing_base_url: Url,
        account_sid: AccountSid,
        auth_token: AuthToken,
    ) -> Self {
        Self {
            api_base_url,
            pricing_base_url,
            account_sid,
            auth_token,
            post_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
        }
    }
}

/// One message to be created.
#[derive(Clone, Debug)]
pub struct CreateMessage<'a> {
    /// The recipient; the sender's kind decides the channel.
    pub to: PhoneNumber,
    /// What the sender is.
    pub kind: SenderKind,
    /// The sender.
    pub sender: &'a SenderAddress,
    /// What it says.
    pub content: Content<'a>,
    /// Where Twilio reports what becomes of it; put [`crate::RETRY_OVERRIDE`] behind it.
    pub status_callback: Option<&'a str>,
    /// How long it may wait in Twilio's queue before it makes no sense any more; 1 s to 10 h.
    pub validity: Option<Duration>,
    /// Nothing is written to the socket after this moment.
    pub begin_by: Option<Instant>,
}

/// What a message says.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// Text; on WhatsApp only within 24 hours of the person's last message.
    Text(&'a str),
    /// An approved WhatsApp template.
    Template {
        /// `HX…`.
        content_sid: &'a str,
        /// A JSON object of strings: what stands for `{{1}}`, `{{2}}` …
        variables: &'a str,
    },
}

/// Which messages to list.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// To this address alone.
    pub to: Option<Address>,
    /// From this address alone.
    pub from: Option<Address>,
    /// Not older than this. Twilio compares whole days of GMT here, so the answer may begin earlier the same day.
    pub since: Option<Timestamp>,
    /// Not younger than this, by whole days of GMT too.
    pub until: Option<Timestamp>,
    /// Messages a page, at most 1,000; Twilio's default of 50 when `None`.
    pub page_size: Option<u16>,
}

/// Talks to one Twilio account. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    config: ClientConfig,
}

impl Client {
    /// Builds a client. Fails only if the system's TLS roots or resolver cannot be set up.
    pub fn new(config: ClientConfig) -> Result<Self, TwilioError> {
        install_crypto();
        let mut builder = reqwest::Client::builder()
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(config.connect_timeout)
            .timeout(config.post_timeout)
            // One request a connection: a reset then leaves one message in doubt, not a hundred.
            .http1_only()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(1_024)
            // A connection that Twilio is about to close for idleness would leave the next message in doubt.
            .pool_idle_timeout(Duration::from_secs(15))
            .user_agent(concat!("dakiya/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&config.api_base_url) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|_| TwilioError::Setup)?;
        Ok(Self { http, config })
    }

    /// The account this client speaks for.
    pub fn account_sid(&self) -> &AccountSid {
        &self.config.account_sid
    }

    /// Asks Twilio to send a message, once. Never fails: every ending is an outcome.
    pub async fn create(&self, message: &CreateMessage<'_>) -> PostOutcome {
        let (body, gatekeeper) = Gate::new(create_form(message).into(), message.begin_by);
        let request = self.post("Messages.json").body(reqwest::Body::wrap(body));
        let response = match request.send().await {
            Ok(response) => response,
            Err(_) if gatekeeper.refused() => return PostOutcome::NotSent(NotSent::TooLate),
            Err(_) if !gatekeeper.begun() => return PostOutcome::NotSent(NotSent::NoConnection),
            Err(error) => return PostOutcome::Unknown(doubt(&error)),
        };
        let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
        match read(response, LARGEST_ANSWER).await {
            Ok(body) => outcome::judge(status, retry_after, body.as_deref()),
            // The status line alone already decides these.
            Err(_) if !(200..=299).contains(&status) => outcome::judge(status, retry_after, None),
            Err(error) => PostOutcome::Unknown(doubt(&error)),
        }
    }

    /// Asks about one message.
    pub async fn fetch(&self, sid: &MessageSid) -> Result<Message, TwilioError> {
        self.get(self.account_url(&format!("Messages/{sid}.json"))).await
    }

    /// The first page of a list, newest first.
    pub async fn list(&self, query: &ListQuery) -> Result<MessagePage, TwilioError> {
        let mut url = self.account_url("Messages.json");
        url.push('?');
        url.push_str(&list_query(query));
        self.get(url).await
    }

    /// The page after this one; `None` after the last.
    pub async fn next_page(&self, page: &MessagePage) -> Result<Option<MessagePage>, TwilioError> {
        self.follow(page.next_page_uri.as_deref()).await
    }

    /// Cancels a scheduled message.
    pub async fn cancel(&self, sid: &MessageSid) -> Result<Message, TwilioError> {
        let request = self.post(&format!("Messages/{sid}.json")).body("Status=canceled");
        answer(request).await
    }

    /// Follows a `next_page_uri` as it stands.
    pub(crate) async fn follow<T: DeserializeOwned>(
        &self,
        uri: Option<&str>,
    ) -> Result<Option<T>, TwilioError> {
        match uri {
            None | Some("") => Ok(None),
            // Credentials go nowhere but to the configured host.
            Some(uri) if !uri.starts_with('/') => Err(TwilioError::Malformed("next_page_uri is not a path")),
            Some(uri) => self.get(format!("{}{uri}", base(&self.config.api_base_url))).await.map(Some),
        }
    }

    /// Reads a resource, with credentials.
    pub(crate) async fn get<T: DeserializeOwned>(&self, url: String) -> Result<T, TwilioError> {
        let request = self.http.get(url);
        answer(request.basic_auth(self.config.account_sid.as_str(), Some(self.config.auth_token.expose())))
            .await
    }

    /// A URL below the account.
    pub(crate) fn account_url(&self, path: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}/{path}", base(&self.config.api_base_url), self.config.account_sid)
    }

    /// A URL of the Pricing API.
    pub(crate) fn pricing_url(&self, path: &str) -> String {
        format!("{}/v1/{path}", base(&self.config.pricing_base_url))
    }

    fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.http
            .post(self.account_url(path))
            .basic_auth(self.config.account_sid.as_str(), Some(self.config.auth_token.expose()))
            .header(CONTENT_TYPE, FORM)
    }
}

async fn answer<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, TwilioError> {
    let response = request.send().await.map_err(|error| transport(&error))?;
    let status = response.status().as_u16();
    let body = read(response, LARGEST_PAGE).await.map_err(|error| transport(&error))?;
    let body = body.ok_or(TwilioError::Malformed("the answer is too large"))?;
    match status {
        200..=299 => serde_json::from_slice(&body)
            .map_err(|_| TwilioError::Malformed("the answer is not what was asked for")),
        _ => Err(ApiError::parse(status, &body).map_or(TwilioError::Status(status), TwilioError::Api)),
    }
}

/// The whole body, or `None` if it is larger than `limit` bytes.
async fn read(mut response: reqwest::Response, limit: usize) -> Result<Option<Bytes>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.into()))
}

fn create_form(message: &CreateMessage<'_>) -> String {
    let channel = message.kind.channel();
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(512));
    form.append_pair("To", &Address::of(channel, message.to).to_string());
    match message.kind {
        SenderKind::Service => form.append_pair("MessagingServiceSid", message.sender.as_str()),
        kind => form.append_pair("From", &Address::of_sender(kind, message.sender).to_string()),
    };
    match message.content {
        Content::Text(text) => form.append_pair("Body", text),
        Content::Template { content_sid, variables } => {
            form.append_pair("ContentSid", content_sid).append_pair("ContentVariables", variables)
        }
    };
    if let Some(url) = message.status_callback {
        form.append_pair("StatusCallback", url);
    }
    // Twilio's WhatsApp queue ends after four hours by itself and takes no other period.
    if let (Some(validity), Channel::Sms) = (message.validity, channel) {
        form.append_pair("ValidityPeriod", &validity.as_secs().clamp(1, 36_000).to_string());
    }
    form.finish()
}

fn list_query(query: &ListQuery) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    if let Some(to) = &query.to {
        pairs.append_pair("To", &to.to_string());
    }
    if let Some(from) = &query.from {
        pairs.append_pair("From", &from.to_string());
    }
    if let Some(since) = query.since {
        pairs.append_pair("DateSent>", &since.format("%Y-%m-%d").to_string());
    }
    if let Some(until) = query.until {
        pairs.append_pair("DateSent<", &until.format("%Y-%m-%d").to_string());
    }
    let size = query.page_size.unwrap_or(50).clamp(1, LARGEST_PAGE_SIZE);
    pairs.append_pair("PageSize", &size.to_string());
    pairs.finish()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn doubt(error: &reqwest::Error) -> Doubt {
    if error.is_timeout() { Doubt::TimedOut } else { Doubt::ConnectionLost }
}

fn transport(error: &reqwest::Error) -> TwilioError {
    match error {
        error if error.is_connect() => TwilioError::NoConnection,
        error if error.is_timeout() => TwilioError::TimedOut,
        _ => TwilioError::ConnectionLost,
    }
}

fn base(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatsapp_is_spelled_in_front_of_both_addresses_and_a_service_has_its_own_parameter() {
        let to = PhoneNumber::from_e164("+919876543210").unwrap();
        let form = |kind, address: &str, content| {
            let sender = SenderAddress::stored(address.to_owned());
            let validity = Some(Duration::from_secs(600));
            create_form(&CreateMessage {
                to,
                kind,
                sender: &sender,
                content,
                status_callback: None,
                validity,
                begin_by: None,
            })
        };
        assert_eq!(
            form(SenderKind::Number, "+15005550006", Content::Text("a&b")),
            "To=%2B919876543210&From=%2B15005550006&Body=a%26b&ValidityPeriod=600"
        );
        assert_eq!(
            form(SenderKind::Service, "MG00000000000000000000000000000009", Content::Text("hi")),
            "To=%2B919876543210&MessagingServiceSid=MG00000000000000000000000000000009&Body=hi&ValidityPeriod=600"
        );
        assert_eq!(
            form(
                SenderKind::Whatsapp,
                "+14155238886",
                Content::Template { content_sid: "HX1", variables: "{}" }
            ),
            "To=whatsapp%3A%2B919876543210&From=whatsapp%3A%2B14155238886&ContentSid=HX1&ContentVariables=%7B%7D"
        );
    }

    #[test]
    fn a_list_asks_by_whole_days_with_the_sign_escaped() {
        let query = ListQuery {
            to: Some(Address::parse("+919876543210")),
            since: chrono::DateTime::from_timestamp(1_789_468_927, 0),
            until: chrono::DateTime::from_timestamp(1_789_468_927, 0),
            page_size: Some(5_000),
            ..ListQuery::default()
        };
        let days = "DateSent%3E=2026-09-15&DateSent%3C=2026-09-15";
        assert_eq!(list_query(&query), format!("To=%2B919876543210&{days}&PageSize=1000"));
    }
}
