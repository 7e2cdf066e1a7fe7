//! How a simulated account behaves.

use crate::past::Past;
use chrono::Utc;
use dakiya_core::time::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// What kind of account is simulated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AccountKind {
    /// A paying account.
    #[default]
    Full,
    /// A trial of the current kind: a hundred messages by SMS and a hundred by WhatsApp, only to these numbers, and
    /// only Twilio's own ten texts.
    Trial {
        /// Numbers that may be messaged, in E.164.
        verified: Vec<String>,
    },
    /// A trial of the older kind: any text, to these numbers, with a sentence of Twilio's in front.
    LegacyTrial {
        /// Numbers that may be messaged, in E.164.
        verified: Vec<String>,
    },
    /// Test credentials: magic senders and recipients, no delivery, no callbacks, no reading.
    TestCredentials,
}

/// How long things take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Delays {
    /// From accepted to queued (messaging services), in milliseconds.
    pub queued_ms: u64,
    /// From queued to sent.
    pub sent_ms: u64,
    /// From sent to delivered or undelivered.
    pub delivered_ms: u64,
    /// From delivered to read.
    pub read_ms: u64,
    /// From sent to rated.
    pub rated_ms: u64,
}

impl Delays {
    /// Everything at once, in its order.
    pub const NONE: Delays = Delays { queued_ms: 0, sent_ms: 0, delivered_ms: 0, read_ms: 0, rated_ms: 0 };

    /// About as long as a person watching a page likes to wait.
    pub const WATCHABLE: Delays =
        Delays { queued_ms: 150, sent_ms: 300, delivered_ms: 1_500, read_ms: 3_000, rated_ms: 2_000 };
}

impl Default for Delays {
    fn default() -> Self {
        Self::WATCHABLE
    }
}

/// How many requests are taken before 429.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// POSTs in flight at once.
    pub concurrent: Option<u32>,
    /// POSTs in one second.
    pub per_second: Option<u32>,
}

/// The clock by which messages are dated. A test may pass its own.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Everything a simulator is started with. `default()` makes a paying account with credentials of its own, on a free
/// port of this machine.
#[derive(Clone)]
pub struct SimulatorConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// The token that requests must carry and that webhooks are signed with. No secret: nothing real is behind it.
    pub auth_token: String,
    /// What kind of account it is.
    pub account: AccountKind,
    /// Senders that the account owns, without `whatsapp:`; empty takes any.
    pub senders: Vec<String>,
    /// Where inbound messages are posted.
    pub inbound_url: Option<String>,
    /// How long things take.
    pub delays: Delays,
    /// How many requests are taken.
    pub rate_limit: RateLimit,
    /// As in India: replies by SMS never arrive.
    pub india: bool,
    /// Free-form WhatsApp text needs an inbound message of the last 24 hours (63016 otherwise).
    pub whatsapp_window: bool,
    /// USD for one segment of outbound SMS. A message's price is rounded to eight decimals.
    pub sms_price: Decimal,
    /// USD for one outbound WhatsApp message.
    pub whatsapp_price: Decimal,
    /// USD for one segment of inbound SMS.
    pub inbound_price: Decimal,
    /// USD on the account at first.
    pub balance: Decimal,
    /// What was used before it started; nothing when `None`.
    pub past: Option<Past>,
    /// How many messages, posts and callbacks are remembered; the oldest are forgotten first.
    pub keep: usize,
    /// The clock.
    pub now: Now,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            account_sid: format!("AC{}", random_hex()),
            auth_token: random_hex(),
            account: AccountKind::Full,
            senders: Vec::new(),
            inbound_url: None,
            delays: Delays::default(),
            rate_limit: RateLimit::default(),
            india: false,
            whatsapp_window: true,
            // ₹0.80 at ₹96 a dollar; all its digits, so that several segments do not add up a rounding.
            sms_price: Decimal::ONE / Decimal::from(120),
            whatsapp_price: Decimal::new(625, 5),
            inbound_price: Decimal::new(625, 5),
            balance: Decimal::from(1_000),
            past: None,
            keep: 200_000,
            now: Arc::new(Utc::now),
        }
    }
}

impl SimulatorConfig {
    /// For tests: nothing waits, nothing is forgotten.
    pub fn immediate() -> Self {
        Self { delays: Delays::NONE, keep: usize::MAX, ..Self::default() }
    }
}

impl Delays {
    pub(crate) fn of(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }
}

/// 32 hexadecimal digits.
pub(crate) fn random_hex() -> String {
    format!("{:016x}{:016x}", random_u64(), random_u64())
}

pub(crate) fn random_u64() -> u64 {
    // Ids of a simulated account need not be unguessable; without randomness they are merely the same each time.
    getrandom::u64().unwrap_or(0x0123_4567_89ab_cdef)
}
