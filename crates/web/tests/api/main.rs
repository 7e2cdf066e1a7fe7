//! The API, webhooks and public routes, asked through the real router with the real store, engine and simulator.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod campaigns;
mod closing;
mod description;
mod hostile;
mod idempotency;
mod keys;
mod lists;
mod messages;
mod money;
mod operations;
mod opt_out_page;
mod payment_webhooks;
mod payments;
mod people;
mod projections;
mod reminder_rules;
mod set_up;
mod webhooks;
mod world;
