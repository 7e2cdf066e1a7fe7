//! Every page, seeded and empty, light and dark: accessible, and readable on a narrow phone.

use crate::driver::Browser;
use chrono::{TimeDelta, Utc};
use harness::world::{OWNER_EMAIL, OWNER_PASSWORD, World, phone};
use serde_json::json;

const PAGES: &[(&str, &str)] = &[
    ("dashboard", "/"),
    ("campaigns", "/campaigns"),
    ("new-campaign", "/campaigns/new"),
    ("templates", "/templates"),
    ("new-template", "/templates/new"),
    ("contacts", "/contacts"),
    ("new-contact", "/contacts/new"),
    ("import", "/contacts/import"),
    ("reminders", "/reminders"),
    ("new-rule", "/reminders/rules/new"),
    ("payments", "/reminders/payments"),
    ("import-payments", "/reminders/payments/import"),
    ("report", "/reminders/report"),
    ("recurring", "/reminders/recurring"),
    ("holidays", "/reminders/holidays"),
    ("budgets", "/budgets"),
    ("rate-cards", "/budgets/rate-cards"),
    ("rate-card", "/budgets/rate-cards/setup-guide"),
    ("fx", "/budgets/fx"),
    ("reconciliation", "/budgets/reconciliation"),
    ("costs", "/costs"),
    ("month", "/costs/{month}"),
    ("savings", "/costs/savings"),
    ("scenarios", "/costs/scenarios"),
    ("scenario", "/costs/scenarios/setup-guide?requests_per_month=1000&rupee=sign&whatsapp_percent=half"),
    ("opt-outs", "/opt-outs"),
    ("messages", "/messages"),
    ("api-keys", "/api-keys"),
    ("settings", "/settings"),
    ("senders", "/settings/senders"),
    ("users", "/settings/users"),
    ("audit", "/settings/audit"),
    ("account", "/account"),
    ("api-docs", "/api/docs"),
];

fn this_month(path: &str) -> String {
    path.replace("{month}", &Utc::now().format("%Y-%m").to_string())
}

async fn signed_in(browser: &Browser) {
    browser.go("/sign-in").await;
    browser.fill("#f-email", OWNER_EMAIL).await;
    browser.fill("#f-password", OWNER_PASSWORD).await;
    browser.press("Sign in").await;
    browser.sees("Dashboard").await;
}

#[tokio::test]
async fn every_page_is_accessible_empty_and_with_something_to_show() {
    let world = World::sqlite().await;
    world.make_owner().await;
    let browser = Browser::open(&world.base, "pages").await;
    signed_in(&browser).await;
    for (name, path) in PAGES {
        browser.go(&this_month(path)).await;
        browser.looks_right(&format!("{name}-empty")).await;
    }
    seed(&world).await;
    for (name, path) in PAGES {
        browser.go(&this_month(path)).await;
        browser.looks_right(name).await;
        browser.shows_every_focus(name).await;
    }
}

#[tokio::test]
async fn every_page_is_accessible_in_the_dark() {
    let world = World::sqlite().await;
    world.make_owner().await;
    seed(&world).await;
    let browser = Browser::open_dark(&world.base, "dark").await;
    signed_in(&browser).await;
    for (name, path) in PAGES {
        browser.go(&this_month(path)).await;
        browser.looks_right(name).await;
    }
}

#[tokio::test]
async fn a_customer_stops_messages_on_the_public_page_with_a_keyboard() {
    let world = World::sqlite().await;
    let sent = world.send(&phone(0), "Opt out: {{opt_out_url}}").await;
    let message = world.message_reaches(&sent["id"], "delivered").await;
    let link =
        message["body"].as_str().expect("a body").split_once("Opt out: ").expect("a link").1.to_owned();
    let browser = Browser::open(&world.base, "public").await;
    browser.go(link.strip_prefix(&world.base).expect("a link of ours")).await;
    browser.looks_right("opt-out").await;
    browser.shows_every_focus("opt-out").await;
    browser.press("Stop messages").await;
    browser.sees("Noted for").await;
    browser.looks_right("opted-out").await;
    let listed = world.api.all("/opt-outs").await;
    assert_eq!(listed[0]["phone"], phone(0));
}

async fn seed(world: &World) {
    // Two segments because of the rupee sign: there is something to save.
    let text = "Hello {{name}}, the yearly check of your vehicle is due. Pay ₹500 and choose a day.";
    let id = world.draft("Monsoon check", text, 8).await;
    world.opt_out(&phone(1), "all").await;
    world.simulator.faults().ends(&phone(2), dakiya_simulator::Fate::Undeliver(30_005));
    world.simulator.faults().reject(&phone(3), 21_211);
    world.approve_as_quoted(&id).await;
    world.campaign_reaches(&id, "completed").await;
    let csv = (0..60).map(|index| format!("{},Person {index},en,pune\n", phone(index))).collect::<String>();
    world.api.post_csv("/contacts/import", format!("phone,name,language,tags\n{csv}")).await.expect(200);
    world.draft("Draft of a campaign", "Namaste {{name}}", 3).await;
    world.template("due", "service", "Rs.{{amount}} is due for {{request_id}}.").await;
    let rule =
        json!({"name": "Due", "template": "due", "offsets_days": [-3, 0, 3], "at": "11:00", "enabled": true});
    assert!(world.api.put("/reminder-rules/due", rule).await.status < 300);
    let due_on = Utc::now().date_naive() + TimeDelta::days(5);
    let payment =
        json!({"phone": phone(4), "amount": {"amount": "1499", "currency": "INR"}, "due_on": due_on});
    assert!(world.api.put("/payments/INV-7", payment).await.status < 300);
    let budget =
        json!({"amount": {"amount": "5000", "currency": "INR"}, "stop": true, "warn_at": [50, 80, 100]});
    let month = Utc::now().format("%Y-%m");
    assert!(world.api.put(&format!("/budgets/{month}"), budget).await.status < 300);
}
