//! What payment providers tell: believed only when signed, counted once, in whatever order.

use crate::world::{Answer, PAYMENT_SECRET, RAZORPAY_SECRET, World, phone};
use axum::body::Body;
use axum::http::{Method, Request};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

fn signature(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn post(world: &World, name: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(Method::POST).uri(format!("/webhooks/payments/{name}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.ask(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn bank(world: &World, event: Value) -> Answer {
    let body = event.to_string();
    post(world, "my-bank", &[("x-dakiya-signature", &signature(PAYMENT_SECRET, &body))], &body).await
}

async fn razorpay(world: &World, event: &str, link: &str, paise: u64) -> Answer {
    let body = json!({
        "entity": "event",
        "event": event,
        "payload": {"payment_link": {"entity": {
            "id": link, "reference_id": "INV/1", "currency": "INR", "amount": 100_000, "amount_paid": paise,
            "short_url": "https://rzp.io/i/abc",
        }}},
    })
    .to_string();
    let signature = signature(RAZORPAY_SECRET, &body);
    post(world, "razorpay", &[("x-razorpay-signature", &signature)], &body).await
}

async fn world_with_a_payment() -> World {
    let world = World::new().await;
    let payment = json!({"phone": phone(1), "amount": {"amount": "1000", "currency": "INR"}, "due_on": "2026-12-05",
        "pay_url": "https://rzp.io/i/abc"});
    world.put("/payments/INV%2F1", payment).await.json(201);
    world
}

async fn stands(world: &World) -> (String, String) {
    let payment = world.get("/payments/INV%2F1").await.json(200);
    (payment["status"].as_str().unwrap().to_owned(), payment["left"]["amount"].as_str().unwrap().to_owned())
}

fn is(status: &str, left: &str) -> (String, String) {
    (status.to_owned(), left.to_owned())
}

#[tokio::test]
async fn a_wrong_signature_changes_nothing() {
    let world = world_with_a_payment().await;
    let body = json!({"event_id": "e1", "reference": "INV/1", "status": "paid"}).to_string();
    let good = signature(PAYMENT_SECRET, &body);
    let other = signature("another secret", &body);
    for (name, headers) in [
        ("my-bank", vec![]),
        ("my-bank", vec![("x-dakiya-signature", "")]),
        ("my-bank", vec![("x-dakiya-signature", other.as_str())]),
        ("my-bank", vec![("x-dakiya-signature", &good[..62])]),
        ("my-bank", vec![("x-razorpay-signature", good.as_str())]),
        ("razorpay", vec![("x-razorpay-signature", good.as_str())]),
    ] {
        assert_eq!(post(&world, name, &headers, &body).await.status, 403, "{name} {headers:?}");
    }
    let changed = body.replace("INV/1", "INV/2");
    assert_eq!(post(&world, "my-bank", &[("x-dakiya-signature", &good)], &changed).await.status, 403);
    for name in ["My-Bank", "api", "page", "list", "erasure"] {
        assert_eq!(post(&world, name, &[("x-dakiya-signature", &good)], &body).await.status, 404, "{name}");
    }
    assert_eq!(stands(&world).await, is("open", "1000.00"));
    assert_eq!(post(&world, "my-bank", &[("x-dakiya-signature", &good)], &body).await.status, 200);
    assert_eq!(stands(&world).await, is("paid", "0.00"));
}

#[tokio::test]
async fn our_own_form_is_counted_once_per_event() {
    let world = world_with_a_payment().await;
    let part = json!({"event_id": "e1", "reference": "INV/1", "status": "partially_paid", "amount": "400"});
    assert_eq!(bank(&world, part.clone()).await.json(200)["result"], "changed");
    assert_eq!(bank(&world, part).await.json(200)["result"], "repeated");
    assert_eq!(stands(&world).await, is("partly_paid", "600.00"));
    let expired = json!({"event_id": "e2", "reference": "INV/1", "status": "expired"});
    bank(&world, expired).await.json(200);
    let payment = world.get("/payments/INV%2F1").await.json(200);
    assert_eq!((&payment["status"], &payment["pay_url_expired"]), (&json!("partly_paid"), &json!(true)));
    let paid = json!({"event_id": "e3", "reference": "INV/1", "status": "paid", "amount": {"amount": "600"}});
    assert_eq!(bank(&world, paid).await.json(200)["result"], "changed");
    assert_eq!(stands(&world).await, is("paid", "0.00"));
    let late = json!({"event_id": "e4", "reference": "INV/1", "status": "cancelled"});
    assert_eq!(bank(&world, late).await.json(200)["result"], "unchanged");
    assert_eq!(stands(&world).await, is("paid", "0.00"));
    assert_eq!(bank(&world, json!({"reference": "INV/1"})).await.status, 400);
}

#[tokio::test]
async fn an_event_that_is_sent_again_under_another_name_counts_once() {
    let world = world_with_a_payment().await;
    let body = json!({"event_id": "e1", "reference": "INV/1", "status": "partially_paid", "amount": "400"})
        .to_string();
    let signature_of_body = signature(PAYMENT_SECRET, &body);
    for (name, result) in [("my-bank", "changed"), ("my-bank-2", "repeated")] {
        let answer = post(&world, name, &[("x-dakiya-signature", &signature_of_body)], &body).await;
        assert_eq!(answer.json(200)["result"], result, "the name is not signed");
    }
    assert_eq!(stands(&world).await, is("partly_paid", "600.00"));
    assert_eq!(razorpay(&world, "payment_link.expired", "plink_1", 0).await.json(200)["result"], "changed");
    let payment = json!({"phone": phone(1), "amount": {"amount": "1000", "currency": "INR"}, "due_on": "2026-12-05",
        "pay_url": "https://pay.example.in/INV-1"});
    world.put("/payments/INV%2F1", payment).await.json(200);
    assert_eq!(razorpay(&world, "payment_link.expired", "plink_1", 0).await.json(200)["result"], "repeated");
    assert_eq!(
        world.get("/payments/INV%2F1").await.json(200)["pay_url_expired"],
        false,
        "the new link works"
    );
}

#[tokio::test]
async fn a_razorpay_link_is_paid_in_parts_told_twice_and_out_of_order() {
    let world = world_with_a_payment().await;
    razorpay(&world, "payment_link.partially_paid", "plink_1", 70_000).await.json(200);
    assert_eq!(stands(&world).await, is("partly_paid", "300.00"));
    razorpay(&world, "payment_link.partially_paid", "plink_1", 40_000).await.json(200);
    assert_eq!(stands(&world).await, is("partly_paid", "300.00"), "an older sum adds nothing");
    razorpay(&world, "payment_link.partially_paid", "plink_1", 70_000).await.json(200);
    razorpay(&world, "payment_link.paid", "plink_1", 100_000).await.json(200);
    assert_eq!(stands(&world).await, is("paid", "0.00"));
    razorpay(&world, "payment_link.cancelled", "plink_1", 100_000).await.json(200);
    razorpay(&world, "payment_link.expired", "plink_1", 100_000).await.json(200);
    assert_eq!(stands(&world).await, is("paid", "0.00"));
    assert_eq!(razorpay(&world, "order.paid", "plink_1", 1).await.json(200)["result"], "ignored");
}

#[tokio::test]
async fn more_than_any_payment_is_refused_and_recorded_nowhere() {
    let world = world_with_a_payment().await;
    for paise in [10_000_000_001, 900_000_000_000_000, i64::MAX.unsigned_abs()] {
        for event in ["payment_link.paid", "payment_link.partially_paid"] {
            let refused = razorpay(&world, event, "evt_1", paise).await;
            assert_eq!(refused.status, 400, "{event} {paise}");
            assert!(
                refused.text.contains("amount_paid") && refused.text.contains("₹10,00,00,000.00"),
                "{}",
                refused.text
            );
        }
    }
    let event = json!({"event_id": "e1", "reference": "INV/1", "status": "paid", "amount": "100000000.01"});
    assert_eq!(bank(&world, event).await.status, 400);
    assert_eq!(stands(&world).await, is("open", "1000.00"));
    // The same event with an amount that can be is news.
    razorpay(&world, "payment_link.paid", "evt_1", 100_000).await.json(200);
    assert_eq!(stands(&world).await, is("paid", "0.00"));
}

#[tokio::test]
async fn a_razorpay_link_that_is_cancelled_cancels_and_one_that_expires_does_not() {
    let world = world_with_a_payment().await;
    razorpay(&world, "payment_link.expired", "plink_1", 0).await.json(200);
    assert_eq!(stands(&world).await, is("open", "1000.00"), "the money is still owed");
    assert_eq!(world.get("/payments/INV%2F1").await.json(200)["pay_url_expired"], true);
    razorpay(&world, "payment_link.cancelled", "plink_1", 0).await.json(200);
    assert_eq!(stands(&world).await, is("canceled", "0.00"));
    razorpay(&world, "payment_link.paid", "plink_1", 100_000).await.json(200);
    assert_eq!(stands(&world).await, is("paid", "0.00"), "the money came after all");
}

#[tokio::test]
async fn a_link_behind_an_address_of_our_own_expires_by_its_reference() {
    let world = world_with_a_payment().await;
    let payment = |pay_url: &str| json!({"phone": phone(1), "amount": {"amount": "1000", "currency": "INR"}, "due_on": "2026-12-05", "pay_url": pay_url});
    world.put("/payments/INV%2F1", payment("https://rzp.io/i/newer")).await.json(200);
    assert_eq!(razorpay(&world, "payment_link.expired", "plink_1", 0).await.json(200)["result"], "unchanged");
    world.put("/payments/INV%2F1", payment("https://pay.example.in/INV-1")).await.json(200);
    assert_eq!(razorpay(&world, "payment_link.expired", "plink_2", 0).await.json(200)["result"], "changed");
    assert_eq!(world.get("/payments/INV%2F1").await.json(200)["pay_url_expired"], true);
}

#[tokio::test]
async fn what_is_told_before_the_payment_is_known_counts_when_it_comes() {
    let world = World::new().await;
    assert_eq!(razorpay(&world, "payment_link.paid", "plink_1", 100_000).await.json(200)["result"], "early");
    let csv = format!("reference,phone,amount,due_on\nINV/1,{},1000,2026-12-05\n", phone(1));
    world.post_csv("/payments/import", csv).await.json(200);
    assert_eq!(stands(&world).await, is("paid", "0.00"), "who has paid is not asked again");
}
