//! What the account remembers: messages, who opted out, who wrote when, what was used; and, for whoever tests against
//! it, every POST and every callback.

use crate::config::random_u64;
use crate::faults::{Bill, Fate};
use crate::usage::Usage;
use chrono::NaiveDate;
use dakiya_core::message::Channel;
use dakiya_core::time::Timestamp;
use dakiya_twilio::TwilioStatus;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

/// One POST of a message, as it arrived.
#[derive(Clone, Debug, Serialize)]
pub struct Post {
    /// Counts from 1.
    pub number: u64,
    /// When, by the simulator's clock.
    pub at: Timestamp,
    /// When, by a clock that only goes forward.
    #[serde(skip)]
    pub instant: Instant,
    /// The recipient, as written (`whatsapp:` included).
    #[serde(serialize_with = "text")]
    pub to: Arc<str>,
    /// The sender, or the messaging service, as written.
    #[serde(serialize_with = "text")]
    pub from: Arc<str>,
    /// The text.
    #[serde(serialize_with = "text")]
    pub body: Arc<str>,
    /// The template, if one was used.
    #[serde(serialize_with = "optional_text")]
    pub content_sid: Option<Arc<str>>,
    /// What stood for its placeholders, as written.
    #[serde(serialize_with = "optional_text")]
    pub content_variables: Option<Arc<str>>,
    /// Where callbacks go.
    #[serde(serialize_with = "optional_text")]
    pub status_callback: Option<Arc<str>>,
    /// How many segments it is billed as.
    pub segments: u32,
    /// The message that was made of it; `None`: none was.
    pub sid: Option<String>,
    /// What the client was answered; `None`: nothing.
    pub status: Option<u16>,
    /// Twilio's error code, if it was refused.
    pub code: Option<u32>,
}

fn text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

fn optional_text<S: Serializer>(text: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().serialize(serializer)
}

/// One attempt to deliver a status callback.
#[derive(Clone, Debug, Serialize)]
pub struct Callback {
    /// When, by the simulator's clock.
    pub at: Timestamp,
    /// Which message.
    pub sid: String,
    /// What it said.
    pub status: TwilioStatus,
    /// 1 at first.
    pub attempt: u32,
    /// What was answered; `None`: nothing.
    pub answer: Option<u16>,
}

/// Who a message is from and to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Inbound,
    OutboundApi,
    OutboundReply,
}

/// A stored message.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub direction: Direction,
    pub channel: Channel,
    pub to: Arc<str>,
    pub from: Option<Arc<str>>,
    pub service: Option<Arc<str>>,
    pub body: Arc<str>,
    pub status: TwilioStatus,
    pub segments: u32,
    /// Segments are shown as "0" until a service has counted them.
    pub counted: bool,
    pub bill: Bill,
    /// As it was rated; `shown_price` says what is shown of it.
    pub price: Option<Decimal>,
    /// Its price is shown from here on.
    pub price_shown_at: Option<Timestamp>,
    /// From when on it has another price.
    pub repriced: Option<(Timestamp, Decimal)>,
    pub error: Option<u32>,
    pub fate: Fate,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub sent: Option<Timestamp>,
    pub callback: Option<Arc<str>>,
    pub callbacks_answered: u32,
}

impl Stored {
    /// What it costs by now, whether or not that is shown.
    pub(crate) fn cost(&self, now: Timestamp) -> Option<Decimal> {
        let price = self.price?;
        Some(self.repriced.filter(|(at, _)| *at <= now).map_or(price, |(_, repriced)| repriced))
    }

    /// What is shown of its price.
    pub(crate) fn shown_price(&self, now: Timestamp) -> Option<Decimal> {
        self.cost(now).filter(|_| self.price_shown_at.is_none_or(|at| at <= now))
    }
}

/// The account's memory. Numbers count from 1 and never repeat; a SID is made of one.
#[derive(Debug)]
pub(crate) struct Book {
    messages: VecDeque<Stored>,
    forgotten: u64,
    by_to: HashMap<Arc<str>, VecDeque<u64>>,
    posts: VecDeque<Post>,
    posts_seen: u64,
    callbacks: VecDeque<Callback>,
    opted_out: HashSet<(String, String)>,
    heard: HashMap<(String, String), Timestamp>,
    contents: HashMap<String, String>,
    pub(crate) usage: Usage,
    pub(crate) accepted_by_channel: [u32; 2],
    boot: u64,
    keep: usize,
}

impl Book {
    pub(crate) fn new(keep: usize) -> Self {
        Self {
            messages: VecDeque::new(),
            forgotten: 0,
            by_to: HashMap::new(),
            posts: VecDeque::new(),
            posts_seen: 0,
            callbacks: VecDeque::new(),
            opted_out: HashSet::new(),
            heard: HashMap::new(),
            contents: HashMap::new(),
            usage: Usage::default(),
            accepted_by_channel: [0; 2],
            boot: random_u64(),
            keep: keep.max(1),
        }
    }

