//! A message and the statuses it passes through.

use crate::worded_enum;

worded_enum! {
    /// How a message travels.
    Channel {
        /// A text message, billed by the segment.
        Sms = "sms",
        /// A WhatsApp message, billed by the message.
        Whatsapp = "whatsapp",
    }
}

worded_enum! {
    /// Who wrote to whom.
    Direction {
        /// From us.
        Outbound = "outbound",
        /// To us.
        Inbound = "inbound",
    }
}

worded_enum! {
    /// Why a message is sent; it decides windows, consent, priority and what an opt-out stops.
    Category {
        /// A one-time password.
        Otp = "otp",
        /// Answers what the customer just did.
        Transactional = "transactional",
        /// About something the customer already has; payment reminders are of this kind.
        Service = "service",
        /// Offers anything.
        Promotional = "promotional",
    }
}

worded_enum! {
    /// Where a message is. `docs/message-lifecycle.md` says who moves it on and what a crash leaves.
    Status {
        /// Waits for its time and a pacing slot. A crash leaves nothing to repair.
        Queued = "queued",
        /// Committed just before the POST. If the process dies here the message may or may not have gone out,
        /// so it becomes [`Status::Unknown`] and nobody re-sends it blindly.
        Posting = "posting",
        /// The POST may or may not have reached Twilio. Settled by a callback with our id, or by finding it in
        /// Twilio's list; never by sending again.
        Unknown = "unknown",
        /// Twilio has it.
        Accepted = "accepted",
        /// Handed to the carrier.
        Sent = "sent",
        /// On the phone.
        Delivered = "delivered",
        /// Seen by the person (WhatsApp).
        Read = "read",
        /// The carrier could not deliver it.
        Undelivered = "undelivered",
        /// Twilio could not send it.
        Failed = "failed",
        /// Twilio refused it with an error code.
        Rejected = "rejected",
        /// Deliberately not sent, with a reason.
        Suppressed = "suppressed",
        /// Too late to make sense.
        Expired = "expired",
        /// Stopped by a person, or because what it asked for was paid.
        Canceled = "canceled",
    }
}

impl Status {
    /// Whether nothing can change it any more. `Delivered` is not final on WhatsApp, where `Read` may follow.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Status::Delivered
                | Status::Read
                | Status::Undelivered
                | Status::Failed
                | Status::Rejected
                | Status::Suppressed
                | Status::Expired
                | Status::Canceled
        )
    }
}

worded_enum! {
    /// Why a message was deliberately not sent.
    SuppressedReason {
        /// The person asked for no messages of this kind.
        OptedOut = "opted_out",
        /// Promotional, and no consent is on record where it is required.
        NoConsent = "no_consent",
        /// The number had its messages for this hour.
        RateLimited = "rate_limited",
        /// A budget that stops sending is used up.
        OverBudget = "over_budget",
        /// What it asked for is paid.
        Paid = "paid",
        /// The owner does not send to this country.
        CountryNotAllowed = "country_not_allowed",
        /// The same number came before in this audience.
        Duplicate = "duplicate",
        /// The number is known not to receive messages.
        Unreachable = "unreachable",
        /// A placeholder has no value for this recipient.
        MissingVariable = "missing_variable",
        /// Longer than Twilio takes.
        BodyTooLong = "body_too_long",
        /// Promotional, and the sender is not declared fit for promotion.
        SenderNotPromotional = "sender_not_promotional",
        /// The rule that wanted to remind is switched off.
        RuleOff = "rule_off",
        /// The payment was called off, or its number or due date changed since.
        PaymentChanged = "payment_changed",
        /// The person had their reminders for this day.
        DailyLimit = "daily_limit",
        /// The payment had its reminders.
        PaymentLimit = "payment_limit",
        /// It had to be said once more, and there was no template or sender for it any more.
        NotComposed = "not_composed",
    }
}

worded_enum! {
    /// Who told us of a status.
    EventSource {
        /// Dakiya itself.
        Dakiya = "dakiya",
        /// Twilio's answer to the POST.
        Answer = "answer",
        /// A signed status callback.
        Callback = "callback",
        /// We asked Twilio about the message.
        Poll = "poll",
        /// Found in Twilio's list of messages.
        Listing = "listing",
        /// A person, in the browser or by API.
        Person = "person",
    }
}

/// How soon a category is taken from the queue: the lower number goes first.
pub const fn priority(category: Category) -> u8 {
    match category {
        Category::Otp => 0,
        Category::Transactional => 1,
        Category::Service => 2,
        Category::Promotional => BULK_PRIORITY,
    }
}

/// The priority of whatever a campaign or a reminder rule sends, so that it never delays a single message.
pub const BULK_PRIORITY: u8 = 3;

