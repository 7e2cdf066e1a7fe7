//! From a figure of a month to its messages: the same ones that the roll-up counts, page by page.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::TimeDelta;
use dakiya_core::ids::{Id, ReminderRuleId, TemplateId};
use dakiya_core::message::Category;
use dakiya_core::money::Money;
use dakiya_core::time::Month;
use dakiya_store::Store;
use dakiya_store::costs::{self, CostLine};
use dakiya_store::messages::{self, Answer, ChargedTo, Message, NewMessage};
use support::sending::{SENDER, accepted, answer, campaign, enqueue, new_message, sender, take_at};
use support::{later, now, phone};

const KOLKATA: chrono_tz::Tz = chrono_tz::Asia::Kolkata;

fn november() -> Month {
    Month::parse("2026-11").unwrap()
}

fn template() -> TemplateId {
    TemplateId::new(now(), [7; 10])
}

fn from_template(n: u64) -> NewMessage {
    NewMessage { template: Some((template(), 1)), ..new_message(n) }
}

/// Every page, two messages at a time.
async fn all(store: &Store, month: Month, to: ChargedTo, expected: u64) -> Vec<Message> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let end = month.plus(1).start(KOLKATA);
        let page = messages::charged(store, month, end, to, expected, cursor.as_ref(), 2).await.unwrap();
        assert!(page.items.len() <= 2);
        found.extend(page.items);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
}

async fn figure(store: &Store, month: Month, of: impl Fn(&CostLine) -> bool) -> (u64, Money) {
    let lines = costs::month(store, month).await.unwrap();
    let lines = lines.iter().filter(|line| of(line));
    let sums = lines.fold((0, Money::ZERO), |(messages, estimated), line| {
        (messages + line.costs.messages, estimated + line.costs.estimated)
    });
    (u64::try_from(sums.0).unwrap(), sums.1)
}

fn estimated(messages: &[Message]) -> Money {
    messages.iter().map(|message| message.estimated_cost).sum()
}

on_both_databases! {
    async fn the_messages_behind_a_templates_figure_are_those_the_roll_up_counts(store: Store) {
        sender(&store, SENDER, 100).await;
        let mut ids = Vec::new();
        for n in 0..7 {
            ids.push(enqueue(&store, from_template(n)).await.id);
        }
        // Written down in November, sent in December; and one of another template.
        let december = now() + TimeDelta::days(12);
        for n in 10..13 {
            ids.push(enqueue(&store, NewMessage { due_at: december, ..from_template(n) }).await.id);
        }
        enqueue(&store, new_message(20)).await;
        take_at(&store, now()).await;
        for (n, id) in (0..).zip(&ids[..5]) {
            answer(&store, *id, accepted(n), later(1)).await;
        }
        answer(&store, ids[5], Answer::Rejected { code: 21211, consequence: None }, later(1)).await;
        answer(&store, ids[6], Answer::NotSent { retry_after: None, why: "429".to_owned() }, later(1)).await;

        let of_template = |line: &CostLine| line.template == Some(template());
        let (count, estimate) = figure(&store, november(), of_template).await;
        let found = all(&store, november(), ChargedTo::Template(template()), count).await;
        assert_eq!((found.len() as u64, estimated(&found)), (count, estimate));
        let mut expected = ids[..5].to_vec();
        expected.reverse();
        assert_eq!(found.iter().map(|message| message.id).collect::<Vec<_>>(), expected, "the newest first");
        // The list ends where the figure does, and shows no more than there is when the figure grew meanwhile.
        assert_eq!(all(&store, november(), ChargedTo::Template(template()), 3).await.len(), 3);
        assert_eq!(all(&store, november(), ChargedTo::Template(template()), 99).await.len(), 5);

        take_at(&store, december).await;
        let (count, _) = figure(&store, november().plus(1), of_template).await;
        let found = all(&store, november().plus(1), ChargedTo::Template(template()), count).await;
        assert!(count >= 3 && found.len() as u64 == count, "{count}: {found:?}");
        assert!(found.iter().all(|message| Month::of(message.cost_day.unwrap()) == november().plus(1)));
    }

    async fn a_campaigns_figure_leads_to_its_messages_and_a_name(store: Store) {
        sender(&store, SENDER, 100).await;
        let people = [phone(1), phone(2), phone(3)];
        let winter = campaign(&store, "Winter", Category::Service, &people).await;
        take_at(&store, now()).await;
        let lines = costs::month(&store, november()).await.unwrap();
        assert_eq!(costs::names(&store, &lines).await.unwrap().campaigns[&winter.id], "Winter");
        let found = all(&store, november(), ChargedTo::Campaign(winter.id), 3).await;
        assert_eq!(found.len(), 3);
        let nobody = ReminderRuleId::new(now(), [1; 10]);
        assert_eq!(all(&store, november(), ChargedTo::Rule(nobody), 3).await, []);
        assert_eq!(costs::first_month(&store).await.unwrap(), Some(november()));
    }
}
