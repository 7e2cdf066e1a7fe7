//! The schedule as tables, and its promises over whole histories.

use super::*;
use chrono::{Duration, NaiveDate};
use chrono_tz::{America::New_York, Asia::Kathmandu, Asia::Kolkata, Australia::Lord_Howe};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn time(text: &str) -> TimeOfDay {
    TimeOfDay::parse(text).unwrap()
}

fn rule(offsets: &[i32], when: &str, zone: Tz) -> ReminderRule {
    ReminderRule {
        name: "Fees".to_owned(),
        template: "payment_reminder".to_owned(),
        steps: offsets.iter().map(|days| ReminderStep { offset_days: *days, template: None }).collect(),
        at: time(when),
        zone: ZoneName(zone),
        channel: ReminderChannel::Sms,
        fallback_after_hours: 4,
        payments: PaymentFilter::default(),
        limits: ReminderLimits::default(),
        working_days_only: false,
        catch_up: true,
        maximum_lateness_hours: 24,
        enabled: true,
    }
}

fn window(from: &str, until: &str) -> crate::window::Window {
    crate::window::Window { from: time(from), until: time(until) }
}

/// What becomes of a run, when steps of the same due date were stopped.
fn decided(
    rule: &ReminderRule,
    run: &ReminderRun,
    holidays: &Holidays,
    stopped: &[i32],
    now: Timestamp,
) -> RunDecision {
    let (window, stopped) = (window("08:00", "19:00"), stopped.iter().copied().collect());
    let hours = rule.hours(&window, Kolkata, holidays);
    let facts = RunFacts { holidays, hours, on_time_within: ON_TIME_WITHIN, stopped: &stopped };
    decide_run(rule, run, &facts, now)
}

#[test]
fn a_step_comes_so_many_days_from_the_due_date_at_its_time() {
    for (zone, step, due_on, when, expected) in [
        (Kolkata, -3, "2026-12-01", "10:00", "2026-11-28T10:00:00+05:30"),
        (Kolkata, 0, "2026-12-01", "10:00", "2026-12-01T10:00:00+05:30"),
        // Month ends, and a year that has 29 February.
        (Kolkata, 3, "2026-12-30", "10:00", "2027-01-02T10:00:00+05:30"),
        (Kolkata, 7, "2027-02-25", "10:00", "2027-03-04T10:00:00+05:30"),
        (Kolkata, 1, "2028-02-28", "10:00", "2028-02-29T10:00:00+05:30"),
        (Kolkata, -1, "2028-03-01", "10:00", "2028-02-29T10:00:00+05:30"),
        (Kathmandu, -3, "2027-03-02", "09:15", "2027-02-27T09:15:00+05:45"),
        // Days are counted on the calendar: a day of 23 or 25 hours is a day.
        (New_York, 1, "2026-03-07", "10:00", "2026-03-08T10:00:00-04:00"),
        (New_York, -3, "2026-11-03", "10:00", "2026-10-31T10:00:00-04:00"),
        // A time that is skipped comes when clocks go on; one that comes twice, the first time.
        (New_York, 0, "2026-03-08", "02:30", "2026-03-08T03:00:00-04:00"),
        (New_York, 0, "2026-11-01", "01:30", "2026-11-01T01:30:00-04:00"),
        (Lord_Howe, 0, "2026-10-04", "02:15", "2026-10-04T02:30:00+11:00"),
        (Lord_Howe, 0, "2026-04-05", "01:45", "2026-04-05T01:45:00+11:00"),
    ] {
        let run = rule(&[step], when, zone).run(step, day(due_on), &Holidays::default());
        assert_eq!(run.at, at(expected), "{step} of {due_on} at {when} in {zone}");
    }
}

