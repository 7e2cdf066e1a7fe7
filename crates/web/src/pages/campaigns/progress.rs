//! How far a campaign is, in parts that always add up to everyone.

use crate::filters::{counted, grouped, percent};
use crate::view::Zone;
use dakiya_core::campaign::CampaignState;
use dakiya_core::message::Status;
use dakiya_core::time::Timestamp;
use std::collections::BTreeMap;

/// One part of the bar, and of the equation below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) class: &'static str,
    pub(crate) words: &'static str,
    pub(crate) count: u64,
    /// Shown even when nobody is in it.
    pub(crate) always: bool,
    /// The people in it; empty when there is no such list.
    pub(crate) href: String,
}

/// One rectangle of the bar, in per cent of its width.
pub(crate) struct Bar {
    pub(crate) class: &'static str,
    pub(crate) x: String,
    pub(crate) width: String,
}

/// A campaign's counts as people read them.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    pub(crate) parts: Vec<Part>,
    pub(crate) read: u64,
    pub(crate) finished: bool,
    /// A budget keeps it waiting.
    pub(crate) held: bool,
    /// When it ends, or what it waits for.
    pub(crate) ends: String,
}

const DELIVERED: usize = 0;
const WAITING_FOR_RECEIPT: usize = 1;
const UNKNOWN: usize = 2;
const FAILED: usize = 3;
const NOT_SENT: usize = 4;
const LEFT: usize = 5;

impl Progress {
    /// Sorts everyone into exactly one part. `not_written_yet` are recipients whose message does not exist yet.
    pub(crate) fn of(
        id: impl std::fmt::Display,
        counts: &BTreeMap<Status, u64>,
        not_written_yet: u64,
    ) -> Progress {
        let part = |class, words, always, query: &str| Part {
            class,
            words,
            count: 0,
            always,
            href: match query {
                "" => String::new(),
                anchor if anchor.starts_with('#') => anchor.to_owned(),
                status => format!("/messages?campaign={id}&status={status}"),
            },
        };
        let mut parts = vec![
            part("f-ok", "Delivered", true, ""),
            part("f-wait", "Sent, no receipt yet", true, ""),
            part("f-unk", "Checking with Twilio", true, "unknown"),
            part("f-bad", "Failed", true, "#c-why"),
            part("f-skip", "Not sent, on purpose", false, "suppressed"),
            part("f-left", "Still to send", true, ""),
        ];
        for (status, count) in counts {
            parts[part_of(*status)].count += count;
        }
        parts[LEFT].count += not_written_yet;
        Progress {
            parts,
            read: counts.get(&Status::Read).copied().unwrap_or(0),
            finished: false,
            held: false,
            ends: String::new(),
        }
    }

    /// Says when it ends, as far as its state lets one say.
    pub(crate) fn ending(
        mut self,
        state: CampaignState,
        predicted: Option<Timestamp>,
        finished: Option<Timestamp>,
        held: bool,
        zone: Zone,
    ) -> Progress {
        let waits_for_answers = self.parts[WAITING_FOR_RECEIPT].count + self.unknown() > 0;
        self.finished = state.is_final() && !waits_for_answers;
        self.held = held && !state.is_final();
        self.ends = match (state, predicted, finished) {
            (CampaignState::Completed, _, Some(at)) => format!("finished {}", zone.when(&at)),
            (CampaignState::Canceled, _, Some(at)) => format!("canceled {}", zone.when(&at)),
            (CampaignState::Paused, _, _) => "paused".to_owned(),
            // Nobody knows when there is room again.
            (CampaignState::Scheduled | CampaignState::Sending, _, _) if held => {
                "waits for budget".to_owned()
            }
            (CampaignState::Scheduled | CampaignState::Sending, Some(at), _) => {
                format!("done about {}", zone.when(&at))
            }
            _ => String::new(),
        };
        self
    }

    /// Everyone.
    pub(crate) fn total(&self) -> u64 {
        self.parts.iter().map(|part| part.count).sum()
    }

    /// Those for whom nothing more is to be sent.
    pub(crate) fn done(&self) -> u64 {
        self.total() - self.parts[LEFT].count
    }

    /// Those for whom the answer was lost.
    pub(crate) fn unknown(&self) -> u64 {
        self.parts[UNKNOWN].count
    }

    /// Those whom it did not reach.
    pub(crate) fn failed(&self) -> u64 {
        self.parts[FAILED].count
    }

