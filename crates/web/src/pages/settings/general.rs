//! Sending hours, limits, prices and tax.

use super::{Tab, tabs};
use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::forms::{Faults, Fields, Submitted};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use dakiya_core::decimal::{PER_CENT, RUPEES, typed};
use dakiya_core::phone::{AllowedCountries, PhoneNumber};
use dakiya_core::settings::Settings;
use dakiya_core::tax::{Gst, GstMode};
use dakiya_core::time::TimeOfDay;
use dakiya_core::user::Permission;
use dakiya_core::window::Window;
use dakiya_store::{StoreError, rate_cards, settings};
use rust_decimal::Decimal;
use std::collections::HashMap;
use std::ops::RangeInclusive;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/settings", get(show).post(save))
}

#[derive(Template)]
#[template(path = "settings/general.html")]
struct GeneralPage {
    frame: Frame,
    tabs: Vec<Tab>,
    fields: Fields,
    faults: Faults,
    rate_cards: Vec<(String, String)>,
    gst_modes: [(&'static str, &'static str); 3],
    done: &'static str,
}

const GST_MODES: [(&str, &str); 3] = [
    (GstMode::VendorCharged.as_str(), "On Twilio’s invoice"),
    (GstMode::ReverseCharge.as_str(), "Reverse charge"),
    (GstMode::None.as_str(), "None"),
];

async fn page(
    app: &AppState,
    person: &Person,
    fields: Fields,
    faults: Faults,
    done: &'static str,
) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let frame = Frame::of(app, person, Section::Settings).await?;
    let tabs = tabs("/settings", frame.may_set());
    let rate_cards =
        rate_cards::list(&app.store).await?.into_iter().map(|card| (card.key, card.name)).collect();
    Ok((
        status,
        view::html(&GeneralPage { frame, tabs, fields, faults, rate_cards, gst_modes: GST_MODES, done }),
    )
        .into_response())
}

async fn show(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let done = if query.contains_key("done") {
        "Settings saved. They hold for every message that goes out from now on."
    } else {
        ""
    };
    let stored = settings::on(&app.store, app.today()).await?;
    page(&app, &person, fields_of(&stored), Faults::default(), done).await
}

async fn save(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::ManageSettings)?;
    let (changed, faults) = parse(&fields, settings::on(&app.store, app.today()).await?);
    if !faults.is_empty() {
        return page(&app, &person, fields, faults, "").await;
    }
    match settings::update(&app.store, &changed, &person.actor(), app.clock.now(), app.today()).await {
        Ok(()) => {
            app.commands.nudge();
            Ok(Redirect::to("/settings?done=1").into_response())
        }
        Err(StoreError::Conflict(detail)) => {
            let mut faults = Faults::default();
            faults.add("rate_card", detail);
            page(&app, &person, fields, faults, "").await
        }
        Err(error) => Err(error.into()),
    }
}

fn fields_of(settings: &Settings) -> Fields {
    let field = |name: &str, value: String| (name.to_owned(), value);
    let mut pairs = vec![
        field("promotional_from", settings.promotional_window.from.to_string()),
        field("promotional_until", settings.promotional_window.until.to_string()),
        field("reminder_from", settings.reminder_window.from.to_string()),
        field("reminder_until", settings.reminder_window.until.to_string()),
        field("per_number_hourly_limit", settings.per_number_hourly_limit.to_string()),
        field("otp_hourly_limit", settings.otp_hourly_limit.to_string()),
        field("allowed_countries", settings.allowed_countries.0.join(", ")),
        field("team_numbers", settings.team_numbers.join(", ")),
        field("rate_card", settings.rate_card.clone()),
        field("usd_inr", settings.usd_inr.to_string()),
        field("gst_mode", settings.gst.mode.as_str().to_owned()),
        field("gst_rate", settings.gst.rate.normalize().to_string()),
    ];
    if settings.require_consent {
        pairs.push(field("require_consent", "yes".to_owned()));
    }
    Fields::from_pairs(pairs)
}

