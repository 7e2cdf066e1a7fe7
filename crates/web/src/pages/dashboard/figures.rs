//! Figures of the month and of the last seven days.

use crate::AppState;
use crate::error::PageResult;
use crate::filters::percent;
use crate::pages::campaigns::gst_words;
use dakiya_core::apportion;
use dakiya_core::budget::Standing;
use dakiya_core::ids::TemplateId;
use dakiya_core::message::{Channel, Status};
use dakiya_core::money::Money;
use dakiya_core::time::Month;
use dakiya_store::overview::SentGroup;
use dakiya_store::{budgets, costs, settings, templates};
use std::collections::BTreeMap;

const MOST_TEMPLATES: usize = 6;

/// This month's money, before tax, in paise.
pub(super) struct Spend {
    pub(super) actual: Money,
    pub(super) unpriced: Money,
    /// Set aside for messages of approved campaigns that have not been sent.
    pub(super) to_come: Money,
    pub(super) total: Money,
    pub(super) actual_share: String,
    pub(super) total_share: &'static str,
    pub(super) words: String,
    pub(super) gst_words: String,
}

/// The last seven days.
pub(super) struct Week {
    pub(super) sent: u64,
    pub(super) sms: u64,
    pub(super) whatsapp: u64,
    pub(super) failed: u64,
    pub(super) delivered_share: String,
    pub(super) failed_share: String,
    pub(super) opted_out: u64,
    pub(super) cost_per_delivered: String,
    /// Its first day, for links.
    pub(super) from: String,
}

/// A template and what it did.
pub(super) struct TemplateRow {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) channel: Channel,
    pub(super) class: &'static str,
    pub(super) sent: u64,
    pub(super) delivered_share: String,
    pub(super) cost: Money,
    /// Per cent of the dearest.
    pub(super) share: String,
}

/// This month's money, from roll-ups: the log is not read.
pub(super) async fn spend(app: &AppState) -> PageResult<Spend> {
    let month = Month::of(app.today());
    let lines = costs::month(&app.store, month).await?;
    let actual: Money = lines.iter().map(|line| line.costs.actual).sum();
    let unpriced: Money = lines.iter().map(|line| line.costs.outstanding).sum();
    let standing =
        Standing { spent: actual + unpriced, reserved: budgets::standing(&app.store, month).await?.reserved };
    let settings = settings::get(&app.store).await?;
    let gst = settings.gst.on(standing.committed());
    // What is shown adds up, and what is spent is what the costs page shows.
    let shown = standing.shown();
    let (to_come, total) = (shown.reserved, shown.committed());
    let halves = apportion::to_total(&[actual, unpriced], shown.spent);
    let (actual, unpriced) = (halves[0], halves[1]);
    Ok(Spend {
        actual,
        unpriced,
        to_come,
        total,
        actual_share: share(actual, total),
        total_share: if total == Money::ZERO { "0" } else { "100" },
        words: format!(
            "{} charged, {} in all with what is on its way",
            actual.with_sign(),
            total.with_sign()
        ),
        gst_words: if gst == Money::ZERO {
            gst_words(&settings) + "."
        } else {
            format!("{}: {} more.", gst_words(&settings), gst.with_sign())
        },
    })
}

/// Per cent with two decimals, for a drawing.
fn share(part: Money, whole: Money) -> String {
    if whole <= Money::ZERO {
        return "0".to_owned();
    }
    let hundredths = part.rupees() * rust_decimal::Decimal::ONE_HUNDRED / whole.rupees();
    hundredths.round_dp(2).to_string()
}

/// It arrived.
pub(super) fn is_delivered(status: Status) -> bool {
    matches!(status, Status::Delivered | Status::Read)
}

/// It did not.
pub(super) fn is_failed(status: Status) -> bool {
    matches!(status, Status::Undelivered | Status::Failed | Status::Rejected)
}

