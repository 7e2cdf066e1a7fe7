//! What customers owe comes from a file and a program, and whoever pays is not asked again.

use dakiya_simulator::SimulatorConfig;
use harness::binary::Setup;
use harness::database::Engine;
use harness::http_client;
use harness::world::{World, phone};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

const SECRET: &str = "between the bank and us";

fn file(world: &World, name: &str, text: &str) -> String {
    let path = world.database.folder.path().join(name);
    std::fs::write(&path, text).expect("a file");
    path.to_string_lossy().into_owned()
}

async fn world(engine: Engine) -> World {
    let secrets = |setup: Setup| {
        setup.with("DAKIYA_PAYMENT_WEBHOOK_SECRET", SECRET).with("DAKIYA_RAZORPAY_WEBHOOK_SECRET", SECRET)
    };
    World::with(engine, SimulatorConfig::immediate(), secrets).await
}

fn rupees(amount: &str) -> Value {
    json!({"amount": amount, "currency": "INR"})
}

/// What a provider posts, signed; the status of the answer.
async fn told(world: &World, name: &str, header: &str, event: &Value, secret: &str) -> u16 {
    let body = event.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(body.as_bytes());
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let request =
        http_client().post(format!("{}/webhooks/payments/{name}", world.base)).header(header, signature);
    request.body(body).send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn a_file_from_the_accounts_department_becomes_payments() {
    for world in [world(Engine::Sqlite).await, world(Engine::Postgres).await] {
        let rows: String = (0..1_500)
            .map(|n| {
                format!(
                    "INV/{n},{},\"1,{:03}.50\",{:02}/12/2026,https://pay.example.in/{n},Person {n}\n",
                    phone(n),
                    n % 1_000,
                    1 + n % 28
                )
            })
            .collect();
        let csv = format!(
            "reference,phone,amount,due_on,pay_url,name\n{rows}INV/7,12345,1,2026-12-01,,\nINV/8,{},5,2026-12-31,,Last\n",
            phone(8)
        );
        let path = file(&world, "payments.csv", &csv);
        let answer: Value =
            serde_json::from_str(&world.setup.must(&["import", "payments", &path, "--json"]).await)
                .expect("JSON");
        assert_eq!(
            (&answer["accepted"], &answer["duplicates"], &answer["rejected_count"]),
            (&json!(1_500), &json!(1), &json!(1))
        );
        assert_eq!(
            (&answer["rejected"][0]["line"], &answer["rejected"][0]["column"]),
            (&json!(1_502), &json!("phone"))
        );
        assert_eq!(world.api.all("/payments").await.len(), 1_500);
        let last = world.api.get("/payments/INV%2F8").await.expect(200);
        assert_eq!(
            (&last["amount"], &last["due_on"], &last["name"]),
            (&rupees("5.00"), &json!("2026-12-31"), &json!("Last"))
        );
        world.api.act("/payments/INV%2F9/paid").await.expect(200);
        world.setup.must(&["import", "payments", &path]).await;
        assert_eq!(
            world.api.get("/payments/INV%2F9").await.expect(200)["status"],
            "paid",
            "an import reopens nothing"
        );
        assert_eq!(world.api.all("/payments?status=open").await.len(), 1_499);
    }
}

#[tokio::test]
async fn a_provider_that_signs_is_believed_and_no_other() {
    for world in [world(Engine::Sqlite).await, world(Engine::Postgres).await] {
        let payment = json!({"phone": phone(1), "amount": rupees("1000"), "due_on": "2026-12-05"});
        world.api.put("/payments/4711", payment).await.expect(201);
        let paid = json!({"event_id": "e1", "reference": "4711", "status": "paid"});
        assert_eq!(told(&world, "bank", "x-dakiya-signature", &paid, "a guess").await, 403);
        assert_eq!(world.api.get("/payments/4711").await.expect(200)["status"], "open");
        let link = json!({"event": "payment_link.partially_paid", "payload": {"payment_link": {"entity": {
            "id": "plink_1", "reference_id": "4711", "currency": "INR", "amount": 100_000, "amount_paid": 25_050,
        }}}});
        for _ in 0..2 {
            assert_eq!(told(&world, "razorpay", "x-razorpay-signature", &link, SECRET).await, 200);
            assert_eq!(world.api.get("/payments/4711").await.expect(200)["left"], rupees("749.50"));
        }
        assert_eq!(told(&world, "bank", "x-dakiya-signature", &paid, SECRET).await, 200);
        assert_eq!(world.api.get("/payments/4711").await.expect(200)["status"], "paid");
    }
}

#[tokio::test]
async fn without_a_secret_there_is_no_webhook() {
    let world = World::sqlite().await;
    let paid = json!({"event_id": "e1", "reference": "4711", "status": "paid"});
    for (name, header) in [("bank", "x-dakiya-signature"), ("razorpay", "x-razorpay-signature")] {
        assert_eq!(told(&world, name, header, &paid, "").await, 404, "{name}");
    }
}

#[tokio::test]
async fn a_part_payment_asked_for_again_after_a_crash_counts_once() {
    let mut world = world(Engine::Sqlite).await;
    let payment = json!({"phone": phone(1), "amount": rupees("1000"), "due_on": "2026-12-05"});
    world.api.put("/payments/4711", payment).await.expect(201);
    let part = json!({"amount": rupees("400")});
    world.api.post_once("/payments/4711/paid", "part-1", part.clone()).await.expect(200);
    world.kill().await;
    world.restart().await;
    let again = world.api.post_once("/payments/4711/paid", "part-1", part).await.expect(200);
    assert_eq!((&again["left"], &again["status"]), (&rupees("600.00"), &json!("partly_paid")));
    let detail = world.api.get("/payments/4711").await.expect(200);
    assert_eq!(detail["history"].as_array().map(Vec::len), Some(1), "{detail}");
}
