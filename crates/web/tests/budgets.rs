//! Budgets, GST and the dollar's rate in the browser: finance keeps them, and cannot send.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod site;

use axum::http::StatusCode;
use dakiya_core::message::Channel;
use dakiya_core::money::Money;
use dakiya_core::sender::SenderAddress;
use dakiya_core::user::Role;
use dakiya_store::costs::{self, Rent};
use dakiya_store::{budgets, fx_rates, messages, settings};
use site::{Site, now};

#[tokio::test]
async fn finance_sets_a_budget_and_cannot_send() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let form =
        [("month", "2031-04"), ("amount", "10,00,000.50"), ("stop", "yes"), ("warn_at", "50, 80%, 100")];
    finance.saves("/budgets", &form).await;
    let month = dakiya_core::time::Month::parse("2031-04").unwrap();
    let stored = budgets::get(&site.store, month).await.unwrap().unwrap().budget;
    assert_eq!(
        (stored.amount.to_plain(), stored.stop, stored.warn_at),
        ("1000000.50".to_owned(), true, vec![50, 80, 100])
    );
    assert!(finance.open("/budgets?month=2031-04").await.text.contains("Budget for April 2031"));
    assert_eq!(finance.open("/campaigns/new").await.status, StatusCode::FORBIDDEN);
    finance.saves("/budgets", &[("month", "2031-04"), ("remove", "yes")]).await;
    assert_eq!(budgets::get(&site.store, month).await.unwrap(), None);
}