#[test]
fn sundays_and_holidays_are_left_alone_unless_asked() {
    let holidays = Holidays([day("2026-11-23"), day("2026-11-24")].into());
    let leaves = rule(&[0], "10:00", Kolkata);
    let moves = ReminderRule { working_days_only: true, ..leaves.clone() };
    // 22 November 2026 is a Sunday, the two days after it are holidays.
    for (due_on, left, moved) in [
        ("2026-11-21", "2026-11-21", "2026-11-21"),
        ("2026-11-22", "2026-11-22", "2026-11-25"),
        ("2026-11-24", "2026-11-24", "2026-11-25"),
        ("2026-11-25", "2026-11-25", "2026-11-25"),
        ("2026-11-29", "2026-11-29", "2026-11-30"),
    ] {
        let on =
            |rule: &ReminderRule| rule.run(0, day(due_on), &holidays).at.with_timezone(&Kolkata).date_naive();
        assert_eq!((on(&leaves), on(&moves)), (day(left), day(moved)), "{due_on}");
    }
    let found =
        moves.runs_between(at("2026-11-25T00:00:00+05:30"), at("2026-11-25T23:00:00+05:30"), &holidays);
    let due: Vec<NaiveDate> = found.iter().map(|run| run.due_on).collect();
    assert_eq!(due, [day("2026-11-22"), day("2026-11-23"), day("2026-11-24"), day("2026-11-25")]);
}

#[test]
fn the_runs_of_a_span_are_those_after_its_beginning_until_its_end() {
    let rule = rule(&[-3, 0, 3], "10:00", Kolkata);
    let ten = at("2026-11-22T10:00:00+05:30");
    let between = |after, through| rule.runs_between(after, through, &Holidays::default());
    let runs = between(ten - Duration::microseconds(1), ten);
    let found: Vec<_> = runs.iter().map(|run| (run.step, run.due_on)).collect();
    assert_eq!(found, [(-3, day("2026-11-25")), (0, day("2026-11-22")), (3, day("2026-11-19"))]);
    assert_eq!(between(ten, ten + Duration::hours(23)), []);
    assert_eq!(between(ten, ten + Duration::days(2)).len(), 6);
}

#[test]
fn a_run_is_on_time_for_a_minute_then_late_then_too_late() {
    let asked = rule(&[0], "10:00", Kolkata);
    let skips = ReminderRule { catch_up: false, ..asked.clone() };
    let run = asked.run(0, day("2026-11-23"), &Holidays::default());
    let ten = run.at;
    let decide = |rule: &ReminderRule, now| decided(rule, &run, &Holidays::default(), &[], now);
    let on_time = RunDecision::Send { send_at: ten, late: false };
    let late = |send_at| RunDecision::Send { send_at, late: true };
    let minute = Duration::seconds(60);
    for (now, caught_up, skipped) in [
        (ten, on_time, on_time),
        (ten + minute, on_time, on_time),
        (
            ten + minute + Duration::microseconds(1),
            late(ten + minute + Duration::microseconds(1)),
            RunDecision::Skip(SkipReason::Missed),
        ),
        // At night it waits for the window of the morning.
        (ten + Duration::hours(13), late(ten + Duration::hours(22)), RunDecision::Skip(SkipReason::Missed)),
        (ten + Duration::hours(24), late(ten + Duration::hours(24)), RunDecision::Skip(SkipReason::Missed)),
        (
            ten + Duration::hours(25),
            RunDecision::Skip(SkipReason::TooLate),
            RunDecision::Skip(SkipReason::Missed),
        ),
    ] {
        assert_eq!((decide(&asked, now), decide(&skips, now)), (caught_up, skipped), "{now}");
    }
}

#[test]
fn after_three_missed_steps_a_payment_gets_the_last_one_alone() {
    let rule = ReminderRule { maximum_lateness_hours: 168, ..rule(&[-1, 0, 1], "10:00", Kolkata) };
    let now = at("2026-11-24T12:00:00+05:30");
    let decide = |step| {
        let run = rule.run(step, day("2026-11-23"), &Holidays::default());
        decided(&rule, &run, &Holidays::default(), &[], now)
    };
    let superseded = RunDecision::Skip(SkipReason::Superseded);
    assert_eq!(
        [decide(-1), decide(0), decide(1)],
        [superseded, superseded, RunDecision::Send { send_at: now, late: true }]
    );
}

