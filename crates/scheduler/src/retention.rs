//! What is thrown away by itself: things that have ended, and people's numbers that nobody needs any more.

use crate::context::Context;
use chrono::TimeDelta;
use dakiya_store::{StoreError, idempotency, imports, login_throttle, sessions};

/// A file that was cut off before it was decided holds people's numbers; reading one never takes that long.
const IMPORTS_KEPT: TimeDelta = TimeDelta::days(1);

/// Harmless to repeat.
pub(crate) async fn tick(context: &Context) -> Result<(), StoreError> {
    let (store, now) = (&context.store, context.clock.now());
    sessions::prune(store, now).await?;
    login_throttle::prune(store, now).await?;
    idempotency::prune(store, now).await?;
    imports::prune(store, now - IMPORTS_KEPT).await?;
    Ok(())
}
