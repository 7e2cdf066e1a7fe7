//! The cost projection in the browser.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod site;

use axum::http::StatusCode;
use chrono::TimeDelta;
use dakiya_core::budget::Budget;
use dakiya_core::encoding::Segments;
use dakiya_core::message::Channel;
use dakiya_core::money::Money;
use dakiya_core::time::Month;
use dakiya_core::usage::UsageKind;
use dakiya_core::user::Role;
use dakiya_store::budgets;
use dakiya_store::inbound::{self, NewInbound};
use dakiya_store::usage::{self, UsageRecord};
use site::{Site, TESTER, now, phone};

fn rupees(text: &str) -> Money {
    Money::parse(text).unwrap()
}

/// People wrote on each of so many days until yesterday.
async fn people_wrote(site: &Site, days: i64) {
    let today: chrono::NaiveDate = "2026-11-22".parse().unwrap();
    for back in 1..=days {
        let new = NewInbound {
            twilio_sid: format!("SM{back:032x}"),
            from: phone("98450 11234").to_string(),
            recipient: "+15005550006".to_owned(),
            channel: Channel::Sms,
            body: "Thanks".to_owned(),
            keyword: None,
            segments: Segments(1),
            day: today - TimeDelta::days(back),
            // No two days alike, so that there is something to be wrong about.
            estimated_cost: rupees("10000") + rupees("200") * (back * 37 % 11).unsigned_abs(),
            estimated_fx: None,
        };
        inbound::record(&site.store, &new, now()).await.unwrap();
    }
}

#[tokio::test]
async fn without_history_the_page_says_so_and_leads_to_a_plan_by_assumptions() {
    let site = Site::open().await;
    site.has_a_sender().await;
    for role in [Role::Finance, Role::Admin, Role::Viewer] {
        let page = site.somebody(role).await.open("/costs").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("No forecast: there are 0 whole days of history"), "{}", page.text);
        assert!(page.text.contains("/costs/scenarios") && page.text.contains("Financial year 2027–28"));
        assert!(!page.text.contains("class=\"range\""), "no range is drawn");
        assert_eq!(page.text.contains("Set budget"), role == Role::Finance);
        // The rent of this month and of the twelve that follow.
        assert!(page.text.contains("₹150.00"));
    }
    let stranger = site.stranger().open("/costs").await;
    assert_eq!((stranger.status, stranger.leads_to()), (StatusCode::SEE_OTHER, "/sign-in?next=%2Fcosts"));
}

#[tokio::test]
async fn with_history_the_page_shows_projection_range_budget_and_method() {
    let site = Site::open().await;
    people_wrote(&site, 120).await;
    let month = Month::parse("2026-11").unwrap();
    let budget = Budget { month, amount: rupees("300000"), stop: false, warn_at: vec![100] };
    budgets::put(&site.store, &budget, &TESTER, now()).await.unwrap();
    let finance = site.somebody(Role::Finance).await;
    let page = finance.open("/costs").await.text;
    for shown in [
        "Projected for November",
        "₹3,00,000.00",
        "Over budget by",
        "class=\"range\"",
        "class=\"budget\"",
        "href=\"/costs/2026-12\"",
        "₹ lakh",
        "learnt from 120 whole days",
        "Financial year 2026–27",
        "from people",
        "With GST",
    ] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
    assert!(!page.contains("style=") && !page.contains("No forecast"));
    // The same figures as by the programs' door.
    let projection = finance.open("/budgets").await.text;
    assert!(projection.contains("₹3,00,000.00"));
}

#[tokio::test]
async fn a_month_with_a_budget_says_step_by_step_why_it_differs() {
    let site = Site::open().await;
    people_wrote(&site, 90).await;
    let finance = site.somebody(Role::Finance).await;
    assert!(!finance.open("/costs").await.text.contains("Why it differs from the budget"), "there is none");
    let month = Month::parse("2026-11").unwrap();
    let budget = Budget { month, amount: rupees("300000"), stop: false, warn_at: vec![100] };
    budgets::put(&site.store, &budget, &TESTER, now()).await.unwrap();
    let page = finance.open("/costs").await.text;
    let card = page.split_once("id=\"h-var\"").unwrap().1.split_once("</dl>").unwrap().0;
    let amount = |text: &str| rupees(&text.split('<').next().unwrap().replace("−₹", "-"));
    let (steps, rest) = card.split_once("<dd class=\"total\">").unwrap();
    let steps: Vec<Money> = steps.split("<dd>").skip(1).map(amount).collect();
    assert!(steps.len() >= 2, "{card}");
    assert_eq!(steps.into_iter().sum::<Money>(), amount(rest), "{card}");
    assert!(card.contains("Forecast for the rest of the month") && card.contains("Over budget by"), "{card}");
}

#[tokio::test]
async fn twilios_own_totals_are_a_line_of_their_own_among_what_was_spent() {
    let site = Site::open().await;
    people_wrote(&site, 1).await;
    let day = "2026-11-02".parse().unwrap();
    let record = UsageRecord {
        day,
        category: "totalprice".to_owned(),
        kind: Some(UsageKind::Total),
        count: None,
        usage: None,
        price: 10.into(),
        price_unit: "USD".to_owned(),
        as_of: None,
    };
    usage::put(&site.store, "AC1", (day, day), &[record], now()).await.unwrap();
    let page = site.somebody(Role::Finance).await.open("/costs").await.text;
    let spent = page.split_once("Spent so far by template").unwrap().1;
    assert_eq!(spent.matches("<th scope=\"row\">From Twilio’s records</th>").count(), 2, "{spent}");
    assert_eq!(spent.matches(">₹960.00<").count(), 2, "{spent}");
}
