//! The main job as a newcomer does it: from a dirty spreadsheet to a campaign that skips who said STOP.

use crate::driver::Browser;
use harness::world::{FAST, OWNER_EMAIL, OWNER_PASSWORD, SLOW, World, phone};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Ten of them cannot be read, one repeats a number.
const ROWS: usize = 10_000;
/// So many people are left.
const PEOPLE: usize = 9_989;

/// Two segments with the rupee sign, one without.
const TEXT: &str = "VehicAid: dear {{name}}, your yearly check-up is due. It costs ₹1,499 till Friday.";

#[tokio::test]
async fn a_newcomer_runs_a_campaign_from_a_dirty_spreadsheet() {
    let world = World::sqlite().await;
    world.make_owner().await;
    let browser = Browser::open(&world.base, "journey").await;

    sign_in(&browser).await;
    import_contacts(&browser, dirty_spreadsheet(&world)).await;
    write_a_template_and_take_the_saving(&browser).await;
    // So slow that it is still under way when somebody has found the button.
    world.set_pace(SLOW).await;
    let campaign = schedule(&browser, "Yearly check-up").await;
    watch_pause_and_resume(&world, &browser).await;

    let results = world.owner().await.open(&format!("{campaign}/results.csv")).await;
    assert_eq!(results.text.lines().count(), PEOPLE + 1, "a header and a row for everybody");
    assert_eq!(world.posts().len(), PEOPLE, "everybody once");

    world.inbound(&phone(3), "STOP").await;
    browser.go("/opt-outs").await;
    browser.looks_right("09-opt-outs").await;
    world.api.patch("/settings", serde_json::json!({"per_number_hourly_limit": 100})).await.expect(200);
    schedule(&browser, "Second check-up").await;
    browser.sees("9,989 of 9,989 done").await;
    assert_eq!(world.posts_to(&phone(3)).len(), 1, "nothing after STOP");
    assert_eq!(world.posts_to(&phone(4)).len(), 2);

    browser.go("/messages?status=suppressed").await;
    browser.looks_right("12-message-log").await;
    browser.click("tbody th a").await;
    browser.sees("What happened").await;
    browser.looks_right("13-message").await;
}

async fn sign_in(browser: &Browser) {
    browser.go("/").await;
    browser.looks_right("01-sign-in").await;
    browser.fill("#f-email", OWNER_EMAIL).await;
    browser.fill("#f-password", OWNER_PASSWORD).await;
    browser.press("Sign in").await;
    browser.sees("Dashboard").await;
    browser.looks_right("02-dashboard-empty").await;
}

async fn import_contacts(browser: &Browser, file: PathBuf) {
    browser.go("/contacts").await;
    browser.press("Import a file").await;
    browser.attach("#f-file", &file).await;
    browser.press("Upload and check").await;
    browser.sees("10 of 10,000 rows need fixing").await;
    browser.looks_right("03-import-check").await;
    browser.press("Import 9,990 rows").await;
    browser.go("/contacts").await;
    browser.sees("9,989 people").await;
    browser.looks_right("04-contacts").await;
}

async fn write_a_template_and_take_the_saving(browser: &Browser) {
    browser.go("/templates/new").await;
    browser.fill("#f-key", "yearly_check_up").await;
    browser.fill("#f-name", "Yearly check-up").await;
    browser.choose("#f-category", "service").await;
    browser.fill("#f-body", TEXT).await;
    browser.sees("2 segments").await;
    browser.looks_right("05-template-two-segments").await;
    browser.click("button[name=do][value=fix]").await;
    browser.sees("1 segment").await;
    let body = browser.ask("return document.querySelector('#f-body').value").await;
    let body = body.as_str().expect("text");
    assert!(body.contains("Rs.1,499") && !body.contains('₹'), "{body}");
    browser.press("Save template").await;
    browser.sees("Version 1").await;
    browser.looks_right("06-template-saved").await;
}

/// Leaves the window on the campaign's page and returns the page's path.
async fn schedule(browser: &Browser, name: &str) -> String {
    browser.go("/campaigns/new?template=yearly_check_up").await;
    browser.fill("#f-name", name).await;
    browser.click("input[name=audience][value=tags]").await;
    browser.click("input[name=tag][value=check-up]").await;
    browser.fill("#f-pace", "500").await;
    browser.press("Save draft").await;
    browser.sees("Cost of this send").await;
    browser.looks_right("07-composer").await;
    browser.press("Check and schedule").await;
    browser.sees("Who gets it").await;
    browser.looks_right("08-check").await;
    browser.click("form.bar-foot button.primary").await;
    browser.sees("Progress").await;
    browser.path().await.split('?').next().expect("a path").to_owned()
}

async fn watch_pause_and_resume(world: &World, browser: &Browser) {
    browser.press("Pause").await;
    browser.sees("Paused").await;
    browser.looks_right("10-paused").await;
    world.set_pace(FAST).await;
    browser.press("Resume").await;
    browser.sees("9,989 of 9,989 done").await;
    browser.looks_right("11-done").await;
}

fn dirty_spreadsheet(world: &World) -> PathBuf {
    let damage = ["9.19845E+11", "12345", "", "022 2345 6789", "98765O43210"];
    let mut text = "phone,name,tags\n".to_owned();
    for index in 0..ROWS {
        let number = match index {
            _ if index % 1_000 == 999 => damage[index / 1_000 % damage.len()].to_owned(),
            5_000 => phone(4_000),
            _ => spelled(index),
        };
        writeln!(text, "{number},Person {index},check-up").expect("written");
    }
    let path = world.database.folder.path().join("contacts.csv");
    std::fs::write(&path, text).expect("the spreadsheet");
    path
}

/// As different people write numbers.
fn spelled(index: usize) -> String {
    let number = phone(index);
    let national = &number[3..];
    match index % 5 {
        0 => number.clone(),
        1 => national.to_owned(),
        2 => format!("0{national}"),
        3 => format!("+91 {} {}", &national[..5], &national[5..]),
        _ => format!("91-{national}"),
    }
}
