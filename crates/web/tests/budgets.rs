//! Budgets, rate cards and the dollar's rate in the browser: finance keeps them, and cannot send.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod site;

use axum::http::StatusCode;
use dakiya_core::message::{Channel, Direction};
use dakiya_core::money::Money;
use dakiya_core::rate_card::{Proposal, RateCard};
use dakiya_core::sender::SenderAddress;
use dakiya_core::user::Role;
use dakiya_store::costs::{self, Rent};
use dakiya_store::{budgets, fx_rates, rate_cards, rate_proposals, settings};
use site::{Site, TESTER, Visitor, now};

async fn saved(visitor: &Visitor<'_>, path: &str, fields: &[(&str, &str)]) {
    let answer = visitor.submit(path, fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text);
    assert_eq!(visitor.open(answer.leads_to()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn finance_sets_a_budget_and_cannot_send() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let form =
        [("month", "2031-04"), ("amount", "10,00,000.50"), ("stop", "yes"), ("warn_at", "50, 80%, 100")];
    saved(&finance, "/budgets", &form).await;
    let month = dakiya_core::time::Month::parse("2031-04").unwrap();
    let stored = budgets::get(&site.store, month).await.unwrap().unwrap().budget;
    assert_eq!(
        (stored.amount.to_plain(), stored.stop, stored.warn_at),
        ("1000000.50".to_owned(), true, vec![50, 80, 100])
    );
    assert!(finance.open("/budgets?month=2031-04").await.text.contains("Budget for April 2031"));
    assert_eq!(finance.open("/campaigns/new").await.status, StatusCode::FORBIDDEN);
    saved(&finance, "/budgets", &[("month", "2031-04"), ("remove", "yes")]).await;
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
    saved(&finance, "/budgets/gst", &[("gst_mode", "reverse_charge"), ("gst_rate", "12.5")]).await;
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
    saved(&finance, "/budgets/fx", &[("valid_from", "2025-01-01"), ("usd_inr", "85.5"), ("source", "FBIL")])
        .await;
    let file = "date,usd_inr\n2025-02-01,86.25\nyesterday,90\n";
    let answer = finance.submit("/budgets/fx/file", &[("csv", file)]).await;
    assert!(
        answer.text.contains("1 rates saved; 1 rows were not") && answer.text.contains("Line 3"),
        "{}",
        answer.text
    );
    let history = fx_rates::history(&site.store).await.unwrap();
    let on = |day: &str| history.on(day.parse().unwrap()).inr_per_usd.to_string();
    assert_eq!([on("2024-12-31"), on("2025-01-31"), on("2025-02-01")], ["96.00", "85.5", "86.25"]);
    let page = finance.open("/budgets/fx").await.text;
    assert!(page.contains("in force") && page.contains("days old"), "{page}");
    let wrong = finance.submit("/budgets/fx", &[("valid_from", "2025-03-01"), ("usd_inr", "0.5")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    saved(&finance, "/budgets/fx", &[("valid_from", "2025-02-01"), ("remove", "yes")]).await;
    assert_eq!(fx_rates::history(&site.store).await.unwrap().rates().len(), 1);
}

#[tokio::test]
async fn prices_are_added_and_taken_out_and_the_history_stays() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let path = "/budgets/rate-cards/setup-guide";
    let form = [
        ("item", "sms"),
        ("direction", "outbound"),
        ("route", "any"),
        ("currency_1", "INR"),
        ("currency_2", "USD"),
        ("name_1", "Twilio"),
        ("expected_1", "0.30"),
        ("confidence", "high"),
        ("valid_from", "2026-02-01"),
        ("source", "Contract of February"),
    ];
    saved(&finance, path, &form).await;
    let page = finance.open(path).await.text;
    assert!(page.contains("Contract of February") && page.contains("Twilio ₹0.30"), "{page}");
    let card = rate_cards::get(&site.store, "setup-guide").await.unwrap().unwrap();
    assert_eq!(card.rows.len(), RateCard::setup_guide().rows.len() + 1);
    saved(&finance, &format!("{path}/retire"), &[("row", "sms/outbound//any/2026-02-01")]).await;
    assert_eq!(
        rate_cards::get(&site.store, "setup-guide").await.unwrap().unwrap().rows.len(),
        card.rows.len() - 1
    );
    let page = finance.open(path).await.text;
    assert!(page.contains("Taken out") && page.contains("Twilio ₹0.30"), "{page}");
    let wrong = [("item", "sms"), ("expected_1", "cheap"), ("valid_from", "soon")];
    assert_eq!(finance.submit(path, &wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn prices_that_were_read_take_effect_only_after_a_click() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let before = rate_cards::get(&site.store, "twilio-list").await.unwrap().unwrap();
    let day = "2026-11-22".parse().unwrap();
    let dollars = vec!["0.0915".parse().unwrap()];
    let row = Proposal::of_segment_prices("twilio-list", Direction::Outbound, dollars, day, "Pricing API");
    let proposal = Proposal { card: "twilio-list".to_owned(), rows: row.into_iter().collect() };
    let id = rate_proposals::propose(&site.store, &proposal, "Pricing API", &TESTER, now()).await.unwrap();
    let page = finance.open("/budgets/rate-cards").await.text;
    for words in ["New prices for Twilio list, India", "Pricing API", "₹7.9872", "₹8.784", "+10%"] {
        assert!(page.contains(words), "{words} in {page}");
    }
    assert_eq!(rate_cards::get(&site.store, "twilio-list").await.unwrap().unwrap(), before);
    let decide = format!("/budgets/rate-cards/proposals/{id}");
    saved(&finance, &decide, &[("apply", "yes")]).await;
    let after = rate_cards::get(&site.store, "twilio-list").await.unwrap().unwrap();
    assert_eq!(after.rows.len(), before.rows.len() + 1);
    // A second click finds it decided, and changes nothing.
    assert_eq!(finance.submit(&decide, &[("apply", "yes")]).await.status, StatusCode::CONFLICT);
    saved(&finance, "/budgets/rate-cards/use", &[("key", "twilio-list")]).await;
    assert_eq!(settings::get(&site.store).await.unwrap().rate_card, "twilio-list");
}

#[tokio::test]
async fn when_twilio_cannot_be_asked_for_prices_the_page_says_so_and_nothing_changes() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let answer = finance.submit("/budgets/rate-cards/refresh", &[]).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.text.contains("prices could not be read") && answer.text.contains("Nothing has changed"));
    assert_eq!(rate_proposals::open(&site.store).await.unwrap(), []);
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
    saved(&finance, "/budgets", &[("month", "2026-11"), ("amount", "180"), ("warn_at", "50, 80, 100")]).await;
    let page = finance.open("/").await.text;
    assert!(page.contains("80% of the month’s budget") && page.contains("₹30.00 is left"), "{page}");
    let table = finance.open("/budgets").await.text;
    assert!(
        table.contains("November 2026") && table.contains("80% spent") && table.contains("₹27.00"),
        "{table}"
    );
}