#[test]
fn a_missed_run_waits_for_a_working_day_and_closed_days_make_nothing_late() {
    let leaves = rule(&[0], "11:00", Kolkata);
    let moves = ReminderRule { working_days_only: true, ..leaves.clone() };
    // 28 November 2026 is a Saturday.
    let monday = Holidays([day("2026-11-30")].into());
    let saturday = |rule: &ReminderRule| rule.run(0, day("2026-11-28"), &Holidays::default());
    let decide = |rule: &ReminderRule, holidays: &Holidays, now| {
        decided(rule, &saturday(rule), holidays, &[], at(now))
    };
    let sends = |when| RunDecision::Send { send_at: at(when), late: true };
    let sunday = "2026-11-29T09:00:00+05:30";
    assert_eq!(decide(&leaves, &Holidays::default(), sunday), sends(sunday));
    for (holidays, now, ending) in [
        (&Holidays::default(), sunday, sends("2026-11-30T08:00:00+05:30")),
        (&monday, sunday, sends("2026-12-01T08:00:00+05:30")),
        (&Holidays::default(), "2026-11-30T11:00:00+05:30", sends("2026-11-30T11:00:00+05:30")),
        (&Holidays::default(), "2026-11-30T11:00:01+05:30", RunDecision::Skip(SkipReason::TooLate)),
        (&monday, "2026-12-01T11:00:01+05:30", RunDecision::Skip(SkipReason::TooLate)),
    ] {
        assert_eq!(decide(&moves, holidays, now), ending, "{now}");
    }
}

#[test]
fn a_later_step_counts_only_if_it_goes() {
    let rule = rule(&[0, 1], "10:00", Kolkata);
    let first = rule.run(0, day("2026-11-23"), &Holidays::default());
    let now = at("2026-11-24T10:30:00+05:30");
    let rule = ReminderRule { maximum_lateness_hours: 48, ..rule };
    let decide = |stopped: &[i32]| decided(&rule, &first, &Holidays::default(), stopped, now);
    assert_eq!(decide(&[]), RunDecision::Skip(SkipReason::Superseded));
    assert_eq!(decide(&[1]), RunDecision::Send { send_at: now, late: true });
}

#[test]
fn of_steps_that_come_at_the_same_time_the_last_goes_alone() {
    // Due on a Sunday: both steps are moved to the Monday.
    let rule = ReminderRule { working_days_only: true, ..rule(&[0, 1], "10:00", Kolkata) };
    let decide = |due_on, step, stopped: &[i32]| {
        let run = rule.run(step, day(due_on), &Holidays::default());
        decided(&rule, &run, &Holidays::default(), stopped, run.at)
    };
    let on_time = RunDecision::Send { send_at: at("2026-11-30T10:00:00+05:30"), late: false };
    let superseded = RunDecision::Skip(SkipReason::Superseded);
    assert_eq!([decide("2026-11-29", 0, &[]), decide("2026-11-29", 1, &[])], [superseded, on_time]);
    assert_eq!(decide("2026-11-29", 0, &[1]), on_time);
    assert_eq!(decide("2026-11-30", 0, &[]), on_time);
}

#[test]
fn limits_are_asked_about_the_person_first() {
    let limits =
        |day, payment| ReminderLimits { per_person_a_day: day, per_payment: payment, cost_per_run: None };
    let (daily, in_all) = (Some(SuppressedReason::DailyLimit), Some(SuppressedReason::PaymentLimit));
    for (limits, to_person, of_payment, exceeded) in [
        (limits(None, None), 9, 9, None),
        (limits(Some(2), Some(3)), 1, 2, None),
        (limits(Some(2), Some(3)), 2, 3, daily),
        (limits(Some(2), Some(3)), 1, 3, in_all),
        (limits(None, Some(3)), 9, 3, in_all),
    ] {
        assert_eq!(limits.exceeded(to_person, of_payment), exceeded, "{limits:?}");
    }
}

