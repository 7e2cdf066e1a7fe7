//! Rate cards in the browser: kept with their history, refreshed after a click, and never without a price for what goes out.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod site;

use axum::http::StatusCode;
use dakiya_core::message::Direction;
use dakiya_core::rate_card::{Proposal, RateCard};
use dakiya_core::user::Role;
use dakiya_store::{rate_cards, rate_proposals, settings};
use site::{Site, TESTER, now};

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
    finance.saves(path, &form).await;
    let page = finance.open(path).await.text;
    assert!(page.contains("Contract of February") && page.contains("Twilio ₹0.30"), "{page}");
    let card = rate_cards::get(&site.store, "setup-guide").await.unwrap().unwrap();
    assert_eq!(card.rows.len(), RateCard::setup_guide().rows.len() + 1);
    finance.saves(&format!("{path}/retire"), &[("row", "sms/outbound//any/2026-02-01")]).await;
    assert_eq!(
        rate_cards::get(&site.store, "setup-guide").await.unwrap().unwrap().rows.len(),
        card.rows.len() - 1
    );
    let page = finance.open(path).await.text;
    assert!(page.contains("Taken out") && page.contains("Twilio ₹0.30"), "{page}");
    let wrong = [("item", "sms"), ("expected_1", "cheap"), ("valid_from", "soon")];
    assert_eq!(finance.submit(path, &wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    for (field, value) in [("route", "in_window"), ("valid_from", "0026-02-01"), ("valid_from", "9999-12-31")]
    {
        let mut never = form.to_vec();
        never.retain(|(name, _)| *name != field);
        never.push((field, value));
        let answer = finance.submit(path, &never).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {value}");
        assert!(answer.text.contains(&format!("href=\"#f-{field}\"")), "{}", answer.text);
    }
}

#[tokio::test]
async fn one_click_never_leaves_what_goes_out_without_a_price() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    finance.saves("/budgets/rate-cards", &[("name", "Empty"), ("copied", "")]).await;
    let answer = finance.submit("/budgets/rate-cards/use", &[("key", "empty")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("no price for SMS out; add one first"), "{}", answer.text);
    assert_eq!(settings::get(&site.store).await.unwrap().rate_card, "setup-guide");
    let out = [("row", "sms/outbound//any/2026-01-01")];
    let answer = finance.submit("/budgets/rate-cards/setup-guide/retire", &out).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("no price for SMS out; add one first"), "{}", answer.text);
    let card = rate_cards::get(&site.store, "setup-guide").await.unwrap();
    assert_eq!(card, Some(RateCard::setup_guide()));
    // What is not sent may lose its price; then the projection says that it lacks it.
    site.has_a_sender().await;
    assert!(!finance.open("/costs").await.text.contains("has no price for"));
    let rent = [("row", "number/outbound//any/2026-01-01")];
    finance.saves("/budgets/rate-cards/setup-guide/retire", &rent).await;
    assert!(
        finance.open("/costs").await.text.contains("The rate card “Setup guide” has no price for a number")
    );
    // Nor does an administrator's form.
    let admin = site.somebody(Role::Owner).await;
    let settings_form = [
        ("promotional_from", "10:00"),
        ("promotional_until", "21:00"),
        ("reminder_from", "08:00"),
        ("reminder_until", "19:00"),
        ("per_number_hourly_limit", "5"),
        ("otp_hourly_limit", "5"),
        ("allowed_countries", "IN"),
        ("rate_card", "empty"),
        ("usd_inr", "96"),
        ("gst_mode", "vendor_charged"),
        ("gst_rate", "18%"),
    ];
    let answer = admin.submit("/settings", &settings_form).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("href=\"#f-rate_card\""), "{}", answer.text);
}

#[tokio::test]
async fn finance_makes_a_card_from_another_and_removes_it_again() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let form = [("name", "Our contract"), ("copied", "setup-guide")];
    let made = finance.submit("/budgets/rate-cards", &form).await;
    assert_eq!(made.leads_to(), "/budgets/rate-cards/our-contract?done=created");
    let page = finance.open(made.leads_to()).await.text;
    assert!(
        page.contains("SMS out, every category, a segment") && page.contains("/our-contract/remove"),
        "{page}"
    );
    let nameless = finance.submit("/budgets/rate-cards", &[("name", " ")]).await;
    assert_eq!(nameless.status, StatusCode::UNPROCESSABLE_ENTITY);
    let again = finance.submit("/budgets/rate-cards", &form).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        again.text.contains("here is a rate card &#34;Our contract&#34; already; choose another name"),
        "{}",
        again.text
    );
    let question = finance.open("/budgets/rate-cards/our-contract/remove").await;
    assert!(question.text.contains("Remove the rate card “Our contract”?"), "{}", question.text);
    finance.saves("/budgets/rate-cards/our-contract/remove", &[]).await;
    assert_eq!(finance.open("/budgets/rate-cards/our-contract").await.status, StatusCode::NOT_FOUND);
    assert!(!finance.open("/budgets/rate-cards").await.text.contains("/budgets/rate-cards/our-contract"));
    let anew = finance.submit("/budgets/rate-cards", &form).await;
    assert_eq!(anew.status, StatusCode::SEE_OTHER, "a name that was given up is free: {}", anew.text);
    for kept in ["setup-guide", "twilio-list"] {
        assert!(!finance.open(&format!("/budgets/rate-cards/{kept}")).await.text.contains("/remove"));
        let refused = finance.submit(&format!("/budgets/rate-cards/{kept}/remove"), &[]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
    }
}

