//! The account's past, closing months, and what differs from Twilio's records, by API.

use crate::world::World;
use axum::http::Method;
use dakiya_core::api_key::{KeyKind, KeyScope};
use dakiya_core::message::Channel;
use dakiya_core::money::Money;
use dakiya_core::sender::SenderAddress;
use dakiya_core::time::Month;
use dakiya_simulator::UsageDay;
use dakiya_store::costs::{self, Rent};
use serde_json::json;

/// A month that is over in every zone.
fn two_months_ago() -> Month {
    Month::parse("2026-09").unwrap()
}

fn used(world: &World, price: &str) {
    world.simulator.add_usage(&UsageDay {
        day: two_months_ago().first_day(),
        category: "totalprice".to_owned(),
        count: 0,
        usage: 0,
        price: price.parse().unwrap(),
    });
}

#[tokio::test]
async fn the_accounts_past_becomes_actuals_and_is_counted_once() {
    let world = World::in_the_morning().await;
    used(&world, "12.5");
    let month = two_months_ago().to_string();
    for _ in 0..2 {
        let read = world.post("/finance/backfill", json!({"months": 3})).await.json(200);
        assert!(read["days_read"].as_u64().unwrap() >= 90, "{read}");
        assert_eq!(read["days_unreadable"], 0);
        world
            .put(&format!("/budgets/{month}"), json!({"amount": {"amount": "2000", "currency": "INR"}}))
            .await;
        let budget = world.get(&format!("/budgets/{month}")).await.json(200);
        assert_eq!(budget["spent"]["amount"], "1200.00", "US$12.50 at ₹96");
    }
    assert!(world.post("/finance/backfill", json!({})).await.json(200)["days_read"].as_u64().unwrap() >= 390);
    for wrong in [json!({"months": 0}), json!({"months": 61}), json!({"months": "13"}), json!({"years": 1})] {
        assert_eq!(world.post("/finance/backfill", wrong.clone()).await.fields(422).len(), 1, "{wrong}");
    }
    let reader = world.key(KeyScope::Read, KeyKind::Live).await;
    let refused = world.call(&reader, Method::POST, "/finance/backfill", Some(json!({}))).await;
    assert_eq!(refused.problem(403), "insufficient_scope");
}

#[tokio::test]
async fn when_twilio_cannot_be_asked_for_its_records_the_answer_says_so() {
    let world = World::in_the_morning().await;
    world.simulator.refuse_connections().await;
    let refused = world.post("/finance/backfill", json!({"months": 1})).await;
    assert_eq!(refused.problem(502), "twilio_unavailable");
}

#[tokio::test]
async fn a_month_is_closed_once_and_a_later_correction_stands_beside_it() {
    let world = World::in_the_morning().await;
    used(&world, "10");
    world.post("/finance/backfill", json!({"months": 3})).await.json(200);
    let month = two_months_ago().to_string();
    assert_eq!(world.get(&format!("/finance/close/{month}")).await.problem(404), "not_found");
    let closed = world.post("/finance/close", json!({"month": month, "note": "Invoice 7"})).await.json(200);
    assert_eq!((&closed["closed"]["amount"], &closed["note"]), (&json!("960.00"), &json!("Invoice 7")));
    assert_eq!(world.post("/finance/close", json!({"month": month})).await.problem(409), "invalid_state");
    assert_eq!(world.post("/finance/close", json!({"month": "2026-11"})).await.problem(409), "invalid_state");
    assert_eq!(world.post("/finance/close", json!({"month": "October"})).await.fields(422), ["month"]);
    used(&world, "0.5");
    world.post("/finance/backfill", json!({"months": 3})).await.json(200);
    let later = world.get(&format!("/finance/close/{month}")).await.json(200);
    let figures =
        ["closed", "corrections", "now"].map(|name| later[name]["amount"].as_str().unwrap().to_owned());
    assert_eq!(figures, ["960.00", "48.00", "1008.00"]);
    assert_eq!((&later["gst_mode"], &later["gst"]["amount"]), (&json!("vendor_charged"), &json!("172.80")));
    let gst = json!({"gst": {"mode": "none"}});
    let patched = world.call(&world.admin, Method::PATCH, "/settings", Some(gst)).await.json(200);
    assert_eq!(patched["gst"], json!({"mode": "none", "rate": "18"}));
    let page = world.get(&format!("/finance/months/{month}")).await.json(200);
    assert_eq!((&page["gst_mode"], &page["gst"]["amount"]), (&json!("vendor_charged"), &json!("181.44")));
    assert_eq!(page["close"]["closed"]["amount"], "960.00");
    assert_eq!(page["close"]["corrections"]["amount"], "48.00");
    let line = &later["lines"][0];
    assert_eq!((&line["item"], &line["from_usage_records"]), (&json!("other"), &json!(true)));
    assert_eq!(line["corrections"]["amount"], "48.00");
}

#[tokio::test]
async fn a_months_reconciliation_is_read_by_month() {
    let world = World::in_the_morning().await;
    let month = two_months_ago().to_string();
    let empty = world.get(&format!("/finance/reconciliation?month={month}")).await.json(200);
    let nothing =
        json!({"month": month, "days": [], "rents_not_charged": [], "items": [], "next_cursor": null});
    assert_eq!(empty, nothing);
    let of = |more: &str| format!("/finance/reconciliation?month={month}{more}");
    assert_eq!(world.get(&of(&format!("&day={month}-01&limit=1"))).await.json(200)["items"], json!([]));
    assert_eq!(world.get(&of("&day=2020-01-01")).await.fields(422), ["day"]);
    assert_eq!(world.get(&of("&limit=501")).await.fields(422), ["limit"]);
    assert_eq!(world.get("/finance/reconciliation?month=13").await.fields(422), ["month"]);
}

#[tokio::test]
async fn days_before_our_first_message_are_in_a_months_reconciliation_as_on_its_page() {
    let world = World::new().await;
    used(&world, "12.5");
    world.post("/finance/backfill", json!({"months": 3})).await.json(200);
    let month = two_months_ago().to_string();
    let read = world.get(&format!("/finance/reconciliation?month={month}")).await.json(200);
    let day = read["days"].as_array().unwrap().iter().find(|day| day["charged"] != "0").unwrap();
    let figures = ["state", "charged", "booked", "difference"].map(|name| day[name].as_str().unwrap());
    assert_eq!(figures, ["from_records", "12.5", "12.5", "0"]);
}

#[tokio::test]
async fn a_rent_that_is_booked_and_in_no_record_is_listed_with_its_month() {
    let world = World::new().await;
    let month = two_months_ago();
    let rent = Rent {
        sender: SenderAddress::stored("+15005550006".to_owned()),
        channel: Channel::Sms,
        cost: Money::parse("150").unwrap(),
    };
    costs::book_rents(&world.store, &[rent], month.first_day()).await.unwrap();
    let expected = json!([{
        "sender": "+15005550006",
        "day": month.first_day().to_string(),
        "amount": {"amount": "150.00", "currency": "INR"},
    }]);
    let read = world.get(&format!("/finance/reconciliation?month={month}")).await.json(200);
    assert_eq!(read["rents_not_charged"], expected);
    let closed = world.post("/finance/close", json!({"month": month.to_string()})).await.json(200);
    assert_eq!(closed["unsettled"]["rents_not_charged"], expected);
}
