//! Who a message comes from.

use crate::message::Channel;
use crate::money::Money;
use crate::pacing::Pace;
use crate::worded_enum;
use rust_decimal::Decimal;

worded_enum! {
    /// What a sender is.
    SenderKind {
        /// A phone number.
        Number = "number",
        /// An alphanumeric header such as `VEHAID`; one-way.
        Header = "header",
        /// A Twilio messaging service (`MG…`).
        Service = "service",
        /// A WhatsApp number.
        Whatsapp = "whatsapp",
    }
}

impl SenderKind {
    /// The channel such a sender speaks.
    pub const fn channel(self) -> Channel {
        match self {
            SenderKind::Whatsapp => Channel::Whatsapp,
            SenderKind::Number | SenderKind::Header | SenderKind::Service => Channel::Sms,
        }
    }
}

/// A sender's address, without `whatsapp:`: an E.164 number, a header, or a messaging service SID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct SenderAddress(String);

/// A sender that messages can go out from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Where messages come from.
    pub address: SenderAddress,
    /// What it is.
    pub kind: SenderKind,
    /// Twilio's throughput for it (messages per second on WhatsApp, where a message counts as one segment).
    pub segments_per_second: u32,
    /// Declared fit for promotional messages.
    pub promotional: bool,
    /// What it costs a month, when it costs anything of its own.
    pub monthly_rent: Option<Money>,
}

/// An address that fits no kind of sender.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SenderError {
    /// The address does not have the shape of its kind.
    #[error("\"{address}\" is not a {kind} sender: {expected}")]
    Shape {
        /// What was given.
        address: String,
        /// The kind it was given for.
        kind: SenderKind,
        /// What such an address looks like.
        expected: &'static str,
    },
    /// Throughput out of range.
    #[error("segments_per_second is {0}; it must be between 1 and 1000")]
    Throughput(u32),
    /// A rent that no number has.
    #[error("{} is no rent of a month; write an amount from ₹0 to {}", .0.with_sign(), MOST_RENT.with_sign())]
    Rent(Money),
}

/// Far more than any number costs. Sums of all numbers' rents over centuries then stay within what is kept.
const MOST_RENT: Money = Money::new(Decimal::from_parts(1_000_000, 0, 0, false, 0));

/// The throughput the environment's senders start with.
pub const DEFAULT_SEGMENTS_PER_SECOND: u32 = 10;

/// Checks a throughput or a campaign's pace, in segments per second.
pub fn throughput(segments_per_second: u32) -> Result<u32, SenderError> {
    if (1..=1_000).contains(&segments_per_second) {
        Ok(segments_per_second)
    } else {
        Err(SenderError::Throughput(segments_per_second))
    }
}

/// Checks what a sender costs a month.
pub fn monthly_rent(rent: Money) -> Result<Money, SenderError> {
    if (Money::ZERO..=MOST_RENT).contains(&rent) { Ok(rent) } else { Err(SenderError::Rent(rent)) }
}

impl Sender {
    /// Its throughput as a pace.
    pub const fn pace(&self) -> Pace {
        Pace { segments_per_second: self.segments_per_second }
    }
}

impl SenderAddress {
    /// Reads an address of a kind; `whatsapp:` in front of a number is dropped.
    pub fn parse(text: &str, kind: SenderKind) -> Result<Self, SenderError> {
        let bare = text.trim();
        let bare =
            if kind == SenderKind::Whatsapp { bare.strip_prefix("whatsapp:").unwrap_or(bare) } else { bare };
        let fits = match kind {
            SenderKind::Number | SenderKind::Whatsapp => is_number(bare),
            SenderKind::Header => is_header(bare),
            SenderKind::Service => is_service(bare),
        };
        let expected = match kind {
            SenderKind::Number | SenderKind::Whatsapp => "write it as + and 7 to 15 digits, or a short code",
            SenderKind::Header => "3 to 11 letters, digits or spaces, at least one of them a letter",
            SenderKind::Service => "MG and 32 hexadecimal digits",
        };
        if fits {
            Ok(Self(bare.to_owned()))
        } else {
            Err(SenderError::Shape { address: text.to_owned(), kind, expected })
        }
    }

    /// An address that was parsed before it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let long_enough = if text.starts_with('+') {
        (7..=15).contains(&digits.len())
    } else {
        (3..=8).contains(&digits.len())
    };
    long_enough && digits.bytes().all(|b| b.is_ascii_digit())
}

fn is_header(text: &str) -> bool {
    (3..=11).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ')
        && text.bytes().any(|b| b.is_ascii_alphabetic())
}

fn is_service(text: &str) -> bool {
    text.len() == 34 && text.starts_with("MG") && text[2..].bytes().all(|b| b.is_ascii_hexdigit())
}

impl std::fmt::Display for SenderAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_the_shape_of_its_kind() {
        let service = format!("MG{}", "0aF9".repeat(8));
        for (text, kind, address) in [
            ("+14155238886", SenderKind::Number, Some("+14155238886")),
            (" 56161 ", SenderKind::Number, Some("56161")),
            ("whatsapp:+14155238886", SenderKind::Whatsapp, Some("+14155238886")),
            ("whatsapp:+14155238886", SenderKind::Number, None),
            ("+1415523888612345", SenderKind::Number, None),
            ("+1 415 523 8886", SenderKind::Number, None),
            ("VEHAID", SenderKind::Header, Some("VEHAID")),
            ("VM-VEHAID-S", SenderKind::Header, None),
            ("123456", SenderKind::Header, None),
            ("VEHICLEAID12", SenderKind::Header, None),
            (&service, SenderKind::Service, Some(&service)),
            ("MG123", SenderKind::Service, None),
            ("", SenderKind::Number, None),
        ] {
            let parsed = SenderAddress::parse(text, kind).ok();
            assert_eq!(parsed.as_ref().map(SenderAddress::as_str), address, "{text} as a {kind}");
        }
    }

    #[test]
    fn a_rent_is_no_more_than_ten_lakh() {
        for (rent, fits) in [
            ("-0.01", false),
            ("0", true),
            ("1000000", true),
            ("1000000.01", false),
            ("9223372036854", false),
        ] {
            assert_eq!(monthly_rent(Money::parse(rent).unwrap()).is_ok(), fits, "{rent}");
        }
        let told = monthly_rent(Money::parse("1000000.01").unwrap()).unwrap_err().to_string();
        assert_eq!(told, "₹10,00,000.01 is no rent of a month; write an amount from ₹0 to ₹10,00,000.00");
    }

    #[test]
    fn a_throughput_is_between_one_and_a_thousand() {
        for (rate, fits) in [(0, false), (1, true), (1_000, true), (1_001, false)] {
            assert_eq!(throughput(rate).is_ok(), fits, "{rate}");
        }
    }
}
