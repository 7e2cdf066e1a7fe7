//! A closed month beside what it is now: what was frozen, and what was corrected since.

use super::{Amount, MonthReport};
use dakiya_store::costs::Close;

/// What was frozen of a month; with the corrections it comes to what the month is now.
#[derive(Clone, Debug)]
pub(crate) struct ClosedFigures {
    pub(crate) close: Close,
    /// Before GST, as it was closed.
    pub(crate) spent: Amount,
    /// On that.
    pub(crate) gst: Amount,
    /// Before GST, since.
    pub(crate) corrections: Amount,
    /// GST on the corrections.
    pub(crate) gst_corrections: Amount,
}

impl ClosedFigures {
    pub(super) fn of(close: Close, now: &MonthReport) -> Self {
        let frozen = |exact: dakiya_core::money::Money| Amount { exact, shown: exact.rounded_to_paise() };
        let (spent, gst) = (frozen(close.spent), frozen(close.gst));
        // What is shown adds up: a correction is the difference of two amounts that are shown.
        let since = |now: Amount, then: Amount| Amount {
            exact: now.exact - then.exact,
            shown: now.shown - then.shown,
        };
        Self { corrections: since(now.spent, spent), gst_corrections: since(now.gst, gst), spent, gst, close }
    }
}
