//! The pages of the main job, without scripts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod site;

use axum::http::StatusCode;
use dakiya_core::user::Role;
use dakiya_store::contacts::{self, ContactFields};
use dakiya_store::opt_outs;
use site::{Site, TESTER, Visitor, now, phone};

const PAGES: &[&str] = &[
    "/",
    "/account",
    "/api-keys",
    "/budgets",
    "/budgets/fx",
    "/budgets/reconciliation",
    "/budgets/rate-cards",
    "/budgets/rate-cards/setup-guide",
    "/budgets/rate-cards/twilio-list",
    "/campaigns",
    "/campaigns/new",
    "/contacts",
    "/contacts/import",
    "/contacts/new",
    "/messages",
    "/opt-outs",
    "/opt-outs/import",
    "/reminders",
    "/reminders/holidays",
    "/reminders/payments",
    "/reminders/payments/import",
    "/reminders/payments/new",
    "/reminders/recurring",
    "/reminders/report",
    "/reminders/rules/new",
    "/sending/stop",
    "/settings",
    "/settings/audit",
    "/settings/senders",
    "/settings/users",
    "/templates",
    "/templates/new",
];

#[tokio::test]
async fn every_page_opens_empty_without_inline_code() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    for page in PAGES {
        let answer = owner.open(page).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}: {}", answer.text);
        assert!(!answer.text.contains(" style=") && !answer.text.contains("<script>"), "{page}");
        assert!(!answer.text.contains(" onclick") && !answer.text.contains("javascript:"), "{page}");
        assert!(answer.text.contains("Simulator"), "{page}");
        assert_eq!(answer.text.matches("<h1").count(), 1, "{page}");
    }
}

#[tokio::test]
async fn an_address_that_means_nothing_is_no_fault_of_ours() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    for page in [
        "/nonsense",
        "/costs",
        "/campaigns/nonsense",
        "/campaigns/00000000-0000-0000-0000-000000000000",
        "/messages/nonsense",
        "/messages?cursor=nonsense",
        "/messages?status=nonsense&from=yesterday&phone=abc",
        "/contacts/nonsense",
        "/contacts?cursor=%00",
        "/opt-outs?q=%25_'",
        "/templates/nonsense",
        "/assets/../../etc/passwd",
        "/contacts/import/nonsense",
    ] {
        let answer = owner.open(page).await;
        assert!(!answer.status.is_server_error(), "{page}: {}", answer.status);
    }
}

#[tokio::test]
async fn a_hostile_name_is_shown_as_text() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    let hostile = "<script>alert(1)</script>\"'&";
    let fields = ContactFields {
        name: Some(hostile.to_owned()),
        tags: Some(vec![hostile.to_owned()]),
        ..Default::default()
    };
    contacts::put(&site.store, phone("9845011234"), &fields, &TESTER, now()).await.unwrap();
    for page in ["/contacts", "/contacts/+919845011234", "/campaigns/new"] {
        let text = owner.open(page).await.text;
        assert!(!text.contains("<script>alert") && text.contains("script"), "{page}: {text}");
    }
}

#[tokio::test]
async fn bad_rows_are_named_and_the_good_ones_come_in_only_when_told_to() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    let file = "phone,name\n9845011234,Ramesh\n9.19845E+11,Sunita\n9845011235,Tony D'Souza\n";
    let uploaded = owner.upload("/contacts/import", "members.csv", file).await;
    assert_eq!(uploaded.status, StatusCode::SEE_OTHER, "{}", uploaded.text);
    let to = uploaded.leads_to().to_owned();
    let checked = owner.open(&to).await;
    assert!(checked.text.contains("1 of 3 rows needs fixing"), "{}", checked.text);
    assert!(contacts::get(&site.store, phone("9845011234")).await.unwrap().is_none());
    let bad = owner.open(&format!("{to}/bad-rows.csv")).await;
    assert!(bad.text.starts_with("phone,name,row,what is wrong\n9.19845E+11,Sunita,3,"), "{}", bad.text);
    let done = owner.submit(&to, &[]).await;
    assert_eq!(done.leads_to(), "/contacts?done=imported&accepted=2&duplicates=0&bad=1");
    assert!(contacts::get(&site.store, phone("9845011234")).await.unwrap().is_some());
    let again = owner.submit(&to, &[]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "a second click imports nothing");
    assert!(again.text.contains("upload it again") && again.text.contains("type=\"file\""), "{}", again.text);
}