#[tokio::test]
async fn prices_that_differ_by_category_are_told_apart_and_old_ones_are_named() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    assert!(
        finance
            .open("/")
            .await
            .text
            .contains("5 prices of the rate card “Setup guide” began more than 90 days ago")
    );
    let form = [
        ("item", "sms"),
        ("direction", "outbound"),
        ("category", "service"),
        ("route", "any"),
        ("currency_1", "INR"),
        ("currency_2", "USD"),
        ("name_1", "Twilio"),
        ("expected_1", "₹0.70"),
        ("confidence", "high"),
        ("valid_from", "2026-11-20"),
        ("source", "Contract"),
    ];
    let half = [&form[..], &[("name_2", "Meta"), ("low_2", "0.11")]].concat();
    let asked = finance.submit("/budgets/rate-cards/setup-guide", &half).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.text.contains("One thing needs attention") && asked.text.contains("#f-expected_2"));
    finance.saves("/budgets/rate-cards/setup-guide", &form).await;
    let listed = finance.open("/budgets/rate-cards/twilio-list").await.text;
    assert!(listed.contains("144 days old"), "{listed}");
    let card = finance.open("/budgets/rate-cards/setup-guide").await.text;
    for words in ["SMS out, service, a segment", "SMS out, every category, a segment", "325 days old"] {
        assert!(card.contains(words), "{words} in {card}");
    }
    let cards = finance.open("/budgets/rate-cards").await.text;
    for words in [
        "SMS out, service, a segment",
        "SMS out, other categories, a segment",
        "5 prices of the card in force are older than 90 days",
        "SMS out, every category: 325 days",
        "509 days old",
    ] {
        assert!(cards.contains(words), "{words} in {cards}");
    }
}

#[tokio::test]
async fn prices_that_were_read_take_effect_only_after_a_click() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let before = rate_cards::get(&site.store, "twilio-list").await.unwrap().unwrap();
    let day = "2026-11-22".parse().unwrap();
    let dollars = vec!["0.0915".parse().unwrap()];
    let row = Proposal::of_segment_prices("twilio-list", Direction::Outbound, dollars, day, "Pricing API");
    let rows = row.into_iter().collect();
    let proposal = Proposal { card: "twilio-list".to_owned(), rows, simulated: false };
    let id = rate_proposals::propose(&site.store, &proposal, "Pricing API", &TESTER, now()).await.unwrap();
    let page = finance.open("/budgets/rate-cards").await.text;
    for words in ["New prices for Twilio list, India", "Pricing API", "₹7.9872", "₹8.784", "+10%"] {
        assert!(page.contains(words), "{words} in {page}");
    }
    assert!(!page.contains("the simulator’s prices"));
    assert_eq!(rate_cards::get(&site.store, "twilio-list").await.unwrap().unwrap(), before);
    let decide = format!("/budgets/rate-cards/proposals/{id}");
    finance.saves(&decide, &[("apply", "yes")]).await;
    let after = rate_cards::get(&site.store, "twilio-list").await.unwrap().unwrap();
    assert_eq!(after.rows.len(), before.rows.len() + 1);
    // A second click finds it decided, and changes nothing.
    assert_eq!(finance.submit(&decide, &[("apply", "yes")]).await.status, StatusCode::CONFLICT);
    // What the simulator named is said to be its own.
    let simulated = Proposal { simulated: true, ..proposal };
    rate_proposals::propose(&site.store, &simulated, "The simulator, not Twilio", &TESTER, now())
        .await
        .unwrap();
    assert!(finance.open("/budgets/rate-cards").await.text.contains("the simulator’s prices, not Twilio’s"));
    finance.saves("/budgets/rate-cards/use", &[("key", "twilio-list")]).await;
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
