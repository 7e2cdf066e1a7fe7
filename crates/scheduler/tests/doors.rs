//! What is asked of the engine: messages, quotes, approvals, tests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::api_key::KeyKind;
use dakiya_core::consent::Consent;
use dakiya_core::ids::{ApiKeyId, Id as _};
use dakiya_core::message::{Category, Channel, Status, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::opt_out::{OptOutScope, OptOutSource};
use dakiya_core::template::Variables;
use dakiya_core::time::day_in;
use dakiya_scheduler::{
    CommandError, Content, EnqueueRequest, ListQuote, ListRecipient, OptOutRequest, QuotedText, SendNowError,
};
use dakiya_store::audit::Actor;
use dakiya_store::campaigns::CampaignError;
use dakiya_store::contacts::{self, ContactFields};
use dakiya_store::settings;
use std::time::Duration;
use support::{TESTER, World, phone, request};

fn stop(n: u64) -> OptOutRequest {
    OptOutRequest {
        phone: phone(n),
        scope: OptOutScope::All,
        source: OptOutSource::Person,
        evidence: "asked on the phone".to_owned(),
        actor: Actor::System("test"),
    }
}

async fn code(world: &World, request: EnqueueRequest) -> &'static str {
    world.commands.enqueue(request).await.unwrap_err().code().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_door_says_why_it_turns_a_message_away() {
    let (world, _) = World::with_manual_clock().await;
    let to = phone(1).to_string();
    let template =
        |key: &str| Content::Template { key: key.to_owned(), variables: Variables::new(), language: None };
    let body = |text: &str| Content::Body { text: text.to_owned(), category: Category::Service };
    let plain = || request(&to, Category::Service);
    assert_eq!(code(&world, EnqueueRequest { to: "12".to_owned(), ..plain() }).await, "invalid_phone");
    assert_eq!(
        code(&world, EnqueueRequest { to: "+447911123456".to_owned(), ..plain() }).await,
        "country_not_allowed"
    );
    assert_eq!(
        code(&world, EnqueueRequest { content: template("nothing"), ..plain() }).await,
        "unknown_template"
    );
    assert_eq!(
        code(&world, EnqueueRequest { content: template("otp"), ..plain() }).await,
        "missing_variable"
    );
    assert_eq!(code(&world, EnqueueRequest { content: body("{{"), ..plain() }).await, "invalid_template");
    assert_eq!(
        code(&world, EnqueueRequest { content: body(&"x".repeat(1_601)), ..plain() }).await,
        "body_too_long"
    );
    assert_eq!(
        code(&world, EnqueueRequest { sender: Some("+15005550000".to_owned()), ..plain() }).await,
        "unknown_sender"
    );
    assert_eq!(
        code(&world, EnqueueRequest { channel: Some(Channel::Whatsapp), ..plain() }).await,
        "unknown_sender"
    );
    let team = Some((ApiKeyId::new(world.clock.now(), [1; 10]), KeyKind::Team));
    assert_eq!(code(&world, EnqueueRequest { key: team, ..plain() }).await, "recipient_not_in_team");
    for _ in 0..5 {
        world.commands.enqueue(plain()).await.unwrap();
    }
    assert_eq!(code(&world, plain()).await, "rate_limited");
    world.commands.opt_out(stop(2)).await.unwrap();
    assert_eq!(code(&world, request(&phone(2).to_string(), Category::Service)).await, "recipient_opted_out");
    world.commands.opt_in(stop(2)).await.unwrap();
    world.commands.enqueue(request(&phone(2).to_string(), Category::Service)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_twice_with_one_key_is_one_message() {
    let (world, _) = World::with_manual_clock().await;
    let keyed =
        || EnqueueRequest { dedupe_key: Some("order-7".to_owned()), ..request("98765 43210", Category::Otp) };
    let first = world.commands.enqueue(keyed()).await.unwrap();
    assert_eq!(world.commands.enqueue(keyed()).await.unwrap().id, first.id);
    assert_eq!(first.estimated_cost, Money::parse("0.80").unwrap());
    world.run().await;
    assert_eq!(world.simulator.post_count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_key_reaches_nobody_and_costs_nothing() {
    let (world, _) = World::with_manual_clock().await;
    let key = Some((ApiKeyId::new(world.clock.now(), [1; 10]), KeyKind::Test));
    let message = world
        .commands
        .enqueue(EnqueueRequest { key, ..request("9876543210", Category::Service) })
        .await
        .unwrap();
    world.run().await;
    assert_eq!((message.status, message.estimated_cost), (Status::Delivered, Money::ZERO));
    assert_eq!(world.simulator.post_count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_sent_now_waits_for_twilios_answer() {
    let (world, _) = World::with_manual_clock().await;
    let sent = world.commands.send_now(request("9876543210", Category::Service)).await.unwrap();
    assert_eq!(world.simulator.ledger()[0].sid.as_deref(), Some(sent.sid.as_str()));
    world.simulator.faults().reject("+919876543211", 21610);
    let refused = world.commands.send_now(request("9876543211", Category::Service)).await;
    assert!(matches!(&refused, Err(SendNowError::NotSent(why)) if why.contains("21610")), "{refused:?}");
    world.simulator.refuse_connections().await;
    let offline = world.commands.send_now(request("9876543212", Category::Service)).await;
    assert!(matches!(offline, Err(SendNowError::NotSent(_))));
    world.simulator.accept_connections().await;
    world.commands.stop_sending("a drill", &TESTER).await.unwrap();
    let stopped = world.commands.send_now(request("9876543213", Category::Service)).await;
    assert!(matches!(&stopped, Err(SendNowError::NotSent(why)) if why.contains("a drill")));
    assert_eq!(world.simulator.post_count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_is_bound_to_audience_text_and_cost() {
    let (world, _) = World::with_manual_clock().await;
    let id = world.draft("Hello {{name}}", Category::Service, 0..10).await;
    let quoted = world.commands.quote_campaign(id).await.unwrap();
    assert_eq!(world.commands.quote_campaign(id).await.unwrap().quote, quoted.quote);
    world.commands.opt_out(stop(3)).await.unwrap();
    let refused = world.commands.approve_campaign(id, &quoted.quote, &TESTER).await;
    assert!(matches!(refused, Err(CommandError::Campaign(CampaignError::QuoteChanged))));
    let quoted = world.commands.quote_campaign(id).await.unwrap();
    assert_eq!(quoted.estimate.suppressed[&SuppressedReason::OptedOut], 1);
    let mut draft = world.campaign(id).await.draft;
    draft.budget = Some(Money::parse("7").unwrap());
    dakiya_store::campaigns::update(&world.store, id, &draft, &TESTER, world.clock.now()).await.unwrap();
    let over = world.commands.approve_campaign(id, &quoted.quote, &TESTER).await;
    assert!(matches!(over, Err(CommandError::OverBudget { .. })), "{over:?}");
    draft.budget = Some(Money::parse("7.20").unwrap());
    dakiya_store::campaigns::update(&world.store, id, &draft, &TESTER, world.clock.now()).await.unwrap();
    let campaign = world.commands.approve_campaign(id, &quoted.quote, &TESTER).await.unwrap();
    assert_eq!((campaign.reserved, campaign.quote), (Money::parse("7.20").unwrap(), Some(quoted.quote)));
    world.run().await;
    let counts = world.counts(id).await;
    assert_eq!((counts.of(Status::Delivered), counts.of(Status::Suppressed), counts.total()), (9, 1, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_contacts_of_a_tag_get_their_own_text() {
    let (world, _) = World::with_manual_clock().await;
    for (n, name) in [(1, "Asha"), (2, "Binod")] {
        let fields = contacts::ContactFields {
            name: Some(name.to_owned()),
            tags: Some(vec!["pune".to_owned()]),
            ..contacts::ContactFields::default()
        };
        contacts::put(&world.store, phone(n), &fields, &TESTER, world.clock.now()).await.unwrap();
    }
    let id = world.draft("Hello {{name}}. {{opt_out_url}}", Category::Service, []).await;
    let mut draft = world.campaign(id).await.draft;
    draft.audience.tags = vec!["pune".to_owned()];
    dakiya_store::campaigns::update(&world.store, id, &draft, &TESTER, world.clock.now()).await.unwrap();
    let quoted = world.commands.quote_campaign(id).await.unwrap();
    world.commands.approve_campaign(id, &quoted.quote, &TESTER).await.unwrap();
    world.run().await;
    let ledger = world.simulator.ledger();
    let mut bodies: Vec<String> = ledger.iter().map(|post| post.body.to_string()).collect();
    bodies.sort();
    assert!(
        bodies[0].starts_with("Hello Asha. http") && bodies[1].starts_with("Hello Binod. http"),
        "{bodies:?}"
    );
    assert_ne!(bodies[0].split("t=").nth(1), bodies[1].split("t=").nth(1));
    assert_eq!(bodies[0].split("t=").nth(1).map(str::len), Some(22));
    assert_eq!(quoted.estimate.segments, ledger.iter().map(|post| u64::from(post.segments)).sum::<u64>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_quoted_row_by_row_and_each_number_counts_once() {
    let (world, _) = World::with_manual_clock().await;
    world.commands.opt_out(stop(3)).await.unwrap();
    let row = |n: u64, name: Option<&str>| ListRecipient {
        phone: phone(n),
        language: None,
        variables: name.map(|name| ("name".to_owned(), name.to_owned())).into_iter().collect(),
    };
    let quote = ListQuote {
        text: QuotedText::Body { text: "{{name}}, ₹500 due".to_owned(), category: Category::Service },
        channel: Channel::Sms,
        sender: None,
        send_at: None,
        segments_per_second: None,
    };
    let long = "x".repeat(80);
    let rows =
        vec![row(1, Some("A")), row(2, Some(&long)), row(1, Some("B")), row(3, Some("C")), row(4, None)];
    let quoted = world.commands.quote_list(quote, rows).await.unwrap();
    let estimate = &quoted.estimate;
    assert_eq!((estimate.recipients, estimate.sendable, estimate.segments), (5, 2, 3));
    for reason in [SuppressedReason::Duplicate, SuppressedReason::OptedOut, SuppressedReason::MissingVariable]
    {
        assert_eq!(estimate.suppressed[&reason], 1, "{reason}");
    }
    assert_eq!(estimate.cost.expected, Money::parse("2.40").unwrap());
    assert!(quoted.savings.iter().any(|saving| saving.segments == 1), "{:?}", quoted.savings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_key_reaches_the_team() {
    let (world, _) = World::with_manual_clock().await;
    let mut wanted = settings::get(&world.store).await.unwrap();
    wanted.team_numbers = vec!["+919876543210".to_owned()];
    settings::update(
        &world.store,
        &wanted,
        &TESTER,
        world.clock.now(),
        day_in(world.clock.now(), chrono_tz::Asia::Kolkata),
    )
    .await
    .unwrap();
    let key = Some((ApiKeyId::new(world.clock.now(), [1; 10]), KeyKind::Team));
    world
        .commands
        .enqueue(EnqueueRequest { key, ..request("98765-43210", Category::Service) })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_whose_timers_stop_calling_is_not_alive() {
    let (world, clock) = World::with_manual_clock().await;
    clock.advance(Duration::from_secs(60));
    assert!(world.commands.engine_is_alive(), "a process that runs no engine has none to miss");
    world.engine.beat();
    clock.advance(Duration::from_secs(30));
    assert!(world.commands.engine_is_alive());
    clock.advance(Duration::from_secs(1));
    assert!(!world.commands.engine_is_alive());
    world.engine.beat();
    assert!(world.commands.engine_is_alive());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_consent_is_demanded_nobody_gets_an_offer_without_it_whenever_it_was_withdrawn() {
    let (world, _) = World::with_manual_clock().await;
    let demanding = settings::get(&world.store).await.unwrap();
    let demanding = dakiya_core::settings::Settings { require_consent: true, ..demanding };
    let now = world.clock.now();
    settings::update(&world.store, &demanding, &TESTER, now, now.date_naive()).await.unwrap();
    let say = async |n: u64, consent: Consent| {
        let fields = ContactFields { consent: Some(consent), ..ContactFields::default() };
        contacts::put(&world.store, phone(n), &fields, &TESTER, now).await.unwrap();
    };
    let agreed = || Consent::Given { at: None, evidence: Some("form".to_owned()) };
    say(1, agreed()).await;
    say(2, agreed()).await;
    say(3, Consent::Withdrawn).await;
    let body = "VehicAid: 20 percent off, {{name}}. {{opt_out_url}}";
    let id = world.approved(body, Category::Promotional, 1..=4).await;
    world.engine.plan(&Default::default()).await.unwrap();
    // When the message waits already.
    say(2, Consent::Withdrawn).await;
    world.run().await;
    let posted: Vec<String> = world.simulator.ledger().iter().map(|post| post.to.to_string()).collect();
    assert_eq!(posted, [phone(1).to_string()]);
    let counts = world.counts(id).await;
    assert_eq!((counts.of(Status::Delivered), counts.of(Status::Suppressed)), (1, 3));
}
