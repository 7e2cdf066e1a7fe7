//! The composer's form: from a stored draft to fields, and back.

use crate::AppState;
use crate::error::PageResult;
use crate::forms::{Faults, Fields};
use crate::view::Zone;
use dakiya_core::audience::Audience;
use dakiya_core::message::Channel;
use dakiya_core::money::Money;
use dakiya_core::sender::Sender;
use dakiya_core::time::{TimeOfDay, Timestamp, instant_of};
use dakiya_store::campaigns::{Campaign, CampaignDraft};
use dakiya_store::senders;
use dakiya_store::templates::{self, TemplateVersion};

/// What the form says, as text.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    pub(super) name: String,
    /// `tags`, `all` or `none`.
    pub(super) audience: String,
    pub(super) tags: Vec<String>,
    pub(super) template: String,
    pub(super) channel: String,
    pub(super) sender: String,
    pub(super) date: String,
    pub(super) time: String,
    pub(super) pace: String,
    pub(super) budget: String,
}

impl Form {
    /// As it was submitted.
    pub(super) fn read(fields: &Fields) -> Form {
        let text = |name: &str| fields.text(name).to_owned();
        Form {
            name: text("name"),
            audience: text("audience"),
            tags: fields.all("tag"),
            template: text("template"),
            channel: text("channel"),
            sender: text("sender"),
            date: text("date"),
            time: text("time"),
            pace: text("pace"),
            budget: text("budget"),
        }
    }

    /// As a draft was stored.
    pub(super) fn of(campaign: &Campaign, template_key: &str, zone: Zone) -> Form {
        let draft = &campaign.draft;
        let audience = if draft.audience.all {
            "all"
        } else if draft.audience.tags.is_empty() {
            "none"
        } else {
            "tags"
        };
        Form {
            name: draft.name.clone(),
            audience: audience.to_owned(),
            tags: draft.audience.tags.clone(),
            template: template_key.to_owned(),
            channel: draft.channel.as_str().to_owned(),
            sender: draft.sender.to_string(),
            date: draft.send_at.map_or_else(String::new, |at| zone.date_field(&at)),
            time: draft.send_at.map_or_else(String::new, |at| zone.time(&at)),
            pace: draft.segments_per_second.map_or_else(String::new, |pace| pace.to_string()),
            budget: draft.budget.map_or_else(String::new, Money::to_plain),
        }
    }

    /// The page's heading.
    pub(super) fn title(&self) -> &str {
        if self.name.is_empty() { "New campaign" } else { &self.name }
    }

    /// The draft it stands for; `None` when something is wrong with it.
    pub(super) async fn parse(
        &self,
        app: &AppState,
        faults: &mut Faults,
    ) -> PageResult<Option<CampaignDraft>> {
        if self.name.is_empty() || self.name.chars().count() > 120 {
            faults.add("name", "Give the campaign a name of at most 120 characters");
        }
        let audience = self.audience(faults);
        let channel = faults.take("channel", Channel::parse(&self.channel));
        let template = templates::get(&app.store, &self.template, None).await?;
        if template.is_none() {
            faults.add("template", "Choose a template");
        }
        let sender = match channel {
            Some(channel) => self.sender(app, channel, faults).await?,
            None => None,
        };
        let send_at = self.send_at(Zone(app.config.timezone), app.clock.now(), faults);
        let segments_per_second = self.pace(faults);
        let budget = self.budget(faults);
        let (Some(channel), Some(template), Some(sender), true) =
            (channel, template, sender, faults.is_empty())
        else {
            return Ok(None);
        };
        Ok(Some(CampaignDraft {
            name: self.name.clone(),
            template_id: template.template_id,
            template_version: latest_version(app, &template).await?,
            channel,
            sender: sender.address,
            audience,
            send_at,
            segments_per_second,
            budget,
        }))
    }

    fn audience(&self, faults: &mut Faults) -> Audience {
        match self.audience.as_str() {
            "all" => Audience { all: true, tags: Vec::new() },
            "tags" if self.tags.is_empty() => {
                faults.add("audience", "Choose at least one tag, or nobody and an uploaded list");
                Audience::default()
            }
            "tags" => Audience { all: false, tags: self.tags.clone() },
            _ => Audience::default(),
        }
    }

    /// The chosen sender, or the first of the channel; one of another channel counts as none chosen.
    async fn sender(
        &self,
        app: &AppState,
        channel: Channel,
        faults: &mut Faults,
    ) -> PageResult<Option<Sender>> {
        let of_channel = senders::list(&app.store, Some(channel)).await?;
        let chosen = of_channel
            .iter()
            .find(|sender| sender.address.as_str() == self.sender)
            .or(of_channel.first())
            .cloned();
        if chosen.is_none() {
            faults.add("sender", "There is no sender for this channel; add one under Settings, Senders");
        }
        Ok(chosen)
    }

    fn send_at(&self, zone: Zone, now: Timestamp, faults: &mut Faults) -> Option<Timestamp> {
        if self.date.is_empty() && self.time.is_empty() {
            return None;
        }
        let day = if self.date.is_empty() {
            Ok(zone.date(&now))
        } else {
            self.date.parse().map_err(|_| "Write the date as 2026-08-18")
        };
        let day = faults.take("date", day)?;
        let time = if self.time.is_empty() {
            Err("Say at what time it starts".to_owned())
        } else {
            TimeOfDay::parse(&self.time).map_err(|error| error.to_string())
        };
        let at = instant_of(day, faults.take("time", time)?, zone.0);
        if at - now > chrono::Duration::days(366) {
            faults.add("date", "More than a year ahead");
        }
        Some(at)
    }

    fn pace(&self, faults: &mut Faults) -> Option<u32> {
        if self.pace.is_empty() {
            return None;
        }
        match self.pace.parse() {
            Ok(pace) if (1..=1_000).contains(&pace) => Some(pace),
            _ => {
                faults.add("pace", "Write a whole number from 1 to 1,000, or nothing");
                None
            }
        }
    }

    fn budget(&self, faults: &mut Faults) -> Option<Money> {
        if self.budget.is_empty() {
            return None;
        }
        let budget = faults.take("budget", Money::parse(&self.budget))?;
        if budget <= Money::ZERO {
            faults.add("budget", "A budget must be more than nothing");
        }
        Some(budget)
    }
}

/// The newest version over all languages: versions count through them, and a campaign speaks all of them.
async fn latest_version(app: &AppState, template: &TemplateVersion) -> PageResult<i32> {
    let variants = templates::variants(&app.store, template.template_id, i32::MAX).await?;
    Ok(variants.iter().map(|variant| variant.version).max().unwrap_or(template.version))
}
