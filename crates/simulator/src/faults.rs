//! What can be made to go wrong, for all messages or for one number, always or a number of times.

use dakiya_twilio::TwilioStatus;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

/// All that goes wrong at the moment. Nothing does by default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// What a POST of a message meets; the first that applies.
    pub posts: Vec<Rule<PostFault>>,
    /// What becomes of accepted messages; the first that applies.
    pub deliveries: Vec<Rule<DeliveryFault>>,
    /// How accepted messages are billed; the first that applies.
    pub bills: Vec<Rule<BillFault>>,
    /// What happens to status callbacks.
    pub callbacks: CallbackFaults,
    /// Every answer is this late, in milliseconds.
    pub latency_ms: u64,
}

/// A fault and whom it meets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule<F> {
    /// Only messages to this number (E.164, without `whatsapp:`); all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Only every so many of those messages, beginning with that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u32>,
    /// How often it still happens; without end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// What happens.
    #[serde(flatten)]
    pub fault: F,
    #[serde(skip)]
    seen: u32,
}

impl<F> Rule<F> {
    /// Meets every message.
    pub fn always(fault: F) -> Self {
        Self { to: None, every: None, times: None, fault, seen: 0 }
    }

    /// Meets messages to one number.
    pub fn to(number: &str, fault: F) -> Self {
        Self { to: Some(number.to_owned()), ..Self::always(fault) }
    }

    /// Happens only so often.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Meets only every so many messages.
    pub fn every(mut self, every: u32) -> Self {
        self.every = Some(every);
        self
    }

    fn applies(&mut self, number: &str) -> bool {
        if self.times == Some(0) || self.to.as_deref().is_some_and(|to| to != number) {
            return false;
        }
        self.seen = self.seen.wrapping_add(1);
        if self.every.is_some_and(|every| every > 1 && !self.seen.is_multiple_of(every)) {
            return false;
        }
        self.times = self.times.map(|times| times - 1);
        true
    }
}

/// What a POST of a message meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostFault {
    /// The message was accepted all the same, and its callbacks come.
    #[serde(default)]
    pub accepted: bool,
    /// What the client sees.
    pub answer: Answer,
}

/// What a client sees instead of Twilio's usual answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// An empty answer with this HTTP status (500, 503, 408, 302 …).
    Status(u16),
    /// 400 with this error code of Twilio's; never accepted.
    Reject(u32),
    /// 429, with `Retry-After` in seconds when given; never accepted.
    TooManyRequests(Option<u32>),
    /// No answer at all, for as long as the client waits.
    Timeout,
    /// The connection is closed without an answer.
    Close,
    /// 201 with something that is not JSON.
    Garbage,
    /// 201 with JSON that has no SID.
    NoSid,
    /// 201 with more than 64 KiB.
    Oversize,
}

/// What becomes of an accepted message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryFault {
    /// Its fate.
    pub fate: Fate,
}

/// How a message ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// On the phone.
    #[default]
    Deliver,
    /// On the phone and seen (WhatsApp).
    Read,
    /// Seen, but nobody reports that it arrived (WhatsApp).
    ReadWithoutDelivered,
    /// Not handed over, with this error code.
    Fail(u32),
    /// Handed over, not delivered, with this error code.
    Undeliver(u32),
    /// `sent` for ever.
    StaySent,
    /// `queued` for ever.
    StayQueued,
}

/// How an accepted message is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillFault {
    /// In which way.
    pub bill: Bill,
}

/// When and how a message is billed. Usage records know of a price at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bill {
    /// Once it was handed over.
    #[default]
    Usual,
    /// It has no price, ever, and is not charged.
    Never,
    /// Its price is shown so many hours after it was rated.
    Late(u32),
    /// Its price changes to so many per cent of what it was.
    Repriced {
        /// Hours after it was rated.
        hours: u32,
        /// Of the first price.
        percent: u32,
    },
    /// It is charged although it was never handed over.
    ThoughFailed,
}

/// What happens to status callbacks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallbackFaults {
    /// A message's callbacks come in reverse.
    pub reversed: bool,
    /// Each comes twice.
    pub duplicated: bool,
    /// These never come.
    pub lost: Vec<TwilioStatus>,
    /// The first one comes before the answer to the POST.
    pub before_answer: bool,
}

/// Switches faults on and off while the simulator runs. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct FaultSwitch(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    any: AtomicBool,
    faults: RwLock<Faults>,
}

impl FaultSwitch {
    /// Replaces all faults.
    pub fn set(&self, faults: Faults) {
        self.change(|current| *current = faults);
    }

    /// Everything works again.
    pub fn clear(&self) {
        self.set(Faults::default());
    }

    /// All that goes wrong at the moment.
    pub fn current(&self) -> Faults {
        self.read().clone()
    }

    /// Changes some faults.
    pub fn change(&self, change: impl FnOnce(&mut Faults)) {
        let mut faults = self.0.faults.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut faults);
        self.0.any.store(true, Ordering::Release);
    }

    /// Adds a fault that POSTs meet.
    pub fn add_post(&self, rule: Rule<PostFault>) {
        self.change(|faults| faults.posts.push(rule));
    }

    /// Every POST meets this, the message having been accepted or not.
    pub fn posts_answer(&self, answer: Answer, accepted: bool) {
        self.add_post(Rule::always(PostFault { accepted, answer }));
    }

    /// Messages to a number are refused with this code.
    pub fn reject(&self, number: &str, code: u32) {
        self.add_post(Rule::to(number, PostFault { accepted: false, answer: Answer::Reject(code) }));
    }

    /// Messages to a number end like this.
    pub fn ends(&self, number: &str, fate: Fate) {
        self.change(|faults| faults.deliveries.push(Rule::to(number, DeliveryFault { fate })));
    }

    /// What happens to status callbacks from now on.
    pub fn callbacks(&self, callbacks: CallbackFaults) {
        self.change(|faults| faults.callbacks = callbacks);
    }

    /// Every answer is this late.
    pub fn latency(&self, latency: Duration) {
        self.change(|faults| faults.latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX));
    }

    pub(crate) fn post(&self, number: &str) -> Option<PostFault> {
        self.take(number, |faults| &mut faults.posts)
    }

    pub(crate) fn fate(&self, number: &str) -> Option<Fate> {
        self.take(number, |faults| &mut faults.deliveries).map(|fault: DeliveryFault| fault.fate)
    }

    pub(crate) fn bill(&self, number: &str) -> Option<Bill> {
        self.take(number, |faults| &mut faults.bills).map(|fault: BillFault| fault.bill)
    }

    pub(crate) fn callback_faults(&self) -> CallbackFaults {
        if self.quiet() { CallbackFaults::default() } else { self.read().callbacks.clone() }
    }

    pub(crate) fn current_latency(&self) -> Duration {
        if self.quiet() { Duration::ZERO } else { Duration::from_millis(self.read().latency_ms) }
    }

    fn take<F: Clone>(
        &self,
        number: &str,
        rules: impl FnOnce(&mut Faults) -> &mut Vec<Rule<F>>,
    ) -> Option<F> {
        if self.quiet() {
            return None;
        }
        let mut faults = self.0.faults.write().unwrap_or_else(PoisonError::into_inner);
        rules(&mut faults).iter_mut().find_map(|rule| rule.applies(number).then(|| rule.fault.clone()))
    }

    /// No fault was ever set: the common case pays for one atomic read.
    fn quiet(&self) -> bool {
        !self.0.any.load(Ordering::Acquire)
    }

    fn read(&self) -> RwLockReadGuard<'_, Faults> {
        self.0.faults.read().unwrap_or_else(PoisonError::into_inner)
    }
}
