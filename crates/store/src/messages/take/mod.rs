//! The step in front of the POST: one durable transaction that chooses due messages, checks every gate, reserves
//! their pacing slots and commits them to being posted.
//!
//! Single messages go before campaigns, urgent ones before others; campaigns of one sender share what is left,
//! those served longest ago first. A campaign that cannot go on now (its window is closed, its pace is used up) gets
//! a wake time and is not looked at before.

mod budget;
mod candidates;
mod decide;
mod recent;
mod reminders;
mod senders;
mod write;

use super::people::people_in;
use crate::{Store, StoreError};
use chrono::TimeDelta;
use chrono_tz::Tz;
use dakiya_core::encoding::Segments;
use dakiya_core::ids::{CampaignId, MessageId, TemplateId};
use dakiya_core::message::{Category, Channel};
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::sender::{SenderAddress, SenderKind};
use dakiya_core::time::Timestamp;

/// What a worker can post now.
#[derive(Clone, Copy, Debug)]
pub struct TakeRequest {
    /// The time.
    pub now: Timestamp,
    /// How far ahead of now slots are given out.
    pub horizon: TimeDelta,
    /// At most so many messages.
    pub batch: usize,
    /// At most so many single OTPs and transactional messages besides: they never wait for room that others take.
    pub urgent_batch: usize,
    /// The business's zone, for windows.
    pub zone: Tz,
    /// This single message alone, whether due or not; `None`: whatever is due.
    pub only: Option<MessageId>,
}

/// A message committed to being posted by whoever took it.
#[derive(Clone, Debug)]
pub struct TakenMessage {
    /// Its id.
    pub id: MessageId,
    /// The campaign it belongs to.
    pub campaign_id: Option<CampaignId>,
    /// The template it was rendered from, and which version.
    pub template: Option<(TemplateId, i32)>,
    /// To whom.
    pub phone: PhoneNumber,
    /// How it travels.
    pub channel: Channel,
    /// Why it is sent.
    pub category: Category,
    /// From whom.
    pub sender: SenderAddress,
    /// What the sender is.
    pub sender_kind: SenderKind,
    /// The sender's pace, segments per second.
    pub segments_per_second: u32,
    /// The text.
    pub body: String,
    /// Billed parts; one on WhatsApp.
    pub segments: Segments,
    /// Expected cost, before tax.
    pub estimated_cost: Money,
    /// When it became due.
    pub due_at: Timestamp,
    /// When it stops making sense.
    pub expires_at: Option<Timestamp>,
    /// Not before.
    pub slot: Timestamp,
}

impl TakenMessage {
    /// Whether a person waits for it.
    pub fn is_urgent(&self) -> bool {
        self.campaign_id.is_none() && matches!(self.category, Category::Otp | Category::Transactional)
    }
}

/// What was taken.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// To be posted, in the order of their slots.
    pub to_post: Vec<TakenMessage>,
    /// Whether messages were decided about without being posted, so that another look now may find more.
    pub moved: bool,
    /// When there is something to do next, as far as is known; `None`: nothing waits.
    pub next_wake: Option<Timestamp>,
}

/// Takes what is due. What comes back is committed: it is posted by the caller or, if the caller dies, by nobody.
pub async fn take(store: &Store, request: &TakeRequest) -> Result<Taken, StoreError> {
    let tx = store.write().await?;
    let Some(mut round) = candidates::gather(&*tx, request).await? else { return Ok(Taken::default()) };
    let budget = budget::MonthBudget::of(&*tx, &round, request).await?;
    let people = people_in(store, &*tx, &round.phones()).await?;
    let recent = recent::sent_last_hour(&*tx, &round.phones(), request.now).await?;
    let reminders = reminders::load(&*tx, &round, request).await?;
    let decided = decide::decide(&mut round, &people, recent, reminders, budget, request);
    let next_wake =
        if decided.to_post.is_empty() { candidates::next_wake(&*tx, &round, request).await? } else { None };
    let changed = write::write(store, &*tx, &round, &decided, request).await?;
    if changed {
        tx.commit().await?;
    }
    let moved = decided.moved();
    let mut to_post = decided.to_post;
    to_post.sort_by_key(|message| message.slot);
    Ok(Taken { moved, to_post, next_wake })
}
