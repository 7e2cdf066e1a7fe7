//! Contacts and opt-outs.

use crate::world::{World, phone};
use axum::http::Method;
use serde_json::json;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_contact_is_put_read_listed_and_erased() {
    let world = World::new().await;
    let path = format!("/contacts/{}", phone(1).replace('+', "%2B"));
    let asha =
        json!({"name": "Asha", "language": "hi", "tags": ["pune", "gold"], "attributes": {"city": "Pune"}});
    assert_eq!(world.put(&path, asha.clone()).await.json(201)["phone"], phone(1));
    let again = world.put("/contacts/98450%2000001", asha).await.json(200);
    assert_eq!(again["tags"], json!(["gold", "pune"]));
    assert_eq!(world.get("/contacts?tag=pune").await.json(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(world.get("/contacts?search=ash").await.json(200)["items"][0]["name"], "Asha");
    assert_eq!(world.call(&world.admin, Method::DELETE, &path, None).await.status, 204);
    assert_eq!(world.get(&path).await.problem(404), "not_found");
    assert_eq!(world.call(&world.admin, Method::DELETE, &path, None).await.problem(404), "not_found");
    assert_eq!(world.put("/contacts/12345", json!({})).await.problem(422), "invalid_phone");
}

#[tokio::test]
async fn an_import_keeps_the_good_rows_and_explains_the_others() {
    let world = World::new().await;
    let csv = format!(
        "phone,name,tags,city\n{0},Asha,pune;gold,Pune\n12345,Short,,\n{0},Twice,,\n{1},Ravi,,Delhi\n",
        phone(1),
        phone(2)
    );
    let answer = world.post_csv("/contacts/import", csv.clone()).await.json(200);
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(2), &json!(1)));
    assert_eq!(answer["rejected"][0]["line"], 3);
    assert_eq!(answer["rejected"][0]["code"], "invalid_phone");
    let again = world.post_csv("/contacts/import", csv).await.json(200);
    assert_eq!(
        (&again["accepted"], &again["duplicates"]),
        (&json!(2), &json!(1)),
        "stored contacts are updated, not duplicates"
    );
    assert_eq!(world.get("/contacts").await.json(200)["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_leaves_nothing_behind() {
    let world = World::new().await;
    let columns = (0..1_000).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
    let unclosed = format!("phone,name\n{},Asha\n{},\"never closed\n", phone(1), phone(2));
    for file in [
        String::new(),
        "name,city\nAsha,Pune\n".to_owned(),
        format!("{columns}\n"),
        unclosed,
        "\u{0}\u{1}\u{2}".to_owned(),
    ] {
        assert_eq!(world.post_csv("/contacts/import", file).await.problem(422), "invalid_csv");
    }
    let json = world
        .send(Method::POST, "/api/v1/contacts/import", &[("content-type", "application/json")], "[]")
        .await;
    assert_eq!(json.problem(415), "unsupported_media_type");
    assert_eq!(world.get("/contacts").await.json(200)["items"], json!([]));
}

#[tokio::test]
async fn consent_is_put_read_back_and_withdrawn() {
    let world = World::new().await;
    let path = format!("/contacts/{}", phone(1));
    let given =
        json!({"consent_promotional_at": "2026-08-12T10:00:00+05:30", "consent_evidence": "booking form"});
    let put = world.put(&path, given).await.json(201);
    assert_eq!(put["consent_promotional_at"], "2026-08-12T04:30:00Z");
    assert_eq!(put["consent_evidence"], "booking form");
    let kept = world.put(&path, json!({"name": "Asha", "consent_promotional": true})).await.json(200);
    assert_eq!(
        kept["consent_promotional_at"], put["consent_promotional_at"],
        "the first consent is the evidence"
    );
    assert_eq!(world.get(&path).await.json(200)["consent_evidence"], "booking form");
    for wrong in [
        json!({"consent_promotional_at": "2099-01-01T00:00:00Z"}),
        json!({"consent_promotional_at": "yesterday"}),
        json!({"consent_promotional": false, "consent_evidence": "form"}),
        json!({"consent_evidence": "x".repeat(501)}),
    ] {
        assert_eq!(world.put(&path, wrong.clone()).await.status, 422, "{wrong}");
    }
    let withdrawn = world.put(&path, json!({"consent_promotional": false})).await.json(200);
    assert_eq!(
        (&withdrawn["consent_promotional_at"], &withdrawn["consent_evidence"]),
        (&json!(null), &json!(null))
    );
}

#[tokio::test]
async fn where_consent_is_demanded_an_offer_goes_to_those_alone_who_agreed() {
    let world = World::new().await;
    let demand = json!({"require_consent": true});
    world.call(&world.admin, Method::PATCH, "/settings", Some(demand)).await.json(200);
    let file = format!(
        "phone,name,consent,consent_evidence\n{},Asha,yes,form\n{},Ravi,12/08/2026,\n{},Meera,no,\n{},Imran,,\n{},Zoya,perhaps,\n",
        phone(1),
        phone(2),
        phone(3),
        phone(4),
        phone(5)
    );
    let answer = world.post_csv("/contacts/import", file).await.json(200);
    assert_eq!((&answer["accepted"], &answer["rejected"][0]["code"]), (&json!(4), &json!("invalid_consent")));
    let text = json!({"name": "Offer", "category": "promotional", "channel": "sms", "body": "{{brand}}: 20 % off. {{opt_out_url}}"});
    assert!(world.put("/templates/offer", text).await.status < 300);
    let campaign = json!({"name": "Offer", "template": "offer", "audience": {"all": true}});
    let id = world.post("/campaigns", campaign).await.json(201)["id"].as_str().unwrap().to_owned();
    let estimate = world.get(&format!("/campaigns/{id}/estimate")).await.json(200);
    assert_eq!((&estimate["sendable"], &estimate["suppressed"]), (&json!(2), &json!({"no_consent": 2})));
    world.post(&format!("/campaigns/{id}/approve"), json!({"quote": estimate["quote"]})).await.json(200);
    world.engine.plan(&CancellationToken::new()).await.unwrap();
    let log = world.get(&format!("/messages?campaign={id}&status=suppressed")).await.json(200);
    let mut left_out: Vec<(&str, &str)> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| (message["to"].as_str().unwrap(), message["suppressed_reason"].as_str().unwrap()))
        .collect();
    left_out.sort_unstable();
    assert_eq!(left_out, [(phone(3).as_str(), "no_consent"), (phone(4).as_str(), "no_consent")]);
    let offer = json!({"to": phone(4), "body": "Offer", "category": "promotional"});
    assert_eq!(world.post("/messages", offer).await.problem(422), "no_consent");
    world.message(&phone(4), "Your car is ready").await;
}

#[tokio::test]
async fn an_opt_out_is_put_listed_remembered_and_lifted() {
    let world = World::new().await;
    let path = format!("/opt-outs/{}", phone(1));
    let put = world.put(&path, json!({"scope": "promotional", "reason": "asked by phone"})).await.json(200);
    assert_eq!((&put["phone"], &put["scope"]), (&json!(phone(1)), &json!("promotional")));
    let offer = json!({"to": phone(1), "body": "Offer", "category": "promotional"});
    assert_eq!(world.post("/messages", offer).await.problem(422), "recipient_opted_out");
    world.message(&phone(1), "Your car is ready").await;
    let listed = world.get("/opt-outs").await.json(200);
    assert_eq!(listed["items"][0]["phone"], phone(1));
    assert_eq!(listed["items"][0]["source"], "api");
    assert_eq!(world.call(&world.admin, Method::DELETE, &path, None).await.status, 204);
    assert_eq!(world.get("/opt-outs").await.json(200)["items"], json!([]));
    let history = world.get(&path).await.json(200)["history"].clone();
    assert_eq!(history.as_array().unwrap().len(), 2, "nothing is ever taken from the history: {history}");
    assert_eq!(world.call(&world.admin, Method::DELETE, &path, None).await.problem(404), "not_found");
}

#[tokio::test]
async fn an_opt_out_stops_what_waits() {
    let world = World::new().await;
    let id = world.message(&phone(1), "Hello").await;
    world.put(&format!("/opt-outs/{}", phone(1)), json!({"scope": "all"})).await.json(200);
    world.engine.deliver_all().await.unwrap();
    assert_eq!(world.simulator.ledger().len(), 0);
    let status = world.get(&format!("/messages/{id}")).await.json(200)["status"].clone();
    assert!(status == "suppressed" || status == "canceled", "{status}");
}
