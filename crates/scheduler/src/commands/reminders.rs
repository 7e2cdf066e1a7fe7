//! What web may ask of the engine about reminders.

use super::Commands;
use crate::commitments;
use crate::next_runs::{self, NextRuns};
use crate::quoting::QuoteError;
use crate::reminder_quotes::{self, ComingRun};
use dakiya_core::message::{Category, Channel};
use dakiya_core::money::Money;
use dakiya_core::reminder::{ReminderRule, ReminderRun};
use dakiya_core::time::{Month, Timestamp};
use dakiya_store::StoreError;
use dakiya_store::audit::Actor;
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::reminder_runs::{self, SteerError};
use std::collections::BTreeMap;

impl Commands {
    /// The next runs of a rule that reach anybody, with the first few texts of each. `stored` is the rule as it is kept,
    /// if it is: a rule may be asked about before it is saved.
    pub async fn coming_runs(
        &self,
        rule: &ReminderRule,
        stored: Option<&StoredRule>,
        limit: usize,
        samples: usize,
    ) -> Result<Vec<ComingRun>, QuoteError> {
        reminder_quotes::coming(&self.context, rule, stored, limit, samples).await
    }

    /// The next runs of every rule that is switched on. Where many payments are due, their figures are some minutes old.
    pub async fn next_runs(&self) -> Result<NextRuns, StoreError> {
        next_runs::next(&self.context).await
    }

    /// The runs that come before an instant, the earliest first; with figures as [`Self::next_runs`] has them.
    pub async fn runs_until(&self, end: Timestamp) -> Result<Vec<(StoredRule, ComingRun)>, StoreError> {
        next_runs::until(&self.context, end).await
    }

    /// One run as things stand, with its first few texts.
    pub async fn reckon_run(
        &self,
        rule: &StoredRule,
        run: &ReminderRun,
        samples: usize,
    ) -> Result<ComingRun, QuoteError> {
        reminder_quotes::one(&self.context, rule, run, samples).await
    }

    /// Stores a rule. The engine looks at once whether something is due.
    pub async fn put_reminder_rule(
        &self,
        key: &str,
        rule: &ReminderRule,
        actor: &Actor,
    ) -> Result<StoredRule, StoreError> {
        let stored =
            reminder_rules::put(&self.context.store, key, rule, actor, self.context.clock.now()).await?;
        self.nudge();
        Ok(stored)
    }

    /// Skips a run that has not begun, or is held.
    pub async fn skip_run(
        &self,
        rule: &StoredRule,
        run: ReminderRun,
        actor: &Actor,
    ) -> Result<(), SteerError> {
        let store = &self.context.store;
        let matched =
            dakiya_store::reminder_payments::count_owed_on(store, run.due_on, &rule.rule.payments).await?;
        reminder_runs::skip(store, rule, run, matched, actor, self.context.clock.now()).await
    }

    /// Takes back that a run was skipped.
    pub async fn restore_run(
        &self,
        rule: &StoredRule,
        run: ReminderRun,
        actor: &Actor,
    ) -> Result<bool, StoreError> {
        reminder_runs::restore(&self.context.store, rule, run, actor, self.context.clock.now()).await
    }

    /// Begins a run now, whatever it costs: one that is still to come, is held, or was skipped.
    pub async fn send_run_now(
        &self,
        rule: &StoredRule,
        run: ReminderRun,
        actor: &Actor,
    ) -> Result<(), SteerError> {
        reminder_runs::send_now(&self.context.store, rule, run, actor, self.context.clock.now()).await?;
        self.nudge();
        Ok(())
    }

    /// What reminders of a month will still cost before tax, by channel and category: coming runs, and what is written
    /// down and not posted.
    pub async fn committed(&self, month: Month) -> Result<BTreeMap<(Channel, Category), Money>, StoreError> {
        let all = commitments::commitments(&self.context).await?.costs;
        let of_month = all.into_iter().filter(|((of, ..), _)| *of == month);
        Ok(of_month.map(|((_, channel, category), cost)| ((channel, category), cost)).collect())
    }
}
