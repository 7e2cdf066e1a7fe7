//! What happens to payments, and the reminders it stops.

use super::Commands;
use dakiya_store::StoreError;
use dakiya_store::audit::Actor;
use dakiya_store::imports::Imported;
use dakiya_store::messages::FenceScope;
use dakiya_store::payments::{self, ListedPayment, Payment, PaymentReport, PaymentRow, Recorded};
use dakiya_store::sending;

impl Commands {
    /// Stores what is known of a payment; also whether it is new. When this returns and nothing is owed, because less was
    /// than had been paid, none of its reminders can begin.
    pub async fn put_payment(&self, row: PaymentRow, actor: &Actor) -> Result<(Payment, bool), StoreError> {
        let (payment, new) = payments::put(&self.context.store, row, actor, self.context.clock.now()).await?;
        if !payment.status.is_owed() {
            self.fence_reminders(FenceScope::Payment(payment.id)).await?;
        }
        self.nudge();
        Ok((payment, new))
    }

    /// Stores the rows of a list. As [`Commands::put_payment`], for each of them.
    pub async fn import_payments<R: Into<ListedPayment>>(
        &self,
        rows: impl IntoIterator<Item = R, IntoIter: Send>,
        actor: &Actor,
    ) -> Result<Imported, StoreError> {
        let imported = payments::import(&self.context.store, rows, actor, self.context.clock.now()).await?;
        self.fence_reminders(FenceScope::SettledPayments).await?;
        self.nudge();
        Ok(imported)
    }

    /// Storing payments does not wait for what takes messages; so it is waited for afterwards.
    async fn fence_reminders(&self, scope: FenceScope) -> Result<(), StoreError> {
        sending::wait_for_takes(&self.context.store).await?;
        self.fence(scope).await
    }

    /// Records what happened to a payment. When this returns and nothing is owed any more, none of its reminders can begin.
    pub async fn record_payment(
        &self,
        report: &PaymentReport,
        actor: &Actor,
    ) -> Result<Recorded, StoreError> {
        let now = self.context.clock.now();
        let recorded = payments::record(&self.context.store, report, actor, now).await?;
        if let Recorded::Changed(payment) | Recorded::Unchanged(payment) = &recorded
            && !payment.status.is_owed()
        {
            self.fence(FenceScope::Payment(payment.id)).await?;
        }
        Ok(recorded)
    }
}
