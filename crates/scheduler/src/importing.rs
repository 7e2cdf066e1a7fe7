//! Files whose process died after they were decided: the rest is applied by whoever notices.

use crate::context::Context;
use dakiya_store::StoreError;
use dakiya_store::imports::{self, Waiting};
use std::sync::{Arc, Mutex, PoisonError};

/// What waited at the last look.
pub(crate) type Seen = Arc<Mutex<Vec<Waiting>>>;

/// Goes on with files that stand still: nobody has applied a batch of them since the last look.
pub(crate) async fn tick(context: &Context, seen: &Seen) -> Result<(), StoreError> {
    let waiting = imports::waiting(&context.store).await?;
    let before =
        std::mem::replace(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner), waiting.clone());
    for file in waiting.into_iter().filter(|file| before.contains(file)) {
        tracing::warn!(import = %file.id, "an import was cut off; its rest is stored now");
        imports::resume(&context.store, file.id).await?;
    }
    Ok(())
}
