//! Wasted money in the browser: everybody sees it, whoever may send or keeps opt-outs does away with it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod site;

use axum::http::StatusCode;
use dakiya_core::encoding::{Encoding, Segments};
use dakiya_core::message::{Category, Channel, EventSource, Status};
use dakiya_core::money::Money;
use dakiya_core::sender::SenderAddress;
use dakiya_core::user::Role;
use dakiya_store::messages::{self, Answer, Answered, FollowUp, NewMessage, StatusReport, TakeRequest};
use dakiya_store::templates::{self, TemplateText, TemplateVersion};
use dakiya_store::{Store, contacts, savings};
use site::{Site, TESTER, now, phone};

const WASTEFUL: &str =
    "VehicAid: Payment pending for {{name}}, request 123. Amount: ₹500. Pay now: https://pay.in/p?r=123";

async fn template(store: &Store) -> TemplateVersion {
    let text = TemplateText {
        name: "Fee due".to_owned(),
        category: Category::Service,
        channel: Channel::Sms,
        language: None,
        body: WASTEFUL.to_owned(),
        dlt: None,
        content_sid: None,
    };
    templates::put(store, "fee_due", &text, &TESTER, now()).await.unwrap()
}

/// A text of a template that went out and ended so.
async fn sent(site: &Site, template: &TemplateVersion, n: u64, ended: (Status, Option<u32>)) {
    let at = now() + chrono::TimeDelta::seconds(i64::try_from(n).unwrap());
    let new = NewMessage {
        dedupe_key: format!("test:{n}"),
        campaign_id: None,
        template: Some((template.template_id, template.version)),
        phone: phone("9845000001"),
        channel: Channel::Sms,
        category: Category::Service,
        sender: SenderAddress::stored("+15005550006".to_owned()),
        body: WASTEFUL.replace("{{name}}", "Asha"),
        encoding: Encoding::Ucs2,
        segments: Segments(2),
        estimated_cost: Money::parse("1.60").unwrap(),
        estimated_fx: None,
        due_at: now(),
        expires_at: None,
        api_key_id: None,
        test: false,
        suppressed: None,
        reminder: None,
    };
    let enqueued = messages::enqueue(&site.store, new, None, now()).await.unwrap();
    let messages::Enqueued::Created(message) = enqueued else { panic!("{enqueued:?}") };
    let request = TakeRequest {
        now: at,
        horizon: chrono::TimeDelta::milliseconds(300),
        batch: 100,
        urgent_batch: 100,
        zone: chrono_tz::Asia::Kolkata,
        only: None,
    };
    messages::take(&site.store, &request).await.unwrap();
    let sid = format!("SM{n:032x}");
    let answer = Answer::Accepted { sid: sid.clone(), status: Status::Accepted, segments: Some(Segments(2)) };
    let follow_up = FollowUp {
        retry: dakiya_core::retry::RetryPolicy::default(),
        jitter: 0.0,
        unknown_lookups: Vec::new(),
    };
    messages::record_answers(&site.store, &[Answered { id: message.id, answer, at }], &follow_up)
        .await
        .unwrap();
    let report = StatusReport {
        message_id: Some(message.id),
        sid,
        status: ended.0,
        error_code: ended.1,
        consequence: None,
        at,
        source: EventSource::Callback,
    };
    messages::apply_status(&site.store, report).await.unwrap();
}

