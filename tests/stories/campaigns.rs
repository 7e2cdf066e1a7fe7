//! Operations schedules, approves, watches, pauses and cancels a campaign.

use chrono::{DateTime, TimeDelta, Utc};
use harness::world::{FAST, World, count, phone};
use serde_json::{Value, json};
use std::collections::HashSet;

/// People of a slow campaign that is still under way whenever a story acts on it.
const LONG: usize = 300;

#[tokio::test]
async fn a_campaign_reaches_everybody_once_and_its_figures_add_up() {
    for world in World::on_both().await {
        let id = world.draft("Monsoon check", "Hello {{name}}, monsoon check-up is due.", 60).await;
        let estimate = world.campaign_estimate(&id).await;
        assert_eq!(estimate["sendable"], 60);
        assert_eq!(estimate["cost"]["expected"]["amount"], "48.00");
        world.approve(&id, &estimate["quote"]).await.expect(200);
        world.campaign_reaches(&id, "completed").await;
        world.until_quiet().await;

        let campaign = world.campaign(&id).await;
        assert_eq!(count(&campaign["counts"]), 60);
        assert_eq!(campaign["counts"]["delivered"], 60, "{campaign}");
        let messages = world.api.all(&format!("/messages?campaign={id}")).await;
        let numbers: HashSet<&str> = messages.iter().filter_map(|message| message["to"].as_str()).collect();
        assert_eq!((messages.len(), numbers.len()), (60, 60));
        assert_eq!(world.posts().len(), 60);
        let billed: u64 = world.posts().iter().map(|post| u64::from(post.segments)).sum();
        assert_eq!(estimate["segments"], billed, "the estimate is what Twilio bills");
    }
}

#[tokio::test]
async fn the_page_before_approval_does_not_wait_until_a_huge_audience_is_counted() {
    let world = World::sqlite().await;
    let id = world.draft("Huge", "Hello {{name}}", 20_001).await;
    let owner = world.owner().await;
    let page = owner.open(&format!("/campaigns/{id}/check")).await;
    assert!(page.text.contains("20,001 messages") && !page.text.contains("name=\"quote\""), "{}", page.text);
    let counted = format!("/campaigns/{id}/check?counted=yes");
    assert!(page.text.contains(&format!("href=\"{counted}\"")), "{}", page.text);
    let figures = owner.open(&counted).await.text;
    assert!(figures.contains("name=\"quote\"") && figures.contains("Approve ₹16,000.80"), "{figures}");
}

#[tokio::test]
async fn after_the_prices_came_the_actual_cost_is_twilios_to_the_paisa() {
    let world = World::sqlite().await;
    let id = world.draft("Prices", "Hello {{name}}", 20).await;
    world.approve_as_quoted(&id).await;
    world.campaign_reaches(&id, "completed").await;
    let campaign = world.campaign_priced(&id, "16.00").await;
    assert_eq!(campaign["cost"]["estimated"]["amount"], "16.00");
    assert_eq!(campaign["cost"]["reserved"]["amount"], "0.00");
}

#[tokio::test]
async fn a_changed_audience_voids_the_quote() {
    for world in World::on_both().await {
        let id = world.draft("Quote", "Hello {{name}}", 3).await;
        let estimate = world.campaign_estimate(&id).await;
        let more = json!([{"to": phone(900), "variables": {"name": "Late"}}]);
        world.api.post(&format!("/campaigns/{id}/recipients"), more).await.expect(200);
        assert_eq!(world.approve(&id, &estimate["quote"]).await.problem(409), "quote_changed");
        assert_eq!(world.campaign(&id).await["state"], "draft");
        world.approve_as_quoted(&id).await;
    }
}

#[tokio::test]
async fn what_was_quoted_is_what_is_sent_whatever_becomes_of_the_template() {
    let world = World::sqlite().await;
    let id = world.draft("Quote", "Hello {{name}}", 1).await;
    let estimate = world.campaign_estimate(&id).await;
    world.template("quote", "service", "Goodbye {{name}}").await;
    world.approve(&id, &estimate["quote"]).await.expect(200);
    world.campaign_reaches(&id, "completed").await;
    assert_eq!(world.posts_to(&phone(0))[0].body, "Hello Person 0");
}

