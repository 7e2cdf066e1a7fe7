//! What this month's money went to: the templates, campaigns and rules that cost most.

use crate::AppState;
use crate::error::PageResult;
use dakiya_core::apportion;
use dakiya_core::ids::{CampaignId, ReminderRuleId, TemplateId};
use dakiya_core::money::Money;
use dakiya_store::costs::CostLine;
use dakiya_store::{campaigns, reminder_rules, templates};
use std::collections::BTreeMap;

/// Named one by one; the others are one line.
const NAMED: usize = 8;

/// One line; what was spent is in paise.
pub(super) struct Spender {
    pub(super) name: String,
    /// Where more is said about it; empty: nowhere.
    pub(super) href: String,
    pub(super) messages: i64,
    pub(super) spent: Money,
}

/// What was spent for whom; the lines add up to the month.
pub(super) struct Spenders {
    /// What the table is called, and its first column.
    pub(super) title: &'static str,
    pub(super) first: &'static str,
    pub(super) lines: Vec<Spender>,
    pub(super) messages: i64,
    pub(super) spent: Money,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Template(TemplateId),
    Campaign(CampaignId),
    Rule(ReminderRuleId),
    Other,
    /// The vendor's own totals, which know none of these.
    FromRecords,
}

impl What {
    /// Whether it is a line for what belongs to nothing that has a name.
    fn is_rest(self) -> bool {
        matches!(self, What::Other | What::FromRecords)
    }
}

/// By template.
pub(super) async fn by_template(app: &AppState, month: &[CostLine]) -> PageResult<Spenders> {
    let words = ("Spent so far by template", "Template");
    of(
        app,
        month,
        words,
        |line| line.template.map_or(What::Other, What::Template),
        "Rents, inbound and texts of their own",
    )
    .await
}

/// By campaign and reminder rule.
pub(super) async fn by_plan(app: &AppState, month: &[CostLine]) -> PageResult<Spenders> {
    let plan = |line: &CostLine| match (line.campaign, line.reminder_rule) {
        (Some(campaign), _) => What::Campaign(campaign),
        (None, Some(rule)) => What::Rule(rule),
        (None, None) => What::Other,
    };
    let words = ("Spent so far by campaign and reminder rule", "What for");
    of(app, month, words, plan, "Single messages, inbound and rents").await
}

async fn of(
    app: &AppState,
    month: &[CostLine],
    (title, first): (&'static str, &'static str),
    what: impl Fn(&CostLine) -> What,
    nothing: &str,
) -> PageResult<Spenders> {
    let mut sums: BTreeMap<What, (i64, Money)> = BTreeMap::new();
    for line in month {
        let what = if line.is_from_usage_records() { What::FromRecords } else { what(line) };
        let sum = sums.entry(what).or_default();
        sum.0 += line.costs.messages;
        sum.1 += line.costs.spent();
    }
    let mut ordered: Vec<(What, (i64, Money))> = sums.into_iter().collect();
    ordered.sort_by_key(|(what, (_, spent))| (what.is_rest(), std::cmp::Reverse(*spent)));
    let mut spenders = Spenders { title, first, lines: Vec::new(), messages: 0, spent: Money::ZERO };
    let mut others = (0_u64, 0_i64, Money::ZERO);
    for (what, (messages, spent)) in ordered {
        spenders.messages += messages;
        spenders.spent += spent;
        if spenders.lines.len() >= NAMED && !what.is_rest() {
            others = (others.0 + 1, others.1 + messages, others.2 + spent);
            continue;
        }
        let (name, href) = named(app, what, nothing).await?;
        spenders.lines.push(Spender { name, href, messages, spent });
    }
    if others.0 > 0 {
        let name = format!("{} more", others.0);
        spenders.lines.push(Spender { name, href: String::new(), messages: others.1, spent: others.2 });
    }
    spenders.spent = spenders.spent.rounded_to_paise();
    let exact: Vec<Money> = spenders.lines.iter().map(|line| line.spent).collect();
    for (line, shown) in spenders.lines.iter_mut().zip(apportion::to_total(&exact, spenders.spent)) {
        line.spent = shown;
    }
    Ok(spenders)
}

async fn named(app: &AppState, what: What, nothing: &str) -> PageResult<(String, String)> {
    let gone = || ("No longer there".to_owned(), String::new());
    Ok(match what {
        What::Template(id) => {
            let found = templates::variants(&app.store, id, i32::MAX).await?.into_iter().next();
            found.map_or_else(gone, |template| {
                let href = format!("/templates/{}", template.key);
                (template.name, href)
            })
        }
        What::Campaign(id) => campaigns::get(&app.store, id)
            .await?
            .map_or_else(gone, |campaign| (campaign.draft.name, format!("/campaigns/{id}"))),
        What::Rule(id) => reminder_rules::by_id(&app.store, id)
            .await?
            .map_or_else(gone, |stored| (stored.rule.name, format!("/reminders/rules/{}", stored.key))),
        What::Other => (nothing.to_owned(), String::new()),
        What::FromRecords => ("From Twilio’s records".to_owned(), String::new()),
    })
}