#[tokio::test]
async fn consent_is_recorded_with_its_day_and_evidence_and_withdrawn() {
    let site = Site::open().await;
    let keeper = site.somebody(Role::Compliance).await;
    let path = "/contacts/+919845011234";
    assert!(keeper.open(path).await.text.contains("None on record"));
    let to = format!("{path}/consent");
    for faulty in [
        vec![],
        vec![("consent", "yes")],
        vec![("consent", "yes"), ("consent_evidence", "form"), ("consent_on", "2026-11-23")],
        vec![("consent", "maybe")],
    ] {
        let answer = keeper.submit(&to, &faulty).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{faulty:?}");
        assert!(answer.text.contains("<title>Error: "), "{faulty:?}");
    }
    assert!(
        contacts::get(&site.store, phone("9845011234")).await.unwrap().is_none(),
        "a fault changes nothing"
    );
    let yes = [("consent", "yes"), ("consent_evidence", "form at the garage"), ("consent_on", "2026-08-12")];
    assert_eq!(keeper.submit(&to, &yes).await.leads_to(), format!("{path}?done=consent"));
    let shown = keeper.open(path).await;
    assert!(
        shown.text.contains("12 Aug 2026") && shown.text.contains("form at the garage"),
        "{}",
        shown.text
    );
    let file = keeper.open("/contacts/export.csv").await;
    let header = "phone,name,language,tags,consent,consent_evidence,added\n";
    assert_eq!(file.text, format!("{header}+919845011234,,,,2026-08-12,form at the garage,2026-11-22\n"));
    keeper.submit(&to, &[("consent", "no")]).await;
    assert!(keeper.open(path).await.text.contains("None on record"));
    let viewer = site.somebody(Role::Viewer).await;
    viewer.open(path).await;
    assert_eq!(viewer.submit(&to, &yes).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn opt_outs_are_counted_and_filtered_by_what_stops_and_where_it_came_from() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    let file = "phone,scope\n9845011234,all\n9845011235,promotional\n";
    let to = owner.upload("/opt-outs/import", "stop.csv", file).await.leads_to().to_owned();
    owner.submit(&to, &[]).await;
    owner.submit("/opt-outs", &[("phone", "9845011236"), ("scope", "all"), ("evidence", "call")]).await;
    let all = owner.open("/opt-outs").await;
    assert!(all.text.contains("3 opt-outs. Checked"), "{}", all.text);
    let some = owner.open("/opt-outs?scope=all&source=csv").await;
    assert!(
        some.text.contains("1 opt-out of 3 opt-outs") && some.text.contains("Stops: Everything"),
        "{}",
        some.text
    );
    assert!(some.text.contains("+91 98450 11234") && !some.text.contains("+91 98450 11236"), "{}", some.text);
    assert!(owner.open("/opt-outs?source=link").await.text.contains("No opt-outs match"));
}

#[tokio::test]
async fn the_log_finds_what_did_not_arrive_and_one_error() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    let page = owner.open("/messages?status=not_arrived&error=30003").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Did not arrive <span") && page.text.contains("30003: "), "{}", page.text);
    let wrong = owner.open("/messages?error=many").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("is no error code"), "{}", wrong.text);
}

#[tokio::test]
async fn nobody_sees_the_file_of_somebody_else() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    let to = owner.upload("/contacts/import", "a.csv", "phone\n9845011234\n").await.leads_to().to_owned();
    let admin = site.somebody(Role::Admin).await;
    assert_eq!(admin.open(&to).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_file_that_is_no_list_is_refused_in_words() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    for file in ["", "name,city\nA,B\n", "phone,name\n\"9845011234,never closed\n", "PK\u{3}\u{4}\0\0"] {
        let answer = owner.upload("/contacts/import", "a.csv", file).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{file}");
        assert!(answer.text.contains("<title>Error: "), "{file}");
    }
}

#[tokio::test]
async fn the_meter_prices_the_rupee_sign_and_the_fix_takes_it_out() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    let body =
        "VehicAid: Hi {{name}}, the yearly fee for your {{vehicle}} plan changes to ₹1649 from 1 Sep 2026.";
    let fields = [
        ("key", "fee"),
        ("name", "Fee"),
        ("category", "service"),
        ("channel", "sms"),
        ("language", "en"),
        ("body", body),
    ];
    let meter = owner.submit("/templates/meter", &fields).await;
    assert!(
        meter.text.contains("2 segments, because of one character")
            && meter.text.contains("Write Rs. instead"),
        "{}",
        meter.text
    );
    let mut pressed = fields.to_vec();
    pressed.push(("do", "fix"));
    let fixed = owner.submit("/templates", &pressed).await;
    assert!(fixed.text.contains("Rs.1649") && !fixed.text.contains("₹1649"), "{}", fixed.text);
}

#[tokio::test]
async fn a_template_with_faults_says_which_and_keeps_what_was_typed() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    let fields = [
        ("key", "Not A Key"),
        ("name", ""),
        ("category", "service"),
        ("channel", "sms"),
        ("language", "en"),
        ("body", "Hi {{name"),
    ];
    let answer = owner.submit("/templates", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("<title>Error: ") && answer.text.contains("Hi {{name"));
    assert!(answer.text.contains("href=\"#f-key\"") && answer.text.contains("href=\"#f-body\""));
}

