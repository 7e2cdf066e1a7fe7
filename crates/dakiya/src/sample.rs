//! What a demo starts with: people, texts and a first campaign, all invented. Every message goes to the simulator.

use crate::compose::now;
use chrono::TimeDelta;
use chrono_tz::Asia::Kolkata;
use dakiya_core::audience::Audience;
use dakiya_core::message::{Category, Channel};
use dakiya_core::money::Money;
use dakiya_core::payment::PaymentReference;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::reminder::{
    PaymentFilter, ReminderChannel, ReminderLimits, ReminderRule, ReminderStep, ZoneName,
};
use dakiya_core::template::Variables;
use dakiya_core::time::{TimeOfDay, day_in};
use dakiya_scheduler::Commands;
use dakiya_store::audit::Actor;
use dakiya_store::campaigns::{self, CampaignDraft};
use dakiya_store::contacts::{self, ContactRow};
use dakiya_store::payments::{self, PaymentFields, PaymentRow};
use dakiya_store::templates::{self, TemplateText};
use dakiya_store::{Store, senders};

const ACTOR: Actor = Actor::System("demo");

const FIRST_NAMES: [&str; 16] = [
    "Aarav", "Anjali", "Bhavna", "Chirag", "Deepa", "Farhan", "Gauri", "Harish", "Ishita", "Jacob", "Kavya",
    "Lekha", "Manoj", "Nandini", "Ramesh", "Suresh",
];
const LAST_NAMES: [&str; 12] = [
    "Nair", "Menon", "Pillai", "Rao", "Sharma", "Iyer", "Khan", "Das", "Patel", "Singh", "Thomas", "Kulkarni",
];
const CITIES: [(&str, &str, &str); 6] = [
    ("Bengaluru", "karnataka", "KA05"),
    ("Kochi", "kerala", "KL07"),
    ("Pune", "maharashtra", "MH12"),
    ("Chennai", "tamil-nadu", "TN09"),
    ("Hyderabad", "telangana", "TS08"),
    ("Delhi", "delhi", "DL03"),
];
const PEOPLE: u64 = 600;
const PAYMENTS: usize = 240;

/// Fills an empty database.
pub async fn fill(store: &Store) -> anyhow::Result<()> {
    contacts::import(store, people(), &ACTOR, now()).await?;
    for (key, text) in texts() {
        templates::put(store, key, &text, &ACTOR, now()).await?;
    }
    Ok(())
}

/// Approves a small campaign, so that the first page a visitor opens shows one going out.
pub async fn send_first_campaign(store: &Store, commands: &Commands) -> anyhow::Result<()> {
    let template = templates::get(store, "helpline_hours", None).await?;
    let sender = senders::first(store, Channel::Sms).await?;
    let (Some(template), Some(sender)) = (template, sender) else { return Ok(()) };
    let draft = CampaignDraft {
        name: "Helpline hours".to_owned(),
        template_id: template.template_id,
        template_version: template.version,
        channel: Channel::Sms,
        sender: sender.address,
        audience: Audience { tags: vec!["kerala".to_owned()], all: false },
        send_at: None,
        segments_per_second: Some(2),
        budget: None,
    };
    let campaign = campaigns::create(store, &draft, &ACTOR, now()).await?;
    let quoted = commands.quote_campaign(campaign.id).await?;
    commands.approve_campaign(campaign.id, &quoted.quote, &ACTOR).await?;
    Ok(())
}

