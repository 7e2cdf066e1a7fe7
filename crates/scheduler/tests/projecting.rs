//! Months ahead, from what really was sent, approved and planned.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::TimeDelta;
use dakiya_core::budget::{Budget, WarningBasis};
use dakiya_core::encoding::Segments;
use dakiya_core::message::{Category, Channel, Direction};
use dakiya_core::money::Money;
use dakiya_core::projection::{Figures, LineKey, MonthProjection};
use dakiya_core::rate_card::{NoRate, RateItem};
use dakiya_core::reminder::{Holidays, PaymentFilter, ReminderRule, ReminderStep};
use dakiya_core::sender::{Sender, SenderAddress, SenderKind};
use dakiya_core::settings::Settings;
use dakiya_core::time::Month;
use dakiya_scheduler::clock::Clock as _;
use dakiya_scheduler::{AsOf, Basis};
use dakiya_store::inbound::{self, NewInbound};
use dakiya_store::{budgets, rate_cards, reminder_commitments, senders, templates};
use std::collections::BTreeMap;
use std::time::Duration;
use support::reminders::{day, live_until, owe, put, rule};
use support::{SENDER, TESTER, World, morning, phone};
use tokio_util::sync::CancellationToken;

fn november() -> Month {
    Month::parse("2026-11").unwrap()
}

