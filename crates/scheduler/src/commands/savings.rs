//! What web may ask of the engine about wasted money.

use super::Commands;
use crate::wasting::{self, TextFix, WasteReport};
use dakiya_core::phone::PhoneNumber;
use dakiya_store::StoreError;
use dakiya_store::audit::Actor;
use dakiya_store::savings::FixError;
use dakiya_store::templates::TemplateVersion;

impl Commands {
    /// What the last thirty days wasted, and what was saved by what was done.
    pub async fn waste(&self) -> Result<WasteReport, StoreError> {
        wasting::report(&self.context).await
    }

    /// Writes the better text that the report offers.
    pub async fn fix_text(&self, fix: &TextFix, actor: &Actor) -> Result<TemplateVersion, FixError> {
        wasting::fix_text(&self.context, fix, actor).await
    }

    /// Stops writing to a number that takes no messages. Nothing is done to one that gets none already.
    pub async fn suppress_number(&self, phone: PhoneNumber, actor: &Actor) -> Result<(), FixError> {
        wasting::suppress(&self.context, phone, actor).await
    }
}
