//! The pages about reminders, without scripts: a rule from its form to its runs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod site;

use axum::http::StatusCode;
use dakiya_core::money::Money;
use dakiya_core::payment::PaymentReference;
use dakiya_core::user::Role;
use dakiya_scheduler::clock::Clock as _;
use dakiya_store::payments::{self, PaymentFields, PaymentRow};
use dakiya_store::reminder_runs::{self, NewRun, Run};
use dakiya_store::{messages, recurring_campaigns, reminder_rules};
use site::{Site, TESTER, now, phone};

const FORM: [(&str, &str); 12] = [
    ("name", "Plan fees"),
    ("offsets_days", "-3, 0, 3, 7"),
    ("at", "11:00"),
    ("zone", "Asia/Kolkata"),
    ("template", "payment_reminder"),
    ("channel", "sms"),
    ("catch_up", "yes"),
    ("maximum_lateness_hours", "24"),
    ("fallback_after_hours", "4"),
    ("per_person_a_day", "1"),
    ("enabled", "yes"),
    ("do", "look"),
];

/// The form with some fields changed.
fn form<'f>(changes: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let changed = |name: &str| changes.iter().find(|(field, _)| *field == name).map(|(_, value)| *value);
    let mut fields: Vec<_> =
        FORM.iter().map(|(name, value)| (*name, changed(name).unwrap_or(value))).collect();
    fields.extend(changes.iter().filter(|(name, _)| !FORM.iter().any(|(known, _)| known == name)));
    fields
}

async fn site() -> Site {
    let site = Site::open().await;
    site.has_a_sender().await;
    let rows = (0..3).map(|n| PaymentRow {
        reference: PaymentReference::parse(&format!("INV-{n}")).unwrap(),
        fields: PaymentFields {
            phone: phone(&format!("984500000{n}")),
            amount: Money::parse("1250").unwrap(),
            due_on: "2026-11-26".parse().unwrap(),
            pay_url: Some(Some("https://pay.example.in/1".to_owned())),
            name: None,
            language: None,
            tags: None,
            variables: None,
        },
    });
    payments::import(&site.store, rows.collect::<Vec<_>>(), &TESTER, now()).await.unwrap();
    site
}

#[tokio::test]
async fn a_rule_shows_its_runs_and_cost_before_it_is_saved_and_goes_on_by_itself_after() {
    let site = site().await;
    let owner = site.somebody(Role::Owner).await;
    let asked = owner.open("/reminders/rules/new").await;
    assert!(asked.text.contains("Nothing is saved before you press Save"), "{}", asked.text);
    let looked = owner.submit("/reminders/rules", &form(&[])).await;
    assert_eq!(looked.status, StatusCode::OK);
    assert!(
        looked.text.contains("Mon 23 Nov 2026, 11:00") && looked.text.contains("₹2.40"),
        "{}",
        looked.text
    );
    assert!(looked.text.contains("Amount: Rs.1,250.00"), "{}", looked.text);
    assert!(reminder_rules::running(&site.store).await.unwrap().is_empty(), "looking saves nothing");
    let saved = owner.submit("/reminders/rules", &form(&[("do", "save")])).await;
    assert_eq!(saved.leads_to(), "/reminders?done=saved");
    let page = owner.open("/reminders").await;
    for words in ["Plan fees", "3 days before", "On the due date", "7 days after", "Next runs", "Rule saved"]
    {
        assert!(words == "Rule saved" || page.text.contains(words), "{words}: {}", page.text);
    }
    let off = owner.submit("/reminders/rules/plan-fees/switch", &[("enabled", "no")]).await;
    assert_eq!(off.leads_to(), "/reminders?done=off");
    assert!(reminder_rules::running(&site.store).await.unwrap().is_empty());
    assert!(owner.open("/reminders/rules/plan-fees").await.text.contains("-3, 0, 3, 7"));
}