/// It went to Twilio, or may have.
fn is_sent(status: Status) -> bool {
    !matches!(
        status,
        Status::Queued | Status::Posting | Status::Suppressed | Status::Expired | Status::Canceled
    )
}

fn may_be_charged(status: Status) -> bool {
    is_sent(status) && status != Status::Rejected
}

/// Messages in some statuses.
pub(super) fn count(groups: &[SentGroup], which: impl Fn(Status) -> bool) -> u64 {
    groups.iter().filter(|group| which(group.status)).map(|group| group.messages).sum()
}

/// The week in one line.
pub(super) fn summed(groups: &[SentGroup], opted_out: u64, from: String) -> Week {
    let sent = count(groups, is_sent);
    let of_channel = |channel| {
        groups
            .iter()
            .filter(|group| group.channel == channel && is_sent(group.status))
            .map(|group| group.messages)
            .sum()
    };
    let (delivered, failed) = (count(groups, is_delivered), count(groups, is_failed));
    let cost: Money = groups
        .iter()
        .filter(|group| may_be_charged(group.status))
        .map(|group| group.actual_cost + group.unpriced)
        .sum();
    Week {
        sent,
        sms: of_channel(Channel::Sms),
        whatsapp: of_channel(Channel::Whatsapp),
        failed,
        delivered_share: percent(delivered, delivered + failed),
        failed_share: percent(failed, delivered + failed),
        opted_out,
        cost_per_delivered: if delivered == 0 {
            "–".to_owned()
        } else {
            Money::new(cost.rupees() / rust_decimal::Decimal::from(delivered)).with_sign()
        },
        from,
    }
}

/// Templates by what they cost, the dearest first.
pub(super) async fn templates_used(app: &AppState, week: &[SentGroup]) -> PageResult<Vec<TemplateRow>> {
    let mut by_template: BTreeMap<(Option<TemplateId>, Channel), Vec<SentGroup>> = BTreeMap::new();
    for group in week.iter().filter(|group| is_sent(group.status)) {
        by_template.entry((group.template, group.channel)).or_default().push(group.clone());
    }
    let cost =
        |groups: &[SentGroup]| groups.iter().map(|group| group.actual_cost + group.unpriced).sum::<Money>();
    let mut used: Vec<_> =
        by_template.into_iter().map(|(key, groups)| (cost(&groups), key, groups)).collect();
    used.sort_by_key(|(cost, _, _)| std::cmp::Reverse(*cost));
    let dearest = used.first().map_or(Money::ZERO, |(cost, _, _)| *cost);
    let mut rows = Vec::new();
    for (cost, (template, channel), groups) in used.into_iter().take(MOST_TEMPLATES) {
        let known = match template {
            Some(id) => templates::variants(&app.store, id, i32::MAX).await?.into_iter().next(),
            None => None,
        };
        let (key, name) = known.map_or_else(
            || (String::new(), "Without a template".to_owned()),
            |version| (version.key, version.name),
        );
        let (delivered, failed) = (count(&groups, is_delivered), count(&groups, is_failed));
        rows.push(TemplateRow {
            key,
            name,
            channel,
            class: if channel == Channel::Whatsapp { "wa" } else { "" },
            sent: count(&groups, is_sent),
            delivered_share: percent(delivered, delivered + failed),
            cost,
            share: share(cost, dearest),
        });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(status: Status, messages: u64) -> SentGroup {
        SentGroup {
            template: None,
            channel: Channel::Sms,
            status,
            messages,
            actual_cost: Money::from_micros(800_000) * messages,
            unpriced: Money::ZERO,
        }
    }

    #[test]
    fn what_was_deliberately_not_sent_is_not_counted_as_sent() {
        let week = summed(
            &[
                group(Status::Delivered, 90),
                group(Status::Failed, 10),
                group(Status::Suppressed, 50),
                group(Status::Queued, 7),
            ],
            3,
            String::new(),
        );
        assert_eq!((week.sent, week.failed), (100, 10));
        assert_eq!(week.delivered_share, "90%");
    }
}