    pub(crate) fn sid(&self, number: u64) -> String {
        format!("SM{:016x}{number:016x}", self.boot)
    }

    /// The message a SID means.
    pub(crate) fn find(&self, sid: &str) -> Option<u64> {
        let number = u64::from_str_radix(sid.get(18..34)?, 16).ok()?;
        (self.sid(number) == sid && self.message(number).is_some()).then_some(number)
    }

    pub(crate) fn add(&mut self, message: Stored) -> u64 {
        if self.messages.len() >= self.keep {
            self.forget_oldest();
        }
        let number = self.forgotten + self.messages.len() as u64 + 1;
        self.by_to.entry(message.to.clone()).or_default().push_back(number);
        self.messages.push_back(message);
        number
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.messages.pop_front() else { return };
        self.forgotten += 1;
        if let Some(numbers) = self.by_to.get_mut(&oldest.to) {
            numbers.pop_front();
            if numbers.is_empty() {
                self.by_to.remove(&oldest.to);
            }
        }
    }

    pub(crate) fn message(&self, number: u64) -> Option<&Stored> {
        self.messages.get(self.index(number)?)
    }

    pub(crate) fn message_mut(&mut self, number: u64) -> Option<&mut Stored> {
        let index = self.index(number)?;
        self.messages.get_mut(index)
    }

    fn index(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.forgotten + 1)?).ok()
    }

    /// Numbers of messages older than `before`, newest first; only those to an address when one is given.
    pub(crate) fn newest_first(
        &self,
        to: Option<&str>,
        before: Option<u64>,
    ) -> Box<dyn Iterator<Item = u64> + '_> {
        let older = move |number: &u64| before.is_none_or(|before| *number < before);
        match to {
            Some(to) => Box::new(self.by_to.get(to).into_iter().flatten().rev().copied().filter(older)),
            None => {
                let last = self.forgotten + self.messages.len() as u64;
                let from = before.map_or(last, |before| last.min(before.saturating_sub(1)));
                Box::new((self.forgotten + 1..=from).rev())
            }
        }
    }

    pub(crate) fn invoice(&self, first: NaiveDate, last: NaiveDate, now: Timestamp) -> Decimal {
        let of_days = self.messages.iter().filter(|message| {
            let day = message.created.date_naive();
            first <= day && day <= last
        });
        of_days.filter_map(|message| message.cost(now)).sum()
    }

    pub(crate) fn log_post(&mut self, mut post: Post) {
        self.posts_seen += 1;
        post.number = self.posts_seen;
        push_bounded(&mut self.posts, post, self.keep);
    }

    pub(crate) fn log_callback(&mut self, number: u64, callback: Callback) {
        if let Some(message) = self.message_mut(number) {
            message.callbacks_answered += 1;
        }
        push_bounded(&mut self.callbacks, callback, self.keep);
    }

    pub(crate) fn posts(&self) -> impl Iterator<Item = &Post> {
        self.posts.iter()
    }

    pub(crate) fn posts_seen(&self) -> u64 {
        self.posts_seen
    }

    pub(crate) fn callbacks(&self) -> impl Iterator<Item = &Callback> {
        self.callbacks.iter()
    }

    pub(crate) fn opt_out(&mut self, sender: &str, person: &str) {
        self.opted_out.insert((sender.to_owned(), person.to_owned()));
    }

    pub(crate) fn opt_in(&mut self, sender: &str, person: &str) {
        self.opted_out.remove(&(sender.to_owned(), person.to_owned()));
    }

    pub(crate) fn has_opted_out(&self, sender: &str, person: &str) -> bool {
        !self.opted_out.is_empty() && self.opted_out.contains(&(sender.to_owned(), person.to_owned()))
    }

    pub(crate) fn hear(&mut self, sender: &str, person: &str, at: Timestamp) {
        self.heard.insert((sender.to_owned(), person.to_owned()), at);
    }

    pub(crate) fn approve(&mut self, content_sid: String, text: String) {
        self.contents.insert(content_sid, text);
    }

    /// What an approved template says with some values; a placeholder without one stays as it is.
    pub(crate) fn content(&self, content_sid: &str, values: &BTreeMap<String, String>) -> Option<String> {
        let text = self.contents.get(content_sid)?.clone();
        Some(values.iter().fold(text, |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value)))
    }

    pub(crate) fn heard_at(&self, sender: &str, person: &str) -> Option<Timestamp> {
        self.heard.get(&(sender.to_owned(), person.to_owned())).copied()
    }
}

fn push_bounded<T>(queue: &mut VecDeque<T>, item: T, keep: usize) {
    if queue.len() >= keep {
        queue.pop_front();
    }
    queue.push_back(item);
}
