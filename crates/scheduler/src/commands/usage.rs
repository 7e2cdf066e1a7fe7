//! What may be asked about Twilio's usage records.

use super::Commands;
use crate::backfilling::{self, BackfillError, BackfillProgress, Backfilled, Range, months_before};
use crate::reconciling::{self, Depth, Reconciled};
use chrono::Days;
use dakiya_core::time::Month;
use dakiya_store::audit::Actor;
use dakiya_store::usage;
use tokio_util::sync::CancellationToken;

impl Commands {
    /// Reads the daily usage records of so many months before this one, and of this month so far. Repeating it, or doing it
    /// twice at once, changes nothing.
    pub async fn backfill(
        &self,
        months: u32,
        actor: &Actor,
        progress: &(dyn Fn(BackfillProgress) + Send + Sync),
    ) -> Result<Backfilled, BackfillError> {
        let today = self.context.clock.now().date_naive();
        let never = CancellationToken::new();
        let range = Range { first: months_before(today, months), last: today, shutdown: &never, progress };
        backfilling::backfill(&self.context, &range, actor).await
    }

    /// As [`Commands::backfill`], leaving out the days of our own messages: a simulator of this process knows nothing of
    /// them.
    pub async fn backfill_before_our_messages(
        &self,
        months: u32,
        actor: &Actor,
        progress: &(dyn Fn(BackfillProgress) + Send + Sync),
    ) -> Result<Option<Backfilled>, BackfillError> {
        let today = self.context.clock.now().date_naive();
        let own = usage::first_message_day(&self.context.store).await?;
        let last = own.map_or(today, |own| own.min(today) - Days::new(1));
        let (first, never) = (months_before(today, months), CancellationToken::new());
        if last < first {
            return Ok(None);
        }
        let range = Range { first, last, shutdown: &never, progress };
        backfilling::backfill(&self.context, &range, actor).await.map(Some)
    }

    /// Reads a month's records again and compares its days, as far as they are over, with our log.
    pub async fn reconcile(&self, month: Month, actor: &Actor) -> Result<Reconciled, BackfillError> {
        let today = self.context.clock.now().date_naive();
        let (first, last, never) = (month.first_day(), month.last_day().min(today), CancellationToken::new());
        if last < first {
            return Ok(Reconciled::default());
        }
        let range = Range { first, last, shutdown: &never, progress: &|_| {} };
        backfilling::backfill(&self.context, &range, actor).await?;
        reconciling::days(&self.context, (first, last), Depth::EveryMessage, &never).await
    }
}
