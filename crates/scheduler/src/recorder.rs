//! Stores answers: those that arrive together, together. An answer is never dropped while the program lives.

use crate::context::Context;
use dakiya_core::retry::RetryPolicy;
use dakiya_store::messages::{Answered, FollowUp, record_answers};
use dakiya_store::{StoreError, settings};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Answers stored in one transaction at most.
const LARGEST_BATCH: usize = 512;

/// How long to wait after the database failed.
const PATIENCE: Duration = Duration::from_millis(250);

/// An answer, and the place in hand that it frees once it is stored.
pub(crate) struct Record {
    pub(crate) answered: Answered,
    pub(crate) in_hand: OwnedSemaphorePermit,
}

/// Stores answers until nobody can send one any more.
pub(crate) async fn run(context: Context, mut received: mpsc::Receiver<Record>) {
    let mut batch = Vec::with_capacity(LARGEST_BATCH);
    while received.recv_many(&mut batch, LARGEST_BATCH).await > 0 {
        let (answers, places): (Vec<Answered>, Vec<OwnedSemaphorePermit>) =
            batch.drain(..).map(|record| (record.answered, record.in_hand)).unzip();
        store(&context, &answers).await;
        drop(places);
    }
}

/// Tries until it works: an answer that is not stored leaves its message unknown.
async fn store(context: &Context, answers: &[Answered]) {
    loop {
        match try_store(context, answers).await {
            Ok(()) => return,
            Err(error) => {
                tracing::error!(%error, answers = answers.len(), "answers could not be stored yet; trying again");
                metrics::counter!("dakiya_record_failures_total").increment(1);
                tokio::time::sleep(PATIENCE).await;
            }
        }
    }
}

async fn try_store(context: &Context, answers: &[Answered]) -> Result<(), StoreError> {
    let settings = settings::get(&context.store).await?;
    let follow_up = FollowUp {
        retry: RetryPolicy { retries: settings.retries, ..RetryPolicy::default() },
        jitter: fraction(),
        unknown_lookups: context.config.unknown_lookups.clone(),
    };
    record_answers(&context.store, answers, &follow_up).await
}

/// A random fraction in 0.0..1.0.
fn fraction() -> f64 {
    let mut bytes = [0u8; 4];
    // Without randomness retries come in step, which is harmless.
    let _ = getrandom::fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}
