//! What the savings finder reads, and what is kept of what was done.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::message::{Channel, EventSource, Status};
use dakiya_core::money::Money;
use dakiya_core::savings::{Traffic, Waste};
use dakiya_store::messages::{self, NewMessage, StatusReport};
use dakiya_store::savings::{self, FixError, TemplateFix};
use dakiya_store::templates::{self, TemplateText, TemplateVersion};
use dakiya_store::{Store, contacts};
use std::collections::BTreeSet;
use support::sending::{SENDER, accepted, answer, enqueue, new_message, sender, sid, take_at};
use support::{TESTER, later, now, phone};

fn text(body: &str) -> TemplateText {
    TemplateText {
        name: "Fees".to_owned(),
        category: dakiya_core::message::Category::Service,
        channel: Channel::Sms,
        language: None,
        body: body.to_owned(),
        dlt: None,
        content_sid: None,
    }
}

async fn template(store: &Store) -> TemplateVersion {
    templates::put(store, "fees", &text("Pay ₹{{amount}}."), &TESTER, now()).await.unwrap()
}

/// A message that went out and ended so.
async fn ended(store: &Store, new: NewMessage, n: u64, status: Status, error_code: Option<u32>) {
    let message = enqueue(store, new).await;
    take_at(store, later(1)).await;
    answer(store, message.id, accepted(n), later(2)).await;
    let report = StatusReport {
        message_id: Some(message.id),
        sid: sid(n),
        status,
        error_code,
        consequence: None,
        at: later(3),
        source: EventSource::Callback,
    };
    messages::apply_status(store, report).await.unwrap();
}

fn day(text: &str) -> chrono::NaiveDate {
    text.parse().unwrap()
}

on_both_databases! {
    async fn traffic_and_the_latest_texts_are_those_of_a_template(store: Store) {
        sender(&store, SENDER, 1_000).await;
        let fees = template(&store).await;
        for n in 0..3 {
            let new = NewMessage { template: Some((fees.template_id, fees.version)), ..new_message(n) };
            ended(&store, new, n, Status::Delivered, None).await;
        }
        ended(&store, new_message(3), 3, Status::Delivered, None).await;
        let today = day("2026-11-22");
        let traffic = savings::template_traffic(&store, today, today).await.unwrap();
        assert_eq!(traffic.into_iter().collect::<Vec<_>>(), [(fees.template_id, Traffic { messages: 3, segments: 3 })]);
        let before = savings::template_traffic(&store, day("2026-10-22"), day("2026-11-21")).await.unwrap();
        assert!(before.is_empty());
        let texts = savings::latest_texts(&store, fees.template_id, now(), 2).await.unwrap();
        assert_eq!(texts.len(), 2, "no more than asked for");
        assert!(texts.iter().all(|text| text.version == fees.version && text.body.starts_with("Hello")));
        let none = savings::latest_texts(&store, fees.template_id, later(3_600), 2).await.unwrap();
        assert_eq!(none, []);
    }

    async fn a_number_is_dead_when_several_messages_failed_because_of_it_and_none_arrived(store: Store) {
        sender(&store, SENDER, 1_000).await;
        let mut n = 0;
        for (person, ends) in [
            (1, [Some(30_003), Some(30_003), Some(30_005)]),
            (2, [Some(30_003), Some(30_003), None]),
            (3, [Some(30_007), Some(30_007), Some(30_007)]),
        ] {
            for code in ends {
                n += 1;
                let status = if code.is_some() { Status::Undelivered } else { Status::Delivered };
                let new = NewMessage { dedupe_key: format!("m{n}"), phone: phone(person), ..new_message(person) };
                ended(&store, new, n, status, code).await;
            }
        }
        let codes = [30_003, 30_005];
        let dead = savings::dead_numbers(&store, now(), &codes, 2, 10).await.unwrap();
        let found: Vec<_> = dead.iter().map(|dead| (dead.phone, dead.messages, dead.cost.to_plain())).collect();
        assert_eq!(found, [(phone(1), 3, "2.40".to_owned())]);
        assert_eq!(savings::dead_numbers(&store, later(3_600), &codes, 2, 10).await.unwrap(), []);

        savings::suppress(&store, phone(1), (3, dead[0].cost), day("2026-11-23"), &TESTER, now()).await.unwrap();
        assert_eq!(savings::dead_numbers(&store, now(), &codes, 2, 10).await.unwrap(), []);
        assert!(contacts::get(&store, phone(1)).await.unwrap().unwrap().unreachable_since.is_some());
        let done = savings::fixes(&store, 10).await.unwrap();
        assert_eq!((done[0].waste, done[0].before.messages, done[0].expected), (Waste::DeadNumber, 3, dead[0].cost));
        let contact = done[0].contact.unwrap();
        assert_eq!(savings::spared(&store, contact, now()).await.unwrap(), 0);

        assert!(contacts::try_again(&store, phone(1), &TESTER, later(5)).await.unwrap());
        assert!(!contacts::try_again(&store, phone(1), &TESTER, later(5)).await.unwrap(), "once is enough");
        contacts::erase(&store, phone(1), &TESTER, later(6)).await.unwrap();
        assert_eq!(savings::spared(&store, contact, now()).await.unwrap(), 0);
    }

    async fn whoever_got_a_whatsapp_message_uses_it(store: Store) {
        sender(&store, SENDER, 1_000).await;
        ended(&store, new_message(1), 1, Status::Delivered, None).await;
        let people = BTreeSet::from([phone(1), phone(2)]);
        assert!(savings::on_whatsapp(&store, &people, now()).await.unwrap().is_empty());
    }

    async fn a_text_that_was_changed_meanwhile_is_not_overwritten(store: Store) {
        let fees = template(&store).await;
        let fix = TemplateFix {
            waste: Waste::RupeeSign,
            key: "fees".to_owned(),
            version: fees.version,
            text: TemplateText { language: Some("en".to_owned()), ..text("Pay Rs.{{amount}}.") },
            expected: Money::parse("80").unwrap(),
            segment_price: Money::parse("0.80").unwrap(),
            before: Traffic { messages: 100, segments: 200 },
            counted_from: day("2026-11-23"),
        };
        templates::put(&store, "fees", &text("Please pay ₹{{amount}}."), &TESTER, later(1)).await.unwrap();
        let late = savings::fix_template(&store, &fix, &TESTER, later(2)).await;
        assert!(matches!(late, Err(FixError::Changed(_))), "{late:?}");
        assert_eq!(savings::fixes(&store, 10).await.unwrap(), []);

        let fix = TemplateFix { version: 2, ..fix };
        let saved = savings::fix_template(&store, &fix, &TESTER, later(3)).await.unwrap();
        assert_eq!((saved.version, saved.body.as_str()), (3, "Pay Rs.{{amount}}."));
        let done = savings::fixes(&store, 10).await.unwrap();
        assert_eq!(done[0].template, Some((fees.template_id, "en".to_owned(), 3)));
        assert_eq!((done[0].before, done[0].expected), (fix.before, fix.expected));
    }
}
