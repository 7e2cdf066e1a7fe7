//! Numbers as people and spreadsheets write them.

use super::*;
use proptest::prelude::*;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberType, Region};

fn india() -> AllowedCountries {
    AllowedCountries::default()
}

fn read(text: &str) -> Result<String, PhoneError> {
    PhoneNumber::parse(text, &india()).map(|number| number.to_string())
}

/// What rlibphonenumber says of a text: E.164, and whether it is a mobile number; `None` when it is neither that nor
/// a landline.
fn reference(text: &str) -> Option<(String, bool)> {
    let parsed = PHONE_NUMBER_UTIL.parse(text, Some(Region::IN)).ok()?;
    let mobile = match PHONE_NUMBER_UTIL.get_number_type(&parsed) {
        PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile => true,
        PhoneNumberType::FixedLine => false,
        _ => return None,
    };
    PHONE_NUMBER_UTIL.is_valid_number(&parsed).then(|| (parsed.to_string(), mobile))
}

/// What the fast path says, in the same terms.
fn plainly(text: &str) -> Option<(String, bool)> {
    plain::read(text).map(|found| match found {
        plain::Plain::Mobile(number) => (number.to_string(), true),
        plain::Plain::Landline(number) => (number.to_string(), false),
    })
}

#[test]
fn common_spellings_of_one_number_are_one_number() {
    for text in [
        "9876543210",
        "09876543210",
        "919876543210",
        "+919876543210",
        "00919876543210",
        "+91 98765 43210",
        "+91-98765-43210",
        "+91 (0) 98765 43210",
        "+9109876543210",
        "(+91) 98765 43210",
        "98765.43210",
        " 98765 43210 ",
        "98765\u{A0}43210",
        "\u{200B}98765\u{200D}43210\u{FEFF}",
        "\u{202A}+919876543210\u{202C}",
        "98765–43210",
        "९८७६५४३२१०",
        "+९१ ९८७६५ ४३२१०",
        "９８７６５４３２１０",
        "＋９１９８７６５４３２１０",
        "௯௮௭௬௫௪௩௨௧௦",
        "9876543210,",
    ] {
        assert_eq!(read(text).as_deref(), Ok("+919876543210"), "{text:?}");
    }
    assert_eq!(read("9198765432").as_deref(), Ok("+919198765432"), "ten digits are complete");
}

#[test]
fn what_excel_did_is_undone_when_nothing_is_lost() {
    for (text, repair) in [
        ("919876543210.0", Some(Repair::TrailingPointZero)),
        ("9876543210.00", Some(Repair::TrailingPointZero)),
        ("'9876543210", Some(Repair::LeadingApostrophe)),
        ("’+919876543210", Some(Repair::LeadingApostrophe)),
        ("9876543210", None),
        ("98765.43210", None),
    ] {
        let parsed = PhoneNumber::parse_cell(text, &india()).unwrap();
        assert_eq!((parsed.number.to_string().as_str(), parsed.repair), ("+919876543210", repair), "{text}");
    }
    for text in ["9.19877E+11", "9.19845e11", "9,19877E+11", "9E+9"] {
        assert!(matches!(read(text), Err(PhoneError::Scientific { .. })), "{text}");
    }
}

#[test]
fn refusals_say_what_is_wrong_in_plain_words() {
    for (text, words) in [
        ("", "No phone number given"),
        (" \u{200B}", "No phone number given"),
        ("987654321", "Too short: 9 digits, needs 10"),
        ("+9198765432", "Too short: 8 digits, needs 10"),
        ("98765432101", "Too long: 11 digits, needs 10"),
        ("98765O43210", "\"O\" in 98765O43210 is a letter; write the number with digits only"),
        (
            "9876543210 / 9123456780",
            "Several numbers in one place: 9876543210 / 9123456780. Give each its own row",
        ),
        ("8041234567", "+918041234567 is a landline; text messages need a mobile number"),
        ("7911234567", "+917911234567 is a landline; text messages need a mobile number"),
        (
            "1800 123 4567",
            "1800 123 4567 is a toll-free number (1800); text messages need a person's mobile number",
        ),
        ("98765*43210", "\"*\" cannot be part of a phone number: 98765*43210"),
        (
            "+14155552671",
            "+14155552671 is a number of US, which is not among the countries you send to. Settings has the list",
        ),
    ] {
        assert_eq!(read(text).unwrap_err().to_string(), words, "{text:?}");
    }
}

