//! What templates waste, by their words and by their channel, reckoned with the values of texts that went out.

use super::{Basis, TEXTS, WasteFound, WasteSubject};
use crate::context::Context;
use dakiya_core::encoding::measure;
use dakiya_core::message::Channel;
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::savings::{SavingsFinder, Traffic, Waste, scaled, scaled_count};
use dakiya_core::template::{Template, Variables, value_of};
use dakiya_store::StoreError;
use dakiya_store::savings::{self, SentText};
use dakiya_store::templates::{self, TemplateVersion};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Everything one template wastes.
pub(super) async fn of_template(
    context: &Context,
    basis: &Basis,
    version: &TemplateVersion,
    traffic: Traffic,
) -> Result<Vec<WasteFound>, StoreError> {
    let Some(segment) = basis.price(Channel::Sms, version.category) else { return Ok(Vec::new()) };
    let store = &context.store;
    let texts = savings::latest_texts(store, version.template_id, basis.since, TEXTS).await?;
    let mut found = wording(context, version, traffic, &texts, segment).await?;
    found.extend(by_whatsapp(context, basis, version, traffic, &texts, segment).await?);
    Ok(found)
}

/// What the words of a template waste, reckoned with the values of texts that went out.
async fn wording(
    context: &Context,
    version: &TemplateVersion,
    traffic: Traffic,
    texts: &[SentText],
    segment: Money,
) -> Result<Vec<WasteFound>, StoreError> {
    let current = templates::variants(&context.store, version.template_id, i32::MAX).await?;
    let mut readers: BTreeMap<i32, Vec<(String, Template)>> = BTreeMap::new();
    for text in texts {
        if let Entry::Vacant(unread) = readers.entry(text.version) {
            let then = templates::variants(&context.store, version.template_id, text.version).await?;
            unread.insert(parsed(&then));
        }
    }
    let mut languages: Vec<Language> = current.iter().filter_map(Language::of).collect();
    let mut looked_at = 0;
    for text in texts {
        let read = readers.get(&text.version).into_iter().flatten();
        let values = read.filter_map(|(language, then)| Some((language, then.read(&text.body)?))).next();
        if let Some((language, values)) = values {
            let of = languages.iter().position(|of| of.version.language == *language).unwrap_or(0);
            looked_at += u64::from(languages.get_mut(of).is_some_and(|language| language.add(&values)));
        }
    }
    let mut found = Vec::new();
    for language in languages {
        for saving in language.finder.finish(segment) {
            let recipients = saving.recipients.max(1);
            let per_month = scaled(saving.amount, looked_at, traffic.messages);
            found.push(WasteFound {
                waste: saving.kind.into(),
                subject: WasteSubject::Text {
                    version: Box::new(language.version.clone()),
                    traffic,
                    looked_at,
                    better: saving.fixed_body,
                },
                advice: saving.advice,
                messages: scaled_count(saving.recipients, looked_at, traffic.messages),
                per_message: scaled(saving.amount, recipients, 1),
                per_month,
            });
        }
    }
    Ok(found)
}

/// One language of a template, and what its words waste.
struct Language {
    version: TemplateVersion,
    template: Template,
    finder: SavingsFinder,
}

impl Language {
    fn of(version: &TemplateVersion) -> Option<Self> {
        let template = Template::parse(&version.body).ok()?;
        let finder = SavingsFinder::new(&template);
        (version.channel == Channel::Sms).then(|| Self { version: version.clone(), template, finder })
    }

    /// Counts the text that these values would make today. `false`: a placeholder was added since.
    fn add(&mut self, values: &Variables) -> bool {
        let Ok(body) = self.template.render(values) else { return false };
        self.finder.add(&body, measure(&body), |name| value_of(values, name));
        true
    }
}

fn parsed(versions: &[TemplateVersion]) -> Vec<(String, Template)> {
    let parse =
        |version: &TemplateVersion| Some((version.language.clone(), Template::parse(&version.body).ok()?));
    versions.iter().filter_map(parse).collect()
}

/// What goes by text message to people whom a cheaper WhatsApp message reaches.
async fn by_whatsapp(
    context: &Context,
    basis: &Basis,
    version: &TemplateVersion,
    traffic: Traffic,
    texts: &[SentText],
    segment: Money,
) -> Result<Option<WasteFound>, StoreError> {
    let Some(message) = basis.price(Channel::Whatsapp, version.category).filter(|_| basis.has_whatsapp)
    else {
        return Ok(None);
    };
    let people: BTreeSet<PhoneNumber> = texts.iter().map(|text| text.phone).collect();
    let reached = savings::on_whatsapp(&context.store, &people, basis.since).await?.len() as u64;
    let asked = people.len() as u64;
    let per_month = traffic.cheaper_on_whatsapp(segment, message, reached, asked);
    Ok(per_month.map(|per_month| {
        let messages = scaled_count(traffic.messages, asked, reached);
        WasteFound {
            waste: Waste::CheaperOnWhatsapp,
            advice: format!(
                "A WhatsApp message costs ₹{}, this text ₹{} on average. {reached} of the {asked} people looked at use \
                 WhatsApp with you; the others need its opt-in first",
                message.to_plain(),
                scaled(segment * traffic.segments, traffic.messages, 1).rounded_to_paise().to_plain()
            ),
            subject: WasteSubject::Text {
                version: Box::new(version.clone()),
                traffic,
                looked_at: texts.len() as u64,
                better: None,
            },
            per_message: scaled(per_month, messages.max(1), 1),
            messages,
            per_month,
        }
    }))
}
