//! What was spent, by day: roll-ups kept in the transactions that change messages, and rebuilt from the log.
//!
//! A roll-up row adds up everything of one day that has channel, direction, category, template, campaign, reminder rule
//! and sender in common. `monthly_costs` adds up what counts against budgets, and is what spenders of one month lock.

mod entry;
mod read;
mod rebuild;
mod rents;
mod run_rate;
mod write;

pub(crate) use entry::{Entry, Key, MessageMoney, quoted};
pub use read::{CostLine, Costs, by_campaign, by_day, month, spent};
pub(crate) use rebuild::inbound_key;
pub use rebuild::{catch_up, rebuild};
pub use rents::{Rent, book_rents, booked};
pub use run_rate::{DayCost, run_rate};
pub(crate) use write::{CostChanges, lock_month};