#[test]
fn landlines_and_special_series_are_refused_in_every_spelling() {
    for text in ["8041234567", "080-41234567", "+91 80 4123 4567", "918041234567", "022 2345 6789"] {
        assert!(matches!(read(text), Err(PhoneError::Landline { .. })), "{text}: {:?}", read(text));
    }
    for (text, series) in [
        ("1401234567", SpecialSeries::Telemarketing),
        ("+911401234567", SpecialSeries::Telemarketing),
        ("1600123456", SpecialSeries::ServiceCalls),
        ("+91 1601 123456", SpecialSeries::ServiceCalls),
        ("18001234567", SpecialSeries::TollFree),
        ("1860 123 4567", SpecialSeries::Helpline),
        ("5751234567890", SpecialSeries::Machine),
        ("+915751234567890", SpecialSeries::Machine),
    ] {
        assert!(
            matches!(read(text), Err(PhoneError::Special { kind, .. }) if kind == series),
            "{text}: {:?}",
            read(text)
        );
    }
    for text in ["0000000000", "1234567890", "5876543210", "+919999", "12345", "+", "()-", "+999123456789"] {
        assert_eq!(read(text).map_err(|error| error.code()), Err("invalid_phone"), "{text}");
    }
}

#[test]
fn several_numbers_in_a_cell_are_never_guessed_at() {
    for text in [
        "9876543210,9123456780",
        "9876543210;9123456780",
        "9876543210|9123456780",
        "9876543210\n9123456780",
        "9876543210 or 9123456780",
        "9876543210 9123456780",
        "+919876543210 / 80",
    ] {
        assert!(matches!(read(text), Err(PhoneError::Several { .. })), "{text}");
    }
}

#[test]
fn foreign_numbers_need_their_country_and_the_international_form() {
    let both = AllowedCountries(vec!["IN".to_owned(), "us".to_owned(), "AE".to_owned()]);
    let read =
        |text| PhoneNumber::parse(text, &both).map(|number| number.to_string()).map_err(|error| error.code());
    assert_eq!(read("+1 415 555 2671").as_deref(), Ok("+14155552671"));
    assert_eq!(read("0014155552671").as_deref(), Ok("+14155552671"));
    assert_eq!(read("+971501234567").as_deref(), Ok("+971501234567"));
    assert_eq!(read("+447400123456"), Err("country_not_allowed"));
    assert_eq!(read("+1 416 555 0123"), Err("country_not_allowed"), "Canada shares the calling code");
    assert_eq!(read("+1 000 000 0000"), Err("invalid_phone"));
    assert_eq!(read("4155552671"), Err("invalid_phone"), "national form of another country");
    let abroad_only = AllowedCountries(vec!["US".to_owned()]);
    assert_eq!(PhoneNumber::parse("9876543210", &abroad_only).unwrap_err().code(), "country_not_allowed");
}

#[test]
fn a_number_knows_its_country_and_hides_in_logs() {
    let country = |text| PhoneNumber::from_e164(text).unwrap().country();
    assert_eq!(country("+919876543210").as_deref(), Some("IN"));
    assert_eq!(country("+14155552671").as_deref(), Some("US"));
    assert_eq!(country("+9999999"), None);
    assert_eq!(format!("{:?}", PhoneNumber::from_e164("+919876543210").unwrap()), "+91******3210");
}

/// Exhaustive, because the fast path has no other authority: every five digits a mobile number may begin with.
#[test]
fn the_plain_path_agrees_with_the_library_on_every_prefix() {
    for prefix in 60_000..100_000_u64 {
        let text = (prefix * 100_000 + prefix * 7 % 100_000).to_string();
        assert_eq!(plainly(&text), reference(&text), "{text}");
    }
}

proptest! {
    #[test]
    fn a_plain_spelling_is_read_as_the_library_reads_it(
        before in prop::sample::select(vec!["", "0", "91", "+91", "0091", "+", "00", "+910", "1", "+1", " ", "- "]),
        digits in "[0-9]{8,12}",
        gap in prop::sample::select(vec!["", " ", "-", "  ", " - "]),
        at in 0_usize..8,
    ) {
        let text = format!("{before}{}{gap}{}", &digits[..at], &digits[at..]);
        if let Some(found) = plainly(&text) {
            prop_assert_eq!(Some(found), reference(&text));
        }
    }

    #[test]
    fn an_accepted_number_is_one_the_library_accepts(text in "[+]?(91|0|00)?[ 0-9()-]{6,16}") {
        if let Ok(number) = read(&text) {
            prop_assert_eq!(reference(&number), Some((number, true)));
        }
    }

    #[test]
    fn whatever_is_in_a_cell_is_answered(text in any::<String>()) {
        let _ = read(&text);
    }

    #[test]
    fn a_number_survives_its_own_spelling(national in 6_000_000_000_u64..10_000_000_000) {
        if let Ok(number) = PhoneNumber::parse(&national.to_string(), &india()) {
            prop_assert_eq!(PhoneNumber::parse(&number.to_string(), &india()), Ok(number));
            prop_assert_eq!(PhoneNumber::from_e164(&number.to_string()), Some(number));
        }
    }
}
