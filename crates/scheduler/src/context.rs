//! What every part of the engine works with.

use crate::approved::Approved;
use crate::clock::SharedClock;
use crate::projecting::Projections;
use chrono::TimeDelta;
use chrono_tz::Tz;
use dakiya_core::reminder::ON_TIME_WITHIN;
use dakiya_store::Store;
use dakiya_store::messages::Consequence;
use dakiya_twilio::Client;
use dakiya_twilio::error::{ContactEffect, explain, opt_out_scope, stops_everything};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use url::Url;

/// How the engine is set up.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The business's zone.
    pub timezone: Tz,
    /// Where Twilio and people reach us.
    pub public_url: Url,
    /// What `{{brand}}` stands for.
    pub brand: String,
    /// POSTs under way at the same time; urgent messages have a quarter as many places of their own on top.
    pub in_flight: usize,
    /// How long a POST may take in all.
    pub post_timeout: Duration,
    /// When an unknown message is looked up, counted from its POST.
    pub unknown_lookups: Vec<Duration>,
}

impl EngineConfig {
    /// The usual settings for an address.
    pub fn new(public_url: Url) -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            timezone: chrono_tz::Asia::Kolkata,
            public_url,
            brand: "VehicAid".to_owned(),
            in_flight: 64,
            post_timeout: Duration::from_secs(30),
            unknown_lookups: vec![
                minutes(1),
                minutes(5),
                minutes(15),
                minutes(60),
                minutes(360),
                minutes(1_440),
            ],
        }
    }

    /// An address of ours, below the public one.
    pub(crate) fn address(&self, path_and_query: &str) -> String {
        format!("{}/{path_and_query}", self.public_url.as_str().trim_end_matches('/'))
    }
}

/// Shared by everything in the engine; cheap to clone.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) client: Client,
    pub(crate) clock: SharedClock,
    pub(crate) config: Arc<EngineConfig>,
    /// Counts requests to look now rather than at the next tick.
    pub(crate) nudges: Arc<watch::Sender<u64>>,
    /// When the timers called last, by [`Clock::monotonic`](crate::clock::Clock::monotonic). Empty: they do not run in
    /// this process.
    pub(crate) heartbeat: Arc<Mutex<Option<Duration>>>,
    /// One comparison of a day at a time in this process; the database keeps order among several.
    pub(crate) comparing: Arc<tokio::sync::Mutex<()>>,
    /// Forecasts that were made already.
    pub(crate) projections: Arc<Projections>,
    /// Approved templates that were read already.
    pub(crate) approved: Arc<Approved>,
}

impl Context {
    /// Something may be due: look now.
    pub(crate) fn nudge(&self) {
        self.nudges.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// How long after its time something is still on time. A clock that runs faster is looked at less often by its own time.
    pub(crate) fn on_time_within(&self) -> TimeDelta {
        ON_TIME_WITHIN * i32::try_from(self.clock.speed()).unwrap_or(i32::MAX)
    }

    /// The timers call.
    pub(crate) fn beat(&self) {
        *self.heartbeat.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.monotonic());
    }

    /// How long ago the timers called last, if they run in this process.
    pub(crate) fn silence(&self) -> Option<Duration> {
        let last = *self.heartbeat.lock().unwrap_or_else(PoisonError::into_inner);
        last.map(|last| self.clock.monotonic().saturating_sub(last))
    }
}

/// What an error code says beyond the one message, as far as the store acts on it.
pub fn consequence_of(code: u32) -> Option<Consequence> {
    if stops_everything(code) {
        return Some(Consequence::StopSending);
    }
    if let Some(scope) = opt_out_scope(code) {
        return Some(Consequence::OptedOut(scope));
    }
    let unreachable = explain(code)?.contact_effect == ContactEffect::MarkUnreachable;
    unreachable.then_some(Consequence::Unreachable)
}