async fn write_template(owner: &Visitor<'_>, body: &str) {
    let fields = [
        ("key", "notice"),
        ("name", "Notice"),
        ("category", "service"),
        ("channel", "sms"),
        ("language", "en"),
        ("body", body),
    ];
    let saved = owner.submit("/templates", &fields).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
}

async fn write_campaign(owner: &Visitor<'_>) -> String {
    let fields = [("name", "Fee change"), ("audience", "all"), ("template", "notice"), ("channel", "sms")];
    let created = owner.submit("/campaigns", &fields).await;
    assert_eq!(created.status, StatusCode::SEE_OTHER, "{}", created.text);
    created.leads_to().split('?').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_campaign_is_priced_checked_approved_and_canceled_in_the_browser() {
    let site = Site::open().await;
    site.has_a_sender().await;
    let owner = site.somebody(Role::Owner).await;
    for number in ["9845011234", "9845011235"] {
        contacts::put(&site.store, phone(number), &ContactFields::default(), &TESTER, now()).await.unwrap();
    }
    write_template(&owner, "{{brand}}: our fee changes to Rs. 1649.").await;
    let campaign = write_campaign(&owner).await;
    let draft = owner.open(&campaign).await;
    assert!(draft.text.contains("2 people, 2 segments × ₹0.80"), "{}", draft.text);
    let check = owner.open(&format!("{campaign}/check")).await;
    let quote =
        check.text.split("name=\"quote\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let approved = owner.submit(&format!("{campaign}/approve"), &[("quote", &quote)]).await;
    assert_eq!(approved.leads_to(), format!("{campaign}?done=approved"), "{}", approved.text);
    let again = owner.submit(&format!("{campaign}/approve"), &[("quote", &quote)]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "a second click approves nothing twice: {}", again.text);
    let page = owner.open(&campaign).await;
    assert!(page.text.contains("Everyone is in exactly one of these"), "{}", page.text);
    assert!(owner.open(&format!("{campaign}/cancel")).await.text.contains("2 people will not get it"));
    owner.submit(&format!("{campaign}/cancel"), &[]).await;
    assert!(owner.open(&campaign).await.text.contains("Canceled"));
}

#[tokio::test]
async fn a_quote_that_no_longer_holds_is_shown_anew() {
    let site = Site::open().await;
    site.has_a_sender().await;
    let owner = site.somebody(Role::Owner).await;
    contacts::put(&site.store, phone("9845011234"), &ContactFields::default(), &TESTER, now()).await.unwrap();
    write_template(&owner, "{{brand}}: our fee changes.").await;
    let campaign = write_campaign(&owner).await;
    owner.open(&campaign).await;
    let answer = owner.submit(&format!("{campaign}/approve"), &[("quote", "of yesterday")]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text.contains("The figures below are new"), "{}", answer.text);
}

#[tokio::test]
async fn an_opt_out_needs_evidence_and_so_does_allowing_again() {
    let site = Site::open().await;
    let keeper = site.somebody(Role::Compliance).await;
    let without =
        keeper.submit("/opt-outs", &[("phone", "9845011234"), ("scope", "all"), ("evidence", "")]).await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    let with = [("phone", "9845011234"), ("scope", "all"), ("evidence", "call, ticket 6120")];
    assert_eq!(keeper.submit("/opt-outs", &with).await.leads_to(), "/opt-outs/+919845011234?done=added");
    let shown = keeper.open("/opt-outs/+919845011234").await;
    assert!(
        shown.text.contains("ticket 6120") && shown.text.contains("Stopped everything"),
        "{}",
        shown.text
    );
    let bare = keeper.submit("/opt-outs/+919845011234/allow", &[("reason", "")]).await;
    assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
    keeper.submit("/opt-outs/+919845011234/allow", &[("reason", "asked on a call")]).await;
    assert!(opt_outs::state(&site.store, phone("9845011234")).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_api_key_is_shown_once() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    let made = owner.submit("/api-keys", &[("name", "crm"), ("kind", "test"), ("scope", "send")]).await;
    let key =
        made.text.split("<code class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(key.len() > 40, "{key}");
    assert!(!owner.open("/api-keys").await.text.contains(&key));
}

#[tokio::test]
async fn stopping_everything_is_seen_on_every_page_until_somebody_resumes() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    assert_eq!(
        owner.submit("/sending/stop", &[("reason", "")]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    owner.submit("/sending/stop", &[("reason", "wrong price in the text")]).await;
    assert!(owner.open("/messages").await.text.contains("wrong price in the text"));
    owner.submit("/sending/resume", &[]).await;
    assert!(!owner.open("/messages").await.text.contains("All sending is stopped"));
}
