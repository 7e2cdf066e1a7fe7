//! Consent to promotional messages, as a person writes it down.

use super::number_in_address;
use crate::AppState;
use crate::error::PageResult;
use crate::forms::{Faults, Fields, Submitted};
use crate::view::Zone;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use axum::routing::post;
use dakiya_core::consent::Consent;
use dakiya_core::time::{Timestamp, parse_day};
use dakiya_core::user::Permission;
use dakiya_store::contacts::{self, Contact, ContactFields};

const MOST_EVIDENCE_CHARACTERS: usize = 500;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/contacts/{phone}/consent", post(record))
}

/// Reads the fields of `contacts/_consent.html`. Nothing when nothing was chosen.
pub(super) fn read(fields: &Fields, faults: &mut Faults, zone: Zone, now: Timestamp) -> Option<Consent> {
    match fields.text("consent") {
        "" => None,
        "no" => Some(Consent::Withdrawn),
        "yes" => {
            let evidence = fields.text("consent_evidence");
            if evidence.is_empty() || evidence.chars().count() > MOST_EVIDENCE_CHARACTERS {
                faults.add(
                    "consent_evidence",
                    "Say in a few words how they agreed, so that it can be proved later",
                );
            }
            let at = match fields.text("consent_on") {
                "" => None,
                day => faults.take("consent_on", start_of(day, zone, now)),
            };
            Some(Consent::Given { at, evidence: Some(evidence.to_owned()) })
        }
        other => {
            faults.add("consent", format!("\"{other}\" is neither yes nor no"));
            None
        }
    }
}

fn start_of(day: &str, zone: Zone, now: Timestamp) -> Result<Timestamp, String> {
    let date = parse_day(day).map_err(|error| error.to_string())?;
    let at = zone.day_start(date);
    if at > now { Err(format!("{day} is still to come; write the day on which they agreed")) } else { Ok(at) }
}

/// What is known of a contact, to be stored with a consent beside it.
pub(super) fn fields_of(contact: Option<Contact>, consent: Option<Consent>) -> ContactFields {
    match contact {
        Some(contact) => ContactFields {
            name: contact.name,
            language: contact.language,
            attributes: contact.attributes,
            tags: None,
            consent,
        },
        None => ContactFields { consent, ..ContactFields::default() },
    }
}

async fn record(
    State(app): State<AppState>,
    Path(phone): Path<String>,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    person.must(Permission::ManageOptOuts)?;
    let phone = number_in_address(&app, &phone).await?;
    let mut faults = Faults::default();
    let now = app.clock.now();
    let consent = read(&fields, &mut faults, Zone(app.config.timezone), now);
    if consent.is_none() && faults.is_empty() {
        faults.add("consent", "Choose yes or no");
    }
    if !faults.is_empty() {
        return super::show_with(&app, &person, phone, None, fields, faults, "").await;
    }
    let known = contacts::get(&app.store, phone).await?;
    contacts::put(&app.store, phone, &fields_of(known, consent), &person.actor(), now).await?;
    Ok(Redirect::to(&format!("/contacts/{phone}?done=consent")).into_response())
}
