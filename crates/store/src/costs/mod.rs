//! What was spent, by day: roll-ups kept in the transactions that change messages, and rebuilt from the log.
//!
//! A roll-up row adds up everything of one day that has channel, direction, category, template, campaign, reminder rule
//! and sender in common; `month_lines` are the same by month. `monthly_costs` adds up what counts against budgets, and is
//! what spenders of one month lock.
//! What a vendor's usage records say of days before our first message is filed beside it, see [`crate::usage`].

mod close;
mod entry;
mod names;
mod read;
mod rebuild;
mod rents;
mod run_rate;
mod uncharged;
mod write;

pub use close::{Close, CloseError, ClosedLine, close, closed, closed_lines, closed_months};
pub(crate) use entry::{Entry, Key, MessageMoney, USAGE_RECORDS, quoted};
pub use names::{Names, names};
pub use read::{CostLine, Costs, by_campaign, by_day, first_month, month, spent};
pub(crate) use rebuild::inbound_key;
pub use rebuild::{catch_up, rebuild};
pub(crate) use rents::cover_rents;
pub use rents::{Rent, book_rents, booked};
pub use run_rate::{DayCost, run_rate};
pub use uncharged::{UnchargedRent, uncharged_rents};
pub(crate) use write::{CostChanges, lock_month};