fn rupees(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn outbound(category: Category) -> LineKey {
    LineKey { item: RateItem::Sms, direction: Direction::Outbound, category: Some(category) }
}

const INBOUND: LineKey = LineKey { item: RateItem::Sms, direction: Direction::Inbound, category: None };

async fn months(world: &World, from: Month, count: u32) -> Vec<MonthProjection> {
    world.commands.projection(from, count).await.unwrap().months
}

fn line(month: &MonthProjection, key: LineKey) -> Figures {
    month.lines.iter().find(|line| line.key == key).map(|line| line.figures).unwrap_or_default()
}

/// Every total is the sum of its lines.
fn adds_up(month: &MonthProjection) {
    let sum = |of: fn(&Figures) -> Money| month.lines.iter().map(|line| of(&line.figures)).sum::<Money>();
    assert_eq!(sum(|line| line.actual), month.total.actual, "{}", month.month);
    assert_eq!(sum(|line| line.committed), month.total.committed, "{}", month.month);
    assert_eq!(sum(Figures::whole), month.total.whole(), "{}", month.month);
}

/// People wrote on each of so many days until yesterday.
async fn people_wrote(world: &World, days: i64, rupees_a_day: &str) {
    for back in 1..=days {
        let new = NewInbound {
            twilio_sid: format!("SM{back:032x}"),
            from: phone(1).to_string(),
            recipient: SENDER.to_owned(),
            channel: Channel::Sms,
            body: "Thanks".to_owned(),
            keyword: None,
            segments: Segments(1),
            day: day("2026-11-22") - TimeDelta::days(back),
            estimated_cost: rupees(rupees_a_day),
            estimated_fx: None,
        };
        inbound::record(&world.store, &new, morning()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_approved_planned_and_rented_is_certain_and_the_rest_is_not_guessed() {
    let (world, clock) = World::with_manual_clock().await;
    world.approved("Hello {{name}}", Category::Promotional, 0..3).await;
    owe(&world, 10..20, "2026-11-26").await;
    owe(&world, 20..24, "2026-12-02").await;
    put(&world, &rule(&[-3, 0], "11:00")).await;
    let projection = world.commands.projection(november(), 3).await.unwrap();
    assert!(matches!(projection.basis, Basis::TooShort(_)), "{:?}", projection.basis);
    let [november, december, january] = &projection.months[..] else { unreachable!() };
    projection.months.iter().for_each(adds_up);
    assert!(projection.months.iter().all(|month| month.total.projected.is_none()));
    assert_eq!(line(november, outbound(Category::Promotional)).committed, rupees("2.40"));
    assert_eq!(line(november, outbound(Category::Service)).committed, rupees("19.20"));
    assert_eq!(line(december, outbound(Category::Service)).committed, rupees("3.20"));
    // The rent is certain until it is booked, and spent from then on; the months after follow.
    assert_eq!(
        (line(november, LineKey::RENT).committed, line(january, LineKey::RENT).committed),
        (rupees("150"), rupees("150"))
    );
    assert_eq!(january.total.committed, rupees("150"));
    world.engine.account(&CancellationToken::new()).await.unwrap();
    live_until(&world, &clock, "2026-11-22T23:30:00+05:30").await;
    let projection = world.commands.projection(november.month, 1).await.unwrap();
    let sent = &projection.months[0];
    adds_up(sent);
    // What pages break this month down by is what its figure was added up from.
    let broken_down = projection.this_month.iter().map(|line| line.costs.spent()).sum::<Money>();
    assert_eq!(broken_down, sent.total.actual);
    assert_eq!(
        line(sent, LineKey::RENT),
        Figures { actual: rupees("150"), committed: Money::ZERO, projected: None }
    );
    let offer = line(sent, outbound(Category::Promotional));
    assert_eq!(offer.committed, Money::ZERO);
    assert!(offer.actual > Money::ZERO);
    assert_eq!(line(sent, outbound(Category::Service)).committed, rupees("19.20"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_history_the_whole_month_is_projected_and_budgets_warn_of_it() {
    let (world, _) = World::with_manual_clock().await;
    people_wrote(&world, 90, "100").await;
    world.approved("Hello {{name}}", Category::Promotional, 0..3).await;
    world.engine.account(&CancellationToken::new()).await.unwrap();
    let projection = world.commands.projection(november().plus(0), 24).await.unwrap();
    assert!(matches!(projection.basis, Basis::Forecast { days: 90, .. }), "{:?}", projection.basis);
    let months = &projection.months;
    months.iter().for_each(adds_up);
    // Twenty-one days are over, nine remain; the rent is booked; the campaign waits.
    let november = &months[0];
    assert_eq!(line(november, INBOUND).projected.unwrap().expected.rounded_to_paise(), rupees("3000"));
    assert_eq!(november.total.projected.unwrap().expected.rounded_to_paise(), rupees("3152.40"));
    assert_eq!(months[1].total.projected.unwrap().expected.rounded_to_paise(), rupees("3250"));
    assert!(months[12].total.projected.is_some() && months[13].total.projected.is_none());
    // What is over has been spent, and nothing else.
    let october = &self::months(&world, Month::parse("2026-10").unwrap(), 1).await[0];
    let over = Figures { actual: rupees("3100"), committed: Money::ZERO, projected: None };
    assert_eq!((october.total, october.lines.len()), (over, 1));
    let budget =
        Budget { month: november.month, amount: rupees("4000"), stop: false, warn_at: vec![60, 75, 100] };
    budgets::put(&world.store, &budget, &TESTER, morning()).await.unwrap();
    // What December will cost is known in November.
    let december =
        Budget { month: months[1].month, amount: rupees("3000"), stop: true, warn_at: vec![100, 110] };
    budgets::put(&world.store, &december, &TESTER, morning()).await.unwrap();
    world.engine.account(&CancellationToken::new()).await.unwrap();
    let given = async |month| {
        let given = budgets::warnings(&world.store, month).await.unwrap();
        given.iter().map(|given| (given.warning.basis, given.warning.percent)).collect::<Vec<_>>()
    };
    assert_eq!(given(november.month).await, [(WarningBasis::Forecast, 60), (WarningBasis::Forecast, 75)]);
    assert_eq!(given(december.month).await, [(WarningBasis::Forecast, 100)]);
    let expected = world.commands.expected(&[november.month, months[2].month]).await.unwrap();
    let of = |month: &MonthProjection| (month.month, month.total.whole());
    assert_eq!(expected, BTreeMap::from([of(november), of(&months[2])]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reminders_are_committed_at_the_quotes_of_their_runs_however_rules_overlap() {
    let (world, _) = World::with_manual_clock().await;
    let long = templates::TemplateText {
        name: "Long".to_owned(),
        category: Category::Transactional,
        channel: Channel::Sms,
        language: None,
        body: format!("{{{{name}}}} owes {{{{amount}}}}. {}", "Please pay. ".repeat(14)),
        dlt: None,
        content_sid: None,
    };
    templates::put(&world.store, "long", &long, &TESTER, morning()).await.unwrap();
    for (n, due) in ["2026-11-22", "2026-11-30", "2026-12-15", "2027-03-01"].into_iter().enumerate() {
        owe(&world, n as u64 * 10..n as u64 * 10 + 7, due).await;
    }
    let first = rule(&[-3, 0, 3], "23:00");
    let steps = vec![
        ReminderStep { offset_days: 0, template: Some("long".to_owned()) },
        ReminderStep { offset_days: 7, template: None },
    ];
    let payments = PaymentFilter { most: Some(rupees("1250")), ..PaymentFilter::default() };
    let second = ReminderRule { name: "Second".to_owned(), steps, payments, ..rule(&[], "22:00") };
    let nobody = PaymentFilter { least: Some(rupees("5000")), ..PaymentFilter::default() };
    let third = ReminderRule { name: "Nobody".to_owned(), payments: nobody, ..rule(&[1], "21:00") };
    let mut quoted: BTreeMap<Month, Money> = BTreeMap::new();
    let (window, holidays) = (Settings::default().reminder_window, Holidays::default());
    for (key, rule) in [("first", first), ("second", second), ("third", third)] {
        let stored = world.commands.put_reminder_rule(key, &rule, &TESTER).await.unwrap();
        for run in world.commands.coming_runs(&rule, Some(&stored), 100, 0).await.unwrap() {
            // In the evening it is too late: they go in the morning.
            let goes_at = rule.hours(&window, chrono_tz::Asia::Kolkata, &holidays).opening(run.run.at);
            let day = dakiya_core::time::day_in(goes_at, chrono_tz::Asia::Kolkata);
            *quoted.entry(Month::of(day)).or_default() += run.reckoned.cost;
        }
    }
    assert_eq!(quoted.len(), 4, "{quoted:?}");
    for month in months(&world, november(), 6).await {
        let reminders = month.total.committed - line(&month, LineKey::RENT).committed;
        assert_eq!(reminders, quoted.get(&month.month).copied().unwrap_or_default(), "{}", month.month);
        adds_up(&month);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_very_many_payments_are_due_figures_are_kept_with_their_time() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..5_001, "2026-11-26").await;
    put(&world, &rule(&[0], "11:00")).await;
    let service =
        async || line(&months(&world, november(), 1).await[0], outbound(Category::Service)).committed;
    assert_eq!(service().await, rupees("4000.80"));
    let kept = reminder_commitments::kept(&world.store).await.unwrap().unwrap();
    owe(&world, 6_000..6_010, "2026-11-26").await;
    clock.advance(Duration::from_secs(60));
    world.engine.project().await.unwrap();
    let projection = world.commands.projection(november(), 1).await.unwrap();
    assert_eq!(projection.reminders_as_of, kept.at, "still those of a minute ago, and they say so");
    clock.advance(Duration::from_secs(600));
    world.engine.project().await.unwrap();
    assert_eq!(service().await, rupees("4008.80"));
    let projection = world.commands.projection(november(), 1).await.unwrap();
    assert_eq!(projection.reminders_as_of, clock.now());
    let next = world.commands.next_runs().await.unwrap();
    assert_eq!(next.as_of, AsOf::Then(clock.now()));
    let (_, runs) = &next.rules[0];
    let figures: Vec<_> = runs.as_ref().unwrap().iter().map(|run| run.reckoned.will_send).collect();
    assert_eq!(figures, [5_011]);
    let today = world.commands.runs_until(clock.now() + chrono::TimeDelta::days(5)).await.unwrap();
    assert_eq!(today.iter().map(|(_, run)| run.reckoned.will_send).collect::<Vec<_>>(), [5_011]);
    assert!(world.commands.runs_until(clock.now()).await.unwrap().is_empty());
    let (stored, run) = (&today[0].0, today[0].1.run);
    world.commands.skip_run(stored, run, &TESTER).await.unwrap();
    let next = world.commands.next_runs().await.unwrap();
    assert!(next.rules[0].1.as_ref().unwrap()[0].skipped.is_some(), "what a person decides is seen at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_price_is_named_beside_the_figures_it_is_missing_from() {
    let (world, _) = World::with_manual_clock().await;
    let unpriced = || async {
        let projection = world.commands.projection(november(), 1).await.unwrap();
        projection.unpriced.iter().map(NoRate::what).collect::<Vec<_>>()
    };
    assert_eq!(unpriced().await, Vec::<String>::new());
    let today = day("2026-11-22");
    let mut card = rate_cards::get(&world.store, "setup-guide").await.unwrap().unwrap();
    card.rows.retain(|row| row.item == RateItem::Sms);
    rate_cards::put(&world.store, &card, &TESTER, morning(), today).await.unwrap();
    assert_eq!(unpriced().await, ["a number's rent"]);
    // A channel may come after the card was chosen.
    let address = SenderAddress::parse("+15005550009", SenderKind::Whatsapp).unwrap();
    let whatsapp = Sender {
        address,
        kind: SenderKind::Whatsapp,
        segments_per_second: 10,
        promotional: false,
        monthly_rent: None,
    };
    senders::put(&world.store, &whatsapp, &TESTER, morning()).await.unwrap();
    assert_eq!(unpriced().await, ["WhatsApp out", "a number's rent"]);
}