#[tokio::test]
async fn a_better_text_is_one_click_for_whoever_may_send() {
    let site = Site::open().await;
    site.has_a_sender().await;
    let fees = template(&site.store).await;
    for n in 1..=2 {
        sent(&site, &fees, n, (Status::Delivered, None)).await;
    }
    let log = messages::page(&site.store, &messages::MessageFilter::default(), None, 1).await.unwrap();
    let message = format!("/messages/{}", log.items[0].id);
    let finance = site.somebody(Role::Finance).await;
    let may_reply = |page: &str| page.contains("Reply as this person");
    assert!(!may_reply(&finance.open(&message).await.text), "only who may send writes as others");
    let page = finance.open("/costs/savings").await;
    assert!(page.text.contains("₹ where Rs. would do") && page.text.contains("₹1.60"), "{}", page.text);
    assert!(!page.text.contains("Use the new text"), "who cannot send sees it and changes nothing");
    assert!(page.text.contains("An admin can change this") && page.text.contains("Look at the text"));
    let form = [("template", "fee_due"), ("language", "en"), ("version", "1"), ("waste", "rupee_sign")];
    assert_eq!(finance.submit("/costs/savings/text", &form).await.status, StatusCode::FORBIDDEN);

    let admin = site.somebody(Role::Admin).await;
    assert!(may_reply(&admin.open(&message).await.text));
    assert!(admin.open("/costs/savings").await.text.contains("Use the new text"));
    let done = admin.submit("/costs/savings/text", &form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let current = templates::get(&site.store, "fee_due", None).await.unwrap().unwrap();
    assert_eq!((current.version, current.body), (2, WASTEFUL.replace('₹', "Rs.")));
    let page = admin.open(done.leads_to()).await;
    assert!(page.text.contains("counted from 23 Nov"), "{}", page.text);
    let again = admin.submit("/costs/savings/text", &form).await;
    assert!(again.text.contains("Nothing was changed: the text of"), "{}", again.text);
}

#[tokio::test]
async fn a_registered_text_is_left_to_a_person() {
    let site = Site::open().await;
    site.has_a_sender().await;
    let fees = template(&site.store).await;
    let registered = TemplateText {
        name: fees.name.clone(),
        category: fees.category,
        channel: fees.channel,
        language: Some("en".to_owned()),
        body: fees.body.clone(),
        dlt: Some(dakiya_core::template::Dlt { template_id: Some("1107".to_owned()), ..Default::default() }),
        content_sid: None,
    };
    let fees = templates::put(&site.store, "fee_due", &registered, &TESTER, now()).await.unwrap();
    sent(&site, &fees, 1, (Status::Delivered, None)).await;
    let page = site.somebody(Role::Admin).await.open("/costs/savings").await;
    assert!(page.text.contains("register the new words first"), "{}", page.text);
    assert!(!page.text.contains("Use the new text"));
}

#[tokio::test]
async fn a_dead_number_is_suppressed_by_a_click_and_tried_again_by_another() {
    let site = Site::open().await;
    site.has_a_sender().await;
    let fees = template(&site.store).await;
    for n in 1..=3 {
        sent(&site, &fees, n, (Status::Undelivered, Some(30_003))).await;
    }
    let keeper = site.somebody(Role::Compliance).await;
    let page = keeper.open("/costs/savings").await;
    assert!(page.text.contains("3 messages in 30 days, none arrived"), "{}", page.text);
    assert!(
        page.text.contains(">+91 ••••• •0001</a>") && !page.text.contains("98450 00001"),
        "{}",
        page.text
    );
    let number = [("phone", "+919845000001")];
    let viewer = site.somebody(Role::Viewer).await;
    assert_eq!(viewer.submit("/costs/savings/number", &number).await.status, StatusCode::FORBIDDEN);
    let done = keeper.submit("/costs/savings/number", &number).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let of = || contacts::get(&site.store, phone("9845000001"));
    assert!(of().await.unwrap().unwrap().unreachable_since.is_some());
    let page = keeper.open("/costs/savings").await;
    assert!(page.text.contains("href=\"/contacts/+919845000001\">+91 ••••• •0001<"), "{}", page.text);
    let again = keeper.submit("/costs/savings/number", &number).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "a second click does nothing");
    assert_eq!(savings::fixes(&site.store, 10).await.unwrap().len(), 1);
    let healthy = keeper.submit("/costs/savings/number", &[("phone", "+919845000002")]).await;
    assert!(healthy.text.contains("Nothing was changed: +91******0002 was reached"), "{}", healthy.text);
    assert_eq!(contacts::get(&site.store, phone("9845000002")).await.unwrap(), None);
    let page = keeper.open("/contacts/+919845000001").await;
    assert!(page.text.contains("Try this number again"), "{}", page.text);
    assert_eq!(viewer.submit("/contacts/+919845000001/reachable", &[]).await.status, StatusCode::FORBIDDEN);
    let tried = keeper.submit("/contacts/+919845000001/reachable", &[]).await;
    assert_eq!(tried.status, StatusCode::SEE_OTHER);
    assert!(of().await.unwrap().unwrap().unreachable_since.is_none());
}

#[tokio::test]
async fn whatever_is_no_number_or_no_saving_is_refused() {
    let site = Site::open().await;
    let admin = site.somebody(Role::Admin).await;
    let nonsense = [("template", "x"), ("language", "en"), ("version", "one"), ("waste", "time")];
    assert_eq!(admin.submit("/costs/savings/text", &nonsense).await.status, StatusCode::NOT_FOUND);
    let nobody = [("phone", "nobody")];
    assert_eq!(admin.submit("/costs/savings/number", &nobody).await.status, StatusCode::NOT_FOUND);
    let page = admin.open("/costs/savings").await.text;
    assert!(page.contains("Nothing is wasted") && page.contains("No template sent a text message"), "{page}");
}
