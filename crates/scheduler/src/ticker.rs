//! One timer: tokio-cron-scheduler says when, this makes sure that a tick never overlaps itself.

use dakiya_store::StoreError;
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio_cron_scheduler::{Job, JobSchedulerError};
use tokio_util::sync::CancellationToken;

/// What a tick does.
pub(crate) type Step =
    Arc<dyn Fn(CancellationToken) -> BoxFuture<'static, Result<(), StoreError>> + Send + Sync>;

/// A tick and its guard.
#[derive(Clone)]
pub(crate) struct Ticker {
    name: &'static str,
    step: Step,
    running: Arc<Mutex<()>>,
    shutdown: CancellationToken,
}

impl Ticker {
    pub(crate) fn new(name: &'static str, step: Step, shutdown: CancellationToken) -> Self {
        Self { name, step, running: Arc::default(), shutdown }
    }

    /// A job that calls the tick whenever `cron` (seconds first) says so.
    pub(crate) fn schedule(self, cron: &str) -> Result<Job, JobSchedulerError> {
        Job::new_async(cron, move |_, _| {
            let ticker = self.clone();
            Box::pin(async move { ticker.tick().await })
        })
    }

    /// One tick, unless the one before is still at it. An error is told and tried again by the next tick.
    async fn tick(&self) {
        let Ok(_running) = self.running.try_lock() else { return };
        if let Err(error) = (self.step)(self.shutdown.clone()).await {
            tracing::error!(tick = self.name, %error, "a tick failed; the next one tries again");
            metrics::counter!("dakiya_tick_failures_total", "tick" => self.name).increment(1);
        }
    }
}
