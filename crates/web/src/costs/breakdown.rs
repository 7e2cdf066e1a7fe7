//! A month's lines, added up by what they have in common. Whatever the lines are added up by, the totals are the same.

use super::MonthReport;
use super::words::{category_or_none, direction_words, item_words, what_words};
use dakiya_core::apportion;
use dakiya_core::ids::{CampaignId, ReminderRuleId, TemplateId};
use dakiya_core::money::Money;
use dakiya_store::costs::{CostLine, Costs, Names};
use std::collections::BTreeMap;

/// What to add up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    What,
    Channel,
    Direction,
    Category,
    Template,
    Campaign,
    Rule,
    Sender,
}

/// Lines that have something in common.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// As people call it.
    pub(crate) label: String,
    /// What else there is to say, such as a template's key.
    pub(crate) note: String,
    /// The query that leads to its messages, if there are any to show.
    pub(crate) messages: Option<(&'static str, String)>,
    /// Exact.
    pub(crate) costs: Costs,
    /// What is shown of the estimate and of what was spent.
    pub(crate) estimated: Money,
    pub(crate) spent: Money,
}

/// What lines have in common that belong together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group<'a> {
    /// As people call it.
    Words(&'a str),
    /// The vendor's own totals of something.
    FromRecords(&'a str),
    Template(TemplateId),
    Campaign(CampaignId),
    Rule(ReminderRuleId),
}

impl Group<'_> {
    /// A row of it, without figures.
    fn row(self, names: &Names) -> Row {
        let plain = |label: String| Row {
            label,
            note: String::new(),
            messages: None,
            costs: Costs::default(),
            estimated: Money::ZERO,
            spent: Money::ZERO,
        };
        let linked = |found: Option<(&str, &str)>, what: &'static str, id: String| {
            let (label, note) = found.unwrap_or(("Not known any more", ""));
            Row { note: note.to_owned(), messages: Some((what, id)), ..plain(label.to_owned()) }
        };
        match self {
            Group::Words(words) => plain(words.to_owned()),
            Group::FromRecords(words) => plain(format!("{words}, from Twilio’s records")),
            Group::Template(id) => {
                let found = names.templates.get(&id).map(|(key, name)| (name.as_str(), key.as_str()));
                linked(found, By::Template.word(), id.to_string())
            }
            Group::Campaign(id) => {
                let found = names.campaigns.get(&id).map(|name| (name.as_str(), ""));
                linked(found, By::Campaign.word(), id.to_string())
            }
            Group::Rule(id) => {
                let found = names.rules.get(&id).map(|(key, name)| (name.as_str(), key.as_str()));
                linked(found, By::Rule.word(), id.to_string())
            }
        }
    }
}

impl By {
    /// Everything a month is broken down by beside its first table.
    pub(crate) const ALL: [By; 7] =
        [By::Channel, By::Direction, By::Category, By::Template, By::Campaign, By::Rule, By::Sender];

    /// As an address spells it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            By::What => "what",
            By::Channel => "channel",
            By::Direction => "direction",
            By::Category => "category",
            By::Template => "template",
            By::Campaign => "campaign",
            By::Rule => "rule",
            By::Sender => "sender",
        }
    }

    /// The head of its table.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            By::What => "What it was for",
            By::Channel => "By channel",
            By::Direction => "By direction",
            By::Category => "By category",
            By::Template => "By template",
            By::Campaign => "By campaign",
            By::Rule => "By reminder rule",
            By::Sender => "By sender",
        }
    }

    /// The head of its first column.
    pub(crate) const fn column(self) -> &'static str {
        match self {
            By::What => "Line",
            By::Channel => "Channel",
            By::Direction => "Direction",
            By::Category => "Category",
            By::Template => "Template",
            By::Campaign => "Campaign",
            By::Rule => "Reminder rule",
            By::Sender => "Sender",
        }
    }

    fn group(self, line: &CostLine) -> Group<'_> {
        // Twilio's totals know neither category nor template, campaign, rule and sender.
        let of_ours = |group| {
            if line.is_from_usage_records() { Group::Words("From Twilio’s records") } else { group }
        };
        match self {
            By::What if line.is_from_usage_records() => {
                Group::FromRecords(what_words(line.item, line.direction))
            }
            By::What => Group::Words(what_words(line.item, line.direction)),
            By::Channel => Group::Words(item_words(line.item)),
            By::Direction => Group::Words(direction_words(line.item, line.direction)),
            By::Category => of_ours(Group::Words(category_or_none(line.category))),
            By::Template => of_ours(line.template.map_or(Group::Words("No template"), Group::Template)),
            By::Campaign => of_ours(line.campaign.map_or(Group::Words("No campaign"), Group::Campaign)),
            By::Rule => of_ours(line.reminder_rule.map_or(Group::Words("No reminder rule"), Group::Rule)),
            By::Sender if line.sender.is_empty() => Group::Words("No sender"),
            By::Sender => of_ours(Group::Words(&line.sender)),
        }
    }
}

impl MonthReport {
    /// The month's lines added up, the dearest first. What is shown adds up to what the month shows.
    pub(crate) fn by(&self, by: By) -> Vec<Row> {
        let mut groups: BTreeMap<Group, Row> = BTreeMap::new();
        for line in &self.lines {
            let group = by.group(line);
            let row = groups.entry(group).or_insert_with(|| group.row(&self.names));
            row.costs = row.costs + line.costs;
        }
        let mut rows: Vec<Row> = groups.into_values().collect();
        rows.sort_by(|a, b| b.costs.spent().cmp(&a.costs.spent()).then_with(|| a.label.cmp(&b.label)));
        let column = |of: fn(&Costs) -> Money, total| {
            apportion::to_total(&rows.iter().map(|row| of(&row.costs)).collect::<Vec<_>>(), total)
        };
        let spent = column(Costs::spent, self.spent.shown);
        let estimated = column(|costs| costs.estimated, self.estimated.shown);
        for ((row, spent), estimated) in rows.iter_mut().zip(spent).zip(estimated) {
            row.spent = spent;
            row.estimated = estimated;
        }
        rows
    }

    /// What a template, campaign or rule cost in the month.
    pub(crate) fn of_group(&self, by: By, id: &str) -> Option<Row> {
        self.by(by).into_iter().find(|row| row.messages.as_ref().is_some_and(|(_, found)| found == id))
    }
}
