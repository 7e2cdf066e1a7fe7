//! What happens to payments, and the reminders it stops.

use super::Commands;
use dakiya_store::StoreError;
use dakiya_store::audit::Actor;
use dakiya_store::messages::FenceScope;
use dakiya_store::payments::{self, PaymentReport, Recorded};

impl Commands {
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
