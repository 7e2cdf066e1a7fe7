//! Business settings: kept in the database, edited in the browser.

use crate::field_error::FieldError;
use crate::money::FxRate;
use crate::phone::{AllowedCountries, PhoneNumber, is_country};
use crate::tax::{Gst, GstMode};
use crate::time::TimeOfDay;
use crate::window::Window;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Everything the owner may set. Defaults are those of the Indian rules in `docs/guides/compliance.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Promotional messages go out inside it (TCCCPR 2018, Schedule II: 10:00–21:00 IST).
    pub promotional_window: Window,
    /// Reminders go out inside it (RBI's hours for lenders, taken as good manners: 08:00–19:00 IST).
    pub reminder_window: Window,
    /// Messages an hour to one number, OTPs aside.
    pub per_number_hourly_limit: u32,
    /// OTPs an hour to one number.
    pub otp_hourly_limit: u32,
    /// Where we send to.
    pub allowed_countries: AllowedCountries,
    /// Promotional messages need consent on record.
    pub require_consent: bool,
    /// How GST is reckoned.
    pub gst: Gst,
    /// Rupees for a dollar.
    #[serde(with = "crate::decimal::two_places")]
    pub usd_inr: Decimal,
    /// Which rate card estimates use.
    pub rate_card: String,
    /// Retries of a message known not to have been sent.
    pub retries: u32,
    /// Numbers a team key may reach.
    pub team_numbers: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let window = |from, until| Window { from: hour(from), until: hour(until) };
        Self {
            promotional_window: window(10, 21),
            reminder_window: window(8, 19),
            per_number_hourly_limit: 5,
            otp_hourly_limit: 5,
            allowed_countries: AllowedCountries::default(),
            require_consent: false,
            gst: Gst { mode: GstMode::VendorCharged, rate: Decimal::from(18) },
            usd_inr: Decimal::new(9600, 2),
            rate_card: "setup-guide".to_owned(),
            retries: 3,
            team_numbers: Vec::new(),
        }
    }
}

impl Settings {
    /// The widest promotional window the law allows (TCCCPR 2018, Schedule II; `docs/guides/compliance.md`), in India.
    pub fn legal_promotional_window() -> Window {
        Self::default().promotional_window
    }

    /// The exchange rate.
    pub fn fx(&self) -> FxRate {
        FxRate { inr_per_usd: self.usd_inr }
    }

    /// Every value that makes no sense, not just the first. Whether the rate card exists is for `store` to say.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut check = |fits: bool, field: &str, code, message: &str| {
            if !fits {
                errors.push(FieldError::new(field, code, message));
            }
        };
        let between =
            |value: Decimal, low: i64, high: i64| value >= Decimal::from(low) && value <= Decimal::from(high);
        check(
            (1..=1000).contains(&self.per_number_hourly_limit),
            "per_number_hourly_limit",
            OUT_OF_RANGE,
            "between 1 and 1000",
        );
        check(
            (1..=1000).contains(&self.otp_hourly_limit),
            "otp_hourly_limit",
            OUT_OF_RANGE,
            "between 1 and 1000",
        );
        check(
            self.promotional_window.lies_within(&Self::legal_promotional_window()),
            "promotional_window",
            OUT_OF_RANGE,
            "within 10:00–21:00, the hours that Indian law allows for promotional messages",
        );
        check(self.retries <= 10, "retries", OUT_OF_RANGE, "between 0 and 10");
        check(
            between(self.usd_inr, 1, 1000),
            "usd_inr",
            OUT_OF_RANGE,
            "between 1 and 1000 rupees for a dollar",
        );
        check(between(self.gst.rate, 0, 100), "gst.rate", OUT_OF_RANGE, "between 0 and 100 per cent");
        check(
            !self.rate_card.trim().is_empty(),
            "rate_card",
            "required",
            "name a rate card, for example setup-guide",
        );
        let countries = &self.allowed_countries.0;
        check(!countries.is_empty(), "allowed_countries", "required", "at least one country, for example IN");
        let known = "two capital letters of a country each, for example IN";
        check(countries.iter().all(|code| is_country(code)), "allowed_countries", "invalid_country", known);
        let is_number = |text: &String| PhoneNumber::from_e164(text).is_some();
        let e164 = "numbers that can receive messages each, for example +919876543210";
        check(self.team_numbers.iter().all(is_number), "team_numbers", "invalid_phone", e164);
        check(self.team_numbers.len() <= 100, "team_numbers", OUT_OF_RANGE, "at most 100 numbers");
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

const OUT_OF_RANGE: &str = "out_of_range";

/// Settings to change; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsPatch {
    /// See [`Settings::promotional_window`].
    pub promotional_window: Option<Window>,
    /// See [`Settings::reminder_window`].
    pub reminder_window: Option<Window>,
    /// See [`Settings::per_number_hourly_limit`].
    pub per_number_hourly_limit: Option<u32>,
    /// See [`Settings::otp_hourly_limit`].
    pub otp_hourly_limit: Option<u32>,
    /// See [`Settings::allowed_countries`]; small letters are taken for capitals.
    pub allowed_countries: Option<Vec<String>>,
    /// See [`Settings::require_consent`].
    pub require_consent: Option<bool>,
    /// See [`Settings::gst`].
    pub gst: Option<GstPatch>,
    /// See [`Settings::usd_inr`].
    #[serde(deserialize_with = "crate::decimal::optional::deserialize")]
    pub usd_inr: Option<Decimal>,
    /// See [`Settings::rate_card`].
    pub rate_card: Option<String>,
    /// See [`Settings::retries`].
    pub retries: Option<u32>,
    /// See [`Settings::team_numbers`]; in any common spelling.
    pub team_numbers: Option<Vec<String>>,
}

/// What to change about GST.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GstPatch {
    /// See [`Gst::mode`].
    pub mode: Option<GstMode>,
    /// See [`Gst::rate`].
    #[serde(deserialize_with = "crate::decimal::optional::deserialize")]
    pub rate: Option<Decimal>,
}

impl SettingsPatch {
    /// The settings with these changes, if they make sense.
    pub fn apply(self, settings: &Settings) -> Result<Settings, Vec<FieldError>> {
        let old = settings.clone();
        let gst = self.gst.unwrap_or_default();
        let allowed_countries = self
            .allowed_countries
            .map(|codes| codes.iter().map(|code| code.trim().to_ascii_uppercase()).collect())
            .map_or(old.allowed_countries, AllowedCountries);
        let team_numbers = self
            .team_numbers
            .map(|numbers| numbers.iter().map(|text| in_e164(text, &allowed_countries)).collect());
        let changed = Settings {
            promotional_window: self.promotional_window.unwrap_or(old.promotional_window),
            reminder_window: self.reminder_window.unwrap_or(old.reminder_window),
            per_number_hourly_limit: self.per_number_hourly_limit.unwrap_or(old.per_number_hourly_limit),
            otp_hourly_limit: self.otp_hourly_limit.unwrap_or(old.otp_hourly_limit),
            allowed_countries,
            require_consent: self.require_consent.unwrap_or(old.require_consent),
            gst: Gst { mode: gst.mode.unwrap_or(old.gst.mode), rate: gst.rate.unwrap_or(old.gst.rate) },
            usd_inr: self.usd_inr.unwrap_or(old.usd_inr),
            rate_card: self.rate_card.unwrap_or(old.rate_card),
            retries: self.retries.unwrap_or(old.retries),
            team_numbers: team_numbers.unwrap_or(old.team_numbers),
        };
        changed.validate().map(|()| changed)
    }
}

/// A number as it is stored. What is none stays as it is, for [`Settings::validate`] to refuse.
fn in_e164(text: &str, allowed: &AllowedCountries) -> String {
    PhoneNumber::parse(text, allowed).map_or_else(|_| text.trim().to_owned(), |number| number.to_string())
}

fn hour(hour: u32) -> TimeOfDay {
    TimeOfDay::new(hour, 0).unwrap_or_else(|| unreachable!("an hour below 24"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patch(json: serde_json::Value) -> Result<Settings, String> {
        let patch: SettingsPatch = serde_json::from_value(json).map_err(|error| error.to_string())?;
        patch.apply(&Settings::default()).map_err(|errors| {
            let faults: Vec<String> =
                errors.iter().map(|error| format!("{}: {}", error.field, error.code)).collect();
            faults.join(", ")
        })
    }

    #[test]
    fn the_defaults_make_sense_and_are_written_as_the_api_shows_them() {
        let settings = Settings::default();
        assert_eq!(settings.validate(), Ok(()));
        let shown = serde_json::to_value(&settings).unwrap();
        assert_eq!(
            shown,
            json!({
                "promotional_window": {"from": "10:00", "until": "21:00"},
                "reminder_window": {"from": "08:00", "until": "19:00"},
                "per_number_hourly_limit": 5,
                "otp_hourly_limit": 5,
                "allowed_countries": ["IN"],
                "require_consent": false,
                "gst": {"mode": "vendor_charged", "rate": "18"},
                "usd_inr": "96.00",
                "rate_card": "setup-guide",
                "retries": 3,
                "team_numbers": [],
            })
        );
        assert_eq!(serde_json::from_value::<Settings>(shown).unwrap(), settings);
    }

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let changed =
            patch(json!({"usd_inr": "95.5", "gst": {"rate": "12"}, "allowed_countries": ["in", "AE"]}))
                .unwrap();
        let expected = Settings {
            usd_inr: Decimal::new(955, 1),
            gst: Gst { mode: GstMode::VendorCharged, rate: Decimal::from(12) },
            allowed_countries: AllowedCountries(vec!["IN".to_owned(), "AE".to_owned()]),
            ..Settings::default()
        };
        assert_eq!(changed, expected);
        assert_eq!(patch(json!({})), Ok(Settings::default()));
        let team = patch(json!({"team_numbers": ["098765 43210", "+919876543211"]})).unwrap().team_numbers;
        assert_eq!(team, ["+919876543210", "+919876543211"]);
    }

    #[test]
    fn values_that_make_no_sense_are_refused_by_field() {
        for (json, faults) in [
            (json!({"per_number_hourly_limit": 0}), "per_number_hourly_limit: out_of_range"),
            (json!({"otp_hourly_limit": 1001}), "otp_hourly_limit: out_of_range"),
            (json!({"retries": 11}), "retries: out_of_range"),
            (
                json!({"promotional_window": {"from": "09:00", "until": "21:00"}}),
                "promotional_window: out_of_range",
            ),
            (
                json!({"promotional_window": {"from": "10:00", "until": "10:00"}}),
                "promotional_window: out_of_range",
            ),
            (json!({"usd_inr": "0"}), "usd_inr: out_of_range"),
            (json!({"usd_inr": "1000.01"}), "usd_inr: out_of_range"),
            (json!({"gst": {"rate": "-1"}}), "gst.rate: out_of_range"),
            (json!({"gst": {"rate": "100.5"}}), "gst.rate: out_of_range"),
            (json!({"allowed_countries": []}), "allowed_countries: required"),
            (json!({"allowed_countries": ["IND"]}), "allowed_countries: invalid_country"),
            (json!({"allowed_countries": ["IN", "XX"]}), "allowed_countries: invalid_country"),
            (json!({"team_numbers": ["98765"]}), "team_numbers: invalid_phone"),
            (json!({"rate_card": " "}), "rate_card: required"),
            (json!({"retries": 11, "usd_inr": "0"}), "retries: out_of_range, usd_inr: out_of_range"),
        ] {
            assert_eq!(patch(json.clone()), Err(faults.to_owned()), "{json}");
        }
    }

    #[test]
    fn unknown_fields_and_wrong_types_are_refused() {
        for json in [
            json!({"usd_inr": 96}),
            json!({"usd_inr": "1e2"}),
            json!({"limit": 5}),
            json!({"gst": {"rates": "18"}}),
            json!({"gst": {"mode": "sometimes"}}),
            json!({"promotional_window": {"from": "25:00", "until": "21:00"}}),
            json!({"promotional_window": {"from": "10:00"}}),
            json!({"per_number_hourly_limit": -1}),
        ] {
            assert!(serde_json::from_value::<SettingsPatch>(json.clone()).is_err(), "{json}");
        }
    }
}