#[test]
fn a_rule_covers_payments_by_tag_and_amount() {
    let money = |rupees: &str| Some(Money::parse(rupees).unwrap());
    let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
    let filter = PaymentFilter { tags: tags(&["members"]), least: money("100"), most: money("500") };
    let covers = |carried: &[&str], left| filter.covers(&tags(carried), Money::parse(left).unwrap());
    assert!(covers(&["kerala", "members"], "100") && covers(&["members"], "500"));
    assert!(!covers(&["kerala"], "300") && !covers(&["members"], "99.99") && !covers(&["members"], "500.01"));
    assert!(PaymentFilter::default().covers(&[], Money::ZERO));
}

#[test]
fn rules_overlap_that_choose_the_same_payments() {
    let money = |rupees: &str| Some(Money::parse(rupees).unwrap());
    let filter = |tag: &str, least, most| PaymentFilter {
        tags: if tag.is_empty() { Vec::new() } else { vec![tag.to_owned()] },
        least,
        most,
    };
    let gold = filter("gold", money("100"), money("500"));
    for (other, overlaps) in [
        (filter("", None, None), true),
        (filter("gold", money("500"), None), true),
        (filter("silver", None, None), false),
        (filter("gold", money("500.01"), None), false),
        (filter("", None, money("99.99")), false),
    ] {
        assert_eq!((gold.overlaps(&other), other.overlaps(&gold)), (overlaps, overlaps), "{other:?}");
    }
}

#[test]
fn everything_that_makes_no_sense_is_said_at_once() {
    let good = rule(&[-3, 0, 3, 7], "10:00", Kolkata);
    assert_eq!(good.validate(), Ok(()));
    let stored = serde_json::to_string(&good).unwrap();
    assert_eq!(serde_json::from_str::<ReminderRule>(&stored).unwrap(), good);
    let wrong = ReminderRule {
        name: " ".to_owned(),
        channel: ReminderChannel::WhatsappThenSms,
        fallback_after_hours: 0,
        maximum_lateness_hours: 0,
        limits: ReminderLimits { per_payment: Some(0), ..ReminderLimits::default() },
        ..rule(&[0, 0, 400], "10:00", Kolkata)
    };
    let fields: Vec<String> = wrong.validate().unwrap_err().into_iter().map(|error| error.field).collect();
    let expected =
        ["name", "offsets_days", "offsets_days", "fallback_after_hours", "maximum_lateness_hours", "limits"];
    assert_eq!(fields, expected);
}

#[test]
fn steps_are_said_the_way_people_say_them() {
    let words: Vec<String> = [-3, -1, 0, 1, 7].iter().map(|days| when_in_words(*days)).collect();
    assert_eq!(words, ["3 days before", "1 day before", "On the due date", "1 day after", "7 days after"]);
}

/// What the planner remembers of one rule, as `store` keeps it: how far it looked, and what became of each run.
#[derive(Default)]
struct Diary {
    sent: BTreeMap<(i32, NaiveDate), Vec<Timestamp>>,
    skipped: BTreeSet<(i32, NaiveDate)>,
}

/// Looks at the clock at each instant given, as the planner does; the clock may step back.
fn live(rule: &ReminderRule, holidays: &Holidays, start: Timestamp, looks: &[Timestamp]) -> Diary {
    let (mut diary, mut through) = (Diary::default(), start);
    for now in looks {
        for run in rule.runs_between(through, *now, holidays) {
            let identity = (run.step, run.due_on);
            match decided(rule, &run, holidays, &[], *now) {
                RunDecision::Send { send_at, .. } => diary.sent.entry(identity).or_default().push(send_at),
                RunDecision::Skip(_) => drop(diary.skipped.insert(identity)),
            }
        }
        through = through.max(*now);
    }
    diary
}

