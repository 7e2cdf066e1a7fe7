//! A campaign's states and who may move between them.

use crate::worded_enum;

worded_enum! {
    /// Where a campaign is.
    CampaignState {
        /// Being written; nothing is committed.
        Draft = "draft",
        /// Approved; its messages wait for the start.
        Scheduled = "scheduled",
        /// Its start has come and messages go out.
        Sending = "sending",
        /// Held by a person; resume goes on at the first unsent recipient.
        Paused = "paused",
        /// Nothing of it waits any more.
        Completed = "completed",
        /// Stopped by a person; what was not sent never will be.
        Canceled = "canceled",
    }
}

worded_enum! {
    /// What a person or the clock does to a campaign.
    CampaignAction {
        /// Agree to audience, text and cost.
        Approve = "approve",
        /// Its start has come.
        Start = "start",
        /// Hold it.
        Pause = "pause",
        /// Let it go on.
        Resume = "resume",
        /// Nothing waits any more.
        Complete = "complete",
        /// Stop it for good.
        Cancel = "cancel",
    }
}

/// The action does not fit the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a campaign that is {state} cannot {action}")]
pub struct InvalidState {
    /// Where the campaign is.
    pub state: CampaignState,
    /// What was asked of it.
    pub action: CampaignAction,
}

impl CampaignState {
    /// The state after an action. `started`: whether its start time has come, which decides where resume leads.
    pub fn after(self, action: CampaignAction, started: bool) -> Result<CampaignState, InvalidState> {
        use CampaignAction as Do;
        use CampaignState as Is;
        match (self, action) {
            (Is::Draft, Do::Approve) => Ok(Is::Scheduled),
            (Is::Scheduled, Do::Start) => Ok(Is::Sending),
            (Is::Scheduled | Is::Sending, Do::Pause) => Ok(Is::Paused),
            (Is::Paused, Do::Resume) => Ok(if started { Is::Sending } else { Is::Scheduled }),
            (Is::Sending, Do::Complete) => Ok(Is::Completed),
            (Is::Draft | Is::Scheduled | Is::Sending | Is::Paused, Do::Cancel) => Ok(Is::Canceled),
            (state, action) => Err(InvalidState { state, action }),
        }
    }

    /// Whether nothing can change it any more.
    pub const fn is_final(self) -> bool {
        matches!(self, CampaignState::Completed | CampaignState::Canceled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_in_every_state() {
        use CampaignState::*;
        // approve, start, pause, resume (not started), complete, cancel
        let table = [
            (Draft, [Some(Scheduled), None, None, None, None, Some(Canceled)]),
            (Scheduled, [None, Some(Sending), Some(Paused), None, None, Some(Canceled)]),
            (Sending, [None, None, Some(Paused), None, Some(Completed), Some(Canceled)]),
            (Paused, [None, None, None, Some(Scheduled), None, Some(Canceled)]),
            (Completed, [None; 6]),
            (Canceled, [None; 6]),
        ];
        assert_eq!(table.map(|(state, _)| state), CampaignState::ALL);
        for (state, endings) in table {
            for (action, ending) in CampaignAction::ALL.iter().zip(endings) {
                let expected = ending.ok_or(InvalidState { state, action: *action });
                assert_eq!(state.after(*action, false), expected, "{action} when {state}");
            }
        }
    }

    #[test]
    fn a_campaign_resumes_where_it_was_paused() {
        assert_eq!(CampaignState::Paused.after(CampaignAction::Resume, true), Ok(CampaignState::Sending));
        assert_eq!(CampaignState::Paused.after(CampaignAction::Resume, false), Ok(CampaignState::Scheduled));
    }

    #[test]
    fn the_refusal_says_what_and_why() {
        let refusal = CampaignState::Paused.after(CampaignAction::Pause, true).unwrap_err();
        assert_eq!(refusal.to_string(), "a campaign that is paused cannot pause");
    }
}
