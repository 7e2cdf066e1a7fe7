//! What web and command line may ask of the engine now.

mod payments;
mod projecting;
mod reminders;
mod savings;
mod usage;

use crate::accounting;
use crate::clock::Deadline;
use crate::context::{Context, consequence_of};
use crate::delivery::{BEGIN_WITHIN, Delivery};
use crate::enqueueing::{self, EnqueueError, EnqueueRequest};
use crate::quoting::{self, ListQuote, ListRecipient, QuoteError, Quoted};
use crate::refreshing::{self, PriceSource, RefreshError};
use chrono::{NaiveDate, TimeDelta};
use dakiya_core::campaign::CampaignAction;
use dakiya_core::encoding::Segments;
use dakiya_core::ids::{CampaignId, MessageId, RateProposalId};
use dakiya_core::message::{Channel, EventSource, Status, SuppressedReason};
use dakiya_core::money::{FxRate, Money};
use dakiya_core::opt_out::{OptOutAction, OptOutScope, OptOutSource};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::{Month, day_in};
use dakiya_store::audit::Actor;
use dakiya_store::campaigns::{self, Approval, Campaign, CampaignError};
use dakiya_store::messages::{self, Applied, FenceScope, Message, StatusReport};
use dakiya_store::opt_outs::{self, Change};
use dakiya_store::{StoreError, sending};
use dakiya_twilio::error::explain;
use std::time::Duration;

/// Timers call every second; this long without one and they have stopped.
const MOST_SILENCE: Duration = Duration::from_secs(30);

/// How long a message that is sent at once stays away from the engine.
const AWAY: TimeDelta = TimeDelta::minutes(10);

/// A handle on the engine. Cheap to clone. It works whether the engine runs in this process or in another one
/// on the same database.
#[derive(Clone)]
pub struct Commands {
    context: Context,
}

/// Why a campaign was not approved, or not moved.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No such campaign, the wrong state, or a quote that is void.
    #[error(transparent)]
    Campaign(#[from] CampaignError),
    /// It would cost more than its budget.
    #[error(
        "it is expected to cost {} before tax, more than its budget of {}",
        expected.with_sign(),
        budget.with_sign()
    )]
    OverBudget {
        /// Expected cost before tax.
        expected: Money,
        /// The budget.
        budget: Money,
    },
    /// There is nobody to send to.
    #[error("nobody in the audience can be sent to")]
    NobodyToSendTo,
    /// It could not be priced or rendered.
    #[error(transparent)]
    Quote(#[from] QuoteError),
}

/// An opt-out to be recorded and obeyed.
#[derive(Clone, Debug)]
pub struct OptOutRequest {
    /// Who.
    pub phone: PhoneNumber,
    /// What stops.
    pub scope: OptOutScope,
    /// How we learned of it.
    pub source: OptOutSource,
    /// The text, link or reason that proves it.
    pub evidence: String,
    /// Who recorded it.
    pub actor: Actor,
}

/// What a status callback says, in our words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackReport {
    /// Our id, from the callback's query.
    pub message_id: Option<MessageId>,
    /// Twilio's id.
    pub sid: String,
    /// Where the message is.
    pub status: Status,
    /// Why it was not delivered.
    pub error_code: Option<u32>,
}

/// A test message that Twilio took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentNow {
    /// Twilio's id.
    pub sid: String,
}

/// A test message that was not, or not surely, sent.
#[derive(Debug, thiserror::Error)]
pub enum SendNowError {
    /// Turned away at the door.
    #[error(transparent)]
    Door(#[from] EnqueueError),
    /// Sending is stopped, or the message was suppressed, refused or left unknown; in words.
    #[error("{0}")]
    NotSent(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Campaign(error.into())
    }
}

impl Commands {
    pub(crate) fn new(context: Context) -> Self {
        Self { context }
    }

    /// Something may be due: the engine looks now rather than at its next tick.
    pub fn nudge(&self) {
        self.context.nudge();
    }

    /// Checks a message at the door and writes it down. The same `dedupe_key` gives the same message again.
    pub async fn enqueue(&self, request: EnqueueRequest) -> Result<Message, EnqueueError> {
        enqueueing::enqueue(&self.context, request).await
    }

    /// Whether the engine runs in this process, as far as it should. A process that only serves pages has none.
    pub fn engine_is_alive(&self) -> bool {
        self.context.silence().is_none_or(|silence| silence <= MOST_SILENCE * self.context.clock.speed())
    }

