//! What web may ask about the months ahead.

use super::Commands;
use crate::projecting::{self, Projection};
use dakiya_core::money::Money;
use dakiya_core::time::Month;
use dakiya_store::StoreError;

impl Commands {
    /// What months cost: spent, certain, and forecast; at most [`MOST_MONTHS`](crate::MOST_MONTHS) of them.
    pub async fn projection(&self, from: Month, months: u32) -> Result<Projection, StoreError> {
        projecting::projection(&self.context, from, months).await
    }

    /// What the present month is expected to cost; `None` while history is too short for a forecast.
    pub async fn expected_this_month(&self) -> Result<Option<Money>, StoreError> {
        projecting::this_month(&self.context).await
    }
}
