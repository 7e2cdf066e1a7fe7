//! Take what is due, post it at its slot, record the answer.
//!
//! Takes, POSTs and records overlap: while one batch is being posted the next is taken, and answers that arrive
//! together are recorded together. A message is in hand from its take until its answer is stored; how many can be in
//! hand bounds memory, and at shutdown tells when nothing is under way any more.

use crate::clock::Deadline;
use crate::context::{Context, consequence_of};
use crate::hand::{self, Hand, Room};
use crate::pace_guard::PaceGuard;
use crate::recorder::{self, Record};
use chrono::TimeDelta;
use dakiya_core::ids::MessageId;
use dakiya_core::message::Status;
use dakiya_core::time::Timestamp;
use dakiya_store::messages::{self, Answer, Answered, Consequence, TakeRequest, TakenMessage};
use dakiya_store::{StoreError, campaigns};
use dakiya_twilio::{Content, CreateMessage, Doubt, NotSent, PostOutcome, RETRY_OVERRIDE};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// A POST begins within this time of its commit or not at all: whoever stops something waits no longer than that.
pub(crate) const BEGIN_WITHIN: Duration = Duration::from_secs(5);

/// How far ahead of now slots are given out. An urgent message waits behind them, so it is short.
const HORIZON: TimeDelta = TimeDelta::milliseconds(300);

/// While there is no room for ordinary messages, urgent ones of other processes are looked for this often.
const URGENT_LOOK: Duration = Duration::from_millis(200);

/// A tick goes on while something is due within this time; what comes later is left to a later tick.
const KEEP_GOING: TimeDelta = TimeDelta::milliseconds(1_100);

/// Not shorter, however wrong a wake time may be.
const SHORTEST_NAP: TimeDelta = TimeDelta::milliseconds(5);

/// What a take says about the next one.
enum Next {
    /// It found something, so there may be more.
    Now,
    /// Something will be due then.
    At(Timestamp),
    /// Nothing waits.
    Nothing,
}

/// The part of the engine that sends.
pub(crate) struct Delivery {
    context: Context,
    hand: Hand,
    ordinary: Arc<Semaphore>,
    urgent: Arc<Semaphore>,
    guard: Arc<PaceGuard>,
    answers: mpsc::Sender<Record>,
}

impl Delivery {
    /// Sets it up, with a task that records answers for as long as it lives.
    pub(crate) fn start(context: &Context) -> Arc<Self> {
        let (answers, received) = mpsc::channel(hand::MOST);
        tokio::spawn(recorder::run(context.clone(), received));
        let in_flight = context.config.in_flight.max(1);
        Arc::new(Self {
            hand: Hand::new(in_flight),
            ordinary: Arc::new(Semaphore::new(in_flight)),
            urgent: Arc::new(Semaphore::new((in_flight / 4).max(1))),
            guard: Arc::new(PaceGuard::new(context.clock.clone())),
            answers,
            context: context.clone(),
        })
    }

    /// Sends what is due, and goes on while something is or soon will be. Harmless to repeat.
    pub(crate) async fn tick(self: &Arc<Self>, shutdown: &CancellationToken) -> Result<(), StoreError> {
        let mut nudges = self.context.nudges.subscribe();
        while !shutdown.is_cancelled() {
            nudges.mark_unchanged();
            campaigns::start_due(&self.context.store, self.context.clock.now()).await?;
            let (next, full) = match self.hand.room() {
                Some(room) => {
                    let full = room.ordinary.is_none();
                    (self.round(room, None).await?, full)
                }
                None => (Next::Nothing, true),
            };
            let now = self.context.clock.now();
            let wake = match next {
                Next::Now => continue,
                _ if full => None,
                Next::At(wake) if wake <= now + KEEP_GOING => Some(wake.max(now + SHORTEST_NAP)),
                Next::At(_) | Next::Nothing => return Ok(()),
            };
            tokio::select! {
                () = self.nap(wake) => {}
                _ = nudges.changed() => {}
                () = shutdown.cancelled() => {}
            }
        }
        Ok(())
    }

    /// Waits for a time or, with the hands full, for room.
    async fn nap(&self, wake: Option<Timestamp>) {
        match wake {
            Some(wake) => self.context.clock.sleep_until(wake).await,
            None => {
                tokio::select! {
                    () = self.hand.free() => {}
                    () = tokio::time::sleep(URGENT_LOOK) => {}
                }
            }
        }
    }

    /// Sends one message alone, due or not, and comes back when its answer is stored.
    pub(crate) async fn send_one(self: &Arc<Self>, id: MessageId) -> Result<(), StoreError> {
        if let Some(room) = self.hand.room() {
            self.round(room, Some(id)).await?;
        }
        self.idle().await;
        Ok(())
    }

    /// Comes back when nothing is in hand.
    pub(crate) async fn idle(&self) {
        self.hand.empty().await;
    }

