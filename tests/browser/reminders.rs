//! Reminders as a newcomer sees them, in a demo whose clock lets a day pass in a minute: from a list of payments to a
//! rule, its runs, payments that stop theirs, and the report.

use crate::driver::Browser;
use chrono::{TimeDelta, Utc};
use harness::api::Api;
use harness::binary::{Server, Setup};
use harness::wait::within;
use harness::world::phone;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

const PAYMENTS: usize = 5_000;

/// Paid by a program after the first reminder.
const PAID: usize = 20;

/// What may still be delivered.
const UNDER_WAY: [&str; 4] = ["queued", "posting", "accepted", "sent"];

/// Days pass in minutes, and five thousand messages take their time.
const LONGEST: Duration = Duration::from_secs(420);

#[tokio::test]
async fn a_newcomer_reminds_five_thousand_people_until_they_pay() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite://{}/demo.db", folder.path().display());
    let setup = Setup::new(folder.path(), &database);
    let directory = folder.path().to_string_lossy().into_owned();
    let mut demo = setup.serve(&["demo", "--speed", "1440", "--dir", &directory]).await;
    let browser = Browser::open(&demo.base, "reminders").await;
    sign_in(&browser, &password(&mut demo).await).await;

    browser.go("/reminders").await;
    browser.sees("1440 times as fast").await;
    browser.press("Turn off Plan fees").await;
    browser.sees("The rule is off").await;
    import(&browser, spreadsheet(folder.path())).await;
    make_a_rule(&browser).await;

    let api = api(&setup, &demo).await;
    for index in 1..=PAID {
        until_reminded(&api, index, 1).await;
    }
    for index in 0..PAID {
        api.post(&format!("/payments/FEE-{index:05}/paid"), json!({})).await.expect(200);
    }
    // The first number is also one of the demo's own people. Whoever comes after those who paid still owes.
    let (heard, others) = (all_heard(&api, 1).await, reminders_of(&api, PAID).await);
    browser.go("/reminders").await;
    browser.looks_right("05-first-run").await;
    until_reminded(&api, PAID, others + 1).await;
    assert_eq!(reminders_of(&api, 1).await, heard, "who paid hears no more of it");

    browser.go("/reminders").await;
    browser.looks_right("06-after-the-due-date").await;
    browser.go("/reminders/report").await;
    browser.sees("On the due date").await;
    browser.looks_right("07-report").await;
    demo.stop().await;
}

async fn password(demo: &mut Server) -> String {
    let mut said = Vec::new();
    within(LONGEST, "the demo prints a sign-in", async || {
        said.extend(demo.said());
        let line = said.iter().find_map(|line| line.trim().strip_prefix("Password"))?;
        Some(line.trim().to_owned())
    })
    .await
}

async fn sign_in(browser: &Browser, password: &str) {
    browser.go("/").await;
    browser.fill("#f-email", "asha@example.in").await;
    browser.fill("#f-password", password).await;
    browser.press("Sign in").await;
    browser.sees("Dashboard").await;
}

/// Everything due in five days by the demo's clock, so that the first reminder comes in two.
fn spreadsheet(folder: &Path) -> PathBuf {
    let due_on = (Utc::now() + TimeDelta::minutes(330)).date_naive() + TimeDelta::days(5);
    let mut rows = String::from("reference,phone,amount,due_on,pay_url,name\n");
    for index in 0..PAYMENTS {
        writeln!(
            rows,
            "FEE-{index:05},{},1499,{due_on},https://pay.example.in/?r={index},Asha",
            phone(index)
        )
        .expect("written");
    }
    let path = folder.join("payments.csv");
    std::fs::write(&path, rows).expect("written");
    path
}

async fn import(browser: &Browser, file: PathBuf) {
    browser.go("/reminders/payments/import").await;
    browser.attach("#f-file", &file).await;
    browser.press("Upload and check").await;
    browser.looks_right("01-import").await;
    browser.press("Import 5,000 rows").await;
    browser.go("/reminders/payments").await;
    browser.looks_right("02-payments").await;
}

async fn make_a_rule(browser: &Browser) {
    browser.go("/reminders/rules/new").await;
    browser.fill("#f-name", "Yearly fee").await;
    browser.fill("#f-least", "1400").await;
    browser.press("Show the next runs and their cost").await;
    browser.sees("Next runs of this rule").await;
    browser.looks_right("03-rule").await;
    browser.press("Save rule").await;
    browser.sees("Rule saved").await;
    browser.looks_right("04-next-runs").await;
}

async fn api(setup: &Setup, demo: &Server) -> Api {
    let made = setup.must(&["api-key", "create", "tests", "--scope", "admin", "--json"]).await;
    let made: Value = serde_json::from_str(&made).expect("the key as JSON");
    Api::new(&demo.base, made["key"].as_str().expect("a key"))
}

/// Waits until somebody has so many messages. Not until everybody has: with a day a minute the sending hours are too
/// short for five thousand, and the rest goes on the next day.
async fn until_reminded(api: &Api, index: usize, times: usize) {
    within(LONGEST, &format!("person {index} has {times} reminders"), async || {
        (reminders_of(api, index).await >= times).then_some(())
    })
    .await;
}

async fn reminders_of(api: &Api, index: usize) -> usize {
    statuses_of(api, index).await.iter().filter(|status| *status == "delivered").count()
}

/// How many reminders somebody has, once none is on its way.
async fn all_heard(api: &Api, index: usize) -> usize {
    within(LONGEST, &format!("nothing to person {index} is on its way"), async || {
        let statuses = statuses_of(api, index).await;
        let rest = statuses.iter().all(|status| !UNDER_WAY.contains(&status.as_str()));
        rest.then(|| statuses.iter().filter(|status| *status == "delivered").count())
    })
    .await
}

async fn statuses_of(api: &Api, index: usize) -> Vec<String> {
    let number = phone(index).replace('+', "%2B");
    let messages = api.all(&format!("/messages?phone={number}")).await;
    messages.iter().filter_map(|message| message["status"].as_str().map(str::to_owned)).collect()
}
