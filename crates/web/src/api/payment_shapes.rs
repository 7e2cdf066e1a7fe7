//! Payments as JSON.

use super::contacts::is_language;
use super::fields::Fields;
use super::problem::{Code, Problem};
use super::schema;
use chrono::NaiveDate;
use dakiya_core::money::Money;
use dakiya_core::payment::{
    PaymentEvent, PaymentEventKind, PaymentReference, PaymentStatus, checked_amount, parse_due_date,
    parse_pay_url,
};
use dakiya_core::phone::{AllowedCountries, PhoneNumber};
use dakiya_core::template::{Variables, placeholder_name};
use dakiya_core::time::Timestamp;
use dakiya_store::payments::{Happened, Payment, PaymentFields, PaymentRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const MOST_NAME_CHARACTERS: usize = 200;
const MOST_TAGS: usize = 100;
const MOST_TAG_CHARACTERS: usize = 100;
const MOST_VARIABLES: usize = 200;
const MOST_VALUE_CHARACTERS: usize = 1_000;

/// What is known of a payment; it replaces what was known.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentPut {
    /// Who owes it, in any common Indian spelling.
    #[schema(example = "98765 43210")]
    phone: String,
    /// What has to be paid in all, to the paisa.
    #[schema(value_type = schema::Money)]
    amount: Money,
    /// By when.
    #[schema(example = "2026-12-05")]
    due_on: String,
    /// Where to pay.
    #[schema(example = "https://pay.example.in/4711")]
    pay_url: Option<String>,
    /// What they are called.
    #[schema(example = "Asha Rao")]
    name: Option<String>,
    /// The language they are written to in.
    #[schema(example = "hi")]
    language: Option<String>,
    /// Tags, by which rules choose payments; left as they are when absent.
    tags: Option<Vec<String>>,
    /// What else a reminder may say, by placeholder.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    variables: Option<Variables>,
}

impl PaymentPut {
    /// Reads all fields and tells all faults.
    pub fn read(self, reference: &str, allowed: &AllowedCountries) -> Result<PaymentRow, Problem> {
        let mut fields = Fields::default();
        self.check(&mut fields);
        let reference = fields.keep("reference", Code::InvalidRequest, PaymentReference::parse(reference));
        let phone = fields.phone("phone", &self.phone, allowed);
        let amount = fields.keep("amount", Code::InvalidRequest, checked_amount(self.amount));
        let due_on = fields.keep("due_on", Code::InvalidRequest, parse_due_date(&self.due_on));
        let pay_url = self.pay_url.filter(|url| !url.trim().is_empty());
        let pay_url =
            pay_url.and_then(|url| fields.keep("pay_url", Code::InvalidRequest, parse_pay_url(&url)));
        let row = reference.zip(phone).zip(amount.zip(due_on));
        let row = row.map(|((reference, phone), (amount, due_on))| PaymentRow {
            reference,
            fields: PaymentFields {
                phone,
                amount,
                due_on,
                pay_url: Some(pay_url),
                name: Some(self.name),
                language: Some(self.language.map(|language| language.to_lowercase())),
                tags: self.tags,
                variables: Some(named(self.variables.unwrap_or_default())),
            },
        });
        fields.finish_with(row)
    }

    fn check(&self, fields: &mut Fields) {
        fields.at_most("name", self.name.as_deref().unwrap_or_default(), MOST_NAME_CHARACTERS);
        if self.language.as_deref().is_some_and(|language| !is_language(language)) {
            fields.fault("language", Code::InvalidRequest, "write a language code, for example en or hi");
        }
        let tags = self.tags.as_deref().unwrap_or_default();
        if tags.len() > MOST_TAGS {
            fields.fault("tags", Code::InvalidRequest, format!("at most {MOST_TAGS} tags"));
        }
        for (at, tag) in tags.iter().enumerate().take(MOST_TAGS) {
            fields.at_most(&format!("tags[{at}]"), tag, MOST_TAG_CHARACTERS);
        }
        let variables = self.variables.iter().flatten();
        if variables.clone().count() > MOST_VARIABLES {
            fields.fault("variables", Code::InvalidRequest, format!("at most {MOST_VARIABLES} placeholders"));
        }
        for (name, value) in variables.take(MOST_VARIABLES) {
            fields.at_most(&format!("variables.{name}"), value, MOST_VALUE_CHARACTERS);
        }
    }
}

/// Under the names that templates know them by.
fn named(variables: Variables) -> Variables {
    variables.into_iter().map(|(name, value)| (placeholder_name(&name), value)).collect()
}

