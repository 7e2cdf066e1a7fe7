//! Whether a dialled number is one we can message: rlibphonenumber's word, and Indian series it does not know.

use super::cell::Dialled;
use super::plain::{self, Plain};
use super::{AllowedCountries, PhoneError, PhoneNumber, SpecialSeries};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber as Parsed, PhoneNumberFormat, PhoneNumberType, Region};

/// Digits of an Indian number without country code.
const INDIAN_DIGITS: usize = 10;

/// Judges a dialled number; `text` is what stood in the cell, for the error.
pub(super) fn judge(
    text: &str,
    dialled: &Dialled,
    allowed: &AllowedCountries,
) -> Result<PhoneNumber, PhoneError> {
    let text = text.trim();
    let national = indian_national(dialled);
    if let Some(kind) = national.and_then(special_series) {
        return Err(PhoneError::Special { text: text.to_owned(), kind });
    }
    let sign = if dialled.international { "+" } else { "" };
    let spelling = format!("{sign}{}", dialled.digits);
    match plain::read(&spelling) {
        Some(Plain::Mobile(number)) if allowed.contains("IN") => return Ok(number),
        Some(Plain::Landline(number)) if allowed.contains("IN") => return Err(landline(number)),
        _ => {}
    }
    let parsed = match PHONE_NUMBER_UTIL.parse(spelling, Some(Region::IN)) {
        Ok(parsed) => parsed,
        Err(_) => return Err(invalid(text, national)),
    };
    let country = country_of(&parsed, allowed);
    if !allowed.contains(&country) {
        return Err(PhoneError::CountryNotAllowed { text: text.to_owned(), country });
    }
    if !PHONE_NUMBER_UTIL.is_valid_number(&parsed) {
        return Err(invalid(text, national));
    }
    let number = PhoneNumber(e164(&parsed));
    match PHONE_NUMBER_UTIL.get_number_type(&parsed) {
        PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile => Ok(number),
        PhoneNumberType::FixedLine => Err(landline(number)),
        _ => Err(PhoneError::NotInUse { text: text.to_owned() }),
    }
}

/// Whether there are numbers of a country; `code` as in ISO 3166.
pub(super) fn is_country(code: &str) -> bool {
    PHONE_NUMBER_UTIL.get_supported_regions().any(|region| iso(region) == code)
}

/// The country of a number, as ISO 3166. A number that does not exist counts for an allowed country that shares
/// its calling code, else for any of them.
fn country_of(parsed: &Parsed, allowed: &AllowedCountries) -> String {
    if let Some(region) = PHONE_NUMBER_UTIL.get_region_for_number(parsed) {
        return iso(region);
    }
    let sharing: Vec<String> = PHONE_NUMBER_UTIL
        .get_regions_for_country_calling_code(parsed.country_code)
        .map(|regions| regions.map(iso).collect())
        .unwrap_or_default();
    let usual = sharing.iter().find(|country| allowed.contains(country)).or(sharing.first());
    usual.cloned().unwrap_or_else(|| format!("+{}", parsed.country_code))
}

/// The country of a stored number, as ISO 3166.
pub(super) fn country(number: PhoneNumber) -> Option<String> {
    let parsed = PHONE_NUMBER_UTIL.parse(number.to_string(), None).ok()?;
    PHONE_NUMBER_UTIL.get_region_for_number(&parsed).map(iso)
}

fn iso(region: Region) -> String {
    region.as_region_str().to_string()
}

fn e164(parsed: &Parsed) -> u64 {
    let national = PHONE_NUMBER_UTIL.format(parsed, PhoneNumberFormat::E164);
    national.trim_start_matches('+').parse().unwrap_or_default()
}

/// The digits of an Indian number without country code and leading zero; `None` for a foreign one. `91` at the
/// front of ten digits belongs to the number: `9198765432` is complete.
fn indian_national(dialled: &Dialled) -> Option<&str> {
    let digits = dialled.digits.as_str();
    let dialled_abroad = if dialled.international { Some(digits) } else { digits.strip_prefix("00") };
    if let Some(international) = dialled_abroad {
        return international.strip_prefix("91").map(|rest| rest.trim_start_matches('0'));
    }
    let rest = digits.strip_prefix('0').unwrap_or(digits);
    let with_country = matches!(rest.len(), 12 | 15);
    Some(rest.strip_prefix("91").filter(|_| with_country).unwrap_or(rest))
}

/// Series that rlibphonenumber does not know, or calls mobile.
fn special_series(national: &str) -> Option<SpecialSeries> {
    let length = national.len();
    match national {
        _ if length == 13 && national.starts_with('5') => Some(SpecialSeries::Machine),
        _ if length < INDIAN_DIGITS => None,
        _ if national.starts_with("140") => Some(SpecialSeries::Telemarketing),
        _ if national.starts_with("1600") || national.starts_with("1601") => {
            Some(SpecialSeries::ServiceCalls)
        }
        _ if national.starts_with("1800") => Some(SpecialSeries::TollFree),
        _ if national.starts_with("1860") => Some(SpecialSeries::Helpline),
        _ => None,
    }
}

fn landline(number: PhoneNumber) -> PhoneError {
    PhoneError::Landline { number: number.to_string() }
}

/// Why a number that rlibphonenumber could read does not exist.
fn invalid(text: &str, national: Option<&str>) -> PhoneError {
    match national {
        Some(national) if national.len() != INDIAN_DIGITS => wrong_length(text, national.len()),
        _ => PhoneError::NotInUse { text: text.to_owned() },
    }
}

fn wrong_length(text: &str, digits: usize) -> PhoneError {
    let text = text.to_owned();
    match digits {
        0..INDIAN_DIGITS => PhoneError::TooShort { text, digits, needed: INDIAN_DIGITS },
        INDIAN_DIGITS => PhoneError::NotInUse { text },
        _ => PhoneError::TooLong { text, digits, needed: INDIAN_DIGITS },
    }
}
