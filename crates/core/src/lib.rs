//! The rules of messages and money.
//!
//! Everything here is pure: no I/O, no async, and neither the clock nor randomness is read. Time, random
//! bytes and rates come in as arguments, so every rule can be tested with a table of cases.

pub mod api_key;
pub mod apportion;
pub mod audience;
pub mod budget;
pub mod campaign;
pub mod consent;
pub mod decimal;
pub mod dispatch;
pub mod encoding;
pub mod estimate;
pub mod field_error;
pub mod forecast;
pub mod fx_rate;
pub mod ids;
pub mod ledger;
pub mod message;
pub mod money;
pub mod opt_out;
pub mod pacing;
pub mod payment;
pub mod phone;
pub mod projection;
pub mod rate_card;
pub mod reconciliation;
pub mod recurrence;
pub mod reminder;
pub mod retry;
pub mod savings;
pub mod scenario;
pub mod sender;
pub mod settings;
pub mod starter;
pub mod table;
pub mod tax;
pub mod template;
pub mod time;
pub mod usage;
pub mod user;
pub mod window;
pub mod words;
