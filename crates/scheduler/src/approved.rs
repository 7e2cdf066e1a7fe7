//! WhatsApp templates that were approved: outside the 24 hours after a person wrote, nothing else is delivered there.

use dakiya_core::ids::TemplateId;
use dakiya_core::message::Channel;
use dakiya_core::template::Template;
use dakiya_store::messages::TakenMessage;
use dakiya_store::{Store, StoreError, templates};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Versions remembered; far more than are ever sent at the same time.
const MOST: usize = 1_000;

/// Versions of templates, which never change once they are written, by how they are approved.
#[derive(Default)]
pub(crate) struct Approved(Mutex<HashMap<Version, Arc<[Variant]>>>);

/// A template, as of a version.
type Version = (TemplateId, i32);

/// A language variant that has a content SID.
struct Variant {
    content_sid: String,
    text: Template,
}

impl Approved {
    /// The content SID of what a message says and its values as JSON; `None` when it goes out as a text.
    pub(crate) async fn of(
        &self,
        store: &Store,
        message: &TakenMessage,
    ) -> Result<Option<(String, String)>, StoreError> {
        let Some(version) = message.template.filter(|_| message.channel == Channel::Whatsapp) else {
            return Ok(None);
        };
        let variants = match self.known(version) {
            Some(variants) => variants,
            None => self.read(store, version).await?,
        };
        let says = |variant: &Variant| {
            let values = variant.text.numbered_values(&message.body)?;
            Some((variant.content_sid.clone(), serde_json::json!(values).to_string()))
        };
        Ok(variants.iter().find_map(says))
    }

    fn known(&self, version: Version) -> Option<Arc<[Variant]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&version).cloned()
    }

    async fn read(&self, store: &Store, version: Version) -> Result<Arc<[Variant]>, StoreError> {
        let (id, number) = version;
        let variants = templates::variants(store, id, number).await?.into_iter().filter_map(|variant| {
            let text = Template::parse(&variant.body).ok()?;
            Some(Variant { content_sid: variant.content_sid?, text })
        });
        let variants: Arc<[Variant]> = variants.collect();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(version, variants.clone());
        Ok(variants)
    }
}
