//! Why a message is where it is, in plain words: what it means, what to do, whether it was charged.

use crate::filters::{counted, reason_words, status_words};
use dakiya_core::message::{EventSource, Status};
use dakiya_core::money::Money;
use dakiya_store::budgets::BudgetHold;
use dakiya_store::messages::Message;
use dakiya_twilio::error::{self, Charged};

/// The explanation at the top of a message's page.
pub(crate) struct Explained {
    pub(crate) title: String,
    pub(crate) meaning: String,
    /// Empty when there is nothing to do.
    pub(crate) remedy: String,
    pub(crate) charged: String,
}

impl Explained {
    /// Explains a message; `hold` is the budget that keeps it waiting.
    pub(crate) fn of(message: &Message, hold: Option<BudgetHold>) -> Explained {
        let charged = charged(message);
        if let Some(hold) = hold {
            let (meaning, remedy) = held(hold);
            return Explained { title: "Waits for budget".to_owned(), meaning, remedy, charged };
        }
        if let Some(known) = message.error_code.and_then(error::explain) {
            return Explained {
                title: known.title.clone(),
                meaning: full_stop(&known.meaning),
                remedy: full_stop(&known.fix),
                charged,
            };
        }
        if let Some(code) = message.error_code {
            return Explained {
                title: format!("Twilio’s code {code}"),
                meaning: "This code is not in our catalogue, so we do not guess.".to_owned(),
                remedy: "Look it up in Twilio’s console under this number.".to_owned(),
                charged,
            };
        }
        let (meaning, remedy) = without_code(message);
        let title = message.suppressed_reason.map_or(status_words(message.status), reason_words).to_owned();
        Explained { title, meaning: meaning.to_owned(), remedy: remedy.to_owned(), charged }
    }
}

/// Which budget keeps something waiting, and what lets it go on.
pub(crate) fn held(hold: BudgetHold) -> (String, String) {
    match hold {
        BudgetHold::Month(month) => {
            let name = month.first_day().format("%B %Y");
            (
                format!("The budget for {name} is used up. Nothing is lost: it waits."),
                format!(
                    "Raise the budget for {name} under Budgets and it goes on by itself; otherwise it goes out on the next month’s."
                ),
            )
        }
        BudgetHold::Campaign => (
            "The campaign’s own budget is used up, because messages turned out dearer than estimated."
                .to_owned(),
            "Cancel the rest, or write a new campaign for them.".to_owned(),
        ),
    }
}

fn without_code(message: &Message) -> (&'static str, &'static str) {
    match message.status {
        Status::Queued => ("It waits for its time, its sender’s pace, or sending hours.", ""),
        Status::Posting => ("It is being handed to Twilio at this moment.", ""),
        Status::Unknown => (
            "Twilio’s answer was lost, so it may or may not have gone out. Dakiya asks Twilio about it and never sends it again blindly.",
            "Wait: most are settled within an hour. After 24 hours it stays here for a person to decide.",
        ),
        Status::Accepted => ("Twilio has it and passes it on.", ""),
        Status::Sent => {
            ("The network has it; the phone has not confirmed it yet. Some networks never do.", "")
        }
        Status::Delivered => ("It is on the phone.", ""),
        Status::Read => ("The person has seen it.", ""),
        Status::Undelivered => (
            "The network could not deliver it and gave no reason.",
            "Try once more later; if it happens again, check the number.",
        ),
        Status::Failed => ("Twilio could not send it and gave no reason.", "Try once more later."),
        Status::Rejected => {
            ("Twilio refused it and gave no code.", "Check the credentials and the sender under Settings.")
        }
        Status::Suppressed => ("Dakiya deliberately did not send it.", ""),
        Status::Expired => ("It would have come too late to make sense, so it was not sent.", ""),
        Status::Canceled => ("It was stopped before it went out.", ""),
    }
}

fn charged(message: &Message) -> String {
    match (message.actual_cost, message.status) {
        (Some(cost), _) if cost == Money::ZERO => "Not charged.".to_owned(),
        (Some(cost), _) => format!("Charged {} before GST.", cost.with_sign()),
        (None, Status::Suppressed | Status::Expired | Status::Canceled | Status::Rejected) => {
            "Not charged.".to_owned()
        }
        (None, Status::Queued) => "Not charged yet.".to_owned(),
        (None, _) => match message.error_code.and_then(error::explain).map(|known| known.charged) {
            Some(Charged::No) => "Not charged.".to_owned(),
            _ => "The price is not known yet; Twilio names it some time after the message ended.".to_owned(),
        },
    }
}

/// One line under a status: the reason, where there is one.
pub(crate) fn why(message: &Message) -> String {
    match (message.suppressed_reason, message.error_code) {
        (Some(reason), _) => reason_words(reason).to_owned(),
        (None, Some(code)) => format!("{} · {code}", title_of(code)),
        (None, None) if message.test => "Test key: not sent".to_owned(),
        (None, None) if message.budget_hold.is_some() => "Waits for budget".to_owned(),
        (None, None) if message.attempts > 1 => counted(message.attempts.into(), "try", "tries"),
        (None, None) => String::new(),
    }
}

/// What a code is called.
pub(crate) fn title_of(code: u32) -> String {
    error::explain(code).map_or_else(|| format!("Twilio’s code {code}"), |known| known.title.clone())
}

/// What to do about a code; empty when we do not know it.
pub(crate) fn remedy_of(code: u32) -> String {
    error::explain(code)
        .map_or_else(|| "Look the code up in Twilio’s console.".to_owned(), |known| full_stop(&known.fix))
}

/// Whether messages that ended with a code were charged.
pub(crate) fn charged_words(code: u32) -> &'static str {
    match error::explain(code).map(|known| known.charged) {
        Some(Charged::No) => "No",
        _ => "If it reached the network",
    }
}

/// Who said so, as people read it.
pub(crate) fn source_words(source: EventSource) -> &'static str {
    match source {
        EventSource::Dakiya => "Dakiya",
        EventSource::Answer => "Twilio’s answer",
        EventSource::Callback => "Twilio reported it",
        EventSource::Poll => "we asked Twilio",
        EventSource::Listing => "found in Twilio’s list",
        EventSource::Person => "a person",
    }
}

fn full_stop(text: &str) -> String {
    if text.is_empty() || text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}