#[tokio::test]
async fn an_opt_out_after_the_quote_voids_it() {
    let world = World::sqlite().await;
    let id = world.draft("Quote", "Hello {{name}}", 3).await;
    let estimate = world.campaign_estimate(&id).await;
    world.opt_out(&phone(1), "all").await;
    assert_eq!(world.approve(&id, &estimate["quote"]).await.problem(409), "quote_changed");
}

#[tokio::test]
async fn a_campaign_dearer_than_its_budget_is_not_approved() {
    let world = World::sqlite().await;
    world.template("dear", "service", "Hello {{name}}").await;
    let new = json!({"name": "Dear", "template": "dear", "budget": {"amount": "1.00", "currency": "INR"}});
    let id = world.create_campaign(new).await;
    world.add_recipients(&id, 3).await;
    let estimate = world.campaign_estimate(&id).await;
    assert_eq!(world.approve(&id, &estimate["quote"]).await.problem(422), "over_budget");
}

#[tokio::test]
async fn a_second_approval_sends_nothing_twice() {
    for world in World::on_both().await {
        let id = world.draft("Twice", "Hello {{name}}", 10).await;
        let quote = world.campaign_estimate(&id).await["quote"].clone();
        let (first, second) =
            futures::future::join(world.approve(&id, &quote), world.approve(&id, &quote)).await;
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{first:?} {second:?}");
        world.campaign_reaches(&id, "completed").await;
        assert_eq!(world.posts().len(), 10);
    }
}

#[tokio::test]
async fn the_same_number_twice_in_a_list_gets_one_message() {
    let world = World::sqlite().await;
    world.template("once", "service", "Hello {{name}}").await;
    let id = world.create_campaign(json!({"name": "Once", "template": "once"})).await;
    let csv = format!("phone,name\n{0},First\n98450 00001,Second\n{0},Third\nnonsense,Fourth\n", phone(0));
    let answer = world.api.post_csv(&format!("/campaigns/{id}/recipients"), csv).await.expect(200);
    assert_eq!(answer["accepted"], 2, "{answer}");
    assert_eq!(answer["duplicates"], 1);
    assert_eq!(answer["rejected"][0]["line"], 5);
    assert_eq!(answer["rejected"][0]["column"], "phone");
    assert_eq!(answer["rejected"][0]["value"], "nonsense");
    world.approve_as_quoted(&id).await;
    world.campaign_reaches(&id, "completed").await;
    let bodies: Vec<String> = world.posts_to(&phone(0)).into_iter().map(|post| post.body).collect();
    assert_eq!(bodies, ["Hello First"]);
}

#[tokio::test]
async fn an_audience_of_tags_takes_the_stored_contacts() {
    for world in World::on_both().await {
        for index in 0..6 {
            let tags = if index % 2 == 0 { json!(["pune"]) } else { json!(["delhi"]) };
            let contact = json!({"name": format!("Person {index}"), "tags": tags});
            let path = format!("/contacts/{}", phone(index).replace('+', "%2B"));
            assert!(matches!(world.api.put(&path, contact).await.status, 200 | 201));
        }
        world.template("tagged", "service", "Hello {{name}}").await;
        let new = json!({"name": "Pune", "template": "tagged", "audience": {"tags": ["pune"]}});
        let id = world.create_campaign(new).await;
        world.approve_as_quoted(&id).await;
        world.campaign_reaches(&id, "completed").await;
        let mut reached: Vec<String> = world.posts().into_iter().map(|post| post.to).collect();
        reached.sort();
        assert_eq!(reached, [phone(0), phone(2), phone(4)]);
    }
}

#[tokio::test]
async fn after_the_answer_to_pause_nothing_begins_until_resume() {
    for world in World::on_both().await {
        let id = world.slow_campaign(LONG).await;
        world.until_posts_reach(5).await;
        world.api.act(&format!("/campaigns/{id}/pause")).await.expect(200);
        let begun = world.posts().len();
        let marker = world.send(&phone(5_000), "somebody else's message goes on").await;
        world.message_reaches(&marker["id"], "delivered").await;
        assert_eq!(world.posts().len(), begun + 1, "only the message of no campaign was posted");
        assert_eq!(world.campaign(&id).await["state"], "paused");
        world.set_pace(FAST).await;
        world.api.act(&format!("/campaigns/{id}/resume")).await.expect(200);
        world.campaign_reaches(&id, "completed").await;
        assert_eq!(world.posts().len(), LONG + 1);
    }
}

