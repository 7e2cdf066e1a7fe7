//! What projections read: traffic that nobody schedules, reservations of campaigns, and kept costs of reminders.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::TimeDelta;
use dakiya_core::campaign::CampaignState;
use dakiya_core::message::{Category, Channel, Direction, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::rate_card::RateItem;
use dakiya_core::reminder::ReminderRun;
use dakiya_core::sender::SenderAddress;
use dakiya_core::time::Month;
use dakiya_store::campaigns::{self, Committed};
use dakiya_store::costs::{self, DayCost, Rent};
use dakiya_store::messages::{NewMessage, NewReminder};
use dakiya_store::reminder_commitments::{self, ByMonth, Kept};
use dakiya_store::reminder_next_runs::{self, NextRun};
use dakiya_store::{Store, budgets, templates};
use support::sending::{
    SENDER, accepted, answer, approve, campaign, draft, enqueue, new_message, sender, take_at,
};
use support::{TESTER, later, now, phone};

fn november() -> Month {
    Month::parse("2026-11").unwrap()
}

fn rupees(text: &str) -> Money {
    Money::parse(text).unwrap()
}

on_both_databases! {
    async fn only_traffic_that_nobody_schedules_is_forecast(store: Store) {
        sender(&store, SENDER, 1_000).await;
        campaign(&store, "Diwali", Category::Service, &[phone(1), phone(2)]).await;
        enqueue(&store, NewMessage { category: Category::Otp, ..new_message(3) }).await;
        enqueue(&store, NewMessage { category: Category::Otp, ..new_message(4) }).await;
        for (n, message) in take_at(&store, now()).await.to_post.into_iter().enumerate() {
            answer(&store, message.id, accepted(n as u64), later(1)).await;
        }
        let day = "2026-11-22".parse().unwrap();
        let rent = Rent { sender: SenderAddress::stored(SENDER.to_owned()), channel: Channel::Sms, cost: rupees("150") };
        costs::book_rents(&store, std::slice::from_ref(&rent), day).await.unwrap();
        assert_eq!(costs::booked(&store, november()).await.unwrap(), [(rent.channel, rent.sender)]);
        assert_eq!(costs::booked(&store, november().plus(1)).await.unwrap(), []);
        let found = costs::run_rate(&store, day - TimeDelta::days(7), day).await.unwrap();
        let otps = DayCost {
            day, item: RateItem::Sms, direction: Direction::Outbound, category: Some(Category::Otp), spent: rupees("1.60"),
        };
        assert_eq!(found, [otps]);
        assert_eq!(costs::run_rate(&store, day - TimeDelta::days(7), day - TimeDelta::days(1)).await.unwrap(), []);
    }

    // Whatever becomes of campaigns, projections and budgets count the same rupees.
    async fn what_campaigns_will_cost_is_what_budgets_set_aside(store: Store) {
        sender(&store, SENDER, 1_000).await;
        let equal = async || -> Money {
            let committed = campaigns::committed(&store).await.unwrap();
            let sum: Money = committed.iter().map(|one| one.cost).sum();
            assert_eq!(sum, budgets::standing(&store, november()).await.unwrap().reserved);
            sum
        };
        assert_eq!(equal().await, Money::ZERO);
        let offer = draft(&store, "Offer", Category::Promotional, |_| {}).await;
        let rows = [phone(1), phone(2)].map(|phone| campaigns::NewRecipient {
            phone, language: None, variables: Default::default(),
        });
        campaigns::add_recipients(&store, offer.id, rows.to_vec(), &TESTER, now()).await.unwrap();
        approve(&store, offer.id, 2).await;
        assert_eq!(equal().await, rupees("1.60"));
        let notice = campaign(&store, "Notice", Category::Service, &[phone(3), phone(4), phone(5)]).await;
        assert_eq!(equal().await, rupees("4.00"));
        let committed = campaigns::committed(&store).await.unwrap();
        let of = |category, cost| Committed { month: november(), channel: Channel::Sms, category, cost: rupees(cost) };
        assert_eq!(committed, [of(Category::Service, "2.40"), of(Category::Promotional, "1.60")]);
        // A later version of the template in another category changes nothing about what was approved.
        let text = templates::TemplateText {
            name: "Notice".to_owned(), category: Category::Promotional, channel: Channel::Sms, language: None,
            body: "Buy".to_owned(), dlt: None, content_sid: None,
        };
        templates::put(&store, "Notice", &text, &TESTER, later(1)).await.unwrap();
        assert_eq!(campaigns::committed(&store).await.unwrap(), committed);
        campaigns::pause(&store, notice.id, None, &TESTER, later(1)).await.unwrap();
        assert_eq!(equal().await, rupees("4.00"));
        campaigns::resume(&store, notice.id, &TESTER, later(2)).await.unwrap();
        let taken = take_at(&store, later(2)).await.to_post;
        assert_eq!(equal().await, rupees("4.00") - rupees("0.80") * taken.len() as u64);
        let canceled = campaigns::cancel(&store, notice.id, &TESTER, later(3)).await.unwrap();
        assert_eq!((canceled.state, equal().await), (CampaignState::Canceled, rupees("1.60")));
    }

    async fn of_several_processes_one_makes_new_figures(store: Store) {
        assert_eq!(reminder_commitments::kept(&store).await.unwrap(), None);
        let claim = async |at, stale| {
            reminder_commitments::claim(&store, later(at), later(stale), later(at + 60)).await.unwrap()
        };
        assert!(claim(0, 0).await);
        assert!(!claim(1, 1).await);
        // Who claimed it is gone.
        assert!(claim(61, 61).await);
        let key = |month, category| (month, Channel::Sms, category);
        let costs = ByMonth::from([
            (key(november(), Category::Service), rupees("10.40")),
            (key(november().plus(1), Category::Service), rupees("3.20")),
        ]);
        let made = Kept { at: later(70), took: TimeDelta::seconds(9), costs };
        reminder_commitments::keep(&store, &made, &[]).await.unwrap();
        assert_eq!(reminder_commitments::kept(&store).await.unwrap(), Some(made.clone()));
        assert!(!claim(80, 60).await);
        assert!(claim(200, 190).await);
        let none = Kept { at: later(210), took: TimeDelta::zero(), costs: ByMonth::new() };
        reminder_commitments::keep(&store, &none, &[]).await.unwrap();
        assert_eq!(reminder_commitments::kept(&store).await.unwrap(), Some(none));
    }

    async fn the_next_runs_are_kept_with_the_figures_they_were_made_with(store: Store) {
        let next = |days: u32| NextRun {
            rule: store_id(1),
            run: ReminderRun {
                at: later(i64::from(days) * 86_400),
                step: -3,
                due_on: "2026-11-22".parse::<chrono::NaiveDate>().unwrap() + TimeDelta::days(days.into()),
            },
            suppressed: [(SuppressedReason::Paid, 2)].into(),
            will_send: 7,
            cost: rupees("5.60"),
        };
        let made = Kept { at: later(70), took: TimeDelta::seconds(9), costs: ByMonth::new() };
        reminder_commitments::keep(&store, &made, &[next(2), next(1)]).await.unwrap();
        assert_eq!(reminder_next_runs::kept(&store, now()).await.unwrap(), [next(1), next(2)]);
        assert_eq!(reminder_next_runs::kept(&store, later(86_400)).await.unwrap(), [next(2)], "what came is past");
        reminder_commitments::keep(&store, &made, &[next(3)]).await.unwrap();
        assert_eq!(reminder_next_runs::kept(&store, now()).await.unwrap(), [next(3)]);
    }

    async fn reminders_that_wait_are_neither_spent_nor_forgotten(store: Store) {
        sender(&store, SENDER, 1_000).await;
        let reminder = |n, due: i64| NewMessage {
            due_at: later(due),
            reminder: Some(NewReminder {
                payment: store_id(n), rule: store_id(900), step: 0, due_on: "2026-11-22".parse().unwrap(), revision: 1,
                text: String::new(), fallback_at: None,
            }),
            ..new_message(n)
        };
        enqueue(&store, new_message(1)).await;
        enqueue(&store, reminder(2, 10)).await;
        enqueue(&store, reminder(3, 20)).await;
        enqueue(&store, reminder(4, 100)).await;
        let waiting = reminder_commitments::waiting(&store, later(50)).await.unwrap();
        let of = |soon, cost| (soon, Channel::Sms, Category::Service, rupees(cost));
        let sums: Vec<_> = waiting.iter().map(|(soon, channel, _, cost)| (*soon, *channel, Category::Service, *cost)).collect();
        assert_eq!(sums, [of(false, "0.80"), of(true, "1.60")]);
        assert!(reminder_commitments::more_wait_than(&store, 3).await.unwrap());
        assert!(!reminder_commitments::more_wait_than(&store, 4).await.unwrap());
    }
}

fn store_id<T: std::str::FromStr<Err: std::fmt::Debug>>(n: u64) -> T {
    format!("00000000-0000-7000-8000-{n:012}").parse().unwrap()
}
