//! Everything that happens by itself: sending what is due, at its pace, and settling what is left.
//!
//! The database says what is due; the timers below only say when to look. A tick that runs late, twice, or not at
//! all changes nothing but the time at which something happens.

mod accounting;
mod approved;
mod backfilling;
pub mod clock;
mod commands;
mod commitments;
mod composing;
mod context;
mod delivery;
mod enqueueing;
mod hand;
mod importing;
mod jumps;
mod next_runs;
mod opt_out_link;
mod pace_guard;
mod planning;
mod projecting;
mod quoting;
mod reconciling;
mod recorder;
mod recurring;
mod refreshing;
mod reminder_limits;
mod reminder_quotes;
mod reminder_texts;
mod reminders;
mod retention;
mod settling;
mod ticker;
mod turn;
mod wasting;

pub use backfilling::{BACKFILL_MONTHS, BackfillError, BackfillProgress, Backfilled, MOST_BACKFILL_MONTHS};
pub use commands::{CallbackReport, CommandError, Commands, OptOutRequest, SendNowError, SentNow};
pub use context::{EngineConfig, consequence_of};
pub use enqueueing::{Content, EnqueueError, EnqueueRequest};
pub use next_runs::{AsOf, NextRuns};
pub use projecting::{Basis, MOST_MONTHS, Projection};
pub use quoting::{ListQuote, ListRecipient, QuoteError, Quoted, QuotedText};
pub use reconciling::Reconciled;
pub use refreshing::{PriceSource, RefreshError};
pub use reminder_quotes::ComingRun;
pub use reminder_texts::Reckoned;
pub use wasting::{DAYS_LOOKED_AT, Measured, TextFix, WasteFound, WasteReport, WasteSubject};

use chrono::TimeDelta;
use clock::SharedClock;
use context::Context;
use dakiya_store::{Store, StoreError, messages};
use dakiya_twilio::Client;
use delivery::{BEGIN_WITHIN, Delivery};
use jumps::Jumps;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use ticker::Ticker;
use tokio::sync::Mutex;
use tokio_cron_scheduler::{JobScheduler, JobSchedulerError};
use tokio_util::sync::CancellationToken;

/// How much longer than a POST may take its worker may need to record the answer. One that comes later still counts.
const RECORDED_WITHIN: Duration = Duration::from_secs(10);

/// By a fast clock, plans are looked at this often, but no oftener than the machine can bear.
const LOOK_EVERY: Duration = Duration::from_secs(30);
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// After usage records could not be read.
const USAGE_RESTS: Duration = Duration::from_secs(600);

/// The engine.
pub struct Scheduler {
    context: Context,
}

/// Why the engine could not run.
#[derive(Debug, thiserror::Error)]
pub enum SchedulerError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The clock that calls the ticks could not be started.
    #[error("the timers could not be started: {0}")]
    Timers(#[from] JobSchedulerError),
}

impl Scheduler {
    /// An engine that is not running yet. A web-only process makes one for its [`Commands`] and never runs it.
    pub fn new(store: Store, client: Client, clock: SharedClock, config: EngineConfig) -> Self {
        let nudges = Arc::new(tokio::sync::watch::Sender::new(0));
        Self {
            context: Context {
                store,
                client,
                clock,
                config: Arc::new(config),
                nudges,
                heartbeat: Arc::default(),
                comparing: Arc::default(),
                projections: Arc::default(),
                approved: Arc::default(),
            },
        }
    }

    /// What others may ask of it.
    pub fn commands(&self) -> Commands {
        Commands::new(self.context.clone())
    }

    /// Runs until `shutdown`, then finishes what is being posted.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), SchedulerError> {
        let engine = self.start();
        engine.beat();
        engine.recover(true).await?;
        let timers = JobScheduler::new().await?;
        let every = |cron, name, work| Ticker::new(name, work, shutdown.clone()).schedule(cron);
        // Every timer of Dakiya.
        timers.add(every("* * * * * *", "heartbeat", Work::Beat.of(&engine))?).await?;
        timers.add(every("* * * * * *", "delivery", Work::Deliver.of(&engine))?).await?;
        timers.add(every("* * * * * *", "beginning", Work::Begin.of(&engine))?).await?;
        timers.add(every("* * * * * *", "planning", Work::Campaigns.of(&engine))?).await?;
        timers.add(every("* * * * * *", "reminding", Work::Remind.of(&engine))?).await?;
        timers.add(every("*/5 * * * * *", "settling", Work::Settle.of(&engine))?).await?;
        timers.add(every("*/10 * * * * *", "recovery", Work::Recover.of(&engine))?).await?;
        timers.add(every("*/30 * * * * *", "importing", Work::Import.of(&engine))?).await?;
        timers.add(every("*/15 * * * * *", "accounting", Work::Account.of(&engine))?).await?;
        timers.add(every("7/20 * * * * *", "usage", Work::Usage.of(&engine))?).await?;
        timers.add(every("*/20 * * * * *", "projecting", Work::Project.of(&engine))?).await?;
        timers.add(every("30 17 * * * *", "retention", Work::Retain.of(&engine))?).await?;
        timers.start().await?;
        tokio::join!(engine.follow_nudges(&shutdown), engine.keep_up(&shutdown));
        let mut timers = timers;
        let stopped = timers.shutdown().await;
        engine.finish().await;
        Ok(stopped?)
    }

    /// Makes the parts that work.
    pub fn start(&self) -> Engine {
        Engine {
            delivery: Delivery::start(&self.context),
            delivering: Arc::default(),
            beginning: Arc::default(),
            planning: Arc::default(),
            reminding: Arc::default(),
            importing: Arc::default(),
            usage_not_before: Arc::default(),
            jumps: Arc::new(Jumps::new(self.context.clock.clone())),
            context: self.context.clone(),
        }
    }
}

