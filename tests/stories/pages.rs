//! People sign in, and every page works without scripts.

use harness::binary::Setup;
use harness::database::{Database, Engine};
use harness::visitor::Visitor;
use harness::wait::eventually;
use harness::world::{OWNER_EMAIL, OWNER_PASSWORD, World};
use rust_decimal::Decimal;
use serde_json::json;

/// Every page of the menu that the main job has.
const PAGES: &[&str] = &[
    "/",
    "/campaigns",
    "/campaigns/new",
    "/templates",
    "/contacts",
    "/contacts/import",
    "/costs/2026-11",
    "/costs/scenarios",
    "/costs/scenarios/new",
    "/opt-outs",
    "/messages",
    "/api-keys",
    "/settings",
    "/account",
];

#[tokio::test]
async fn strangers_are_sent_to_the_sign_in_page_and_come_back() {
    let world = World::sqlite().await;
    let stranger = world.visitor();
    for page in PAGES {
        let answer = stranger.open(page).await;
        assert_eq!(answer.status, 303, "{page}: {}", answer.text);
        let to = answer.headers["location"].to_str().expect("text");
        assert!(to.starts_with("/sign-in"), "{page} leads to {to}");
    }
}

#[tokio::test]
async fn every_page_opens_empty_and_forbids_inline_code() {
    for world in World::on_both().await {
        let owner = world.owner().await;
        for page in PAGES {
            let answer = owner.open(page).await;
            assert_eq!(answer.status, 200, "{page}: {}", answer.text);
            let policy = answer.headers["content-security-policy"].to_str().expect("text");
            assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
            assert!(
                !answer.text.contains(" style=\"") && !answer.text.contains("<script>"),
                "{page} has inline code"
            );
            assert!(answer.text.contains("lang=\"en"), "{page} names its language");
        }
    }
}

#[tokio::test]
async fn without_credentials_every_page_says_that_the_simulator_answers() {
    let database = Database::new(Engine::Sqlite).await;
    let setup = Setup::new(database.folder.path(), &database.url);
    setup.must(&["migrate"]).await;
    let add = ["user", "add", OWNER_EMAIL, "--role", "owner", "--password-stdin"];
    setup.must_with_input(&add, &format!("{OWNER_PASSWORD}\n")).await;
    let server = setup.serve(&["serve"]).await;
    let owner = Visitor::new(&server.base);
    owner.sign_in(OWNER_EMAIL, OWNER_PASSWORD).await;
    for page in PAGES {
        let text = owner.open(page).await.text;
        assert!(text.contains("Simulator"), "{page}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_many_are_held_off() {
    let world = World::sqlite().await;
    world.make_owner().await;
    let stranger = world.visitor();
    let mut statuses = Vec::new();
    for _ in 0..20 {
        let answer =
            stranger.post("/sign-in", &[("email", OWNER_EMAIL), ("password", "a wrong password")]).await;
        assert_ne!(answer.status, 303);
        statuses.push(answer.status);
        if answer.status == 429 {
            break;
        }
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    let held_off = stranger.post("/sign-in", &[("email", OWNER_EMAIL), ("password", OWNER_PASSWORD)]).await;
    assert_eq!(held_off.status, 429, "the right one has to wait as well");
}

#[tokio::test]
async fn a_form_without_our_token_changes_nothing() {
    let world = World::sqlite().await;
    let owner = world.owner().await;
    for (action, fields) in [("/sign-out", [("csrf", "forged")]), ("/sign-out", [("other", "")])] {
        let answer = owner.post(action, &fields).await;
        assert_eq!(answer.status, 403, "{}", answer.text);
    }
    assert_eq!(owner.open("/").await.status, 200, "still signed in");
}

#[tokio::test]
async fn health_and_the_api_document_are_public() {
    let world = World::sqlite().await;
    let stranger = world.visitor();
    for page in ["/healthz", "/readyz", "/api/openapi.json", "/api/docs", "/metrics"] {
        assert_eq!(stranger.open(page).await.status, 200, "{page}");
    }
}

#[tokio::test]
async fn the_api_document_has_every_path_of_the_contract() {
    let world = World::sqlite().await;
    let document = world.visitor().open("/api/openapi.json").await.expect(200);
    let paths: Vec<&String> = document["paths"].as_object().expect("paths").keys().collect();
    for path in [
        "/messages",
        "/messages/{id}",
        "/estimates",
        "/campaigns",
        "/campaigns/{id}",
        "/campaigns/{id}/recipients",
        "/campaigns/{id}/estimate",
        "/campaigns/{id}/approve",
        "/campaigns/{id}/pause",
        "/campaigns/{id}/resume",
        "/campaigns/{id}/cancel",
        "/opt-outs",
        "/opt-outs/{phone}",
        "/contacts",
        "/contacts/{phone}",
        "/contacts/import",
        "/templates",
        "/templates/{key}",
        "/senders",
        "/senders/{address}",
        "/settings",
        "/sending",
        "/sending/stop",
        "/sending/resume",
        "/test-sms/",
    ] {
        assert!(paths.iter().any(|found| found.ends_with(path)), "{path} is not in {paths:?}");
    }
}

#[tokio::test]
async fn the_parts_of_the_months_spend_add_up_to_what_was_approved() {
    for world in World::on_both().await {
        let owner = world.owner().await;
        world.slow_campaign(300).await;
        world.until_posts_reach(10).await;
        world.api.post("/sending/stop", json!({"reason": "a look at the money"})).await.expect(200);
        eventually("the parts add up to 300 messages of 0.80 and a number's rent of 150", async || {
            let [charged, unpriced, to_come, total] = spend_on(&owner.open("/").await.text);
            assert_eq!(charged + unpriced + to_come, total);
            (total == Decimal::from(240 + 150) && to_come > Decimal::ZERO).then_some(())
        })
        .await;
    }
}

/// The figures of the dashboard's spend, in rupees: charged, without a price, still to send, in all.
fn spend_on(dashboard: &str) -> [Decimal; 4] {
    let (_, card) = dashboard.split_once("id=\"h-spend\"").expect("the month's spend");
    let figures = card.split("class=\"big").skip(1).map(|rest| {
        let (_, figure) = rest.split_once('₹').expect("rupees");
        let end = figure.find('<').expect("an end");
        figure[..end].replace(',', "").parse().expect("a number")
    });
    figures.take(4).collect::<Vec<Decimal>>().try_into().expect("four figures")
}
