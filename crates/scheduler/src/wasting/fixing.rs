//! Doing what the report of waste offers.

use super::texts::of_template;
use super::{Basis, FAILURES, TextFix, WasteSubject};
use crate::context::Context;
use dakiya_core::message::Channel;
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_store::audit::Actor;
use dakiya_store::savings::{self, FixError, TemplateFix};
use dakiya_store::templates::{self, TemplateText, TemplateVersion};
use dakiya_twilio::error::unreachable_codes;

/// Dead numbers among which one is looked for: it may have been shown a while ago.
const CONSIDERED: u64 = 5_000;

/// Writes the better text that is offered for a template's waste, if its text is still the one that was looked at.
pub(crate) async fn fix_text(
    context: &Context,
    asked: &TextFix,
    actor: &Actor,
) -> Result<TemplateVersion, FixError> {
    let basis = Basis::now(context).await?;
    let changed = || FixError::Changed(asked.key.clone());
    let version = templates::get(&context.store, &asked.key, None).await?.ok_or_else(changed)?;
    let traffic = savings::template_traffic(&context.store, basis.first, basis.last).await?;
    let traffic = traffic.get(&version.template_id).copied().unwrap_or_default();
    for found in of_template(context, &basis, &version, traffic).await? {
        let WasteSubject::Text { version, traffic, better: Some(better), .. } = found.subject else {
            continue;
        };
        if found.waste != asked.waste
            || version.language != asked.language
            || version.version != asked.version
        {
            continue;
        }
        let fix = TemplateFix {
            waste: found.waste,
            key: asked.key.clone(),
            version: version.version,
            expected: found.per_month,
            segment_price: basis.price(Channel::Sms, version.category).unwrap_or(Money::ZERO),
            before: traffic,
            counted_from: basis.counted_from(),
            text: with_body(*version, better),
        };
        return savings::fix_template(&context.store, &fix, actor, context.clock.now()).await;
    }
    Err(changed())
}

fn with_body(version: TemplateVersion, body: String) -> TemplateText {
    let TemplateVersion { name, category, channel, language, dlt, content_sid, .. } = version;
    TemplateText { name, category, channel, language: Some(language), body, dlt, content_sid }
}

/// Stops writing to a number that takes no messages. Nothing is done to one that gets none already.
pub(crate) async fn suppress(context: &Context, phone: PhoneNumber, actor: &Actor) -> Result<(), FixError> {
    let (store, basis) = (&context.store, Basis::now(context).await?);
    if savings::unreachable(store, phone).await? {
        return Ok(());
    }
    let dead = savings::dead_numbers(store, basis.since, &unreachable_codes(), FAILURES, CONSIDERED).await?;
    let number = dead.into_iter().find(|number| number.phone == phone);
    let number = number.ok_or_else(|| FixError::NotDead(phone.masked()))?;
    let lost = (number.messages, number.cost);
    Ok(savings::suppress(store, phone, lost, basis.counted_from(), actor, context.clock.now()).await?)
}
