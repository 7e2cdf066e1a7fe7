//! Contacts and opt-outs.

use crate::world::{World, phone};
use axum::http::Method;
use serde_json::json;

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