    /// Whole per cent, rounded down so that 100 means everyone.
    pub(crate) fn percent(&self) -> u64 {
        if self.total() == 0 { 0 } else { self.done() * 100 / self.total() }
    }

    /// `8,214 + 399 + … = 12,640.`
    pub(crate) fn equation(&self) -> String {
        let shown = self.parts.iter().filter(|part| part.always || part.count > 0);
        let sum = shown.map(|part| grouped(part.count.into())).collect::<Vec<_>>().join(" + ");
        format!("{sum} = {}.", grouped(self.total().into()))
    }

    /// The bar's rectangles; what is left stays background.
    pub(crate) fn bars(&self) -> Vec<Bar> {
        let total = self.total().max(1);
        let share = |count: u64| format!("{}.{:02}", count * 100 / total, count * 10_000 / total % 100);
        let mut before = 0;
        let mut bars = Vec::new();
        for part in self.parts[..LEFT].iter().filter(|part| part.count > 0) {
            bars.push(Bar { class: part.class, x: share(before), width: share(part.count) });
            before += part.count;
        }
        bars
    }

    /// The bar in words.
    pub(crate) fn spoken(&self) -> String {
        self.parts
            .iter()
            .filter(|part| part.always || part.count > 0)
            .map(|part| format!("{} {}", part.words, grouped(part.count.into())))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// What a screen reader is told now and then.
    pub(crate) fn announcement(&self) -> String {
        let trouble = match self.failed() {
            0 if self.held => "It waits for budget.".to_owned(),
            0 => "No problems.".to_owned(),
            failed => format!("{} failed.", counted(failed, "message", "messages")),
        };
        format!("{}% done. {trouble}", self.percent())
    }

    /// Delivered, of those with a final answer.
    pub(crate) fn delivered_share(&self) -> String {
        let delivered = self.parts[DELIVERED].count;
        percent(delivered, delivered + self.failed())
    }

    /// Failed, of those that went to Twilio.
    pub(crate) fn failed_share(&self) -> String {
        percent(self.failed(), self.done() - self.parts[NOT_SENT].count)
    }
}

fn part_of(status: Status) -> usize {
    match status {
        Status::Delivered | Status::Read => DELIVERED,
        Status::Accepted | Status::Sent => WAITING_FOR_RECEIPT,
        Status::Unknown => UNKNOWN,
        Status::Undelivered | Status::Failed | Status::Rejected => FAILED,
        Status::Suppressed | Status::Expired | Status::Canceled => NOT_SENT,
        Status::Queued | Status::Posting => LEFT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_every_status() -> Progress {
        let counts = Status::ALL.iter().enumerate().map(|(at, status)| (*status, at as u64 + 1)).collect();
        Progress::of("c", &counts, 9)
    }

    #[test]
    fn everyone_is_in_exactly_one_part() {
        let progress = of_every_status();
        assert_eq!(progress.total(), (1..=Status::ALL.len() as u64).sum::<u64>() + 9);
        assert!(progress.equation().ends_with(&format!("= {}.", grouped(progress.total().into()))));
    }

    #[test]
    fn a_hundred_per_cent_means_everyone() {
        let counts = BTreeMap::from([(Status::Delivered, 999), (Status::Queued, 1)]);
        assert_eq!(Progress::of("c", &counts, 0).percent(), 99);
    }

    #[test]
    fn a_campaign_that_waits_for_budget_says_so_and_names_no_finish() {
        let zone = Zone(chrono_tz::Asia::Kolkata);
        let at = Some("2026-11-22T06:00:00Z".parse().unwrap());
        let counts = BTreeMap::from([(Status::Queued, 1)]);
        let ends = |held| Progress::of("c", &counts, 0).ending(CampaignState::Sending, at, None, held, zone);
        assert!(
            ends(false).ends.starts_with("done about") && ends(false).announcement().contains("No problems.")
        );
        assert_eq!(ends(true).ends, "waits for budget");
        assert!(ends(true).announcement().ends_with("It waits for budget."));
    }

    #[test]
    fn the_page_stops_asking_only_when_every_answer_is_in() {
        let zone = Zone(chrono_tz::Asia::Kolkata);
        let at = |counts| {
            Progress::of("c", &counts, 0).ending(CampaignState::Completed, None, None, false, zone).finished
        };
        assert!(!at(BTreeMap::from([(Status::Sent, 1)])));
        assert!(at(BTreeMap::from([(Status::Delivered, 1)])));
    }
}
