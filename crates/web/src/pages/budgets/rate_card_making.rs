//! A new rate card, and the end of one.

use super::rate_cards::{Told, find, list_page};
use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::forms::{Faults, Submitted};
use crate::pages::confirm::Confirm;
use crate::view::{Frame, Section};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use dakiya_core::rate_card::RateCard;
use dakiya_core::user::Permission;
use dakiya_store::{StoreError, rate_cards};

pub(super) async fn create(
    State(app): State<AppState>,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let mut faults = Faults::default();
    let name = faults.take("name", RateCard::checked_name(fields.text("name")));
    let Some(name) = name else {
        return list_page(&app, &person, Told { fields, faults, ..Told::default() }).await;
    };
    let copied = Some(fields.text("copied")).filter(|key| !key.is_empty());
    match rate_cards::add(&app.store, &name, copied, &person.actor(), app.clock.now()).await {
        Ok(key) => Ok(Redirect::to(&format!("/budgets/rate-cards/{key}?done=created")).into_response()),
        Err(StoreError::Conflict(why)) => {
            faults.add("name", why);
            list_page(&app, &person, Told { fields, faults, ..Told::default() }).await
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn ask_remove(
    State(app): State<AppState>,
    person: Person,
    Path(key): Path<String>,
) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let card = find(&app, &key).await?;
    let page = Confirm {
        frame: Frame::of(&app, &person, Section::Budgets).await?,
        title: format!("Remove the rate card “{}”?", card.name),
        consequences: vec![
            "It is offered nowhere any more: not for estimates, not for scenarios.".to_owned(),
            "Its prices are kept, to explain what was reckoned with them. Messages keep their price."
                .to_owned(),
        ],
        action: format!("/budgets/rate-cards/{}/remove", card.key),
        button: "Remove rate card".to_owned(),
        button_class: "danger",
        back: format!("/budgets/rate-cards/{}", card.key),
        back_words: "Rate card",
        reason_label: "",
        fault: "",
        hidden: Vec::new(),
    };
    Ok(page.into_page())
}

pub(super) async fn remove(
    State(app): State<AppState>,
    Path(key): Path<String>,
    Submitted { person, .. }: Submitted,
) -> PageResult {
    person.must(Permission::ManageMoney)?;
    rate_cards::remove(&app.store, &key, &person.actor(), app.clock.now()).await?;
    Ok(Redirect::to("/budgets/rate-cards?done=removed").into_response())
}
