//! Twilio's knowledge: what it says, what it means, how to ask. No database, no scheduling.
//!
//! - [`client`] sends, fetches, lists and cancels; [`outcome`] says what an answer to a POST proves.
//! - [`wire`] is the one place that spells as Twilio spells.
//! - [`error`] explains every error code in plain words.
//! - [`signature`] checks and makes webhook signatures; [`twiml`] writes the answers.

pub mod account;
pub mod client;
pub mod credentials;
pub mod error;
mod gate;
pub mod outcome;
pub mod pricing;
pub mod signature;
pub mod twiml;
pub mod usage;
pub mod wire;

pub use client::{Client, ClientConfig, Content, CreateMessage, ListQuery, install_crypto};
pub use credentials::{AccountSid, AuthToken, CredentialError};
pub use error::{ApiError, TwilioError};
pub use outcome::{Doubt, NotSent, PostOutcome};
pub use wire::{Message, MessageSid, TwilioStatus};

/// Where Twilio's REST API lives.
pub const API_BASE_URL: &str = "https://api.twilio.com";

/// Where Twilio's Pricing API lives.
pub const PRICING_BASE_URL: &str = "https://pricing.twilio.com";

/// Put behind a StatusCallback or webhook URL, it makes Twilio try three times more, also after a read time-out or
/// a 5xx; by default Twilio tries once more, and only if it could not connect. Neither sent nor signed.
pub const RETRY_OVERRIDE: &str = "#rc=3&rp=ct,rt,5xx";