    /// Sends one message and waits for Twilio's answer. It passes every gate; only its turn comes at once.
    pub async fn send_now(&self, request: EnqueueRequest) -> Result<SentNow, SendNowError> {
        let store = &self.context.store;
        if let Some(halt) = sending::state(store).await?.halted() {
            return Err(SendNowError::NotSent(format!("sending is stopped: {}", halt.reason)));
        }
        // Not due for the engine, so that it is posted here and nowhere else; and gone soon if this process dies.
        let now = self.context.clock.now();
        let request = EnqueueRequest { send_at: Some(now + AWAY), expires_at: Some(now + AWAY), ..request };
        let message = enqueueing::enqueue(&self.context, request).await?;
        Delivery::start(&self.context).send_one(message.id).await?;
        messages::cancel(store, message.id, self.context.clock.now()).await?;
        let message = messages::get(store, message.id).await?;
        match message {
            Some(Message { twilio_sid: Some(sid), .. }) => Ok(SentNow { sid }),
            Some(message) => Err(SendNowError::NotSent(why_not_sent(&message))),
            None => Err(SendNowError::NotSent("the message is gone".to_owned())),
        }
    }

    /// Writes down the campaign's audience and reckons what it would do and cost.
    pub async fn quote_campaign(&self, id: CampaignId) -> Result<Quoted, QuoteError> {
        quoting::quote_campaign(&self.context, id).await.map(|(quoted, _)| quoted)
    }

    /// Reckons what a list would do and cost; rows are taken one at a time, memory hardly grows with them.
    pub async fn quote_list<R>(&self, request: ListQuote, rows: R) -> Result<Quoted, QuoteError>
    where
        R: IntoIterator<Item = ListRecipient> + Send,
        R::IntoIter: Send,
    {
        quoting::quote_list(&self.context, request, rows).await
    }

    /// Reckons what a send to stored contacts would do and cost.
    pub async fn quote_audience(
        &self,
        request: ListQuote,
        audience: &dakiya_core::audience::Audience,
    ) -> Result<Quoted, QuoteError> {
        quoting::quote_audience(&self.context, request, audience).await
    }

    /// The business day it is now, and what a message that comes in is expected to cost, with the dollar's price in it.
    pub async fn inbound_cost(
        &self,
        channel: Channel,
        segments: Segments,
    ) -> Result<(NaiveDate, Money, Option<FxRate>), StoreError> {
        accounting::inbound_cost(&self.context, channel, segments).await
    }

    /// Reads the vendor's prices of today and proposes them for its rate card.
    pub async fn refresh_prices(
        &self,
        source: PriceSource,
        actor: &Actor,
    ) -> Result<RateProposalId, RefreshError> {
        refreshing::refresh_prices(&self.context, source, actor).await
    }

    /// Approves a campaign as quoted and reserves its cost; it starts by itself.
    pub async fn approve_campaign(
        &self,
        id: CampaignId,
        quote: &str,
        actor: &Actor,
    ) -> Result<Campaign, CommandError> {
        let store = &self.context.store;
        let campaign = campaigns::get(store, id).await?.ok_or(CampaignError::NotFound(id))?;
        campaign.state.after(CampaignAction::Approve, false).map_err(CampaignError::from)?;
        let (quoted, campaign) = quoting::quote_campaign(&self.context, id).await?;
        if quoted.quote != quote {
            return Err(CampaignError::QuoteChanged.into());
        }
        if quoted.estimate.sendable == 0 {
            return Err(CommandError::NobodyToSendTo);
        }
        let expected = quoted.estimate.cost.expected;
        if let Some(budget) = campaign.draft.budget.filter(|budget| expected > *budget) {
            return Err(CommandError::OverBudget { expected, budget });
        }
        let approval = Approval {
            quote: quoted.quote,
            revision: campaign.revision,
            estimated_cost: expected,
            unit_price: quoted.unit_price.expected,
            month: Month::of(day_in(quoted.predicted_start, self.context.config.timezone)),
            predicted_start: quoted.predicted_start,
            predicted_finish: quoted.predicted_finish,
        };
        let campaign = campaigns::approve(store, id, &approval, actor, self.context.clock.now()).await?;
        self.nudge();
        Ok(campaign)
    }

