//! What web may ask about the months ahead.

use super::Commands;
use crate::projecting::{self, Projection};
use dakiya_core::money::Money;
use dakiya_core::time::Month;
use dakiya_store::StoreError;
use std::collections::BTreeMap;

impl Commands {
    /// What months cost: spent, certain, and forecast; at most [`MOST_MONTHS`](crate::MOST_MONTHS) of them.
    pub async fn projection(&self, from: Month, months: u32) -> Result<Projection, StoreError> {
        projecting::projection(&self.context, from, months).await
    }

    /// What each of these months is expected to cost as a whole: the forecast, or what is spent and certain while history is
    /// too short for one.
    pub async fn expected(&self, months: &[Month]) -> Result<BTreeMap<Month, Money>, StoreError> {
        projecting::expected(&self.context, months).await
    }
}
