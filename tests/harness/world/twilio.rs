//! What goes wrong at a world's Twilio, and what it reports.

use super::{SMS_SENDER, World};
use crate::api::Answer;
use crate::http_client;
use crate::wait::until;
use dakiya_simulator::{Answer as TwilioAnswer, Fate};
use dakiya_twilio::signature::{SIGNATURE_HEADER, sign};
use serde_json::{Value, json};

impl World {
    /// Twilio refuses messages to this number because the person opted out there.
    pub fn block_at_twilio(&self, phone: &str) {
        self.simulator.faults().reject(phone, 21_610);
    }

    /// Twilio refuses our credentials.
    pub fn fail_authentication(&self) {
        self.simulator.faults().posts_answer(TwilioAnswer::Reject(20_003), false);
    }

    /// Everything works again.
    pub fn heal(&self) {
        self.simulator.faults().clear();
    }

    /// Waits until all sending is held.
    pub async fn until_sending_is_held(&self) {
        until("sending is held", async || {
            let holds = self.api.get("/sending").await.expect(200)["holds"].clone();
            holds.as_array().is_some_and(|holds| !holds.is_empty())
        })
        .await;
    }

    /// A message that Twilio accepted and of which it reports nothing more.
    pub async fn accepted_and_silent(&self, to: &str) -> Value {
        self.simulator.faults().ends(to, Fate::StayQueued);
        let sent = self.send(to, "Hello").await;
        self.message_reaches(&sent["id"], "accepted").await
    }

    /// Twilio reports a status of a message, properly signed.
    pub async fn signed_status(&self, message: &Value, status: &str) -> Answer {
        let (url, form) = self.status_callback(message, status);
        let signature = sign(self.simulator.auth_token(), &url, &form);
        Answer::of(http_client().post(&url).header(SIGNATURE_HEADER, signature).form(&form)).await
    }

    /// Somebody else pretends to be Twilio.
    pub async fn forged_status(&self, message: &Value, status: &str) -> Answer {
        let (url, form) = self.status_callback(message, status);
        let signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
        Answer::of(http_client().post(&url).header(SIGNATURE_HEADER, signature).form(&form)).await
    }

    /// Twilio reports a message that we know nothing of.
    pub async fn signed_status_of_a_stranger(&self) -> Answer {
        let stranger = json!({"id": "01890000-0000-7000-8000-000000000000", "twilio_sid": format!("SM{}", "0".repeat(32))});
        self.signed_status(&stranger, "delivered").await
    }

    /// Somebody else pretends that a person wrote.
    pub async fn forged_inbound(&self, from: &str, text: &str) -> Answer {
        let url = format!("{}/webhooks/twilio/inbound", self.base);
        let form = [
            ("From", from),
            ("To", SMS_SENDER),
            ("Body", text),
            ("MessageSid", "SM00000000000000000000000000000001"),
        ];
        Answer::of(http_client().post(&url).header(SIGNATURE_HEADER, "forged").form(&form)).await
    }

    fn status_callback(&self, message: &Value, status: &str) -> (String, Vec<(&'static str, String)>) {
        let text = |field: &str| message[field].as_str().unwrap_or_default().to_owned();
        let url = format!("{}/webhooks/twilio/status?m={}", self.base, text("id"));
        let form = vec![
            ("AccountSid", self.simulator.account_sid().to_string()),
            ("MessageSid", text("twilio_sid")),
            ("MessageStatus", status.to_owned()),
            ("From", SMS_SENDER.to_owned()),
            ("To", text("to")),
            ("ApiVersion", "2010-04-01".to_owned()),
        ];
        (url, form)
    }
}
