//! Dakiya as somebody would install it: the release binary, a fresh database, a key.

use crate::stub::Stub;
use harness::api::Api;
use harness::binary::{Server, Setup};
use harness::database::{Database, Engine};
use serde_json::{Value, json};

/// The token that callbacks are signed with.
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A running Dakiya that posts to a stub.
pub struct Installation {
    pub api: Api,
    pub server: Server,
    pub database: Database,
    setup: Setup,
}

/// An empty, migrated database, and how commands reach it.
pub async fn migrated(engine: Engine) -> (Database, Setup) {
    let database = Database::new(engine).await;
    let setup = Setup::new(database.folder.path(), &database.url).with("DAKIYA_LOG", "warn");
    setup.must(&["migrate"]).await;
    (database, setup)
}

impl Installation {
    /// Starts Dakiya; its POSTs go to the stub.
    pub async fn start(engine: Engine, stub: &Stub) -> Installation {
        let (database, setup) = migrated(engine).await;
        let setup = setup
            .with("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000000")
            .with("TWILIO_AUTH_TOKEN", TOKEN)
            .with("TWILIO_PHONE_NUMBER", "+15005550006")
            .with("TWILIO_API_BASE_URL", &stub.base)
            .with("TWILIO_PRICING_BASE_URL", &stub.base);
        let made = setup.must(&["api-key", "create", "bench", "--scope", "admin", "--json"]).await;
        let made: Value = serde_json::from_str(&made).expect("the key as JSON");
        let server = setup.serve(&["serve"]).await;
        // The same address after a restart.
        let setup = setup.with("DAKIYA_LISTEN", format!("127.0.0.1:{}", server.port()));
        let api = Api::new(&server.base, made["key"].as_str().expect("a key"));
        let template =
            json!({"name": "Bench", "category": "service", "channel": "sms", "body": "Hello {{name}}"});
        let answer = api.put("/templates/bench", template).await;
        assert!(answer.status < 300, "{}", answer.text);
        Installation { api, server, database, setup }
    }

    /// Starts the process anew, so that its memory tells of what comes from here on.
    pub async fn restarted(self) -> Installation {
        self.while_stopped(async {}).await
    }

    /// Does something to the database while nobody else uses it.
    pub async fn while_stopped(self, work: impl Future<Output = ()>) -> Installation {
        let Installation { api, server, database, setup } = self;
        server.stop().await;
        work.await;
        let server = setup.serve(&["serve"]).await;
        Installation { api, server, database, setup }
    }

    /// A campaign to this many people from a sender of its own, approved.
    pub async fn approved_campaign(&self, number: u64, people: u64, pace: u64) -> String {
        let address = format!("%2B1500555{number:04}");
        let sender = json!({"kind": "number", "segments_per_second": pace, "promotional": false});
        let answer = self.api.put(&format!("/senders/{address}"), sender).await;
        assert!(answer.status < 300, "{}", answer.text);
        let sender = address.replace("%2B", "+");
        let new = json!({"name": format!("Bench {number}"), "template": "bench", "sender": sender});
        let made = self.api.post("/campaigns", new).await;
        assert!(made.status < 300, "{}", made.text);
        let id = made.json()["id"].as_str().expect("an id").to_owned();
        let first = number * people;
        let rows: String = (first..first + people)
            .map(|index| format!("{},Asha\n", crate::generate::national(index)))
            .collect();
        self.api
            .post_csv(&format!("/campaigns/{id}/recipients"), format!("phone,name\n{rows}"))
            .await
            .expect(200);
        let quote = self.api.get(&format!("/campaigns/{id}/estimate")).await.expect(200)["quote"].clone();
        self.api.post(&format!("/campaigns/{id}/approve"), json!({"quote": quote})).await.expect(200);
        id
    }
}