/// The settings a form asks for, on top of what it does not show, and what is wrong with it.
fn parse(fields: &Fields, mut settings: Settings) -> (Settings, Faults) {
    let mut faults = Faults::default();
    settings.promotional_window =
        window(fields, &mut faults, "promotional").unwrap_or(settings.promotional_window);
    if !settings.promotional_window.lies_within(&Settings::legal_promotional_window()) {
        faults.add(
            "promotional_from",
            "The law allows promotional messages from 10:00 to 21:00; stay within these hours",
        );
    }
    settings.reminder_window = window(fields, &mut faults, "reminder").unwrap_or(settings.reminder_window);
    settings.per_number_hourly_limit =
        limit(fields, &mut faults, "per_number_hourly_limit").unwrap_or(settings.per_number_hourly_limit);
    settings.otp_hourly_limit =
        limit(fields, &mut faults, "otp_hourly_limit").unwrap_or(settings.otp_hourly_limit);
    settings.allowed_countries = countries(fields, &mut faults).unwrap_or(settings.allowed_countries);
    settings.team_numbers = team(fields, &mut faults, &settings.allowed_countries);
    settings.require_consent = fields.has("require_consent");
    settings.rate_card = fields.text("rate_card").to_owned();
    settings.usd_inr = decimal(fields, &mut faults, "usd_inr", RUPEES, 1..=1_000).unwrap_or(settings.usd_inr);
    let mode = faults.take("gst_mode", GstMode::parse(fields.text("gst_mode"))).unwrap_or(settings.gst.mode);
    let rate = decimal(fields, &mut faults, "gst_rate", PER_CENT, 0..=100).unwrap_or(settings.gst.rate);
    settings.gst = Gst { mode, rate };
    (settings, faults)
}

fn window(fields: &Fields, faults: &mut Faults, which: &str) -> Option<Window> {
    let (from, until) = (format!("{which}_from"), format!("{which}_until"));
    let from_time = faults.take(&from, TimeOfDay::parse(fields.text(&from)))?;
    let until_time = faults.take(&until, TimeOfDay::parse(fields.text(&until)))?;
    if from_time == until_time {
        faults.add(until, "Opens and closes at the same time; nothing would ever go out");
        return None;
    }
    Some(Window { from: from_time, until: until_time })
}

fn limit(fields: &Fields, faults: &mut Faults, name: &str) -> Option<u32> {
    match fields.text(name).parse() {
        Ok(limit) if (1..=1_000).contains(&limit) => Some(limit),
        _ => {
            faults.add(name, "Write a whole number from 1 to 1,000");
            None
        }
    }
}

fn countries(fields: &Fields, faults: &mut Faults) -> Option<AllowedCountries> {
    let codes: Vec<String> = list(fields.text("allowed_countries")).map(str::to_uppercase).collect();
    if codes.is_empty()
        || !codes.iter().all(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()))
    {
        faults.add(
            "allowed_countries",
            "Write two-letter country codes separated by commas, for example IN, AE",
        );
        return None;
    }
    Some(AllowedCountries(codes))
}

fn team(fields: &Fields, faults: &mut Faults, allowed: &AllowedCountries) -> Vec<String> {
    list(fields.text("team_numbers"))
        .filter_map(|number| faults.take("team_numbers", PhoneNumber::parse(number, allowed)))
        .map(|number| number.to_string())
        .collect()
}

fn decimal(
    fields: &Fields,
    faults: &mut Faults,
    name: &str,
    signs: &[&str],
    range: RangeInclusive<u32>,
) -> Option<Decimal> {
    let (least, most) = (Decimal::from(*range.start()), Decimal::from(*range.end()));
    match typed(fields.text(name), signs) {
        Ok(value) if (least..=most).contains(&value) => Some(value),
        _ => {
            faults.add(name, format!("Write a number from {least} to {most}"));
            None
        }
    }
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';', '\n']).map(str::trim).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_gives_back_the_settings_it_was_made_of() {
        let settings = Settings { require_consent: true, ..Settings::default() };
        let (parsed, faults) = parse(&fields_of(&settings), settings.clone());
        assert!(faults.is_empty());
        assert_eq!(parsed, settings);
    }

    #[test]
    fn signs_that_people_write_are_read() {
        let mut fields = fields_of(&Settings::default());
        fields.set("usd_inr", "₹ 97.5");
        fields.set("gst_rate", "12%");
        let (parsed, faults) = parse(&fields, Settings::default());
        assert!(faults.is_empty());
        assert_eq!((parsed.usd_inr, parsed.gst.rate), (Decimal::new(975, 1), Decimal::from(12)));
    }

    #[test]
    fn what_makes_no_sense_is_named_field_by_field() {
        let mut fields = fields_of(&Settings::default());
        for (name, value) in [
            ("promotional_until", "25:00"),
            ("usd_inr", "1e3"),
            ("gst_rate", "180"),
            ("allowed_countries", "India"),
            ("otp_hourly_limit", "0"),
        ] {
            fields.set(name, value);
        }
        let (_, faults) = parse(&fields, Settings::default());
        assert_eq!(faults.len(), 5);
        assert!(!faults.of("usd_inr").is_empty());
    }
}
