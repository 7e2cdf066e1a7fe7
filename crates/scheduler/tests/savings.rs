//! Wasted money: found in what went out, done away with by a click, and the saving measured.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::message::{Category, Channel, Status, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::savings::Waste;
use dakiya_scheduler::clock::Clock;
use dakiya_scheduler::{TextFix, WasteFound, WasteReport, WasteSubject};
use dakiya_simulator::Fate;
use dakiya_store::audit::Actor;
use dakiya_store::inbound::{self, NewInbound};
use dakiya_store::savings::{self, FixError, TemplateFix};
use dakiya_store::{contacts, templates};
use std::time::Duration;
use support::{SENDER, TESTER, World, morning, phone};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

const WASTEFUL: &str = "Test: Payment pending for {{name}}, request 123. Amount: ₹500. Pay now: https://pay.example.in/pay?r=123";

fn rupees(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn of(report: &WasteReport, waste: Waste) -> Option<&WasteFound> {
    report.found.iter().find(|found| found.waste == waste)
}

/// The click that the report offers.
fn click(found: &WasteFound) -> TextFix {
    let WasteSubject::Text { version, .. } = &found.subject else { panic!("{found:?}") };
    TextFix {
        key: version.key.clone(),
        language: version.language.clone(),
        version: version.version,
        waste: found.waste,
    }
}

async fn sent(world: &World, body: &str, people: std::ops::Range<u64>) {
    world.approved(body, Category::Service, people).await;
    world.run().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rupee_sign_is_priced_taken_out_by_a_click_and_the_saving_is_measured() {
    let (world, clock) = World::with_manual_clock().await;
    sent(&world, WASTEFUL, 0..3).await;
    let report = world.commands.waste().await.unwrap();
    let found = of(&report, Waste::RupeeSign).unwrap();
    assert_eq!((found.messages, found.per_message, found.per_month), (3, rupees("0.80"), rupees("2.40")));

    let fix = click(found);
    let saved = world.commands.fix_text(&fix, &TESTER).await.unwrap();
    assert_eq!(saved.body, WASTEFUL.replace('₹', "Rs."));
    let again = world.commands.fix_text(&fix, &TESTER).await;
    assert!(matches!(again, Err(FixError::Changed(_))), "a second click changes nothing: {again:?}");
    let report = world.commands.waste().await.unwrap();
    assert_eq!(of(&report, Waste::RupeeSign), None, "yesterday's texts say it no longer");
    assert_eq!(report.done[0].saved, Money::ZERO, "it counts from the next day on");

    clock.advance(DAY);
    sent(&world, &saved.body, 10..12).await;
    let done = &world.commands.waste().await.unwrap().done[0];
    assert_eq!((done.messages, done.saved), (2, rupees("1.60")));
    assert_eq!((done.key.as_deref(), done.fix.expected), (Some("test"), rupees("2.40")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_after_two_changes_of_one_template_is_measured_once() {
    let (world, clock) = World::with_manual_clock().await;
    sent(&world, WASTEFUL, 0..3).await;
    let report = world.commands.waste().await.unwrap();
    let first =
        world.commands.fix_text(&click(of(&report, Waste::RupeeSign).unwrap()), &TESTER).await.unwrap();
    let before = world.commands.waste().await.unwrap().done[0].fix.clone();
    // The same day somebody mends another language, or the same one once more.
    let body = first.body.replace("Pay now", "Pay");
    let second = TemplateFix {
        waste: Waste::JustOver,
        key: first.key.clone(),
        version: first.version,
        text: templates::TemplateText {
            name: first.name.clone(),
            category: first.category,
            channel: first.channel,
            language: Some(first.language.clone()),
            body: body.clone(),
            dlt: None,
            content_sid: None,
        },
        expected: rupees("1"),
        segment_price: before.segment_price,
        before: before.before,
        counted_from: before.counted_from,
    };
    savings::fix_template(&world.store, &second, &TESTER, clock.now()).await.unwrap();
    clock.advance(DAY);
    sent(&world, &body, 10..12).await;
    let done = world.commands.waste().await.unwrap().done;
    let counted: Vec<_> = done.iter().map(|done| (done.messages, done.saved)).collect();
    assert_eq!(counted, [(2, rupees("1.60")), (0, Money::ZERO)]);
    assert_eq!((done[0].until, done[1].until), (None, before.counted_from.pred_opt()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_number_that_takes_no_messages_is_given_up_and_only_once() {
    let (world, _) = World::with_manual_clock().await;
    let healthy = world.commands.suppress_number(phone(2), &TESTER).await;
    assert!(matches!(healthy, Err(FixError::NotDead(_))), "{healthy:?}");
    world.simulator.faults().ends(&phone(1).to_string(), Fate::Undeliver(30_003));
    for n in [1, 1, 1] {
        world.message(n, Category::Service).await;
        world.run().await;
    }
    for _ in 0..2 {
        world.commands.suppress_number(phone(1), &TESTER).await.unwrap();
    }
    let done = world.commands.waste().await.unwrap().done;
    assert_eq!((done.len(), done[0].fix.phone), (1, Some(phone(1))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_whose_failures_cost_nothing_loses_nothing() {
    let (world, _) = World::with_manual_clock().await;
    world.simulator.faults().ends(&phone(1).to_string(), Fate::Fail(30_005));
    for n in [1, 1, 1] {
        world.message(n, Category::Service).await;
        world.run().await;
    }
    assert_eq!(of(&world.commands.waste().await.unwrap(), Waste::DeadNumber), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_language_that_wastes_is_changed() {
    let (world, _) = World::with_manual_clock().await;
    sent(&world, WASTEFUL, 0..2).await;
    let hindi = templates::TemplateText {
        name: "Test".to_owned(),
        category: Category::Service,
        channel: Channel::Sms,
        language: Some("hi".to_owned()),
        body: "{{name}}, ₹500 बाकी है। कृपया आज ही भुगतान करें ताकि आपकी सेवा चलती रहे और आपको कोई परेशानी न हो।"
            .to_owned(),
        dlt: None,
        content_sid: None,
    };
    templates::put(&world.store, "test", &hindi, &TESTER, morning()).await.unwrap();
    let report = world.commands.waste().await.unwrap();
    let found = of(&report, Waste::RupeeSign).unwrap();
    world.commands.fix_text(&click(found), &TESTER).await.unwrap();
    let kept = templates::get(&world.store, "test", Some("hi")).await.unwrap().unwrap();
    assert!(kept.body.contains('₹'));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_never_takes_a_message_is_priced_and_no_longer_written_to() {
    let (world, clock) = World::with_manual_clock().await;
    world.simulator.faults().ends(&phone(1).to_string(), Fate::Undeliver(30_003));
    for n in [1, 1, 1, 2] {
        world.message(n, Category::Service).await;
        world.run().await;
    }
    let report = world.commands.waste().await.unwrap();
    let found = of(&report, Waste::DeadNumber).unwrap();
    assert_eq!((&found.subject, found.messages), (&WasteSubject::Number(phone(1)), 3));
    assert_eq!(found.per_month, found.per_message * 3);

    world.commands.suppress_number(phone(1), &TESTER).await.unwrap();
    assert!(
        world.commands.enqueue(support::request(&phone(1).to_string(), Category::Service)).await.is_err()
    );
    // More messages an hour to one number would be refused.
    clock.advance(HOUR.saturating_mul(2));
    sent(&world, "Hello {{name}}", 1..3).await;
    let suppressed =
        world.log().await.into_iter().find(|message| message.status == Status::Suppressed).unwrap();
    assert_eq!(
        (suppressed.phone.number(), suppressed.suppressed_reason),
        (Some(phone(1)), Some(SuppressedReason::Unreachable))
    );
    let after = world.commands.waste().await.unwrap();
    assert_eq!(of(&after, Waste::DeadNumber), None);
    assert_eq!((after.done[0].messages, after.done[0].saved), (1, found.per_message));

    assert!(contacts::try_again(&world.store, phone(1), &TESTER, morning()).await.unwrap());
    let tried = world.message(1, Category::Service).await;
    world.run().await;
    assert_eq!(world.reload(&tried).await.status, Status::Undelivered, "it was posted again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatsapp_is_named_for_those_it_reaches() {
    let (world, _) = World::with_manual_clock().await;
    let whatsapp = dakiya_core::sender::Sender {
        address: dakiya_core::sender::SenderAddress::stored("+14155238886".to_owned()),
        kind: dakiya_core::sender::SenderKind::Whatsapp,
        segments_per_second: 10,
        promotional: true,
        monthly_rent: None,
    };
    dakiya_store::senders::put(&world.store, &whatsapp, &TESTER, morning()).await.unwrap();
    sent(&world, WASTEFUL, 0..4).await;
    let report = world.commands.waste().await.unwrap();
    assert_eq!(of(&report, Waste::CheaperOnWhatsapp), None, "nobody is known to use it");
    wrote_by_whatsapp(&world, 2).await;
    let report = world.commands.waste().await.unwrap();
    // Two segments at ₹0.80 against one message at ₹0.60, for one person in four.
    let found = of(&report, Waste::CheaperOnWhatsapp).unwrap();
    assert_eq!((found.messages, found.per_month), (1, rupees("1.00")));
}

async fn wrote_by_whatsapp(world: &World, n: u64) {
    let (day, estimated_cost, estimated_fx) =
        world.commands.inbound_cost(Channel::Whatsapp, dakiya_core::encoding::Segments(1)).await.unwrap();
    let new = NewInbound {
        twilio_sid: "SM1".to_owned(),
        from: phone(n).to_string(),
        recipient: SENDER.to_owned(),
        channel: Channel::Whatsapp,
        body: "Thanks".to_owned(),
        keyword: None,
        segments: dakiya_core::encoding::Segments(1),
        day,
        estimated_cost,
        estimated_fx,
    };
    inbound::record(&world.store, &new, morning()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_went_out_nothing_is_wasted() {
    let (world, _) = World::with_manual_clock().await;
    let report = world.commands.waste().await.unwrap();
    assert_eq!((report.found, report.done), (Vec::new(), Vec::new()));
    let nobody =
        TextFix { key: "nothing".to_owned(), language: "en".to_owned(), version: 1, waste: Waste::RupeeSign };
    assert!(world.commands.fix_text(&nobody, &Actor::System("test")).await.is_err());
}
