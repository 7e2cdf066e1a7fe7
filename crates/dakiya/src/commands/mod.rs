//! One file per command.

pub mod api_key;
pub mod backfill;
pub mod demo;
pub mod estimate;
pub mod import;
pub mod migrate;
pub mod serve;
pub mod simulator;
pub mod test_sms;
pub mod user;
