//! Campaigns of a world: drafted, approved, watched.

use super::{SLOW, World, phone};
use crate::api::Answer;
use crate::wait::eventually;
use serde_json::{Value, json};

impl World {
    /// Makes a campaign and returns its id.
    pub async fn create_campaign(&self, campaign: Value) -> String {
        let answer = self.api.post("/campaigns", campaign).await;
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// Adds so many people, each with a `name`.
    pub async fn add_recipients(&self, id: &str, people: usize) {
        let rows: Vec<Value> = (0..people)
            .map(|index| json!({"to": phone(index), "variables": {"name": format!("Person {index}")}}))
            .collect();
        let answer = self.api.post(&format!("/campaigns/{id}/recipients"), json!(rows)).await.expect(200);
        assert_eq!(answer["accepted"], people, "{answer}");
    }

    /// A service campaign with its own template and so many people.
    pub async fn draft(&self, name: &str, body: &str, people: usize) -> String {
        let key = name.to_lowercase().replace(' ', "_");
        self.template(&key, "service", body).await;
        let id = self.create_campaign(json!({"name": name, "template": key})).await;
        self.add_recipients(&id, people).await;
        id
    }

    /// An approved campaign to so many people, whose sender is slow until [`World::set_pace`] says otherwise.
    pub async fn slow_campaign(&self, people: usize) -> String {
        self.set_pace(SLOW).await;
        let id = self.draft("Slow", "Hello {{name}}", people).await;
        self.approve_as_quoted(&id).await;
        id
    }

    /// What a campaign would cost.
    pub async fn campaign_estimate(&self, id: &str) -> Value {
        self.api.get(&format!("/campaigns/{id}/estimate")).await.expect(200)
    }

    /// Approves a campaign with a quote.
    pub async fn approve(&self, id: &str, quote: &Value) -> Answer {
        self.api.post(&format!("/campaigns/{id}/approve"), json!({"quote": quote})).await
    }

    /// Approves a campaign as it is quoted now.
    pub async fn approve_as_quoted(&self, id: &str) {
        let estimate = self.campaign_estimate(id).await;
        self.approve(id, &estimate["quote"]).await.expect(200);
    }

    /// A campaign as it stands.
    pub async fn campaign(&self, id: &str) -> Value {
        self.api.get(&format!("/campaigns/{id}")).await.expect(200)
    }

    /// Waits until a campaign is in a state.
    pub async fn campaign_reaches(&self, id: &str, state: &str) -> Value {
        eventually(&format!("the campaign is {state}"), async || {
            let campaign = self.campaign(id).await;
            (campaign["state"] == state).then_some(campaign)
        })
        .await
    }

    /// Waits until a campaign's actual cost is this many rupees.
    pub async fn campaign_priced(&self, id: &str, rupees: &str) -> Value {
        eventually(&format!("the campaign cost {rupees}"), async || {
            let campaign = self.campaign(id).await;
            (campaign["cost"]["actual"]["amount"] == rupees).then_some(campaign)
        })
        .await
    }
}
