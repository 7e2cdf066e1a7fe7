//! Reconciliation and the monthly close in the browser: finance reads, explains and closes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod site;

use axum::http::StatusCode;
use chrono::NaiveDate;
use dakiya_core::message::Channel;
use dakiya_core::money::{FxRate, Money};
use dakiya_core::reconciliation::{FindingKind, FindingState};
use dakiya_core::sender::SenderAddress;
use dakiya_core::time::Month;
use dakiya_core::usage::UsageKind;
use dakiya_core::user::Role;
use dakiya_store::costs::Rent;
use dakiya_store::reconciliation::{self, Compared, NewFinding};
use dakiya_store::usage::{self, UsageRecord};
use dakiya_store::{audit, costs};
use rust_decimal::Decimal;
use site::{Site, now};

const PAGE: &str = "/budgets/reconciliation?month=2026-10";

fn october() -> Month {
    Month::parse("2026-10").unwrap()
}

/// A day that cost so many dollars.
async fn charged(site: &Site, price: &str) {
    let day = october().first_day();
    let record = UsageRecord {
        day,
        category: "totalprice".to_owned(),
        kind: Some(UsageKind::Total),
        count: None,
        usage: None,
        price: price.parse().unwrap(),
        price_unit: "USD".to_owned(),
        as_of: None,
    };
    usage::put(&site.store, "AC1", (day, day), &[record], now()).await.unwrap();
}

/// A day on which somebody else sent through the account.
async fn somebody_elses_message(site: &Site) {
    let price: Decimal = "0.0083".parse().unwrap();
    let stranger = NewFinding {
        kind: FindingKind::NotOurs,
        subject: "SM00000000000000000000000000000007".to_owned(),
        message: None,
        amount: price,
        state: FindingState::Open,
        note: "sent 10:00:00 UTC, delivered".to_owned(),
    };
    let compared = Compared {
        day: october().last_day(),
        unit: "USD".to_owned(),
        fx: FxRate { inr_per_usd: Decimal::from(96) },
        vendor: "1.0183".parse().unwrap(),
        ours: Decimal::ONE,
        vendor_messages: 121,
        our_messages: 120,
        unpriced: 0,
        listed: true,
        complete: true,
        findings: vec![stranger],
    };
    let balance = reconciliation::record(&site.store, &compared, now()).await.unwrap();
    assert_eq!(balance.unexplained(), "0.01".parse().unwrap());
}

