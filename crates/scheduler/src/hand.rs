//! How much is in hand: taken, but not yet posted and recorded.
//!
//! What is in hand has to begin within seconds of its take, so no more is taken than is likely to: the bound halves
//! when a message comes back unbegun and grows while all begin. Urgent messages have room of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Ordinary messages in hand at most.
pub(crate) const MOST: usize = 1_024;

/// Urgent messages in hand at most.
const MOST_URGENT: usize = 256;

/// Messages taken in one transaction at most, and a batch worth a transaction.
const LARGEST_BATCH: usize = 512;
const WORTHWHILE: usize = 128;

/// How fast the bound grows, per take.
const GROWTH: usize = 32;

/// The room there is.
pub(crate) struct Hand {
    ordinary: Arc<Semaphore>,
    urgent: Arc<Semaphore>,
    allowed: AtomicUsize,
    least: usize,
}

/// Room for one take.
pub(crate) struct Room {
    pub(crate) ordinary: Option<OwnedSemaphorePermit>,
    pub(crate) urgent: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub(crate) fn count(permits: &Option<OwnedSemaphorePermit>) -> usize {
        permits.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// A place for one message of the take.
    pub(crate) fn place(&mut self, urgent: bool) -> Option<OwnedSemaphorePermit> {
        let permits = if urgent { &mut self.urgent } else { &mut self.ordinary };
        permits.as_mut().and_then(|permits| permits.split(1))
    }
}

impl Hand {
    /// Empty. At least as much is taken as can be in flight.
    pub(crate) fn new(in_flight: usize) -> Self {
        Self {
            ordinary: Arc::new(Semaphore::new(MOST)),
            urgent: Arc::new(Semaphore::new(MOST_URGENT)),
            allowed: AtomicUsize::new(LARGEST_BATCH),
            least: in_flight.clamp(1, MOST),
        }
    }

    /// Whatever room there is now; `None`: none.
    pub(crate) fn room(&self) -> Option<Room> {
        let free = self.ordinary.available_permits().saturating_sub(MOST - self.allowed());
        let wanted = if free >= self.worthwhile() { free.min(LARGEST_BATCH) } else { 0 };
        let room = Room {
            ordinary: acquire(&self.ordinary, wanted),
            urgent: acquire(&self.urgent, MOST_URGENT / 4),
        };
        (room.ordinary.is_some() || room.urgent.is_some()).then_some(room)
    }

    /// Comes back when a worthwhile batch of ordinary messages can be taken.
    pub(crate) async fn free(&self) {
        let needed = MOST - self.allowed() + self.worthwhile();
        // The semaphore is never closed.
        let _ = self.ordinary.acquire_many(u32::try_from(needed).unwrap_or(u32::MAX)).await;
    }

    /// Comes back when nothing is in hand.
    pub(crate) async fn empty(&self) {
        let _ = self.ordinary.acquire_many(MOST as u32).await;
        let _ = self.urgent.acquire_many(MOST_URGENT as u32).await;
    }

    /// A take went well.
    pub(crate) fn grow(&self) {
        self.allowed.store((self.allowed() + GROWTH).min(MOST), Ordering::Relaxed);
    }

    /// A message came back unbegun: too much was in hand.
    pub(crate) fn shrink(&self) {
        self.allowed.store((self.allowed() / 2).max(self.least), Ordering::Relaxed);
    }

    fn allowed(&self) -> usize {
        self.allowed.load(Ordering::Relaxed)
    }

    fn worthwhile(&self) -> usize {
        WORTHWHILE.min(self.allowed() / 2).max(1)
    }
}

fn acquire(permits: &Arc<Semaphore>, count: usize) -> Option<OwnedSemaphorePermit> {
    let count = count.min(permits.available_permits());
    let count = u32::try_from(count).ok().filter(|count| *count > 0)?;
    permits.clone().try_acquire_many_owned(count).ok()
}
