//! People say stop, by whichever way they have, and are obeyed.

use harness::world::{FAST, World, phone};
use serde_json::json;

#[tokio::test]
async fn stop_in_many_spellings_is_obeyed() {
    let world = World::sqlite().await;
    let spellings = ["STOP", " stop. ", "Stop!", "ＳＴＯＰ", "ЅТОР", "unsubscribe", "रोकें"];
    for (index, spelling) in spellings.iter().enumerate() {
        let from = phone(index);
        world.inbound(&from, spelling).await;
        let body = json!({"to": from, "body": "Hello", "category": "service"});
        assert_eq!(world.api.post("/messages", body).await.problem(422), "recipient_opted_out", "{spelling}");
    }
}

#[tokio::test]
async fn a_sentence_with_the_word_in_it_is_no_opt_out() {
    let world = World::sqlite().await;
    for (index, text) in ["Please don't stop", "I stopped the car", "bus stop 4"].iter().enumerate() {
        world.inbound(&phone(index), text).await;
        world.send(&phone(index), "Hello").await;
    }
}

#[tokio::test]
async fn start_undoes_stop() {
    for world in World::on_both().await {
        world.inbound(&phone(0), "STOP").await;
        world.inbound(&phone(0), "START").await;
        let sent = world.send(&phone(0), "Welcome back").await;
        world.message_reaches(&sent["id"], "delivered").await;
    }
}

#[tokio::test]
async fn after_the_answer_to_stop_nothing_to_that_number_begins() {
    for world in World::on_both().await {
        let victim = phone(150);
        let id = world.slow_campaign(300).await;
        world.until_posts_reach(3).await;
        world.inbound(&victim, "STOP").await;
        let before = world.posts_to(&victim).len();
        world.set_pace(FAST).await;
        world.campaign_reaches(&id, "completed").await;
        world.until_quiet().await;
        assert_eq!(world.posts_to(&victim).len(), before);
        if before == 0 {
            let rows =
                world.api.all(&format!("/messages?campaign={id}&phone={}", victim.replace('+', "%2B"))).await;
            assert!(matches!(rows[0]["status"].as_str(), Some("suppressed" | "canceled")), "{}", rows[0]);
        }
    }
}

#[tokio::test]
async fn the_link_in_a_message_opens_a_page_that_opts_out_without_signing_in() {
    let world = World::sqlite().await;
    let sent = world.send(&phone(0), "Offer! Opt out: {{opt_out_url}}").await;
    let message = world.message_reaches(&sent["id"], "delivered").await;
    let body = message["body"].as_str().expect("a body");
    let link = body.split_once("Opt out: ").expect("the link").1;
    let path = link.strip_prefix(&world.base).expect("the link leads to us");
    assert!(path.starts_with("/o?t="), "{path}");

    let person = world.visitor();
    let shown = person.open(path).await;
    assert_eq!(shown.status, 200);
    assert!(!shown.text.contains(&phone(0)), "a number is masked on a public page");
    world.opt_out_by_page(&person, path).await;
    let refused = json!({"to": phone(0), "body": "Again", "category": "promotional"});
    assert_eq!(world.api.post("/messages", refused).await.problem(422), "recipient_opted_out");
}

#[tokio::test]
async fn opening_the_link_alone_changes_nothing() {
    let world = World::sqlite().await;
    let sent = world.send(&phone(0), "Opt out: {{opt_out_url}}").await;
    let body = world.message_reaches(&sent["id"], "delivered").await["body"].clone();
    let link = body.as_str().expect("a body").split_once("Opt out: ").expect("the link").1.to_owned();
    world.visitor().open(link.strip_prefix(&world.base).expect("ours")).await;
    world.send(&phone(0), "link previews open links too").await;
}

#[tokio::test]
async fn a_forged_link_leads_nowhere() {
    let world = World::sqlite().await;
    for token in ["", "AAAAAAAAAAAAAAAAAAAAAA", "../../etc", "%00"] {
        let shown = world.visitor().open(&format!("/o?t={token}")).await;
        assert!((400..500).contains(&shown.status), "{token}: {}", shown.status);
    }
}

#[tokio::test]
async fn twilios_word_that_somebody_opted_out_is_taken() {
    let world = World::sqlite().await;
    world.block_at_twilio(&phone(0));
    let sent = world.send(&phone(0), "Hello").await;
    let message = world.message_reaches(&sent["id"], "rejected").await;
    assert_eq!(message["error_code"], 21_610);
    assert!(message["error"].is_string());
    let body = json!({"to": phone(0), "body": "Hello again", "category": "service"});
    assert_eq!(world.api.post("/messages", body).await.problem(422), "recipient_opted_out");
}

#[tokio::test]
async fn a_promotional_opt_out_stops_offers_and_lets_service_through() {
    let world = World::sqlite().await;
    world.opt_out(&phone(0), "promotional").await;
    let offer = json!({"to": phone(0), "body": "Offer", "category": "promotional"});
    assert_eq!(world.api.post("/messages", offer).await.problem(422), "recipient_opted_out");
    world.send(&phone(0), "Your car is ready").await;
}

#[tokio::test]
async fn the_list_shows_who_opted_out_and_deleting_lets_them_in_again() {
    for world in World::on_both().await {
        world.opt_out(&phone(0), "all").await;
        let listed = world.api.all("/opt-outs").await;
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0]["phone"], phone(0));
        assert_eq!(listed[0]["scope"], "all");
        let path = format!("/opt-outs/{}", phone(0).replace('+', "%2B"));
        assert!(matches!(world.api.delete(&path).await.status, 200 | 204));
        assert_eq!(world.api.all("/opt-outs").await.len(), 0);
        world.send(&phone(0), "Welcome back").await;
    }
}