/// What was paid.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentPaid {
    /// All that was left when absent.
    #[schema(value_type = Option<schema::Money>)]
    pub amount: Option<Money>,
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PaymentQuery {
    /// The beginning of a reference, of a number or of a name.
    pub search: Option<String>,
    /// Where they stand.
    #[param(value_type = Option<schema::PaymentStatus>)]
    pub status: Option<String>,
    /// Of this number.
    pub phone: Option<String>,
    /// Due on this day or later.
    #[param(example = "2026-12-01")]
    pub due_from: Option<String>,
    /// Due on this day or earlier.
    #[param(example = "2026-12-31")]
    pub due_until: Option<String>,
    /// Items on a page: 1 to 500.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<String>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Something a customer owes, or owed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentItem {
    /// What you call it.
    #[schema(value_type = String, example = "INV/2026/4711")]
    reference: PaymentReference,
    /// Where it stands.
    #[schema(value_type = schema::PaymentStatus)]
    status: PaymentStatus,
    /// Who owes it, in E.164; null if the person was erased since.
    #[schema(value_type = Option<schema::Phone>, required = true)]
    phone: Option<PhoneNumber>,
    /// What they are called.
    #[schema(required = true)]
    name: Option<String>,
    /// The language they are written to in.
    #[schema(required = true)]
    language: Option<String>,
    /// What has to be paid in all.
    #[schema(value_type = schema::Money)]
    amount: Money,
    /// What came.
    #[schema(value_type = schema::Money)]
    paid: Money,
    /// What reminders still ask for.
    #[schema(value_type = schema::Money)]
    left: Money,
    /// What came beyond the amount; somebody may have paid too much, or typed too much.
    #[schema(value_type = schema::Money)]
    surplus: Money,
    /// By when.
    due_on: NaiveDate,
    /// Where to pay.
    #[schema(required = true)]
    pay_url: Option<String>,
    /// Whether that link works no longer; texts that need it are not sent until there is another one.
    pay_url_expired: bool,
    /// In alphabetical order.
    tags: Vec<String>,
    /// What else a reminder may say, by placeholder.
    #[schema(value_type = BTreeMap<String, String>)]
    variables: Variables,
    /// When it was paid in full, or canceled.
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>, required = true)]
    settled_at: Option<Timestamp>,
    /// When it was first stored.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    updated_at: Timestamp,
}

impl From<Payment> for PaymentItem {
    fn from(payment: Payment) -> Self {
        Self {
            left: payment.left(),
            surplus: payment.balance().surplus(),
            status: payment.status,
            phone: payment.phone.number(),
            pay_url_expired: payment.link_expired_at.is_some(),
            reference: payment.reference,
            name: payment.name,
            language: payment.language,
            amount: payment.amount,
            paid: payment.paid,
            due_on: payment.due_on,
            pay_url: payment.pay_url,
            tags: payment.tags,
            variables: payment.variables,
            settled_at: payment.settled_at,
            created_at: payment.created_at,
            updated_at: payment.updated_at,
        }
    }
}

/// One thing that happened to a payment.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentHistoryItem {
    /// When we learned of it.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    at: Timestamp,
    /// What.
    #[schema(value_type = schema::PaymentEventKind)]
    kind: PaymentEventKind,
    /// What came, or was taken back; null when nothing did, or all that was left came.
    #[schema(value_type = Option<schema::Money>, required = true)]
    amount: Option<Money>,
    /// `page`, `api`, `erasure`, or the name of a provider's webhook.
    source: String,
    /// Who recorded it.
    recorded_by: String,
}

/// A payment and what happened to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentDetail {
    /// The payment.
    #[serde(flatten)]
    payment: PaymentItem,
    /// What happened to it, oldest first.
    history: Vec<PaymentHistoryItem>,
}

impl PaymentDetail {
    /// A payment with its history.
    pub fn of(payment: Payment, history: Vec<Happened>) -> Self {
        let item = |happened: Happened| PaymentHistoryItem {
            at: happened.at,
            kind: happened.event.kind(),
            amount: match happened.event {
                PaymentEvent::Received(amount) => amount,
                PaymentEvent::TakenBack(amount) => Some(amount),
                PaymentEvent::Canceled | PaymentEvent::LinkExpired => None,
            },
            source: happened.source,
            recorded_by: happened.actor,
        };
        Self { payment: payment.into(), history: history.into_iter().map(item).collect() }
    }
}