fn any_rule() -> impl Strategy<Value = ReminderRule> {
    let offsets = prop::collection::btree_set(-10i32..20, 1..5);
    let zone = prop::sample::select(vec![Kolkata, New_York, Lord_Howe, Kathmandu]);
    (offsets, 0u32..24, 0u32..60, zone, any::<bool>(), any::<bool>(), 1u32..168).prop_map(
        |(offsets, hour, minute, zone, catch_up, working_days_only, lateness)| ReminderRule {
            at: TimeOfDay::new(hour, minute).unwrap(),
            catch_up,
            working_days_only,
            maximum_lateness_hours: lateness,
            ..rule(&offsets.into_iter().collect::<Vec<_>>(), "10:00", zone)
        },
    )
}

proptest! {
    /// Any downtimes, restarts and clock steps: each run is accounted for exactly once, none is sent early, and what
    /// is late is within the window and the lateness.
    #[test]
    fn every_run_is_sent_once_or_skipped_with_a_reason(
        rule in any_rule(),
        closed in prop::collection::btree_set(0i64..60, 0..6),
        pauses in prop::collection::vec(prop_oneof![4 => 1i64..90, 2 => 90i64..7_200, 1 => 7_200i64..900_000, 1 => -7_200i64..0], 1..80),
        begin in 0i64..31_000_000,
    ) {
        let start = at("2026-01-01T00:00:00Z") + Duration::seconds(begin);
        let first_day = start.with_timezone(&rule.zone.0).date_naive();
        let holidays = Holidays(closed.iter().map(|days| first_day + Duration::days(*days)).collect());
        let looks: Vec<Timestamp> = pauses
            .iter()
            .scan(start, |now, pause| { *now += Duration::seconds(*pause); Some(*now) })
            .collect();
        let last = looks.iter().copied().max().unwrap().max(start);
        let diary = live(&rule, &holidays, start, &looks);
        let all = rule.runs_between(start, last, &holidays);
        prop_assert_eq!(all.len(), diary.sent.len() + diary.skipped.len());
        for run in all {
            let identity = (run.step, run.due_on);
            let sent = diary.sent.get(&identity).map_or(&[][..], Vec::as_slice);
            prop_assert_eq!(sent.len() + usize::from(diary.skipped.contains(&identity)), 1);
            for send_at in sent {
                let late = *send_at - run.at;
                prop_assert!(late >= Duration::zero());
                if late > Duration::zero() {
                    let window = window("08:00", "19:00");
                    let hours = rule.hours(&window, Kolkata, &holidays);
                    prop_assert!(rule.catch_up && *send_at <= hours.latest(run.at, rule.maximum_lateness()));
                    prop_assert_eq!(hours.opening(*send_at), *send_at);
                    let day = send_at.with_timezone(&rule.zone.0).date_naive();
                    prop_assert!(!rule.working_days_only || !holidays.is_closed(day));
                }
            }
        }
    }

    /// However a span is cut, the same runs are found.
    #[test]
    fn looking_often_or_seldom_finds_the_same_runs(
        rule in any_rule(), begin in 0i64..31_000_000, cuts in prop::collection::vec(1i64..400_000, 1..20),
    ) {
        let start = at("2026-01-01T00:00:00Z") + Duration::seconds(begin);
        let (mut from, mut found) = (start, Vec::new());
        for cut in cuts {
            let through = from + Duration::seconds(cut);
            found.extend(rule.runs_between(from, through, &Holidays::default()));
            from = through;
        }
        prop_assert_eq!(found, rule.runs_between(start, from, &Holidays::default()));
    }

    /// One step reaches the payments of one due date once, whatever the rule's time is moved to.
    #[test]
    fn a_moved_rule_keeps_the_identity_of_its_runs(rule in any_rule(), hour in 0u32..24, due in 0i64..365) {
        let due_on = day("2026-01-01") + Duration::days(due);
        let moved = ReminderRule { at: TimeOfDay::new(hour, 0).unwrap(), ..rule.clone() };
        for step in &rule.steps {
            let (before, after) = (
                rule.run(step.offset_days, due_on, &Holidays::default()),
                moved.run(step.offset_days, due_on, &Holidays::default()),
            );
            prop_assert_eq!((before.step, before.due_on), (after.step, after.due_on));
        }
    }
}