    /// Holds a campaign. When this returns, none of its messages can begin any more.
    pub async fn pause_campaign(&self, id: CampaignId, actor: &Actor) -> Result<Campaign, CommandError> {
        let campaign =
            campaigns::pause(&self.context.store, id, None, actor, self.context.clock.now()).await?;
        self.fence(FenceScope::Campaign(id)).await?;
        Ok(campaign)
    }

    /// Lets a campaign go on.
    pub async fn resume_campaign(&self, id: CampaignId, actor: &Actor) -> Result<Campaign, CommandError> {
        let campaign = campaigns::resume(&self.context.store, id, actor, self.context.clock.now()).await?;
        self.nudge();
        Ok(campaign)
    }

    /// Stops a campaign for good. When this returns, none of its messages can begin any more.
    pub async fn cancel_campaign(&self, id: CampaignId, actor: &Actor) -> Result<Campaign, CommandError> {
        let campaign = campaigns::cancel(&self.context.store, id, actor, self.context.clock.now()).await?;
        self.fence(FenceScope::Campaign(id)).await?;
        // Its waiting messages are marked by the next plan.
        self.nudge();
        Ok(campaign)
    }

    /// Stops all sending. When this returns, no message can begin any more.
    pub async fn stop_sending(&self, reason: &str, actor: &Actor) -> Result<(), StoreError> {
        sending::stop(&self.context.store, reason, actor, self.context.clock.now()).await?;
        self.fence(FenceScope::All).await
    }

    /// Lets sending go on.
    pub async fn resume_sending(&self, actor: &Actor) -> Result<(), StoreError> {
        sending::resume(&self.context.store, actor, self.context.clock.now()).await?;
        self.nudge();
        Ok(())
    }

    /// Records an opt-out and ends what waits. When this returns, no message it covers can begin any more.
    pub async fn opt_out(&self, request: OptOutRequest) -> Result<(), StoreError> {
        let (phone, scope, actor) = (request.phone, request.scope, request.actor);
        let now = self.context.clock.now();
        opt_outs::record(&self.context.store, &request.change(OptOutAction::OptOut), &actor, now).await?;
        messages::suppress_waiting(&self.context.store, phone, scope, now).await?;
        self.fence(FenceScope::Phone(phone, scope)).await
    }

    /// Applies what a signed status callback reports; returns after it is stored. Many at a time share a commit.
    pub async fn report(&self, report: CallbackReport) -> Result<Applied, StoreError> {
        let report = StatusReport {
            message_id: report.message_id,
            sid: report.sid,
            status: report.status,
            error_code: report.error_code,
            consequence: report.error_code.and_then(consequence_of),
            at: self.context.clock.now(),
            source: EventSource::Callback,
        };
        messages::apply_status(&self.context.store, report).await
    }

    /// Records that a person may be messaged again.
    pub async fn opt_in(&self, request: OptOutRequest) -> Result<(), StoreError> {
        let actor = request.actor;
        let now = self.context.clock.now();
        opt_outs::record(&self.context.store, &request.change(OptOutAction::OptIn), &actor, now)
            .await
            .map(|_| ())
    }

    /// Waits until nothing of a scope that was stopped can begin any more. Real time, even in tests that move their
    /// own: it is about POSTs under way.
    async fn fence(&self, scope: FenceScope) -> Result<(), StoreError> {
        let at_latest = Deadline::after(BEGIN_WITHIN + Duration::from_millis(500));
        while messages::still_possible(&self.context.store, scope).await? {
            if at_latest.has_passed() {
                // What is still being posted began before; its deadline keeps anything else from beginning.
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

impl OptOutRequest {
    fn change(self, action: OptOutAction) -> Change {
        Change { phone: self.phone, action, scope: self.scope, source: self.source, evidence: self.evidence }
    }
}

fn why_not_sent(message: &Message) -> String {
    match (message.status, message.suppressed_reason, message.error_code) {
        (_, Some(SuppressedReason::RateLimited), _) => {
            "not sent: this number had its messages for this hour".to_owned()
        }
        (_, Some(reason), _) => format!("not sent: {reason}"),
        (_, _, Some(code)) => match explain(code) {
            Some(explanation) => format!("Twilio refused it (error {code}): {}", explanation.meaning),
            None => format!("Twilio refused it (error {code})"),
        },
        (Status::Unknown, ..) => "Twilio did not answer; it may or may not have been sent".to_owned(),
        (Status::Canceled, ..) => "Twilio could not be reached, so it was not sent".to_owned(),
        (status, ..) => format!("the message is {status}"),
    }
}
