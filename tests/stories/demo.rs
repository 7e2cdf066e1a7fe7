//! A newcomer tries everything with one command.

use harness::binary::Setup;
use harness::visitor::Visitor;
use harness::wait::{PATIENCE, eventually, until, within};

#[tokio::test]
async fn the_demo_prints_a_sign_in_that_works_and_delivers_its_campaign() {
    let folder = tempfile::tempdir().expect("a folder");
    // The demo makes its own database and never uses this one.
    let setup = Setup::new(folder.path(), "sqlite://unused.db");
    let mut server = setup.serve(&["demo", "--dir", "sample"]).await;
    let mut said = Vec::new();
    let (email, password) = eventually("the sign-in is printed", async || {
        said.extend(server.said());
        Some((value(&said, "E-mail")?, value(&said, "Password")?))
    })
    .await;
    let newcomer = Visitor::new(&server.base);
    newcomer.sign_in(&email, &password).await;
    until("messages of the sample campaign are delivered", async || {
        let page = newcomer.open("/messages?status=delivered").await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.text.contains("<tbody>")
    })
    .await;
    stop_from_a_simulated_phone(&newcomer).await;
    assert_eq!(server.stop().await, Some(0));
    assert!(!folder.path().join("unused.db").exists());
}

#[tokio::test]
async fn a_demo_with_a_fast_clock_sends_its_first_reminders_while_one_watches() {
    let folder = tempfile::tempdir().expect("a folder");
    let setup = Setup::new(folder.path(), "sqlite://unused.db");
    let mut server = setup.serve(&["demo", "--dir", "sample", "--speed", "5000"]).await;
    let mut said = Vec::new();
    let (email, password) = eventually("the sign-in is printed", async || {
        said.extend(server.said());
        Some((value(&said, "E-mail")?, value(&said, "Password")?))
    })
    .await;
    let newcomer = Visitor::new(&server.base);
    newcomer.sign_in(&email, &password).await;
    let page = newcomer.open("/reminders").await;
    assert!(page.text.contains("Plan fees") && page.text.contains("5000 times as fast"), "{}", page.text);
    // On a busy machine days of this clock go by before what was planned in one of them is sent.
    within(2 * PATIENCE, "a run of reminders is done", async || {
        let page = newcomer.open("/reminders").await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.text.contains(">Done</span>").then_some(())
    })
    .await;
    assert_eq!(server.stop().await, Some(0));
}

/// Without a phone: a visitor writes STOP as one of the simulator's people, and is obeyed.
async fn stop_from_a_simulated_phone(newcomer: &Visitor) {
    let log = newcomer.open("/messages?status=delivered").await.text;
    let message = between(&log, "<a href=\"/messages/", "\"").expect("a delivered message");
    let page = format!("/messages/{message}");
    let answer = newcomer.submit(&page, &format!("{page}/reply"), &[("text", "Stop!")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let person = between(&answer.text, "href=\"/contacts/", "\"").expect("whose number it is");
    let page = newcomer.open(&format!("/contacts/{person}")).await.text;
    assert!(page.contains("Opted out"), "{page}");
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}

fn value(lines: &[String], name: &str) -> Option<String> {
    lines.iter().find_map(|line| line.trim().strip_prefix(name)).map(|rest| rest.trim().to_owned())
}