#[tokio::test]
async fn after_the_answer_to_cancel_nothing_begins_ever() {
    for world in World::on_both().await {
        let id = world.slow_campaign(LONG).await;
        world.until_posts_reach(5).await;
        world.api.act(&format!("/campaigns/{id}/cancel")).await.expect(200);
        let begun = world.posts().len();
        assert!(begun < LONG);
        world.set_pace(FAST).await;
        let marker = world.send(&phone(5_000), "the queue is still worked on").await;
        world.message_reaches(&marker["id"], "delivered").await;
        world.until_quiet().await;
        assert_eq!(world.posts().len(), begun + 1);
        let campaign = world.campaign(&id).await;
        assert_eq!(campaign["state"], "canceled");
        assert_eq!(count(&campaign["counts"]), LONG as u64, "{campaign}");
        let again = world.api.act(&format!("/campaigns/{id}/resume")).await;
        assert_eq!(again.problem(409), "invalid_state");
    }
}

#[tokio::test]
async fn a_campaign_keeps_its_pace() {
    let world = World::sqlite().await;
    world.template("paced", "service", "Hello {{name}}").await;
    let id =
        world.create_campaign(json!({"name": "Paced", "template": "paced", "segments_per_second": 20})).await;
    world.add_recipients(&id, 60).await;
    world.approve_as_quoted(&id).await;
    let campaign = world.campaign_reaches(&id, "completed").await;
    let started: DateTime<Utc> =
        campaign["started_at"].as_str().and_then(|at| at.parse().ok()).expect("a time");
    let mut times: Vec<_> = world.posts().into_iter().map(|post| post.at).collect();
    times.sort_unstable();
    // A busy machine only makes posts late, and a late one may come close to the next: so each is held to its own time.
    for (before, at) in times.iter().enumerate() {
        let earliest = started + TimeDelta::milliseconds(50) * i32::try_from(before).expect("a few");
        assert!(*at >= earliest, "message {} came {} early", before + 1, earliest - *at);
    }
}

#[tokio::test]
async fn who_opted_out_gets_a_row_with_the_reason_and_no_message() {
    let world = World::sqlite().await;
    world.opt_out(&phone(1), "promotional").await;
    world.opt_out(&phone(2), "all").await;
    let id = world.draft("Service", "Hello {{name}}", 4).await;
    world.approve_as_quoted(&id).await;
    world.campaign_reaches(&id, "completed").await;
    world.until_quiet().await;
    let campaign = world.campaign(&id).await;
    assert_eq!(campaign["counts"], json!({"delivered": 3, "suppressed": 1}));
    let suppressed = world.api.all(&format!("/messages?campaign={id}&status=suppressed")).await;
    assert_eq!(suppressed[0]["to"], phone(2));
    assert_eq!(suppressed[0]["suppressed_reason"], "opted_out");
}

#[tokio::test]
async fn the_results_can_be_exported() {
    let world = World::sqlite().await;
    let id = world.draft("Export", "Hello {{name}}", 5).await;
    world.approve_as_quoted(&id).await;
    world.campaign_reaches(&id, "completed").await;
    let owner = world.owner().await;
    let file = owner.open(&format!("/campaigns/{id}/results.csv")).await;
    assert_eq!(file.status, 200, "{}", file.text);
    assert_eq!(file.text.lines().count(), 6, "a header and five rows: {}", file.text);
    assert!(file.text.contains(&phone(3)));
}

#[tokio::test]
async fn two_campaigns_share_a_sender_fairly() {
    let world = World::sqlite().await;
    let first = world.slow_campaign(LONG).await;
    world.template("second", "service", "Second {{name}}").await;
    let second = world.create_campaign(json!({"name": "Second", "template": "second"})).await;
    let list: Vec<Value> =
        (0..10).map(|index| json!({"to": phone(700 + index), "variables": {"name": "B"}})).collect();
    world.api.post(&format!("/campaigns/{second}/recipients"), json!(list)).await.expect(200);
    world.approve_as_quoted(&second).await;
    world.campaign_reaches(&second, "completed").await;
    assert_ne!(
        world.campaign(&first).await["state"],
        "completed",
        "the small one did not wait for the big one"
    );
}
