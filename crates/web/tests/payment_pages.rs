//! Payments in the browser: added, found, paid in parts, canceled, imported; and who may do what.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod site;

use axum::http::StatusCode;
use dakiya_core::payment::{PaymentReference, PaymentStatus};
use dakiya_core::user::Role;
use dakiya_store::payments::{self, Payment};
use site::{Site, Visitor};

const ADDED: [(&str, &str); 8] = [
    ("reference", "INV/2026/1"),
    ("phone", "98450 11234"),
    ("amount", "1,499.50"),
    ("due_on", "2026-11-20"),
    ("pay_url", "https://pay.example.in/1?a=1&b=2"),
    ("name", "Asha <Rao>"),
    ("language", "hi"),
    ("tags", "gold; pune"),
];
const ITS_PAGE: &str = "/reminders/payment?reference=INV%2F2026%2F1";

async fn stored(site: &Site, reference: &str) -> Payment {
    payments::get(&site.store, &PaymentReference::parse(reference).unwrap()).await.unwrap().unwrap()
}

async fn add(visitor: &Visitor<'_>) {
    let saved = visitor.submit("/reminders/payments", &ADDED).await;
    assert_eq!(saved.leads_to(), format!("{ITS_PAGE}&done=saved"), "{}", saved.text);
}

#[tokio::test]
async fn a_payment_is_added_found_edited_and_paid_in_parts() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    assert!(owner.open("/reminders/payments").await.text.contains("No payments here."));
    add(&owner).await;
    for search in ["inv/2026", "98450", "asha"] {
        let list = owner.open(&format!("/reminders/payments?q={search}")).await;
        assert!(
            list.text.contains("INV/2026/1") && list.text.contains("2 days late"),
            "{search}: {}",
            list.text
        );
        assert!(list.text.contains("₹1,499.50") && list.text.contains("Asha &#60;Rao&#62;"), "{}", list.text);
    }
    let page = owner.open(ITS_PAGE).await;
    assert!(page.text.contains("href=\"https://pay.example.in/1?a=1&#38;b=2\""), "{}", page.text);

    let part = [("reference", "INV/2026/1"), ("amount", "500")];
    assert_eq!(
        owner.submit("/reminders/payment/paid", &part).await.leads_to(),
        format!("{ITS_PAGE}&done=paid")
    );
    let page = owner.open(&format!("{ITS_PAGE}&done=paid")).await;
    assert!(
        page.text.contains("Reminders go on for what is left") && page.text.contains("₹500.00 came"),
        "{}",
        page.text
    );
    assert!(page.text.contains("₹999.50"), "{}", page.text);
    let form = owner.open("/reminders/payment/paid?reference=INV%2F2026%2F1").await;
    assert!(form.text.contains("value=\"999.50\""), "{}", form.text);

    let form = owner.open("/reminders/payments/edit?reference=INV%2F2026%2F1").await;
    assert!(
        form.text.contains("value=\"2026-11-20\"") && form.text.contains("value=\"gold; pune\""),
        "{}",
        form.text
    );
    let mut edited = ADDED.to_vec();
    edited[0] = ("known", "INV/2026/1");
    edited[3] = ("due_on", "05/12/2026");
    owner.submit("/reminders/payments", &edited).await;
    assert_eq!(stored(&site, "INV/2026/1").await.due_on.to_string(), "2026-12-05");

    let rest = [("reference", "INV/2026/1"), ("amount", "999.50")];
    owner.submit("/reminders/payment/paid", &rest).await;
    assert_eq!(stored(&site, "INV/2026/1").await.status, PaymentStatus::Paid);
    assert_eq!(
        owner.submit("/reminders/payment/paid", &rest).await.status,
        StatusCode::CONFLICT,
        "a second click"
    );
    let cancel = owner.submit("/reminders/payment/cancel", &rest[..1]).await;
    assert_eq!(cancel.status, StatusCode::CONFLICT);
    assert!(owner.open("/reminders/payments?show=paid").await.text.contains("INV/2026/1"));
    assert!(!owner.open("/reminders/payments").await.text.contains("INV/2026/1"));
}

#[tokio::test]
async fn a_form_with_faults_names_them_and_keeps_what_was_typed() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    let bad = [
        ("reference", ""),
        ("phone", "123"),
        ("amount", "ten"),
        ("due_on", "31/02/2026"),
        ("pay_url", "pay here"),
        ("name", "Asha"),
        ("language", "the moon's"),
    ];
    let answer = owner.submit("/reminders/payments", &bad).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["reference", "phone", "amount", "due_on", "pay_url", "language"] {
        assert!(answer.text.contains(&format!("href=\"#f-{field}\"")), "{field}: {}", answer.text);
    }
    assert!(answer.text.contains("value=\"ten\"") && answer.text.contains("<title>Error: "));
    add(&owner).await;
    let twice = owner.submit("/reminders/payments", &ADDED).await;
    assert_eq!(
        twice.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a reference that is taken overwrites nothing"
    );
    let nothing =
        owner.submit("/reminders/payment/paid", &[("reference", "INV/2026/1"), ("amount", "0")]).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(stored(&site, "INV/2026/1").await.status, PaymentStatus::Open);
    assert_eq!(owner.open("/reminders/payment?reference=other").await.status, StatusCode::NOT_FOUND);
    assert!(owner.open("/reminders/payments?from=soon").await.text.contains("is not a date"));
}