/// Payments due in the days around today, and the usual rule for them.
pub async fn owe(store: &Store, commands: &Commands) -> anyhow::Result<()> {
    let today = day_in(now(), Kolkata);
    let payment = |(person, index): (ContactRow, i64)| -> anyhow::Result<PaymentRow> {
        let reference = format!("INV-{}", 4_001 + index);
        let fields = PaymentFields {
            phone: person.phone,
            amount: Money::from_micros((499 + index * 37 % 2_400) * 1_000_000),
            due_on: today + TimeDelta::days(index % 24 - 8),
            pay_url: Some(Some(format!("https://vehicaid.com/pay?r={reference}"))),
            name: person.name.map(Some),
            language: person.language.map(Some),
            tags: person.tags,
            variables: None,
        };
        Ok(PaymentRow { reference: PaymentReference::parse(&reference)?, fields })
    };
    let payments = people().take(PAYMENTS).zip(0..).map(payment).collect::<anyhow::Result<Vec<_>>>()?;
    payments::import(store, payments, &ACTOR, now()).await?;
    let rule = ReminderRule {
        name: "Plan fees".to_owned(),
        template: "payment_reminder".to_owned(),
        steps: [-3, 0, 3, 7].map(|offset_days| ReminderStep { offset_days, template: None }).into(),
        at: TimeOfDay::new(11, 0).unwrap_or(TimeOfDay::MIDNIGHT),
        zone: ZoneName(Kolkata),
        channel: ReminderChannel::Sms,
        fallback_after_hours: 4,
        payments: PaymentFilter::default(),
        limits: ReminderLimits { per_person_a_day: Some(1), per_payment: Some(4), cost_per_run: None },
        working_days_only: false,
        catch_up: true,
        maximum_lateness_hours: 24,
        enabled: true,
    };
    commands.put_reminder_rule("plan-fees", &rule, &ACTOR).await?;
    Ok(())
}

fn people() -> impl Iterator<Item = ContactRow> + Send {
    (0..PEOPLE).filter_map(|index| {
        let pick = |count: usize, step: u64| usize::try_from(index * step % u64::try_from(count).ok()?).ok();
        let (city, state, plate) = CITIES[pick(CITIES.len(), 5)?];
        let name = format!(
            "{} {}",
            FIRST_NAMES[pick(FIRST_NAMES.len(), 7)?],
            LAST_NAMES[pick(LAST_NAMES.len(), 11)?]
        );
        let mut tags = vec![state.to_owned()];
        if index % 3 == 0 {
            tags.push("members".to_owned());
        }
        if index % 5 == 0 {
            tags.push("renewal-due".to_owned());
        }
        Some(ContactRow {
            phone: PhoneNumber::from_e164(&format!("+9198{:08}", 45_000_000 + index * 7_919))?,
            name: Some(name),
            language: Some(if index % 9 == 0 { "hi" } else { "en" }.to_owned()),
            tags: Some(tags),
            consent: None,
            attributes: Variables::from([
                ("city".to_owned(), city.to_owned()),
                ("vehicle".to_owned(), format!("{plate}MN{:04}", 1_000 + index * 13)),
            ]),
        })
    })
}

fn texts() -> Vec<(&'static str, TemplateText)> {
    let text = |name: &str, category, language: &str, body: &str| TemplateText {
        name: name.to_owned(),
        category,
        channel: Channel::Sms,
        language: Some(language.to_owned()),
        body: body.to_owned(),
        dlt: None,
        content_sid: None,
    };
    let hours_in_english = "{{brand}}: Hi {{name}}, our roadside helpline is open all night this week. \
                            For help with {{vehicle}} call 1800 123 4567.";
    let hours_in_hindi = "{{brand}}: {{name}} जी, इस सप्ताह हमारी हेल्पलाइन रात भर खुली है। कॉल करें: 1800 123 4567";
    let fee = "{{brand}}: Hi {{name}}, the yearly fee for your {{vehicle}} plan changes to ₹1649 from 1 January. \
               See https://vehicaid.com/fees?r={{city}} or call 1800 123 4567";
    vec![
        ("helpline_hours", text("Helpline hours", Category::Service, "en", hours_in_english)),
        ("helpline_hours", text("Helpline hours", Category::Service, "hi", hours_in_hindi)),
        ("fee_change", text("Fee change notice", Category::Service, "en", fee)),
    ]
}
