//! Group commit: callers that come at the same time share one transaction.
//!
//! A durable commit costs about the same for one row as for a hundred. Whoever comes while a commit is under way
//! waits in line; the next one in turn takes everybody in line along. Each is answered only after the commit.

use crate::StoreError;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Mutex as Turn, oneshot};

type Waiting<I, O> = Vec<(I, oneshot::Sender<Result<O, StoreError>>)>;

/// A line of callers.
pub(crate) struct Group<I, O> {
    waiting: Mutex<Waiting<I, O>>,
    turn: Turn<()>,
    largest: usize,
}

impl<I, O> Group<I, O>
where
    I: Clone + Send + 'static,
    O: Send + 'static,
{
    /// A line from which at most `largest` are taken along at once.
    pub(crate) fn new(largest: usize) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::default(), turn: Turn::new(()), largest })
    }

    /// Stands in line with `item`; `commit` writes a batch and answers each item in its order. It runs in a task of
    /// its own, so that a caller who goes away takes nobody's answer along.
    pub(crate) async fn join<F, W>(self: &Arc<Self>, item: I, commit: F) -> Result<O, StoreError>
    where
        F: Fn(Vec<I>) -> W + Clone + Send + Sync + 'static,
        W: Future<Output = Result<Vec<O>, StoreError>> + Send,
    {
        let (sender, mut answer) = oneshot::channel();
        self.lock().push((item, sender));
        loop {
            tokio::select! {
                biased;
                answered = &mut answer => return answered.unwrap_or(Err(StoreError::Interrupted)),
                _turn = self.turn.lock() => {
                    let (group, commit) = (self.clone(), commit.clone());
                    let _ = tokio::spawn(async move { group.commit_waiting(commit).await }).await;
                }
            }
        }
    }

    async fn commit_waiting<F, W>(&self, commit: F)
    where
        F: Fn(Vec<I>) -> W + Send,
        W: Future<Output = Result<Vec<O>, StoreError>> + Send,
    {
        let batch: Waiting<I, O> = {
            let mut waiting = self.lock();
            let count = waiting.len().min(self.largest);
            waiting.drain(..count).collect()
        };
        if batch.is_empty() {
            return;
        }
        let items: Vec<I> = batch.iter().map(|(item, _)| item.clone()).collect();
        match commit(items).await {
            Ok(answers) => {
                for ((_, sender), answer) in batch.into_iter().zip(answers) {
                    // A caller that went away needs no answer.
                    let _ = sender.send(Ok(answer));
                }
            }
            // One bad item must not take the others down: each gets a transaction of its own.
            Err(_) => {
                for (item, sender) in batch {
                    let answer = commit(vec![item]).await;
                    let _ = sender
                        .send(answer.and_then(|mut answers| answers.pop().ok_or(StoreError::Interrupted)));
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting<I, O>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