#[tokio::test]
async fn canceling_says_what_it_does_first() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    add(&owner).await;
    let ask = owner.open("/reminders/payment/cancel?reference=INV%2F2026%2F1").await;
    assert!(ask.text.contains("₹1,499.50 is left to pay"), "{}", ask.text);
    assert_eq!(stored(&site, "INV/2026/1").await.status, PaymentStatus::Open);
    owner.submit("/reminders/payment/cancel", &[("reference", "INV/2026/1")]).await;
    assert_eq!(stored(&site, "INV/2026/1").await.status, PaymentStatus::Canceled);
    let page = owner.open(ITS_PAGE).await;
    assert!(!page.text.contains("Record money") && page.text.contains("owner@example.in"), "{}", page.text);
}

#[tokio::test]
async fn a_list_is_checked_before_it_is_imported() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    let file = "reference,phone,amount,due_on\nA,9845011234,100,2026-12-05\nB,12,100,2026-12-05\nA,9845011234,\"1,250\",06/12/2026\n";
    let to = owner.upload("/reminders/payments/import", "a.csv", file).await.leads_to().to_owned();
    let checked = owner.open(&to).await;
    assert!(checked.text.contains("1 of 3 rows needs fixing"), "{}", checked.text);
    assert!(checked.text.contains("the last one counts"), "{}", checked.text);
    assert!(owner.open(&format!("{to}/bad-rows.csv")).await.text.contains("B,12,100"));
    let done = owner.submit(&to, &[]).await.leads_to().to_owned();
    let list = owner.open(&done).await;
    assert!(list.text.contains("1 row imported. 1 had a reference that came again"), "{}", list.text);
    assert!(list.text.contains("₹1,250.00"), "{}", list.text);
    assert_eq!(stored(&site, "A").await.due_on.to_string(), "2026-12-06");
    let broken = owner.upload("/reminders/payments/import", "a.csv", "reference,phone\n1,2\n").await;
    assert_eq!(broken.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn who_only_looks_changes_nothing_and_finance_may_say_that_money_came() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    add(&owner).await;
    let money = [("reference", "INV/2026/1"), ("amount", "1")];
    for role in [Role::Viewer, Role::Compliance, Role::Finance] {
        let person = site.somebody(role).await;
        let page = person.open(ITS_PAGE).await;
        assert!(page.text.contains("₹1,499.50"), "{role} may look");
        assert!(!page.text.contains("Cancel payment") && !page.text.contains(">Edit<"), "{role}");
        assert_eq!(page.text.contains("Record money"), role == Role::Finance, "{role}");
        for path in ["/reminders/payments/new", "/reminders/payments/import"] {
            assert_eq!(person.open(path).await.status, StatusCode::FORBIDDEN, "{role} {path}");
        }
        for path in ["/reminders/payments", "/reminders/payment/cancel"] {
            assert_eq!(person.submit(path, &ADDED).await.status, StatusCode::FORBIDDEN, "{role} {path}");
        }
        let answer = person.submit("/reminders/payment/paid", &money).await.status;
        let expected = if role == Role::Finance { StatusCode::SEE_OTHER } else { StatusCode::FORBIDDEN };
        assert_eq!(answer, expected, "{role}");
    }
    assert_eq!(stored(&site, "INV/2026/1").await.status, PaymentStatus::PartlyPaid);
    let stranger = site.stranger();
    assert_eq!(stranger.open("/reminders/payments").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn more_money_than_is_left_is_asked_about_and_a_mistake_is_taken_back() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    add(&owner).await;
    let typed = [("reference", "INV/2026/1"), ("amount", "14,995.00")];
    let asked = owner.submit("/reminders/payment/paid", &typed).await;
    assert_eq!(asked.status, StatusCode::OK);
    for words in ["Did ₹14,995.00 come?", "Only ₹1,499.50 is left to pay", "₹13,495.50 too much"] {
        assert!(asked.text.contains(words), "{words}: {}", asked.text);
    }
    assert_eq!(stored(&site, "INV/2026/1").await.status, PaymentStatus::Open, "asking records nothing");
    let mut confirmed = typed.to_vec();
    confirmed.push(("surplus", "1.00"));
    let again = owner.submit("/reminders/payment/paid", &confirmed).await;
    assert_eq!(again.status, StatusCode::OK, "what was confirmed is another sum");
    confirmed[2].1 = "13495.50";
    owner.submit("/reminders/payment/paid", &confirmed).await;
    assert_eq!(stored(&site, "INV/2026/1").await.status, PaymentStatus::Paid);

    let page = owner.open(ITS_PAGE).await;
    assert!(page.text.contains("Too much") && page.text.contains("₹13,495.50"), "{}", page.text);
    let (_, rest) = page.text.split_once("/reminders/payment/take-back?").unwrap();
    let query = rest.split('"').next().unwrap().replace("&#38;", "&");
    let event = query.split("event=").nth(1).unwrap().to_owned();
    let ask = owner.open(&format!("/reminders/payment/take-back?{query}")).await;
    assert!(ask.text.contains("Then ₹1,499.50 is left to pay"), "{}", ask.text);
    let mistake = [("reference", "INV/2026/1"), ("event", event.as_str())];
    let viewer = site.somebody(Role::Viewer).await;
    assert!(!viewer.open(ITS_PAGE).await.text.contains("Take back"));
    assert_eq!(viewer.submit("/reminders/payment/take-back", &mistake).await.status, StatusCode::FORBIDDEN);
    let done = owner.submit("/reminders/payment/take-back", &mistake).await;
    assert_eq!(done.leads_to(), format!("{ITS_PAGE}&done=taken-back"), "{}", done.text);
    assert_eq!(stored(&site, "INV/2026/1").await.status, PaymentStatus::Open);
    let page = owner.open(ITS_PAGE).await;
    assert!(page.text.contains("₹14,995.00 taken back") && page.text.contains("<s>"), "{}", page.text);
    assert_eq!(owner.submit("/reminders/payment/take-back", &mistake).await.status, StatusCode::CONFLICT);
}