/// The parts of the engine at work. Each tick can be called by itself, which is how tests move through time.
#[derive(Clone)]
pub struct Engine {
    context: Context,
    delivery: Arc<Delivery>,
    delivering: Arc<Mutex<()>>,
    beginning: Arc<Mutex<()>>,
    planning: Arc<Mutex<()>>,
    reminding: Arc<Mutex<()>>,
    importing: importing::Seen,
    usage_not_before: Arc<std::sync::Mutex<Option<Duration>>>,
    jumps: Arc<Jumps>,
}

impl Engine {
    /// Takes, posts and records what is due; comes back when nothing is due within the next second.
    pub async fn deliver(&self, shutdown: &CancellationToken) -> Result<(), StoreError> {
        let _turn = self.delivering.lock().await;
        self.delivery.tick(shutdown).await
    }

    /// As [`Engine::deliver`], and waits until every answer is stored.
    pub async fn deliver_all(&self) -> Result<(), StoreError> {
        self.deliver(&CancellationToken::new()).await?;
        self.delivery.idle().await;
        Ok(())
    }

    /// Waits until nothing is being posted any more. After the shutdown that ticks were given nothing begins again.
    pub async fn finish(&self) {
        // A tick under way may be taking: what it takes is in hand when its turn is over.
        let _turn = self.delivering.lock().await;
        self.delivery.idle().await;
    }

    /// Starts campaigns and begins reminders that are due, writes their messages down, and ends those of which nothing
    /// waits.
    pub async fn plan(&self, shutdown: &CancellationToken) -> Result<(), StoreError> {
        self.begin().await?;
        self.plan_campaigns(shutdown).await?;
        self.remind(shutdown).await
    }

    /// Decides about the reminders and recurring campaigns whose time has come. It waits for nothing that is being written down: what is late is
    /// late because nobody looked, not because there was much to do.
    pub async fn begin(&self) -> Result<(), StoreError> {
        let _turn = self.beginning.lock().await;
        reminders::begin_due(&self.context).await?;
        recurring::begin_due(&self.context).await
    }

    async fn plan_campaigns(&self, shutdown: &CancellationToken) -> Result<(), StoreError> {
        let _turn = self.planning.lock().await;
        accounting::release(&self.context).await?;
        recurring::tick(&self.context).await?;
        planning::tick(&self.context, shutdown).await
    }

    async fn remind(&self, shutdown: &CancellationToken) -> Result<(), StoreError> {
        let _turn = self.reminding.lock().await;
        reminders::tick(&self.context, shutdown).await
    }

    /// Books rents and prices of what people send, and warns of budgets.
    pub async fn account(&self, shutdown: &CancellationToken) -> Result<(), StoreError> {
        accounting::tick(&self.context, shutdown).await
    }