#[tokio::test]
async fn a_form_with_faults_comes_back_with_each_beside_its_field() {
    let site = site().await;
    let owner = site.somebody(Role::Owner).await;
    let wrong = form(&[("offsets_days", "-3, x"), ("at", "25:00"), ("cost_per_run", "much"), ("do", "save")]);
    let answer = owner.submit("/reminders/rules", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["e-offsets_days", "e-at", "e-cost_per_run"] {
        assert!(answer.text.contains(field), "{field}: {}", answer.text);
    }
    assert!(reminder_rules::running(&site.store).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_run_is_looked_at_skipped_and_let_come_after_all() {
    let site = site().await;
    let owner = site.somebody(Role::Owner).await;
    owner.submit("/reminders/rules", &form(&[("do", "save")])).await;
    let run = "/reminders/rules/plan-fees/runs/-3/2026-11-26";
    let page = owner.open(run).await;
    assert!(page.text.contains("Send 3 messages now, ₹2.40"), "{}", page.text);
    assert_eq!(owner.submit(&format!("{run}/skip"), &[]).await.leads_to(), format!("{run}?done=skip"));
    assert!(owner.open(run).await.text.contains("Skipped by a person"));
    assert!(owner.open("/reminders").await.text.contains("Skipped"));
    assert_eq!(owner.submit(&format!("{run}/restore"), &[]).await.leads_to(), format!("{run}?done=restore"));
    assert!(owner.open(run).await.text.contains("To come"));
    assert_eq!(owner.submit(&format!("{run}/send"), &[]).await.leads_to(), format!("{run}?done=send"));
    assert!(owner.open(run).await.text.contains("Being written down"));
    for nothing in [
        "/reminders/rules/plan-fees/runs/5/2026-11-26",
        "/reminders/rules/none",
        "/reminders/rules/plan-fees/runs/x/y",
    ] {
        assert_eq!(owner.open(nothing).await.status, StatusCode::NOT_FOUND, "{nothing}");
    }
}

#[tokio::test]
async fn who_may_only_look_changes_no_rule_run_holiday_or_recurring_campaign() {
    let site = site().await;
    let owner = site.somebody(Role::Owner).await;
    owner.submit("/reminders/rules", &form(&[("do", "save")])).await;
    for role in [Role::Viewer, Role::Finance] {
        let person = site.somebody(role).await;
        for page in ["/reminders", "/reminders/report", "/reminders/holidays", "/reminders/recurring"] {
            assert_eq!(person.open(page).await.status, StatusCode::OK, "{page}");
        }
        for path in [
            "/reminders/rules",
            "/reminders/rules/plan-fees",
            "/reminders/rules/plan-fees/switch",
            "/reminders/rules/plan-fees/runs/-3/2026-11-26/skip",
            "/reminders/holidays",
            "/reminders/recurring",
        ] {
            assert_eq!(
                person.submit(path, &form(&[("do", "save")])).await.status,
                StatusCode::FORBIDDEN,
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn holidays_are_a_list_of_days() {
    let site = site().await;
    let owner = site.somebody(Role::Owner).await;
    let days = "2027-01-26 Republic Day\n15/08/2027 Independence Day\n";
    assert_eq!(
        owner.submit("/reminders/holidays", &[("days", days)]).await.leads_to(),
        "/reminders/holidays?done=saved"
    );
    assert!(owner.open("/reminders/holidays").await.text.contains("2027-08-15 Independence Day"));
    let wrong = owner.submit("/reminders/holidays", &[("days", "2027-01-26\nsoon")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("Line 2"), "{}", wrong.text);
}

#[tokio::test]
async fn a_recurring_campaign_shows_its_next_ten_times_and_is_approved_by_saving() {
    let site = site().await;
    let owner = site.somebody(Role::Owner).await;
    let fields = |todo: &'static str| {
        [
            ("name", "Members' news"),
            ("cron", "0 10 1 * *"),
            ("zone", "Asia/Kolkata"),
            ("template", "service_completed"),
            ("channel", "sms"),
            ("tags", "members"),
            ("cost_cap", "500"),
            ("catch_up", "yes"),
            ("enabled", "yes"),
            ("do", todo),
        ]
    };
    let looked = owner.submit("/reminders/recurring", &fields("look")).await;
    assert!(
        looked.text.contains("Next 10 times") && looked.text.contains("Tue 1 Dec 2026, 10:00"),
        "{}",
        looked.text
    );
    assert!(recurring_campaigns::list(&site.store).await.unwrap().is_empty());
    let saved = owner.submit("/reminders/recurring", &fields("save")).await;
    assert_eq!(saved.leads_to(), "/reminders/recurring?done=saved");
    let stored = recurring_campaigns::get(&site.store, "members-news").await.unwrap().unwrap();
    assert_eq!(
        (stored.approved_by.as_str(), stored.campaign.cost_cap),
        ("owner@example.in", Money::parse("500").unwrap())
    );
    assert_eq!(stored.next_at, Some("2026-12-01T10:00:00+05:30".parse().unwrap()));
    let uncapped: Vec<_> = fields("look").into_iter().filter(|(name, _)| *name != "cost_cap").collect();
    let looked = owner.submit("/reminders/recurring", &uncapped).await;
    assert_eq!(looked.status, StatusCode::OK, "only saving approves: {}", looked.text);
    assert!(looked.text.contains("If it came as things stand"), "{}", looked.text);
    let uncapped: Vec<_> = fields("save").into_iter().filter(|(name, _)| *name != "cost_cap").collect();
    let refused = owner.submit("/reminders/recurring", &uncapped).await;
    assert!(refused.text.contains("e-cost_cap"), "{}", refused.text);
    let mut wrong = fields("save");
    wrong[1].1 = "every day";
    assert_eq!(owner.submit("/reminders/recurring", &wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(owner.open("/reminders/recurring/members-news").await.text.contains("Next 10 times"));
}

/// The run three days before, as the planner begins it when its time comes.
async fn begun(site: &Site) -> Run {
    let rule = reminder_rules::get(&site.store, "plan-fees").await.unwrap().unwrap();
    let run = rule.rule.run(-3, "2026-11-26".parse().unwrap(), &Default::default());
    site.clock.advance_to(run.at);
    let new = NewRun { run, send_at: Ok(run.at), matched: 3 };
    assert!(reminder_runs::begin(&site.store, &rule, &[new], &Default::default(), run.at).await.unwrap());
    reminder_runs::to_plan(&site.store).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_held_run_asks_for_a_decision_on_the_dashboard_and_first_among_the_reminders() {
    let site = site().await;
    let owner = site.somebody(Role::Owner).await;
    owner.submit("/reminders/rules", &form(&[("cost_per_run", "1"), ("do", "save")])).await;
    let run = begun(&site).await;
    let reckoned = (3, Default::default(), Money::parse("2.40").unwrap());
    assert!(
        reminder_runs::hold(&site.store, &run, "over_cost", Some(reckoned), site.clock.now()).await.unwrap()
    );
    let href = "/reminders/rules/plan-fees/runs/-3/2026-11-26";
    let dashboard = owner.open("/").await;
    assert!(!dashboard.text.contains("Nothing needs you"), "{}", dashboard.text);
    for words in ["“Plan fees”, 3 days before, of Mon 23 Nov 2026, 11:00 waits.", "It would cost ₹2.40", href]
    {
        assert!(dashboard.text.contains(words), "{words}: {}", dashboard.text);
    }
    let page = owner.open("/reminders").await;
    let at = |words: &str| page.text.find(words).unwrap_or_else(|| panic!("{words}: {}", page.text));
    assert!(at("Waits for you") < at("Next runs"));
    assert!(page.text.contains("href=\"/reminders/runs\""));
    let all = owner.open("/reminders/runs").await;
    assert!(all.text.contains("Held") && all.text.contains("₹2.40"), "{}", all.text);
    owner.submit(&format!("{href}/skip"), &[]).await;
    assert!(
        owner.open("/").await.text.contains("Nothing needs you")
            || !owner.open("/").await.text.contains("Decide")
    );
}

#[tokio::test]
async fn reminders_of_today_are_among_what_still_goes_out() {
    let site = site().await;
    let owner = site.somebody(Role::Owner).await;
    owner
        .submit("/reminders/rules", &form(&[("offsets_days", "-4, 0"), ("at", "18:00"), ("do", "save")]))
        .await;
    let page = owner.open("/").await;
    for words in ["18:00", "Plan fees, 4 days before", "3 reminders", "₹2.40"] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert!(!page.text.contains("on the due date"), "that is not today: {}", page.text);
    owner.submit("/reminders/rules/plan-fees/runs/-4/2026-11-26/skip", &[]).await;
    assert!(owner.open("/").await.text.contains("Nothing else is scheduled for today"));
}

#[tokio::test]
async fn a_run_that_is_skipped_ahead_is_no_past_run_and_in_no_sum() {
    let site = site().await;
    let owner = site.somebody(Role::Owner).await;
    owner.submit("/reminders/rules", &form(&[("offsets_days", "-3"), ("do", "save")])).await;
    owner.submit("/reminders/rules/plan-fees/runs/-3/2026-11-26/skip", &[]).await;
    let page = owner.open("/reminders").await;
    assert!(page.text.contains("Nobody is reminded by it"), "{}", page.text);
    assert!(page.text.contains("No run yet."), "it is still to come: {}", page.text);
    assert!(page.text.contains("Shown</th><td class=\"num\">0</td>"), "{}", page.text);
    site.clock.advance_to("2026-11-23T12:00:00+05:30".parse().unwrap());
    assert!(!owner.open("/reminders").await.text.contains("No run yet."), "now it was");
}

#[tokio::test]
async fn a_time_outside_the_sending_hours_says_when_messages_really_go() {
    let site = site().await;
    let owner = site.somebody(Role::Owner).await;
    let looked = owner.submit("/reminders/rules", &form(&[("at", "20:30")])).await;
    for words in ["20:30 is outside the sending hours", "goes out Tue 24 Nov 2026, 08:00"] {
        assert!(looked.text.contains(words), "{words}: {}", looked.text);
    }
    owner.submit("/reminders/rules", &form(&[("at", "20:30"), ("do", "save")])).await;
    assert!(owner.open("/reminders").await.text.contains("20:30 is outside the sending hours"));
    let inside = owner.submit("/reminders/rules", &form(&[])).await;
    assert!(!inside.text.contains("outside the sending hours"), "{}", inside.text);
}

#[tokio::test]
async fn a_template_that_cannot_remind_is_refused() {
    let site = site().await;
    let owner = site.somebody(Role::Owner).await;
    for change in [("template", "otp"), ("templates", "7=otp")] {
        let answer = owner.submit("/reminders/rules", &form(&[change, ("do", "save")])).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{change:?}");
        assert!(answer.text.contains("cannot remind"), "{}", answer.text);
    }
    assert!(reminder_rules::running(&site.store).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_run_that_was_written_down_explains_itself_by_its_messages() {
    let site = site().await;
    let owner = site.somebody(Role::Owner).await;
    owner.submit("/reminders/rules", &form(&[("do", "save")])).await;
    site.clock.advance_to("2026-11-23T11:00:00+05:30".parse().unwrap());
    site.engine.plan(&Default::default()).await.unwrap();
    let scope = dakiya_core::opt_out::OptOutScope::All;
    messages::suppress_waiting(&site.store, phone("9845000001"), scope, site.clock.now()).await.unwrap();
    let page = owner.open("/reminders/rules/plan-fees/runs/-3/2026-11-26").await;
    for words in [
        "<dt>Matched</dt><dd>3</dd>",
        "<dt>Asked for no messages</dt><dd>−1</dd>",
        "<dt>Waiting</dt><dd>−2</dd>",
        "<dt class=\"total\">Sent</dt><dd class=\"total\">0</dd>",
        "<dt>Cost, before GST</dt><dd>₹1.60</dd>",
        "expected beforehand</dt><dd class=\"muted\">₹2.40</dd>",
        "What people get",
        "Amount: Rs.1,250.00",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert_eq!(page.text.matches("class=\"bubble\"").count(), 2, "nobody got the third text");
}

#[tokio::test]
async fn a_period_that_nobody_can_mean_is_told_beside_its_field() {
    let site = site().await;
    let owner = site.somebody(Role::Owner).await;
    for (query, field) in [
        ("until=%2B262142-12-31", "e-until"),
        ("from=-262143-01-01", "e-from"),
        ("from=soon", "e-from"),
        ("from=2026-11-22&until=2026-11-01", "e-until"),
        ("from=2000-01-01&until=2100-12-31", "e-until"),
        ("within=1000", "e-within"),
    ] {
        let answer = owner.open(&format!("/reminders/report?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert!(answer.text.contains(field), "{query}: {}", answer.text);
    }
    assert_eq!(owner.open("/reminders/report?from=2026-11-01&until=").await.status, StatusCode::OK);
    for query in ["until=%2B262142-12-31", "from=-262143-01-01"] {
        let answer = owner.open(&format!("/messages?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
    let nowhere = owner.open("/reminders/rules/plan-fees/runs/0/+262142-12-31").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_card_without_a_coming_run_shows_an_example_and_no_placeholders() {
    let site = site().await;
    let owner = site.somebody(Role::Owner).await;
    let off = form(&[("do", "save")]).into_iter().filter(|(name, _)| *name != "enabled").collect::<Vec<_>>();
    owner.submit("/reminders/rules", &off).await;
    let page = owner.open("/reminders").await;
    assert!(page.text.contains("For example: “") && !page.text.contains("{{"), "{}", page.text);
}
