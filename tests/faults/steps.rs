//! Killed at each step of a message's walk (`docs/ARCHITECTURE.md`), one after the other.

use crate::aftermath::{assert_promises, on_each, posts_by_number, until_caught_up, until_over};
use crate::random_kills::impatient;
use dakiya_simulator::{Answer, CallbackFaults, PostFault, Rule, SimulatorConfig};
use dakiya_twilio::TwilioStatus;
use harness::database::Engine;
use harness::wait::until;
use harness::world::{World, phone};
use serde_json::json;
use std::time::Duration;

/// People in a file that takes several batches.
const PEOPLE: usize = 10_000;

async fn world(engine: Engine) -> World {
    World::with(engine, SimulatorConfig::immediate(), impatient).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_file_is_imported_nothing_is_half_imported() {
    on_each(async |engine| {
        let mut world = world(engine).await;
        let file = |round: usize| {
            let rows = (0..PEOPLE).map(|index| format!("{},Person\n", phone(round * PEOPLE + index)));
            format!("phone,name\n{}", rows.collect::<String>())
        };
        let mut there = 0;
        // Being read, laid down, decided, applied.
        for (round, wait) in [5, 120, 400, 700, 1_000, 1_300, 1_600].into_iter().enumerate() {
            let (api, sent) = (world.api.clone(), file(round));
            let import = tokio::spawn(async move {
                let request =
                    api.request(reqwest::Method::POST, "/contacts/import").header("content-type", "text/csv");
                request.body(sent).send().await.is_ok_and(|answer| answer.status().is_success())
            });
            tokio::time::sleep(Duration::from_millis(wait)).await;
            world.kill().await;
            let answered = import.await.expect("no panic");
            world.restart().await;
            let found = world.api.all("/contacts").await.len() - there;
            assert!(found == 0 || found == PEOPLE, "{found} of {PEOPLE} rows are there");
            assert!(found == PEOPLE || !answered, "what was answered is there");
            there += found;
        }
        let answer = world.api.post_csv("/contacts/import", file(99)).await.expect(200);
        assert_eq!(answer["accepted"], PEOPLE);
        assert_eq!(world.api.all("/contacts").await.len(), there + PEOPLE);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_approving_the_campaign_is_approved_wholly_or_not_at_all() {
    on_each(async |engine| {
        let mut world = world(engine).await;
        for (round, wait) in [0, 2, 5, 10, 20].into_iter().enumerate() {
            let id = world.draft(&format!("Approval {round}"), "Hello {{name}}", 0).await;
            let people = json!([{"to": phone(round), "variables": {"name": "Asha"}}]);
            world.api.post(&format!("/campaigns/{id}/recipients"), people).await.expect(200);
            let quote = world.campaign_estimate(&id).await["quote"].clone();
            let (api, path) = (world.api.clone(), format!("/campaigns/{id}/approve"));
            let request = api.request(reqwest::Method::POST, &path).json(&json!({"quote": quote}));
            let approval = tokio::spawn(async move { request.send().await.is_ok() });
            tokio::time::sleep(Duration::from_millis(wait)).await;
            world.kill().await;
            approval.await.expect("no panic");
            world.restart().await;
            let state = world.campaign(&id).await;
            if state["state"] == "draft" {
                assert_eq!(state["cost"]["reserved"]["amount"], "0.00", "nothing is reserved for a draft");
                world.approve_as_quoted(&id).await;
            }
            until_over(&world, &id).await;
            assert_promises(&world, &id, 1).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_recipients_become_messages_the_rest_follows_and_nobody_comes_twice() {
    on_each(async |engine| {
        let mut world = world(engine).await;
        let people = 3_000;
        let id = world.draft("Planning", "Hello {{name}}", people).await;
        world.approve_as_quoted(&id).await;
        for wait in [0, 10, 30, 60, 100, 150, 200] {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            world.kill().await;
            world.restart().await;
        }
        until_over(&world, &id).await;
        assert_promises(&world, &id, people).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_taking_and_before_posting_nothing_is_posted_twice() {
    on_each(async |engine| {
        let mut world = world(engine).await;
        let id = world.draft("Taking", "Hello {{name}}", 200).await;
        world.simulator.refuse_connections().await;
        world.approve_as_quoted(&id).await;
        until("messages were taken", async || {
            let taken = world.api.all(&format!("/messages?campaign={id}")).await;
            taken.iter().any(|message| message["attempts"].as_u64().unwrap_or(0) > 0)
        })
        .await;
        world.kill().await;
        world.simulator.accept_connections().await;
        world.restart().await;
        until_over(&world, &id).await;
        assert_promises(&world, &id, 200).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_twilio_has_it_and_we_have_no_answer_it_is_found_and_not_posted_again() {
    on_each(async |engine| {
        let mut world = world(engine).await;
        let silent = CallbackFaults { lost: all_statuses(), ..CallbackFaults::default() };
        world.simulator.faults().callbacks(silent);
        world
            .simulator
            .faults()
            .add_post(Rule::always(PostFault { accepted: true, answer: Answer::Timeout }));
        let id = world.draft("Posting", "Hello {{name}}", 20).await;
        world.approve_as_quoted(&id).await;
        world.until_posts_reach(5).await;
        world.kill().await;
        world.simulator.faults().clear();
        world
            .simulator
            .faults()
            .callbacks(CallbackFaults { lost: all_statuses(), ..CallbackFaults::default() });
        world.restart().await;
        until("what Twilio has is found there", async || {
            let posts = posts_by_number(&world);
            let unknown = world.api.all(&format!("/messages?campaign={id}&status=unknown")).await;
            let found =
                unknown.iter().all(|message| !posts.contains_key(message["to"].as_str().expect("a number")));
            found && posts.len() + unknown.len() >= 20
        })
        .await;
        for (to, times) in posts_by_number(&world) {
            assert_eq!(times, 1, "{to}");
        }
    })
    .await;
}

fn all_statuses() -> Vec<TwilioStatus> {
    ["queued", "sending", "sent", "delivered", "undelivered", "failed", "read"]
        .into_iter()
        .map(|word| serde_json::from_value(json!(word)).expect("a status of Twilio's"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_twilios_answer_and_our_record_nothing_is_posted_twice() {
    on_each(async |engine| {
        let mut world = world(engine).await;
        // What was taken and not posted when the kill came is never posted, so the pace is slow and the list long.
        world.template("recording", "service", "Hello {{name}}").await;
        let campaign = json!({"name": "Recording", "template": "recording", "segments_per_second": 50});
        let id = world.create_campaign(campaign).await;
        world.add_recipients(&id, 400).await;
        world.approve_as_quoted(&id).await;
        for seen in [1, 10, 25, 45, 70, 100] {
            world.until_posts_reach(seen).await;
            world.kill().await;
            world.restart().await;
        }
        until_over(&world, &id).await;
        assert_promises(&world, &id, 400).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_callbacks_come_the_statuses_are_caught_up() {
    on_each(async |engine| {
        let mut world = world(engine).await;
        let delays =
            dakiya_simulator::Delays { sent_ms: 300, delivered_ms: 900, ..dakiya_simulator::Delays::NONE };
        world.simulator.set_delays(delays);
        let id = world.draft("Callbacks", "Hello {{name}}", 100).await;
        world.approve_as_quoted(&id).await;
        world.until_posts_reach(100).await;
        world.kill().await;
        world.simulator.settled().await;
        world.restart().await;
        until_caught_up(&world, &id).await;
        assert_promises(&world, &id, 100).await;
        assert_eq!(world.campaign(&id).await["counts"], json!({"delivered": 100}));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_settling_doubts_they_are_settled_after_the_restart() {
    on_each(async |engine| {
        let mut world = world(engine).await;
        world.simulator.faults().posts_answer(Answer::Close, true);
        let id = world.draft("Settling", "Hello {{name}}", 50).await;
        world.approve_as_quoted(&id).await;
        world.until_posts_reach(50).await;
        for wait in [300, 800, 1_200] {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            world.kill().await;
            world.restart().await;
        }
        world.simulator.faults().clear();
        until_over(&world, &id).await;
        assert_promises(&world, &id, 50).await;
    })
    .await;
}
