//! Ids of stored things: UUIDv7, so that they sort by the time they were made.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What every id has in common. Made by `store`, which reads the clock and randomness.
pub trait Id: Copy + Send + Sync + 'static {
    /// Wraps a stored value.
    fn from_uuid(uuid: Uuid) -> Self;
    /// The stored value.
    fn uuid(self) -> Uuid;
    /// Makes a UUIDv7 of a time and ten random bytes.
    fn new(at: Timestamp, random: [u8; 10]) -> Self {
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
        Self::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl Id for $name {
            fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }
            fn uuid(self) -> Uuid { self.0 }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { self.0.fmt(f) }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { self.0.fmt(f) }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> { text.parse().map(Self) }
        }
    )+};
}

ids! {
    /// One message to one number.
    MessageId,
    /// One thing that happened to a message.
    EventId,
    /// A campaign.
    CampaignId,
    /// A stored person.
    ContactId,
    /// A template, whatever its version.
    TemplateId,
    /// One immutable version of a template in one language.
    TemplateVersionId,
    /// One dated row of a rate card.
    RateRowId,
    /// Prices that were read and wait for a click.
    RateProposalId,
    /// One entry of the append-only opt-out history.
    OptOutEntryId,
    /// A person who signs in.
    UserId,
    /// An API key.
    ApiKeyId,
    /// One entry of the audit log.
    AuditId,
    /// Something that comparing our log with a vendor's found.
    FindingId,
    /// One file that was imported.
    ImportId,
    /// One received message.
    InboundId,
    /// What a customer owes.
    PaymentId,
    /// One thing that happened to a payment.
    PaymentEventId,
    /// A rule that reminds of payments.
    ReminderRuleId,
    /// A campaign that is sent again and again.
    RecurringCampaignId,
    /// Something that was done about wasted money.
    SavingsFixId,
}