/// Moves a status forward, never back. `None`: the report is late or repeated and changes nothing.
///
/// Twilio's callbacks arrive out of order and more than once; a rank decides (Twilio, "Outbound message status
/// in status callbacks"): accepted, then sent, then delivered/undelivered/failed/canceled, then read. Of two
/// reports of one rank the first stays, so a message that was delivered is never undelivered later. Our own
/// endings (`rejected`, `suppressed`, `expired`, `canceled`) are not moved by reports. A `queued` message is: a
/// report proves that a POST reached Twilio which we took for not sent, and it must not be sent again.
pub fn advance(current: Status, reported: Status) -> Option<Status> {
    let (from, to) = (progress(current)?, reported_progress(reported)?);
    (to > from).then_some(reported)
}

/// How far a message has come. `None`: it ended here, and no report moves it.
const fn progress(current: Status) -> Option<u8> {
    match current {
        Status::Queued | Status::Posting | Status::Unknown => Some(0),
        Status::Rejected | Status::Suppressed | Status::Expired | Status::Canceled => None,
        Status::Accepted
        | Status::Sent
        | Status::Delivered
        | Status::Undelivered
        | Status::Failed
        | Status::Read => reported_progress(current),
    }
}

/// The rank of a status as Twilio reports it. `None`: Twilio reports no such thing.
const fn reported_progress(reported: Status) -> Option<u8> {
    match reported {
        Status::Accepted => Some(1),
        Status::Sent => Some(2),
        Status::Delivered | Status::Undelivered | Status::Failed | Status::Canceled => Some(3),
        Status::Read => Some(4),
        Status::Queued
        | Status::Posting
        | Status::Unknown
        | Status::Rejected
        | Status::Suppressed
        | Status::Expired => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_status() -> impl Strategy<Value = Status> {
        proptest::sample::select(Status::ALL)
    }

    fn after(start: Status, reports: &[Status]) -> Status {
        reports.iter().fold(start, |status, report| advance(status, *report).unwrap_or(status))
    }

    #[test]
    fn a_message_moves_forward_and_never_back() {
        use Status::*;
        for (current, reported, expected) in [
            (Posting, Accepted, Some(Accepted)),
            (Posting, Delivered, Some(Delivered)),
            (Unknown, Accepted, Some(Accepted)),
            (Unknown, Failed, Some(Failed)),
            (Queued, Accepted, Some(Accepted)),
            (Accepted, Sent, Some(Sent)),
            (Accepted, Canceled, Some(Canceled)),
            (Sent, Delivered, Some(Delivered)),
            (Sent, Read, Some(Read)),
            (Delivered, Read, Some(Read)),
            (Undelivered, Read, Some(Read)),
            (Sent, Accepted, None),
            (Delivered, Sent, None),
            (Delivered, Undelivered, None),
            (Delivered, Failed, None),
            (Undelivered, Delivered, None),
            (Failed, Sent, None),
            (Read, Delivered, None),
            (Accepted, Accepted, None),
            (Accepted, Queued, None),
            (Posting, Unknown, None),
            (Posting, Rejected, None),
        ] {
            assert_eq!(advance(current, reported), expected, "{current} then {reported}");
        }
    }

    #[test]
    fn our_own_endings_are_not_moved_by_reports() {
        for ending in [Status::Rejected, Status::Suppressed, Status::Expired, Status::Canceled] {
            for report in Status::ALL {
                assert_eq!(advance(ending, *report), None, "{ending} then {report}");
            }
        }
    }

    #[test]
    fn a_password_goes_before_everything_and_a_campaign_behind() {
        let mut categories = Category::ALL.to_vec();
        categories.sort_by_key(|category| priority(*category));
        assert_eq!(
            categories,
            [Category::Otp, Category::Transactional, Category::Service, Category::Promotional]
        );
        assert!(Category::ALL.iter().all(|category| priority(*category) <= BULK_PRIORITY));
    }

    proptest! {
        #[test]
        fn a_repeated_report_changes_nothing(start in any_status(), report in any_status()) {
            let once = after(start, &[report]);
            prop_assert_eq!(after(once, &[report]), once);
        }

        #[test]
        fn progress_never_shrinks(start in any_status(), reports in prop::collection::vec(any_status(), 0..12)) {
            let mut status = start;
            for report in reports {
                if let Some(next) = advance(status, report) {
                    prop_assert!(progress(next).unwrap_or(3) > progress(status).unwrap_or(u8::MAX));
                    status = next;
                }
            }
        }

        /// Twilio reports one ending of a message. With one, the order of arrival does not matter.
        #[test]
        fn the_order_of_reports_does_not_matter(
            ending in prop::sample::select(vec![Status::Delivered, Status::Undelivered, Status::Failed]),
            reports in prop::collection::vec(prop::sample::select(vec![Status::Accepted, Status::Sent, Status::Read]), 0..6),
            at in 0usize..6,
        ) {
            let mut reports = reports;
            reports.insert(at.min(reports.len()), ending);
            let mut sorted = reports.clone();
            sorted.sort_by_key(|report| reported_progress(*report));
            prop_assert_eq!(after(Status::Posting, &reports), after(Status::Posting, &sorted));
        }
    }
}
