//! Payments by API: put, listed, imported, paid and canceled.

use crate::world::{World, phone};
use axum::http::Method;
use dakiya_core::api_key::{KeyKind, KeyScope};
use serde_json::{Value, json};

fn rupees(amount: &str) -> Value {
    json!({"amount": amount, "currency": "INR"})
}

fn payment(person: usize, amount: &str) -> Value {
    json!({"phone": phone(person), "amount": rupees(amount), "due_on": "2026-12-05", "pay_url": "https://pay.example.in/1", "name": "Asha"})
}

#[tokio::test]
async fn a_payment_is_put_read_listed_paid_in_parts_and_settled() {
    let world = World::new().await;
    let path = "/payments/INV%2F2026%2F1";
    let made = world.put(path, payment(1, "1250.50")).await.json(201);
    assert_eq!((&made["reference"], &made["status"]), (&json!("INV/2026/1"), &json!("open")));
    assert_eq!((&made["left"], &made["due_on"]), (&rupees("1250.50"), &json!("2026-12-05")));
    assert_eq!(
        world.put(path, payment(1, "1250.50")).await.json(200),
        made,
        "the same again changes nothing"
    );

    let part = world.post(&format!("{path}/paid"), json!({"amount": rupees("250.50")})).await.json(200);
    assert_eq!((&part["status"], &part["left"]), (&json!("partly_paid"), &rupees("1000.00")));
    assert_eq!(part["surplus"], rupees("0.00"));
    let paid = world.call(&world.admin, Method::POST, &format!("{path}/paid"), None).await.json(200);
    assert_eq!((&paid["status"], &paid["left"]), (&json!("paid"), &rupees("0.00")));
    assert!(paid["settled_at"].is_string());
    assert_eq!(world.post(&format!("{path}/paid"), json!({})).await.json(200), paid);
    let more = world.post(&format!("{path}/paid"), json!({"amount": rupees("1")})).await;
    assert_eq!(more.problem(409), "invalid_state");
    assert_eq!(world.post(&format!("{path}/cancel"), json!({})).await.problem(409), "invalid_state");
    let changed = world.put(path, payment(1, "9000")).await.json(200);
    assert_eq!(
        (&changed["status"], &changed["amount"]),
        (&json!("paid"), &rupees("1250.50")),
        "nothing is reopened"
    );

    let detail = world.get(path).await.json(200);
    let kinds: Vec<_> =
        detail["history"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["received", "received"]);
    assert_eq!(detail["history"][1]["amount"], rupees("1000.00"));
    assert_eq!(world.get("/payments?status=paid").await.json(200)["items"][0]["reference"], "INV/2026/1");
    assert_eq!(world.get("/payments?status=open").await.json(200)["items"], json!([]));
    assert_eq!(world.get("/payments/unknown").await.problem(404), "not_found");
    assert_eq!(world.post("/payments/unknown/paid", json!({})).await.problem(404), "not_found");
}

#[tokio::test]
async fn a_canceled_payment_stays_canceled() {
    let world = World::new().await;
    world.put("/payments/1", payment(1, "100")).await.json(201);
    assert_eq!(world.post("/payments/1/cancel", json!({})).await.json(200)["status"], "canceled");
    assert_eq!(world.post("/payments/1/cancel", json!({})).await.json(200)["status"], "canceled");
    assert_eq!(world.post("/payments/1/paid", json!({})).await.problem(409), "invalid_state");
    assert_eq!(world.put("/payments/1", payment(1, "100")).await.json(200)["status"], "canceled");
}

#[tokio::test]
async fn every_fault_of_a_payment_names_its_field() {
    let world = World::new().await;
    let change = |field: &str, value: Value| {
        let mut body = payment(1, "100");
        body[field] = value;
        body
    };
    for (body, fields) in [
        (change("phone", json!("12345")), vec!["phone"]),
        (change("amount", rupees("0")), vec!["amount"]),
        (change("amount", rupees("1.005")), vec!["amount"]),
        (change("amount", json!({"amount": "1", "currency": "USD"})), vec!["amount"]),
        (change("due_on", json!("31/02/2026")), vec!["due_on"]),
        (change("pay_url", json!("pay here")), vec!["pay_url"]),
        (change("language", json!("the moon's")), vec!["language"]),
        (change("surprise", json!(1)), vec!["surprise"]),
        (json!({"phone": "1", "amount": rupees("-1"), "due_on": "x"}), vec!["phone", "amount", "due_on"]),
    ] {
        assert_eq!(world.put("/payments/1", body.clone()).await.fields(422), fields, "{body}");
    }
    assert_eq!(world.put("/payments/%2F%2F", payment(1, "100")).await.fields(422), ["reference"]);
    for query in ["status=late", "due_from=soon", "phone=12", "surprise=1", "limit=0"] {
        world.get(&format!("/payments?{query}")).await.problem(422);
    }
    assert_eq!(world.get("/payments").await.json(200)["items"], json!([]), "nothing was stored");
    world.put("/payments/1", payment(1, "100")).await.json(201);
    let nothing = world.post("/payments/1/paid", json!({"amount": rupees("0")})).await;
    assert_eq!(nothing.fields(422), ["amount"]);
}