#[tokio::test]
async fn a_budget_typed_wrong_is_shown_again_with_every_fault() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let form = [("month", "April"), ("amount", "a lot"), ("warn_at", "half")];
    let answer = finance.submit("/budgets", &form).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        answer.text.contains("3 things need attention") && answer.text.contains("a lot"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn who_may_not_keep_the_money_sees_it_and_changes_nothing() {
    let site = Site::open().await;
    for role in [Role::Admin, Role::Compliance, Role::Viewer] {
        let person = site.somebody(role).await;
        for page in [
            "/budgets",
            "/budgets/rate-cards",
            "/budgets/rate-cards/setup-guide",
            "/budgets/fx",
            "/budgets/reconciliation?month=2026-10",
        ] {
            let answer = person.open(page).await;
            assert_eq!(answer.status, StatusCode::OK, "{page}");
            assert!(
                !answer.text.contains("Save")
                    && !answer.text.contains("Backfill")
                    && !answer.text.contains("Take out<"),
                "{role} {page}"
            );
        }
        for (path, fields) in [
            ("/budgets", vec![("month", "2031-04"), ("amount", "1")]),
            ("/budgets/gst", vec![("gst_mode", "none"), ("gst_rate", "0")]),
            ("/budgets/fx", vec![("valid_from", "2026-11-01"), ("usd_inr", "50")]),
            ("/budgets/fx/file", vec![("csv", "date,usd_inr\n2026-11-01,50")]),
            ("/budgets/rate-cards/use", vec![("key", "twilio-list")]),
            ("/budgets/rate-cards/refresh", vec![]),
            ("/budgets/rate-cards", vec![("name", "Ours")]),
            ("/budgets/rate-cards/twilio-list/remove", vec![]),
            ("/budgets/rate-cards/setup-guide", vec![("expected_1", "0.01")]),
            ("/budgets/rate-cards/setup-guide/retire", vec![("row", "x")]),
            ("/budgets/reconciliation/read", vec![("month", "2026-10")]),
            ("/budgets/reconciliation/backfill", vec![("months", "1")]),
            ("/budgets/reconciliation/explain", vec![("finding", "x"), ("note", "y")]),
            ("/budgets/reconciliation/close", vec![("month", "2026-10"), ("sure", "yes")]),
        ] {
            assert_eq!(person.submit(path, &fields).await.status, StatusCode::FORBIDDEN, "{role} {path}");
        }
    }
}

#[tokio::test]
async fn gst_is_set_by_finance_and_stays_a_line_of_its_own() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    finance.saves("/budgets/gst", &[("gst_mode", "reverse_charge"), ("gst_rate", "12.5")]).await;
    let gst = settings::get(&site.store).await.unwrap().gst;
    assert_eq!((gst.mode.as_str(), gst.rate.to_string().as_str()), ("reverse_charge", "12.5"));
    let wrong = finance.submit("/budgets/gst", &[("gst_mode", "reverse_charge"), ("gst_rate", "101")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_dollar_rate_is_set_by_hand_or_from_a_file_and_holds_from_its_day() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    assert!(finance.open("/budgets/fx").await.text.contains("which nobody has checked"));
    finance
        .saves("/budgets/fx", &[("valid_from", "2025-11-01"), ("usd_inr", "₹ 85.5"), ("source", "FBIL")])
        .await;
    let file = "date,usd_inr\n2026-02-01,86.25\nyesterday,90\n0026-02-01,90\n";
    let answer = finance.submit("/budgets/fx/file", &[("csv", file)]).await;
    assert!(
        answer.text.contains("1 rate saved; 2 rows were not")
            && answer.text.contains("Line 3")
            && answer.text.contains("Line 4"),
        "{}",
        answer.text
    );
    let history = fx_rates::history(&site.store).await.unwrap();
    let on = |day: &str| history.on(day.parse().unwrap()).inr_per_usd.to_string();
    assert_eq!([on("2025-10-31"), on("2026-01-31"), on("2026-02-01")], ["96.00", "85.5", "86.25"]);
    let page = finance.open("/budgets/fx").await.text;
    assert!(page.contains("in force") && page.contains("days old"), "{page}");
    for (day, rate) in
        [("2026-03-01", "0.5"), ("0026-11-01", "90"), ("2926-11-01", "90"), ("2025-09-30", "90")]
    {
        let wrong = finance.submit("/budgets/fx", &[("valid_from", day), ("usd_inr", rate)]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{day} {rate}");
    }
    assert_eq!(fx_rates::history(&site.store).await.unwrap().rates().len(), 2);
    finance.saves("/budgets/fx", &[("valid_from", "2026-02-01"), ("remove", "yes")]).await;
    assert_eq!(fx_rates::history(&site.store).await.unwrap().rates().len(), 1);
}

#[tokio::test]
async fn the_dashboard_says_when_a_share_of_the_months_budget_is_reached() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let day = "2026-11-22".parse().unwrap();
    let rent = Rent {
        sender: SenderAddress::stored("+15005550006".to_owned()),
        channel: Channel::Sms,
        cost: Money::parse("150").unwrap(),
    };
    costs::book_rents(&site.store, &[rent], day).await.unwrap();
    assert!(!finance.open("/").await.text.contains("of the month’s budget"));
    finance.saves("/budgets", &[("month", "2026-11"), ("amount", "180"), ("warn_at", "50, 80, 100")]).await;
    let page = finance.open("/").await.text;
    assert!(page.contains("83% of the month’s budget") && page.contains("₹30.00 is left"), "{page}");
    let table = finance.open("/budgets").await.text;
    assert!(
        table.contains("November 2026") && table.contains("83% spent") && table.contains("₹27.00"),
        "{table}"
    );
}

#[tokio::test]
async fn a_coming_month_that_will_cost_more_than_its_budget_is_told_now() {
    let site = Site::open().await;
    // Its rent is certain: 150.
    site.has_a_sender().await;
    let finance = site.somebody(Role::Finance).await;
    let form = [("month", "2026-12"), ("amount", "100"), ("stop", "yes"), ("warn_at", "100")];
    finance.saves("/budgets", &form).await;
    let table = finance.open("/budgets").await.text;
    assert!(table.contains("150% expected") && !table.contains("Within budget"), "{table}");
    let page = finance.open("/").await.text;
    assert!(page.contains("December 2026 is expected to cost 150% of its budget."), "{page}");
    assert!(page.contains("₹150.00 of ₹100.00.") && page.contains("/budgets?month=2026-12"), "{page}");
}

#[tokio::test]
async fn every_month_that_has_a_budget_is_shown_and_none_has_fractions_of_a_paisa() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    for month in ["2025-01", "2040-01"] {
        finance.saves("/budgets", &[("month", month), ("amount", "1000")]).await;
    }
    let page = finance.open("/budgets").await.text;
    for said in ["January 2025", "November 2026", "January 2040"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let fine = finance.submit("/budgets", &[("month", "2026-11"), ("amount", "1.234")]).await;
    assert_eq!(fine.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        fine.text.contains("1.234 has a fraction of a paisa; write at most two decimals"),
        "{}",
        fine.text
    );
}

#[tokio::test]
async fn a_budget_that_is_none_says_so_and_a_past_month_is_shown() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let done = finance.submit("/budgets", &[("month", "2026-12"), ("remove", "yes")]).await;
    assert!(finance.open(done.leads_to()).await.text.contains("That month had no budget"));
    let blank = finance.submit("/budgets", &[("month", "2026-12"), ("amount", "")]).await;
    assert_eq!(blank.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(blank.text.contains("Write an amount, for example 10,00,000"), "{}", blank.text);
    assert!(!finance.open("/budgets").await.text.contains("September 2026"));
    finance.saves("/budgets", &[("month", "2026-09"), ("amount", "500")]).await;
    let table = finance.open("/budgets").await.text;
    assert!(table.contains("September 2026") && table.contains("₹500.00"), "{table}");
}

/// A service message that is due now.
async fn waiting(site: &Site) -> dakiya_store::messages::Message {
    let new = messages::NewMessage {
        dedupe_key: "test".to_owned(),
        campaign_id: None,
        template: None,
        phone: site::phone("98450 11234"),
        channel: Channel::Sms,
        category: dakiya_core::message::Category::Service,
        sender: SenderAddress::stored("+15005550006".to_owned()),
        body: "Hello".to_owned(),
        encoding: dakiya_core::encoding::Encoding::Gsm7,
        segments: dakiya_core::encoding::Segments(1),
        estimated_cost: Money::parse("0.80").unwrap(),
        estimated_fx: None,
        due_at: now(),
        expires_at: None,
        api_key_id: None,
        test: false,
        suppressed: None,
        reminder: None,
    };
    let enqueued = messages::enqueue(&site.store, new, None, now()).await.unwrap();
    let messages::Enqueued::Created(message) = enqueued else { panic!("{enqueued:?}") };
    let request = messages::TakeRequest {
        now: now(),
        horizon: chrono::TimeDelta::milliseconds(300),
        batch: 100,
        urgent_batch: 100,
        zone: chrono_tz::Asia::Kolkata,
        only: None,
    };
    messages::take(&site.store, &request).await.unwrap();
    message
}

#[tokio::test]
async fn a_message_that_waits_for_budget_says_so_first() {
    let site = Site::open().await;
    site.has_a_sender().await;
    let finance = site.somebody(Role::Finance).await;
    let form = [("month", "2026-11"), ("amount", "0.10"), ("stop", "yes"), ("warn_at", "100")];
    finance.saves("/budgets", &form).await;
    let message = waiting(&site).await;
    let page = finance.open(&format!("/messages/{}", message.id)).await.text;
    assert!(page.contains("<h2 id=\"h-why\">Waits for budget</h2>"), "{page}");
    assert!(page.contains("The budget for November 2026 is used up.") && page.contains("href=\"/budgets\""));
    // Nothing is set aside for a single message, and the month says so too.
    assert!(!page.contains("its sender’s pace") && !page.contains("Set aside"), "{page}");
    assert!(finance.open("/messages").await.text.contains("Waits for budget"));
    assert!(finance.open("/").await.text.contains("The budget for November 2026 holds messages back."));
}
