//! A month as finance sees it, in a demo with a past: read, followed down to a message, asked "what if", given a budget,
//! taken along as files and on paper. Who keeps the money cannot send.

use crate::driver::Browser;
use chrono::{FixedOffset, Utc};
use harness::binary::Setup;
use harness::wait::{clear_of_a_new_month, within};
use std::time::Duration;

const EMAIL: &str = "meera@example.in";
const PASSWORD: &str = "a long password";

/// Thirteen months are read from usage records, a month at a time.
const LONGEST: Duration = Duration::from_secs(300);

#[tokio::test]
async fn finance_reads_a_month_asks_what_if_and_sets_a_budget() {
    clear_of_a_new_month().await;
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite://{}/demo.db", folder.path().display());
    let setup = Setup::new(folder.path(), &database);
    let directory = folder.path().to_string_lossy().into_owned();
    let demo = setup.serve(&["demo", "--dir", &directory]).await;
    let finance = ["user", "add", EMAIL, "--role", "finance", "--password-stdin"];
    setup.must_with_input(&finance, &format!("{PASSWORD}\n")).await;
    let browser = Browser::open(&demo.base, "finance").await;
    sign_in(&browser).await;

    within(LONGEST, "the past is read and the months ahead are projected", async || {
        browser.go("/costs").await;
        browser.says("Likely range, 8 in 10").await.then_some(())
    })
    .await;
    adds_up(&browser).await;
    browser.looks_right("01-projection").await;

    browser.press("This month in detail").await;
    browser.sees("What it was for").await;
    adds_up(&browser).await;
    browser.press("Helpline hours").await;
    browser.sees("Estimate").await;
    browser.looks_right("02-messages").await;
    browser.press("Cost projection").await;
    browser.press("This month in detail").await;
    browser.press("Month before").await;
    browser.sees("from Twilio’s records").await;
    adds_up(&browser).await;
    browser.looks_right("03-month-before").await;

    browser.go("/costs/scenarios/setup-guide").await;
    browser.sees("₹2,550.00").await;
    browser.fill("#f-requests_per_month", "2000").await;
    browser.press("Reckon").await;
    browser.sees("₹4,950.00").await;
    browser.looks_right("04-what-if").await;
    browser.fill("#f-name", "Twice as many").await;
    browser.press("Save as another").await;
    browser.go("/costs/scenarios").await;
    browser.sees("Twice as many").await;
    browser.looks_right("05-scenarios").await;

    let month = Utc::now().with_timezone(&india()).format("%Y-%m").to_string();
    browser.go(&format!("/budgets?month={month}#set")).await;
    browser.fill("#f-amount", "10,000").await;
    browser.press("Save budget").await;
    browser.sees("₹10,000.00").await;
    browser.go("/costs").await;
    browser.sees("₹10,000.00").await;
    browser.looks_right("06-with-a-budget").await;

    for file in ["export.csv", "export.xlsx"] {
        let status = browser.ask(&fetched(&format!("/costs/{month}/{file}"))).await;
        assert_eq!(status, 200, "{file}");
    }
    browser.go(&format!("/costs/{month}")).await;
    let paper = browser.on_paper("month").await;
    assert!(paper.starts_with(b"%PDF") && paper.len() > 10_000, "{} bytes", paper.len());
    browser.go("/campaigns/new").await;
    browser.sees("may not").await;
    demo.stop().await;
}

/// In every table of the page.
async fn adds_up(browser: &Browser) {
    assert_eq!(browser.ask(ADDED_UP).await, serde_json::json!([]), "tables that do not add up");
}

fn india() -> FixedOffset {
    FixedOffset::east_opt(330 * 60).expect("half past five")
}

async fn sign_in(browser: &Browser) {
    browser.go("/sign-in").await;
    browser.fill("#f-email", EMAIL).await;
    browser.fill("#f-password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.sees("Dashboard").await;
}

fn fetched(path: &str) -> String {
    format!(
        "const asked = new XMLHttpRequest(); asked.open('GET', '{path}', false); asked.send(); return asked.status;"
    )
}

/// The columns whose shown amounts in paise are not their shown total. The total is the first row of the foot; what stands
/// below an amount in small print is no part of it.
const ADDED_UP: &str = "
const paise = cell => {
  const shown = cell.cloneNode(true);
  shown.querySelectorAll('.sub').forEach(small => small.remove());
  const text = shown.textContent.trim();
  const digits = text.replace(/[^0-9.]/g, '');
  return (/^[−-]/.test(text) ? -1 : 1) * Math.round(Number(digits) * 100);
};
const wrong = [];
for (const table of document.querySelectorAll('table')) {
  const total = table.querySelector('tfoot tr.total');
  if (!total) continue;
  [...total.querySelectorAll('td')].forEach((cell, at) => {
    if (!cell.textContent.trim()) return;
    const parts = [...table.querySelectorAll('tbody tr')].map(row => paise(row.querySelectorAll('td')[at]));
    if (parts.reduce((sum, part) => sum + part, 0) !== paise(cell)) wrong.push(`${table.caption.textContent}, column ${at}`);
  });
}
return wrong;";
