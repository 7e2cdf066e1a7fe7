//! Tables as rows, where a noun reads whole rows. Private: other crates see the types of the noun modules.
#![allow(missing_docs, reason = "columns are documented where their noun is")]

pub(crate) mod api_keys;
pub(crate) mod audit_log;
pub(crate) mod campaign_counts;
pub(crate) mod campaigns;
pub(crate) mod contacts;
pub(crate) mod idempotency_keys;
pub(crate) mod login_attempts;
pub(crate) mod message_events;
pub(crate) mod messages;
pub(crate) mod opt_out_links;
pub(crate) mod payments;
pub(crate) mod rate_cards;
pub(crate) mod rate_rows;
pub(crate) mod recipients;
pub(crate) mod senders;
pub(crate) mod sessions;
pub(crate) mod template_versions;
pub(crate) mod templates;
pub(crate) mod users;