    /// Reads Twilio's usage records, the account's past once and the last days each day, and compares these with our
    /// log. After a failure it rests.
    pub async fn read_usage(&self, shutdown: &CancellationToken) -> Result<(), StoreError> {
        let (now, rest) = (self.context.clock.monotonic(), &self.usage_not_before);
        if rest.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| now < until) {
            return Ok(());
        }
        match self.read_and_compare(shutdown).await {
            Ok(()) | Err(BackfillError::Stopped) => Ok(()),
            Err(BackfillError::Store(error)) => Err(error),
            Err(error @ BackfillError::Twilio(_)) => {
                tracing::warn!(%error, "what was read stays; asking again later");
                metrics::counter!("dakiya_usage_failures_total").increment(1);
                *rest.lock().unwrap_or_else(PoisonError::into_inner) = Some(now + USAGE_RESTS);
                Ok(())
            }
        }
    }

    async fn read_and_compare(&self, shutdown: &CancellationToken) -> Result<(), BackfillError> {
        if !backfilling::tick(&self.context, shutdown).await? {
            return Ok(());
        }
        let today = self.context.clock.now().date_naive();
        reconciling::recent(&self.context, today, shutdown).await.map(|_| ())
    }

    /// Keeps what coming reminders will cost, where that takes too long to be reckoned when somebody asks.
    pub async fn project(&self) -> Result<(), StoreError> {
        commitments::tick(&self.context).await
    }

    /// Asks Twilio about messages that hear nothing.
    pub async fn settle(&self, shutdown: &CancellationToken) -> Result<(), StoreError> {
        settling::tick(&self.context, shutdown).await
    }

    /// Gives up on messages whose worker is gone: they become unknown. At the start of the only process there can
    /// be, that is every message still being posted; later, what was taken too long ago. Nothing while that may only
    /// seem so, because the clock was set: a message that is given up on must not begin any more.
    pub async fn recover(&self, at_start: bool) -> Result<usize, StoreError> {
        let now = self.context.clock.now();
        let only_process = self.context.store.engine() == "sqlite";
        // A POST takes as long as it takes, however fast the clock runs.
        let lifetime =
            (BEGIN_WITHIN + self.context.config.post_timeout + RECORDED_WITHIN) * self.context.clock.speed();
        let older_than = if at_start && only_process {
            None
        } else if self.jumps.within(lifetime) {
            return Ok(0);
        } else {
            TimeDelta::from_std(lifetime).ok()
        };
        let lookups = &self.context.config.unknown_lookups;
        let recovered = messages::recover_posting(&self.context.store, older_than, now, lookups).await?;
        if recovered > 0 {
            tracing::warn!(
                recovered,
                "messages were being posted when their worker ended; they are unknown now"
            );
        }
        Ok(recovered)
    }

    /// Goes on with imports that were cut off: at the second look at which they stand still.
    pub async fn import(&self) -> Result<(), StoreError> {
        importing::tick(&self.context, &self.importing).await
    }

    /// Tells that the timers run.
    pub fn beat(&self) {
        self.context.beat();
    }

    /// Throws away what nobody may ask for any more.
    pub async fn retain(&self) -> Result<(), StoreError> {
        retention::tick(&self.context).await
    }

    /// Looks at once whenever somebody says that something may be due.
    async fn follow_nudges(&self, shutdown: &CancellationToken) {
        tokio::join!(
            self.follow(shutdown, || self.begin()),
            self.follow(shutdown, || self.plan_campaigns(shutdown)),
            self.follow(shutdown, || self.remind(shutdown)),
            self.follow(shutdown, || self.deliver(shutdown)),
        );
    }

    /// With a clock that runs fast, looks as often as its minutes pass: the timers call by ours.
    async fn keep_up(&self, shutdown: &CancellationToken) {
        let speed = self.context.clock.speed();
        if speed == 1 {
            return;
        }
        let pause = (LOOK_EVERY / speed).max(SHORTEST_PAUSE);
        while !shutdown.is_cancelled() {
            if let Err(error) = self.plan(shutdown).await {
                tracing::error!(%error, "a tick failed; the next one tries again");
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn follow<W>(&self, shutdown: &CancellationToken, tick: impl Fn() -> W)
    where
        W: Future<Output = Result<(), StoreError>>,
    {
        let mut nudges = self.context.nudges.subscribe();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                changed = nudges.changed() => if changed.is_err() { return },
            }
            if let Err(error) = tick().await {
                tracing::error!(%error, "a nudged tick failed; the next one tries again");
            }
        }
    }
}

/// What timers do.
#[derive(Clone, Copy)]
enum Work {
    Beat,
    Deliver,
    Begin,
    Campaigns,
    Remind,
    Settle,
    Recover,
    Import,
    Account,
    Usage,
    Project,
    Retain,
}

impl Work {
    fn of(self, engine: &Engine) -> ticker::Step {
        let engine = engine.clone();
        Arc::new(move |shutdown| {
            let engine = engine.clone();
            Box::pin(async move {
                match self {
                    Work::Beat => {
                        engine.beat();
                        Ok(())
                    }
                    Work::Deliver => engine.deliver(&shutdown).await,
                    Work::Begin => engine.begin().await,
                    Work::Campaigns => engine.plan_campaigns(&shutdown).await,
                    Work::Remind => engine.remind(&shutdown).await,
                    Work::Settle => engine.settle(&shutdown).await,
                    Work::Recover => engine.recover(false).await.map(|_| ()),
                    Work::Import => engine.import().await,
                    Work::Account => engine.account(&shutdown).await,
                    Work::Usage => engine.read_usage(&shutdown).await,
                    Work::Project => engine.project().await,
                    Work::Retain => engine.retain().await,
                }
            })
        })
    }
}