    /// One take, and a task for each message taken.
    async fn round(self: &Arc<Self>, mut room: Room, only: Option<MessageId>) -> Result<Next, StoreError> {
        let request = TakeRequest {
            now: self.context.clock.now(),
            horizon: if only.is_some() { TimeDelta::hours(1) } else { HORIZON },
            batch: Room::count(&room.ordinary),
            urgent_batch: Room::count(&room.urgent),
            zone: self.context.config.timezone,
            only,
        };
        // Before the take: the commit cannot be earlier than this.
        let begin_by = Deadline::after(BEGIN_WITHIN);
        let taken = messages::take(&self.context.store, &request).await?;
        let next = match taken.next_wake {
            _ if taken.moved || !taken.to_post.is_empty() => Next::Now,
            Some(wake) => Next::At(wake),
            None => Next::Nothing,
        };
        if !taken.to_post.is_empty() {
            metrics::histogram!("dakiya_take_batch_size").record(taken.to_post.len() as f64);
            self.hand.grow();
        }
        for message in taken.to_post {
            // A take never brings more than there was room for.
            let Some(in_hand) = room.place(message.is_urgent()) else { break };
            tokio::spawn(self.clone().post(message, begin_by, in_hand));
        }
        Ok(next)
    }

    async fn post(self: Arc<Self>, message: TakenMessage, begin_by: Deadline, in_hand: OwnedSemaphorePermit) {
        let clock = &self.context.clock;
        clock.sleep_until(message.slot).await;
        let places = if message.is_urgent() { &self.urgent } else { &self.ordinary };
        let place = loop {
            let place = places.acquire().await;
            let (sender, segments) = (&message.sender, message.segments.0);
            match self.guard.try_admit(message.channel, sender, segments, message.segments_per_second) {
                None => break place,
                Some(wait) => {
                    // Another sender's messages may go meanwhile.
                    drop(place);
                    clock.sleep_until(clock.now() + wait).await;
                }
            }
        };
        let answer =
            if begin_by.has_passed() { Answer::NotBegun } else { self.create(&message, begin_by).await };
        drop(place);
        if answer == Answer::NotBegun {
            self.hand.shrink();
        }
        let answered = Answered { id: message.id, answer, at: clock.now() };
        // The recorder outlives every message in hand.
        let _ = self.answers.send(Record { answered, in_hand }).await;
    }

    async fn create(&self, message: &TakenMessage, begin_by: Deadline) -> Answer {
        let callback =
            self.context.config.address(&format!("webhooks/twilio/status?m={}{RETRY_OVERRIDE}", message.id));
        let approved = match self.context.approved.of(&self.context.store, message).await {
            Ok(approved) => approved,
            Err(error) => {
                tracing::warn!(%error, message = %message.id, "its template cannot be read; it goes back to the queue");
                return Answer::NotBegun;
            }
        };
        let content = match &approved {
            Some((sid, variables)) => Content::Template { content_sid: sid, variables },
            None => Content::Text(&message.body),
        };
        let now = self.context.clock.now();
        let age = (now - message.due_at).num_milliseconds().max(0) as f64 / 1_000.0;
        metrics::histogram!("dakiya_queue_age_seconds", "category" => message.category.as_str()).record(age);
        let outcome = self
            .context
            .client
            .create(&CreateMessage {
                to: message.phone,
                kind: message.sender_kind,
                sender: &message.sender,
                content,
                status_callback: Some(&callback),
                validity: message.expires_at.and_then(|at| (at - now).to_std().ok()),
                begin_by: Some(begin_by.instant()),
            })
            .await;
        answer(outcome)
    }
}

/// What an outcome means for the message.
fn answer(outcome: PostOutcome) -> Answer {
    let stops = outcome.stops_everything();
    let (word, answer) = match outcome {
        PostOutcome::Accepted(message) => {
            let status = message.our_status().unwrap_or(Status::Accepted);
            let answer =
                Answer::Accepted { sid: message.sid.to_string(), status, segments: message.segments };
            ("accepted", answer)
        }
        PostOutcome::Rejected(error) => {
            let consequence = if stops { Some(Consequence::StopSending) } else { consequence_of(error.code) };
            ("rejected", Answer::Rejected { code: error.code, consequence })
        }
        PostOutcome::NotSent(NotSent::TooLate) => ("not_begun", Answer::NotBegun),
        PostOutcome::NotSent(why) => {
            let retry_after = match why {
                NotSent::TooManyRequests { retry_after } => retry_after,
                _ => None,
            };
            ("not_sent", Answer::NotSent { retry_after, why: why.to_string() })
        }
        PostOutcome::Unknown(doubt) => ("unknown", unknown(doubt, stops)),
    };
    metrics::counter!("dakiya_posts_total", "outcome" => word).increment(1);
    answer
}

fn unknown(doubt: Doubt, stops: bool) -> Answer {
    Answer::Unknown { why: doubt.to_string(), consequence: stops.then_some(Consequence::StopSending) }
}