#[tokio::test]
async fn a_list_is_searched_and_narrowed() {
    let world = World::new().await;
    for n in 1..=3 {
        let mut body = payment(n, "100");
        body["due_on"] = json!(format!("2026-12-0{n}"));
        body["name"] = json!(format!("Person {n}"));
        world.put(&format!("/payments/SR-{n}"), body).await.json(201);
    }
    for (query, found) in [
        ("search=sr-", 3),
        ("search=SR-2", 1),
        ("search=person%203", 1),
        ("search=98450", 3),
        ("phone=98450%2000002", 1),
        ("due_from=2026-12-02", 2),
        ("due_from=02/12/2026&due_until=2026-12-02", 1),
        ("status=open", 3),
        ("status=canceled", 0),
    ] {
        let page = world.get(&format!("/payments?{query}")).await.json(200);
        assert_eq!(page["items"].as_array().unwrap().len(), found, "{query}");
    }
    let first = world.get("/payments?limit=2").await.json(200);
    let next = first["next_cursor"].as_str().unwrap();
    let second = world.get(&format!("/payments?limit=2&cursor={next}")).await.json(200);
    assert_eq!((second["items"].as_array().unwrap().len(), &second["next_cursor"]), (1, &Value::Null));
    assert_eq!(world.get("/payments?cursor=made-up").await.problem(422), "invalid_cursor");
}

#[tokio::test]
async fn an_import_keeps_the_good_rows_and_explains_the_others() {
    let world = World::new().await;
    let csv = format!(
        "reference,phone,amount,due_on,pay_url,name,vehicle\n1,{0},\"1,499.00\",05/12/2026,https://pay.example.in/1,Asha,KA05\n\
         2,12345,10,2026-12-05,,,\n3,{0},ten,2026-12-05,,,\n1,{0},1499,2026-12-06,https://pay.example.in/1,Asha,KA06\n",
        phone(1)
    );
    let answer = world.post_csv("/payments/import", csv.clone()).await.json(200);
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(1), &json!(1)));
    let codes: Vec<_> = answer["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["line"].clone(), row["code"].clone()))
        .collect();
    assert_eq!(codes, [(json!(3), json!("invalid_phone")), (json!(4), json!("invalid_amount"))]);
    let stored = world.get("/payments/1").await.json(200);
    assert_eq!(
        (&stored["due_on"], &stored["variables"]),
        (&json!("2026-12-06"), &json!({"vehicle": "KA06"})),
        "the last row counts"
    );
    world.post("/payments/1/paid", json!({})).await.json(200);
    world.post_csv("/payments/import", csv).await.json(200);
    assert_eq!(world.get("/payments/1").await.json(200)["status"], "paid", "an import reopens nothing");
    let without = world.post_csv("/payments/import", "reference,phone,amount\n1,2,3\n").await;
    assert_eq!(without.problem(422), "invalid_csv");
}

#[tokio::test]
async fn a_part_payment_that_is_asked_for_twice_counts_once() {
    let world = World::new().await;
    world.put("/payments/1", payment(1, "100")).await.json(201);
    let body = json!({"amount": rupees("40")}).to_string();
    let headers = [("content-type", "application/json"), ("idempotency-key", "part-1")];
    for _ in 0..2 {
        let answer = world.send(Method::POST, "/api/v1/payments/1/paid", &headers, body.clone()).await;
        assert_eq!(answer.json(200)["left"], rupees("60.00"));
    }
    assert_eq!(world.get("/payments/1").await.json(200)["paid"], rupees("40.00"));
}

#[tokio::test]
async fn keys_that_may_not_send_change_no_payment() {
    let world = World::new().await;
    world.put("/payments/1", payment(1, "100")).await.json(201);
    for key in
        [world.key(KeyScope::Read, KeyKind::Live).await, world.key(KeyScope::Admin, KeyKind::Test).await]
    {
        for (method, path, body) in [
            (Method::PUT, "/payments/1", Some(payment(1, "200"))),
            (Method::POST, "/payments/1/paid", None),
            (Method::POST, "/payments/1/cancel", None),
        ] {
            assert_eq!(world.call(&key, method, path, body).await.problem(403), "insufficient_scope");
        }
        assert_eq!(world.call(&key, Method::GET, "/payments/1", None).await.json(200)["status"], "open");
    }
}

#[tokio::test]
async fn what_is_paid_too_much_is_kept_and_told() {
    let world = World::new().await;
    world.put("/payments/1", payment(1, "100")).await.json(201);
    let paid = world.post("/payments/1/paid", json!({"amount": rupees("1000")})).await.json(200);
    assert_eq!((&paid["status"], &paid["surplus"]), (&json!("paid"), &rupees("900.00")));
    let mut number = payment(2, "100");
    number["amount"] = json!(1499);
    let answer = world.put("/payments/2", number).await.json(422);
    let told = answer["errors"][0]["message"].as_str().unwrap();
    assert!(told.starts_with("1499 was given; an amount such as"), "{told}");
}
