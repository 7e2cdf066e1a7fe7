//! The owner at a terminal.

use harness::binary::Setup;
use harness::database::{Database, Engine};
use harness::world::{World, phone};
use serde_json::Value;
use std::path::PathBuf;

async fn fresh() -> (Database, Setup) {
    let database = Database::new(Engine::Sqlite).await;
    let setup = Setup::new(database.folder.path(), &database.url);
    (database, setup)
}

fn file(database: &Database, name: &str, text: &str) -> String {
    let path: PathBuf = database.folder.path().join(name);
    std::fs::write(&path, text).expect("a file");
    path.to_string_lossy().into_owned()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("JSON and nothing else ({error}): {text}"))
}

#[tokio::test]
async fn help_is_complete_and_wrong_usage_says_so() {
    let (_database, setup) = fresh().await;
    let help = setup.must(&["--help"]).await;
    for command in [
        "serve",
        "demo",
        "migrate",
        "test-sms",
        "estimate",
        "import",
        "user",
        "api-key",
        "backfill",
        "simulator",
    ] {
        assert!(help.contains(command), "{command} is not in the help");
        setup.must(&[command, "--help"]).await;
    }
    for wrong in [vec!["nothing"], vec!["serve", "--role", "cook"], vec!["user", "add"], vec![]] {
        assert_eq!(setup.run(&wrong).await.code, Some(2), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_configuration_that_does_not_fit_is_refused_by_name() {
    let (_database, setup) = fresh().await;
    setup.must(&["migrate"]).await;
    let secret = "deadbeefdeadbeefdeadbeefdeadbeef";
    let sid = "AC00000000000000000000000000000000";
    let cases = [
        (setup.clone().with("TWILIO_ACCOUNT_SID", sid), "TWILIO_AUTH_TOKEN"),
        (setup.clone().with("TWILIO_AUTH_TOKEN", secret), "TWILIO_ACCOUNT_SID"),
        (setup.clone().with("DAKIYA_LISTEN", "everywhere"), "DAKIYA_LISTEN"),
        (setup.clone().with("DAKIYA_TIMEZONE", "IST"), "DAKIYA_TIMEZONE"),
        (setup.clone().with("DAKIYA_DATABASE_URL", "mysql://root@localhost/x"), "DAKIYA_DATABASE_URL"),
    ];
    for (setup, variable) in cases {
        let refused = setup.run(&["serve"]).await;
        assert_eq!(refused.code, Some(1), "{variable}: {refused:?}");
        assert!(refused.stderr.contains(variable), "{variable}: {}", refused.stderr);
        assert!(!refused.stderr.contains(secret), "a secret was repeated");
    }
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_named_without_its_password() {
    let (_database, setup) = fresh().await;
    let setup = setup.with("DAKIYA_DATABASE_URL", "postgres://someone:hunter2secret@127.0.0.1:1/nowhere");
    for command in ["migrate", "serve"] {
        let refused = setup.run(&[command]).await;
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(
            !refused.stderr.is_empty() && !refused.stderr.contains("hunter2secret"),
            "{}",
            refused.stderr
        );
    }
}

#[tokio::test]
async fn a_second_process_on_one_file_and_a_busy_port_are_refused_in_words() {
    let (_database, setup) = fresh().await;
    setup.must(&["migrate"]).await;
    let first = setup.serve(&["serve"]).await;
    let second = setup.run(&["serve"]).await;
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(!second.stderr.is_empty());
    let (_other, elsewhere) = fresh().await;
    elsewhere.must(&["migrate"]).await;
    let busy = elsewhere.with("DAKIYA_LISTEN", format!("127.0.0.1:{}", first.port()));
    let refused = busy.run(&["serve"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains(&first.port().to_string()), "{}", refused.stderr);
    assert_eq!(first.stop().await, Some(0), "asked to stop, it ends well");
}

#[tokio::test]
async fn a_list_is_priced_without_storing_or_sending_anything() {
    let (database, setup) = fresh().await;
    setup.must(&["migrate"]).await;
    let rows = format!("phone,name\n{},Asha\n{},Ravi\n{},Asha\n12345,Bad\n", phone(0), phone(1), phone(0));
    let csv = file(&database, "list.csv", &rows);
    let estimate =
        json(&setup.must(&["estimate", "--body", "Hello {{name}}", "--csv", &csv, "--json"]).await);
    assert_eq!(estimate["sendable"], 2, "{estimate}");
    assert_eq!(estimate["segments"], 2);
    assert_eq!(estimate["cost"]["expected"]["amount"], "1.60");
    let words = setup.must(&["estimate", "--body", "Hello {{name}}", "--csv", &csv]).await;
    assert!(words.contains("1.60"), "{words}");
}

#[tokio::test]
async fn a_list_is_imported_and_bad_rows_are_explained() {
    let (database, setup) = fresh().await;
    setup.must(&["migrate"]).await;
    let csv =
        file(&database, "contacts.csv", &format!("phone,name,tags\n{},Asha,a;b\n12345,Bad,\n", phone(0)));
    for _ in 0..2 {
        let finished = setup.run(&["import", "contacts", &csv, "--json"]).await;
        let answer = json(&finished.stdout);
        assert_eq!(answer["accepted"], 1, "{answer}");
        assert_eq!(answer["rejected"][0]["line"], 3);
    }
    let useless = file(&database, "useless.csv", "phone,name\n12345,Bad\n");
    for arguments in [&["import", "contacts", &useless][..], &["import", "contacts", &useless, "--json"]] {
        let failed = setup.run(arguments).await;
        assert_eq!(failed.code, Some(1), "not one row was stored: {failed:?}");
    }
    let missing = setup.run(&["import", "contacts", "not-there.csv"]).await;
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.stderr.contains("not-there.csv"), "{}", missing.stderr);
}

#[tokio::test]
async fn an_accounts_past_is_read_beside_a_running_server_as_often_as_one_likes() {
    let world = World::sqlite().await;
    for _ in 0..2 {
        let answer = json(&world.setup.must(&["backfill", "--months", "2", "--json"]).await);
        assert!(answer["days_read"].as_u64().is_some_and(|days| days >= 59), "{answer}");
        assert_eq!(answer["months"], 2);
    }
    let words = world.setup.must(&["backfill", "--months", "1"]).await;
    assert!(words.contains("days read") && words.contains("(1 of 2 months)"), "{words}");
    for months in ["0", "61", "many"] {
        assert_eq!(world.setup.run(&["backfill", "--months", months]).await.code, Some(2), "{months}");
    }
    let wrong = world.setup.clone().with("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000000");
    assert_eq!(wrong.run(&["backfill"]).await.code, Some(1));
}

#[tokio::test]
async fn opt_outs_are_imported_and_obeyed() {
    let world = World::sqlite().await;
    let csv = file(&world.database, "stops.csv", &format!("phone\n{}\n", phone(0)));
    world.setup.must(&["import", "opt-outs", &csv, "--json"]).await;
    let body = serde_json::json!({"to": phone(0), "body": "Hello", "category": "service"});
    assert_eq!(world.api.post("/messages", body).await.problem(422), "recipient_opted_out");
}

#[tokio::test]
async fn a_revoked_key_opens_nothing() {
    let world = World::sqlite().await;
    let made =
        json(&world.setup.must(&["api-key", "create", "short-lived", "--scope", "read", "--json"]).await);
    let api = world.api.with_key(made["key"].as_str().expect("a key"));
    api.get("/messages").await.expect(200);
    let listed = world.setup.must(&["api-key", "list"]).await;
    assert!(listed.contains("short-lived") && !listed.contains(made["key"].as_str().expect("a key")));
    world.setup.must(&["api-key", "revoke", made["id"].as_str().expect("an id")]).await;
    api.get("/messages").await.problem(401);
}

#[tokio::test]
async fn people_are_added_listed_and_given_new_passwords() {
    let world = World::sqlite().await;
    world.owner().await.open("/").await;
    assert!(world.setup.must(&["user", "list"]).await.contains(harness::world::OWNER_EMAIL));
    let reset = world.setup.run(&["user", "add", "no-address", "--role", "owner", "--password-stdin"]).await;
    assert_ne!(reset.code, Some(0), "{reset:?}");
}

#[tokio::test]
async fn a_test_message_waits_for_twilios_answer() {
    let world = World::sqlite().await;
    let said = world.setup.must(&["test-sms", &phone(0), "--message", "It works"]).await;
    assert!(said.contains("SM"), "{said}");
    assert_eq!(world.posts_to(&phone(0))[0].body, "It works");
    let refused = world.setup.run(&["test-sms", "12345"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
}
