//! The account itself: what it is, and what is left on it.

use crate::client::Client;
use crate::error::TwilioError;
use crate::wire;
use rust_decimal::Decimal;
use serde::Deserialize;

/// What is left on the account. It may lag behind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Balance {
    /// How much; `None` when Twilio does not say (subaccounts have no balance).
    #[serde(default, deserialize_with = "wire::decimal")]
    pub balance: Option<Decimal>,
    /// Of what, as ISO 4217.
    #[serde(default)]
    pub currency: Option<String>,
}

/// What an account is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// `active`, `suspended` or `closed`.
    pub status: String,
    /// `Trial` or `Full`.
    #[serde(rename = "type")]
    pub kind: String,
    /// As its owner calls it.
    #[serde(default)]
    pub friendly_name: String,
}

impl Account {
    /// Whether it is a trial account, of either kind.
    pub fn is_trial(&self) -> bool {
        self.kind.eq_ignore_ascii_case("trial")
    }

    /// Whether Twilio processes anything for it.
    pub fn is_active(&self) -> bool {
        self.status.eq_ignore_ascii_case("active")
    }
}

impl Client {
    /// What is left on the account.
    pub async fn balance(&self) -> Result<Balance, TwilioError> {
        self.get(self.account_url("Balance.json")).await
    }

    /// What the account is. Also the cheapest proof that the credentials are right.
    pub async fn account(&self) -> Result<Account, TwilioError> {
        let url = self.account_url("");
        self.get(format!("{}.json", url.trim_end_matches('/'))).await
    }
}
