//! Delivers status callbacks: signed, in each message's order, retried as the URL's fragment asks.

use crate::book::Callback;
use crate::sim::{Sim, Work};
use dakiya_core::message::Channel;
use dakiya_twilio::TwilioStatus;
use dakiya_twilio::signature::{SIGNATURE_HEADER, sign};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Callbacks on their way at once. One message's callbacks always go the same way, so that they keep their order.
const LANES: usize = 32;
const LANE_LENGTH: usize = 1_024;

/// A status to be reported.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub number: u64,
    pub sid: String,
    pub status: TwilioStatus,
    pub error: Option<u32>,
    pub url: Arc<str>,
    pub from: Arc<str>,
    pub to: Arc<str>,
    pub service: Option<Arc<str>>,
    pub channel: Channel,
}

/// Takes reports to be delivered.
#[derive(Debug)]
pub(crate) struct Courier {
    lanes: Vec<mpsc::Sender<Report>>,
}

/// The other ends, to be run.
pub(crate) struct Lanes(Vec<mpsc::Receiver<Report>>);

impl Courier {
    pub(crate) fn new() -> (Self, Lanes) {
        let (lanes, ends) = (0..LANES).map(|_| mpsc::channel(LANE_LENGTH)).unzip();
        (Self { lanes }, Lanes(ends))
    }

    /// Waits while too many are on their way.
    pub(crate) async fn send(&self, work: &Work, report: Report) {
        work.begin(1);
        // Closed only at shutdown, when nobody waits for callbacks any more.
        if self.lane(report.number).send(report).await.is_err() {
            work.end(1);
        }
    }

    /// Gives up while too many are on their way.
    pub(crate) fn try_send(&self, work: &Work, report: Report) {
        work.begin(1);
        if self.lane(report.number).try_send(report).is_err() {
            work.end(1);
        }
    }

    fn lane(&self, number: u64) -> &mpsc::Sender<Report> {
        &self.lanes[usize::try_from(number).unwrap_or(0) % LANES]
    }
}

impl Lanes {
    /// Delivers until the courier is dropped.
    pub(crate) fn run(self, sim: &Arc<Sim>, tasks: &mut tokio::task::JoinSet<()>) {
        for mut lane in self.0 {
            let sim = sim.clone();
            tasks.spawn(async move {
                while let Some(report) = lane.recv().await {
                    deliver(&sim, &report).await;
                    sim.work.end(1);
                }
            });
        }
    }
}

async fn deliver(sim: &Sim, report: &Report) {
    let params = params(sim, report);
    let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&params).finish();
    let signature = sign(&sim.token, &report.url, &params);
    let overrides = Overrides::of(&report.url);
    let url = report.url.split('#').next().unwrap_or_default();
    let idempotency_token = format!("{}-{}", report.sid, report.status);
    for attempt in 1..=overrides.retries + 1 {
        let mut request = sim
            .http
            .post(url)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header(SIGNATURE_HEADER, &signature)
            .timeout(overrides.total)
            .body(body.clone());
        if attempt > 1 {
            request = request.header("I-Twilio-Idempotency-Token", &idempotency_token);
        }
        let sent = request.send().await;
        let answer = sent.as_ref().ok().map(|response| response.status().as_u16());
        let record =
            Callback { at: sim.now(), sid: report.sid.clone(), status: report.status, attempt, answer };
        sim.book().log_callback(report.number, record);
        sim.answered.notify_waiters();
        match sent {
            Ok(response) if !overrides.retry_status(response.status().as_u16()) => return,
            Err(error) if !overrides.retry_error(&error) => return,
            _ => tokio::time::sleep(Duration::from_millis(100) * attempt).await,
        }
    }
    tracing::warn!(sid = %report.sid, status = %report.status, "a status callback could not be delivered");
}

fn params(sim: &Sim, report: &Report) -> Vec<(&'static str, String)> {
    let status = report.status.to_string();
    let mut params = vec![
        ("SmsSid", report.sid.clone()),
        ("SmsStatus", status.clone()),
        ("MessageStatus", status.clone()),
        ("To", report.to.to_string()),
        ("MessageSid", report.sid.clone()),
        ("AccountSid", sim.config.account_sid.clone()),
        ("From", report.from.to_string()),
        ("ApiVersion", "2010-04-01".to_owned()),
    ];
    if let Some(service) = &report.service {
        params.push(("MessagingServiceSid", service.to_string()));
    }
    if let Some(code) = report.error {
        params.push(("ErrorCode", code.to_string()));
    }
    let receipt = matches!(report.status, TwilioStatus::Delivered | TwilioStatus::Undelivered);
    match report.channel {
        Channel::Sms if receipt => {
            params.push(("RawDlrDoneDate", sim.now().format("%y%m%d%H%M").to_string()))
        }
        Channel::Sms => {}
        Channel::Whatsapp => {
            let bare = report.to.strip_prefix("whatsapp:").unwrap_or(&report.to);
            params.push(("ChannelToAddress", bare.to_owned()));
            params.push(("ChannelPrefix", "whatsapp".to_owned()));
            params.push(("ChannelInstallSid", "XE00000000000000000000000000000005".to_owned()));
            if receipt || report.status == TwilioStatus::Read {
                params.push(("EventType", status.to_uppercase()));
            }
            if report.error.is_some() {
                params.push(("ChannelStatusMessage", "simulated".to_owned()));
            }
        }
    }
    params
}

/// What the fragment of a callback URL asks for: `#rc=3&rp=ct,rt,5xx&tt=15000`.
#[derive(Debug, PartialEq, Eq)]
struct Overrides {
    retries: u32,
    policy: Vec<String>,
    total: Duration,
}

impl Overrides {
    fn of(url: &str) -> Self {
        let mut overrides =
            Self { retries: 1, policy: vec!["ct".to_owned()], total: Duration::from_secs(15) };
        let fragment = url.split_once('#').map_or("", |(_, fragment)| fragment);
        for (name, value) in fragment.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "rc" => overrides.retries = value.parse().unwrap_or(1).min(5),
                "rp" => overrides.policy = value.split(',').map(str::to_owned).collect(),
                "tt" => overrides.total = value.parse().map_or(overrides.total, Duration::from_millis),
                _ => {}
            }
        }
        overrides
    }

    fn retry_status(&self, status: u16) -> bool {
        match status {
            500..=599 => self.has("5xx"),
            400..=499 => self.has("4xx"),
            _ => false,
        }
    }

    fn retry_error(&self, error: &reqwest::Error) -> bool {
        if error.is_connect() { self.has("ct") } else { self.has("rt") }
    }

    fn has(&self, reason: &str) -> bool {
        self.policy.iter().any(|own| own == reason || own == "all")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fragment_says_how_often_and_when_to_try_again() {
        let usual = Overrides::of("https://a.in/x?m=1");
        assert_eq!((usual.retries, usual.has("ct"), usual.retry_status(500)), (1, true, false));
        let ours = Overrides::of(&format!("https://a.in/x?m=1{}", dakiya_twilio::RETRY_OVERRIDE));
        assert_eq!(
            (ours.retries, ours.has("rt"), ours.retry_status(503), ours.retry_status(404)),
            (3, true, true, false)
        );
        assert_eq!(Overrides::of("https://a.in/x#rc=9&rp=all&tt=100").total, Duration::from_millis(100));
    }
}
