//! Builders for messages and campaigns.
#![allow(dead_code, reason = "each test file uses what it needs")]

use super::{TESTER, later, now, phone};
use chrono::TimeDelta;
use dakiya_core::audience::Audience;
use dakiya_core::encoding::{Encoding, Segments};
use dakiya_core::ids::{CampaignId, MessageId};
use dakiya_core::message::{Category, Channel, Status};
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::retry::RetryPolicy;
use dakiya_core::sender::{Sender, SenderAddress, SenderKind};
use dakiya_core::time::{Month, Timestamp};
use dakiya_store::Store;
use dakiya_store::campaigns::{self, Approval, Batch, Campaign, CampaignDraft, NewRecipient};
use dakiya_store::messages::{
    self, Answer, Answered, Enqueued, FollowUp, Message, NewMessage, TakeRequest, Taken,
};
use dakiya_store::{senders, templates};
use std::time::Duration;

pub const SENDER: &str = "+15005550006";

/// Stores a sender of a pace.
pub async fn sender(store: &Store, address: &str, segments_per_second: u32) {
    let sender = Sender {
        address: SenderAddress::stored(address.to_owned()),
        kind: SenderKind::Number,
        segments_per_second,
        promotional: true,
        monthly_rent: None,
    };
    senders::put(store, &sender, &TESTER, now()).await.unwrap();
}

/// A service message that is due now.
pub fn new_message(n: u64) -> NewMessage {
    NewMessage {
        dedupe_key: format!("test:{n}"),
        campaign_id: None,
        template: None,
        phone: phone(n),
        channel: Channel::Sms,
        category: Category::Service,
        sender: SenderAddress::stored(SENDER.to_owned()),
        body: format!("Hello {n}"),
        encoding: Encoding::Gsm7,
        segments: Segments(1),
        estimated_cost: Money::parse("0.80").unwrap(),
        estimated_fx: None,
        due_at: now(),
        expires_at: None,
        api_key_id: None,
        test: false,
        suppressed: None,
        reminder: None,
    }
}

/// Writes a message down.
pub async fn enqueue(store: &Store, new: NewMessage) -> Message {
    match messages::enqueue(store, new, None, now()).await.unwrap() {
        Enqueued::Created(message) => message,
        other => panic!("{other:?}"),
    }
}

/// Takes everything due at a time, up to a hundred messages.
pub async fn take_at(store: &Store, at: Timestamp) -> Taken {
    let request = TakeRequest {
        now: at,
        horizon: TimeDelta::milliseconds(300),
        batch: 100,
        urgent_batch: 100,
        zone: chrono_tz::Asia::Kolkata,
        only: None,
    };
    messages::take(store, &request).await.unwrap()
}

/// How answers are followed up in tests: no randomness.
pub fn follow_up() -> FollowUp {
    let unknown_lookups = vec![Duration::from_secs(60), Duration::from_secs(300)];
    FollowUp { retry: RetryPolicy::default(), jitter: 0.0, unknown_lookups }
}

/// Records one answer.
pub async fn answer(store: &Store, id: MessageId, answer: Answer, at: Timestamp) {
    messages::record_answers(store, &[Answered { id, answer, at }], &follow_up()).await.unwrap();
}

/// An acceptance with a SID of a number.
pub fn accepted(n: u64) -> Answer {
    Answer::Accepted { sid: sid(n), status: Status::Accepted, segments: Some(Segments(1)) }
}

/// The SID of a number.
pub fn sid(n: u64) -> String {
    format!("SM{n:032x}")
}

/// The message as it is now.
pub async fn reload(store: &Store, id: MessageId) -> Message {
    messages::get(store, id).await.unwrap().unwrap()
}

/// A campaign that was approved and started, with queued messages to these people.
pub async fn campaign(store: &Store, name: &str, category: Category, people: &[PhoneNumber]) -> Campaign {
    campaign_with(store, name, category, people, |_| {}).await
}

/// As [`campaign`], with a draft changed by the test.
pub async fn campaign_with(
    store: &Store,
    name: &str,
    category: Category,
    people: &[PhoneNumber],
    change: impl FnOnce(&mut CampaignDraft),
) -> Campaign {
    let campaign = draft(store, name, category, change).await;
    let rows: Vec<NewRecipient> = people
        .iter()
        .map(|phone| NewRecipient { phone: *phone, language: None, variables: Default::default() })
        .collect();
    campaigns::add_recipients(store, campaign.id, rows, &TESTER, now()).await.unwrap();
    approve(store, campaign.id, people.len()).await;
    campaigns::start_due(store, now()).await.unwrap();
    expand(store, campaign.id, category, people).await;
    campaigns::get(store, campaign.id).await.unwrap().unwrap()
}

/// A draft.
pub async fn draft(
    store: &Store,
    name: &str,
    category: Category,
    change: impl FnOnce(&mut CampaignDraft),
) -> Campaign {
    let text = templates::TemplateText {
        name: name.to_owned(),
        category,
        channel: Channel::Sms,
        language: None,
        body: "Hello".to_owned(),
        dlt: None,
        content_sid: None,
    };
    let template = templates::put(store, name, &text, &TESTER, now()).await.unwrap();
    let mut draft = CampaignDraft {
        name: name.to_owned(),
        template_id: template.template_id,
        template_version: template.version,
        channel: Channel::Sms,
        sender: SenderAddress::stored(SENDER.to_owned()),
        audience: Audience::default(),
        send_at: None,
        segments_per_second: None,
        budget: None,
    };
    change(&mut draft);
    campaigns::create(store, &draft, &TESTER, now()).await.unwrap()
}

/// Approves a draft at 80 paise a head.
pub async fn approve(store: &Store, id: CampaignId, people: usize) -> Campaign {
    let draft = campaigns::get(store, id).await.unwrap().unwrap();
    let approval = Approval {
        quote: "quote".to_owned(),
        revision: draft.revision,
        estimated_cost: Money::parse("0.80").unwrap() * people as u64,
        unit_price: Money::parse("0.80").unwrap(),
        month: Month::parse("2026-11").unwrap(),
        predicted_start: now(),
        predicted_finish: later(60),
    };
    campaigns::approve(store, id, &approval, &TESTER, now()).await.unwrap()
}

/// Writes a campaign's messages down.
pub async fn expand(store: &Store, id: CampaignId, category: Category, people: &[PhoneNumber]) {
    let campaign = campaigns::get(store, id).await.unwrap().unwrap();
    let message = |phone: &PhoneNumber| NewMessage {
        dedupe_key: format!("campaign:{id}:{phone}"),
        campaign_id: Some(id),
        phone: *phone,
        category,
        sender: campaign.draft.sender.clone(),
        due_at: campaign.draft.send_at.unwrap_or(now()),
        ..new_message(0)
    };
    let batch = Batch {
        after: campaign.expanded_through,
        through: people.iter().max().copied(),
        last: true,
        messages: people.iter().map(message).collect(),
    };
    assert!(campaigns::expand(store, id, &batch, now()).await.unwrap());
}