#[tokio::test]
async fn finance_sees_what_differs_says_why_and_hides_nothing() {
    let site = Site::open().await;
    somebody_elses_message(&site).await;
    let finance = site.somebody(Role::Finance).await;
    let page = finance.open(PAGE).await;
    assert_eq!(page.status, StatusCode::OK);
    for said in ["US$1.0183", "US$0.0183", "US$0.0083", "US$0.01<", "Not explained", "Not ours", "120 / 121"]
    {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert!(page.text.contains("sent 10:00:00 UTC, delivered"));
    let id =
        page.text.split_once("name=\"finding\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let form = |note| [("month", "2026-10"), ("finding", id.as_str()), ("note", note)];
    let silent = finance.submit("/budgets/reconciliation/explain", &form(" ")).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    for part in
        [format!("href=\"#f-note-{id}\""), format!("id=\"f-note-{id}\""), format!("id=\"e-note-{id}\"")]
    {
        assert!(
            silent.text.contains(&part),
            "{part}: what is wrong stands beside its field: {}",
            silent.text
        );
    }
    let explained = finance.submit("/budgets/reconciliation/explain", &form("The old system")).await;
    assert_eq!(explained.status, StatusCode::SEE_OTHER, "{}", explained.text);
    let page = finance.open(explained.leads_to()).await.text;
    assert!(page.contains("The old system (finance@example.in)") && page.contains("US$0.0183"), "{page}");
}

#[tokio::test]
async fn a_month_is_closed_by_finance_and_corrections_stand_beside_it() {
    let site = Site::open().await;
    charged(&site, "10").await;
    let finance = site.somebody(Role::Finance).await;
    assert!(finance.open("/budgets/reconciliation").await.text.contains("from 1 December 2026 on"));
    let page = finance.open(PAGE).await.text;
    assert!(page.contains("₹960.00") && page.contains("Close October 2026"), "{page}");
    let form = [("month", "2026-10"), ("close_note", "Invoice 7"), ("sure", "yes")];
    let hasty = finance.submit("/budgets/reconciliation/close", &form[..2]).await;
    assert_eq!(hasty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(costs::closed(&site.store, october()).await.unwrap(), None);
    let closed = finance.submit("/budgets/reconciliation/close", &form).await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER, "{}", closed.text);
    let again = finance.submit("/budgets/reconciliation/close", &form).await;
    assert!(again.text.contains("was closed before by finance@example.in"), "{}", again.text);
    let early =
        finance.submit("/budgets/reconciliation/close", &[("month", "2026-11"), ("sure", "yes")]).await;
    assert!(early.text.contains("2026-11 is not over"), "{}", early.text);
    charged(&site, "10.5").await;
    let page = finance.open(PAGE).await.text;
    assert!(page.contains("Closed figure ₹960.00, corrections since ₹48.00, now ₹1,008.00"), "{page}");
    let log = audit::page(&site.store, None, 20).await.unwrap().items;
    assert_eq!(log.iter().filter(|line| line.action == "month.closed").count(), 1);
}

#[tokio::test]
async fn a_rent_that_twilio_never_charged_is_listed_and_named_before_closing() {
    let site = Site::open().await;
    let rent = |sender: &str| Rent {
        sender: SenderAddress::stored(sender.to_owned()),
        channel: Channel::Sms,
        cost: Money::parse("150").unwrap(),
    };
    let rents = [rent("+15005550006"), rent("+15005550007")];
    costs::book_rents(&site.store, &rents, october().first_day()).await.unwrap();
    let finance = site.somebody(Role::Finance).await;
    let page = finance.open(PAGE).await.text;
    let listed = page.split_once("Rents that are booked and in no record of Twilio’s").unwrap().1;
    for said in ["+15005550006", "+15005550007", "1 Oct 2026", "₹150.00", "₹300.00"] {
        assert!(listed.contains(said), "{said}: {page}");
    }
    assert!(page.contains("2 booked rents of ₹300.00 are in no record of Twilio’s."), "{page}");
    let file = finance.open("/budgets/reconciliation/export.csv?month=2026-10").await.text;
    let line = "2026-10-01,rent_not_charged,\"Booked rent, in no record\",+15005550006,,0,INR,150.00,open,,";
    assert!(file.contains(line), "{file}");
}

/// A day on which a month's worth of messages was not ours.
async fn many_differ(site: &Site, day: NaiveDate, count: u32, listed: bool) {
    let stranger = |n: u32| NewFinding {
        kind: FindingKind::NotOurs,
        subject: format!("SM{n:032}"),
        message: None,
        amount: Decimal::new(83, 4),
        state: FindingState::Open,
        note: String::new(),
    };
    let sum = Decimal::new(83, 4) * Decimal::from(count);
    let compared = Compared {
        day,
        unit: "USD".to_owned(),
        fx: FxRate { inr_per_usd: Decimal::from(96) },
        vendor: sum,
        ours: Decimal::ZERO,
        vendor_messages: count.into(),
        our_messages: 0,
        unpriced: 0,
        listed,
        complete: true,
        findings: (0..count).map(stranger).collect(),
    };
    reconciliation::record(&site.store, &compared, now()).await.unwrap();
}

#[tokio::test]
async fn every_difference_can_be_seen_page_by_page_and_saved_as_a_file() {
    let site = Site::open().await;
    let day = october().first_day();
    many_differ(&site, day, 260, true).await;
    let finance = site.somebody(Role::Finance).await;
    let (mut path, mut seen) = (format!("{PAGE}&day={day}"), 0);
    for last in [false, false, true] {
        let page = finance.open(&path).await.text;
        seen += page.matches("name=\"finding\"").count();
        let next =
            page.split_once("<a href=\"/budgets/reconciliation?month=2026-10&#38;day=2026-10-01&#38;cursor=");
        assert_eq!(next.is_none(), last, "{page}");
        if let Some((_, rest)) = next {
            let after = rest.split('#').next().unwrap();
            path = format!("{PAGE}&day={day}&cursor={after}");
        }
    }
    assert_eq!(seen, 260);
    let file = finance.open("/budgets/reconciliation/export.csv?month=2026-10").await;
    assert_eq!((file.status, file.text.lines().count()), (StatusCode::OK, 261));
    let viewer = site.somebody(Role::Viewer).await;
    let refused = viewer.open("/budgets/reconciliation/export.csv?month=2026-10").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let nonsense = finance.open("/budgets/reconciliation?month=2026-10&cursor=nonsense").await;
    assert!(nonsense.status.is_client_error(), "{}", nonsense.status);
}

#[tokio::test]
async fn what_agrees_in_sum_alone_and_what_no_longer_differs_say_so() {
    let site = Site::open().await;
    let day = october().first_day();
    many_differ(&site, day, 1, true).await;
    many_differ(&site, day, 0, true).await;
    many_differ(&site, day.succ_opt().unwrap(), 0, false).await;
    let page = site.somebody(Role::Finance).await.open(PAGE).await.text;
    for said in ["No longer differs", ">Agrees<", ">Agrees in sum<"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("In our books"), "what was never ours is not in our books");
}

#[tokio::test]
async fn messages_without_a_price_are_named_as_what_most_likely_is_not_explained() {
    let site = Site::open().await;
    let compared = Compared {
        day: october().last_day(),
        unit: "USD".to_owned(),
        fx: FxRate { inr_per_usd: Decimal::from(96) },
        vendor: Decimal::ONE,
        ours: Decimal::ZERO,
        vendor_messages: 2,
        our_messages: 2,
        unpriced: 2,
        listed: true,
        complete: true,
        findings: Vec::new(),
    };
    reconciliation::record(&site.store, &compared, now()).await.unwrap();
    let page = site.somebody(Role::Finance).await.open(PAGE).await.text;
    assert!(page.contains("Likely 2 messages without a price here. Read Twilio’s records again."), "{page}");
}

#[tokio::test]
async fn a_month_that_is_none_is_named_and_nothing_is_shown_in_its_place_unsaid() {
    let site = Site::open().await;
    let page = site.somebody(Role::Finance).await.open("/budgets/reconciliation?month=10-2026").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("href=\"#f-month\"") && page.text.contains("10-2026"), "{}", page.text);
}

#[tokio::test]
async fn closing_names_what_is_open_and_closed_months_are_listed_and_known_everywhere() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let form = [("month", "2026-10"), ("sure", "yes")];
    let nothing = finance.submit("/budgets/reconciliation/close", &form).await;
    assert!(nothing.text.contains("2026-10 is before anything on record"), "{}", nothing.text);
    charged(&site, "10").await;
    many_differ(&site, october().last_day(), 3, true).await;
    assert!(finance.open(PAGE).await.text.contains("3 differences are open."));
    let closed = finance.submit("/budgets/reconciliation/close", &form).await;
    assert_eq!(closed.status, StatusCode::SEE_OTHER, "{}", closed.text);
    charged(&site, "10.5").await;
    // GST is something else from this month on.
    let gst = [("gst_mode", "none"), ("gst_rate", "18")];
    assert_eq!(finance.submit("/budgets/gst", &gst).await.status, StatusCode::SEE_OTHER);
    let page = finance.open("/costs/2026-10").await.text;
    for said in ["Closed ₹960.00, corrections ₹48.00, now ₹1,008.00", "GST then ₹172.80", "GST at 18%"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    let file = finance.open("/costs/2026-10/export.csv").await.text;
    for row in
        ["\nclosed,2026-10,", "\ncorrections,2026-10,", "\nclosed_gst,2026-10,", "960.00", "48.00", "172.80"]
    {
        assert!(file.contains(row), "{row}: {file}");
    }
    let list = finance.open("/budgets/reconciliation").await.text;
    let (_, list) = list.split_once("Closed months").unwrap();
    assert!(list.contains("October 2026") && list.contains("₹1,008.00"), "{list}");
}

#[tokio::test]
async fn when_twilio_cannot_be_asked_the_page_says_so_and_keeps_what_it_has() {
    let site = Site::open().await;
    charged(&site, "10").await;
    let finance = site.somebody(Role::Finance).await;
    finance.open(PAGE).await;
    for (path, field) in [("read", ("month", "2026-10")), ("backfill", ("months", "2"))] {
        let path = format!("/budgets/reconciliation/{path}");
        let answer = finance.submit(&path, &[field]).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{path}");
        assert!(answer.text.contains("could not be read") && answer.text.contains("try again later"));
    }
    let wrong = finance.submit("/budgets/reconciliation/backfill", &[("months", "many")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(finance.open(PAGE).await.text.contains("₹960.00"));
}
