//! A month's lines, added up by what they have in common. Whatever the lines are added up by, the totals are the same.

use super::MonthReport;
use super::words::{category_or_none, direction_words, item_words, what_words};
use dakiya_core::apportion;
use dakiya_core::money::Money;
use dakiya_store::costs::{CostLine, Costs};
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

struct Group {
    key: String,
    label: String,
    note: String,
    messages: Option<(&'static str, String)>,
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

    fn group(self, report: &MonthReport, line: &CostLine) -> Group {
        let names = &report.names;
        let plain = |label: &str| Group {
            key: label.to_owned(),
            label: label.to_owned(),
            note: String::new(),
            messages: None,
        };
        let named = |id: String, found: Option<(&str, &str)>, what: &'static str| {
            let (label, note) = found.unwrap_or(("Not known any more", ""));
            let (label, note) = (label.to_owned(), note.to_owned());
            Group { label, note, messages: Some((what, id.clone())), key: id }
        };
        if line.is_from_usage_records() {
            return match self {
                By::What => {
                    plain(&format!("{}, from Twilio’s records", what_words(line.item, line.direction)))
                }
                By::Channel => plain(item_words(line.item)),
                By::Direction => plain(direction_words(line.item, line.direction)),
                // Twilio's totals know none of these.
                By::Category | By::Template | By::Campaign | By::Rule | By::Sender => {
                    plain("From Twilio’s records")
                }
            };
        }
        match self {
            By::What => plain(what_words(line.item, line.direction)),
            By::Channel => plain(item_words(line.item)),
            By::Direction => plain(direction_words(line.item, line.direction)),
            By::Category => plain(category_or_none(line.category)),
            By::Sender if line.sender.is_empty() => plain("No sender"),
            By::Sender => plain(&line.sender),
            By::Template => line.template.map_or_else(
                || plain("No template"),
                |id| {
                    let found = names.templates.get(&id).map(|(key, name)| (name.as_str(), key.as_str()));
                    named(id.to_string(), found, "template")
                },
            ),
            By::Campaign => line.campaign.map_or_else(
                || plain("No campaign"),
                |id| {
                    named(
                        id.to_string(),
                        names.campaigns.get(&id).map(|name| (name.as_str(), "")),
                        "campaign",
                    )
                },
            ),
            By::Rule => line.reminder_rule.map_or_else(
                || plain("No reminder rule"),
                |id| {
                    let found = names.rules.get(&id).map(|(key, name)| (name.as_str(), key.as_str()));
                    named(id.to_string(), found, "rule")
                },
            ),
        }
    }
}

impl MonthReport {
    /// The month's lines added up, the dearest first. What is shown adds up to what the month shows.
    pub(crate) fn by(&self, by: By) -> Vec<Row> {
        let mut groups: BTreeMap<String, Row> = BTreeMap::new();
        for line in &self.lines {
            let Group { key, label, note, messages } = by.group(self, line);
            let row = groups.entry(key).or_insert_with(|| Row {
                label,
                note,
                messages,
                costs: Costs::default(),
                estimated: Money::ZERO,
                spent: Money::ZERO,
            });
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
