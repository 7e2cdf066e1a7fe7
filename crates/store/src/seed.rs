//! What a new database starts with: both rate cards and the starter templates.

use crate::audit::Actor;
use crate::templates::{self, TemplateText};
use crate::{Store, StoreError, rate_cards};
use dakiya_core::message::Channel;
use dakiya_core::rate_card::RateCard;
use dakiya_core::starter::{STARTER_TEMPLATES, StarterTemplate};
use dakiya_core::time::Timestamp;

/// Adds what is missing; what the owner has changed stays. Doing it at every start is harmless.
pub async fn seed(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    let tx = store.write().await?;
    for card in RateCard::presets() {
        rate_cards::ensure(store, &*tx, &card, now).await?;
    }
    for starter in STARTER_TEMPLATES {
        templates::ensure(store, &*tx, starter.key, texts(&starter), &Actor::System("setup"), now).await?;
    }
    tx.commit().await
}

fn texts(starter: &StarterTemplate) -> impl Iterator<Item = TemplateText> + Send {
    let (name, category) = (starter.name, starter.category);
    starter.bodies.iter().map(move |(language, body)| TemplateText {
        name: name.to_owned(),
        category,
        channel: Channel::Sms,
        language: Some((*language).to_owned()),
        body: (*body).to_owned(),
        dlt: None,
        content_sid: None,
    })
}
