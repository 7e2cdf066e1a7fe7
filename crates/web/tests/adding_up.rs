//! Whoever adds up a table of money again, column by column and to the paisa, finds the total that it shows.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod site;

use axum::http::StatusCode;
use chrono::{NaiveDate, TimeDelta};
use dakiya_core::budget::Budget;
use dakiya_core::encoding::{Encoding, Segments};
use dakiya_core::message::{Category, Channel, Status};
use dakiya_core::money::Money;
use dakiya_core::sender::SenderAddress;
use dakiya_core::time::Month;
use dakiya_core::user::Role;
use dakiya_store::budgets;
use dakiya_store::costs::{self, Rent};
use dakiya_store::inbound::{self, NewInbound};
use dakiya_store::messages::{self, Answer, Answered, FollowUp, NewMessage, TakeRequest};
use dakiya_store::templates::{self, TemplateText};
use site::{Site, TESTER, Visitor, now, phone};

fn rupees(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn sender() -> SenderAddress {
    SenderAddress::stored("+15005550006".to_owned())
}

/// Somebody wrote, at a price that is no whole number of paise.
async fn received(site: &Site, day: NaiveDate, channel: Channel, cost: &str) {
    let new = NewInbound {
        twilio_sid: format!("SM{:032x}", rand_of(&day, channel, cost)),
        from: phone("98450 11234").to_string(),
        recipient: "+15005550006".to_owned(),
        channel,
        body: "Thanks".to_owned(),
        keyword: None,
        segments: Segments(1),
        day,
        estimated_cost: rupees(cost),
        estimated_fx: None,
    };
    inbound::record(&site.store, &new, now()).await.unwrap();
}

/// A number that differs for whatever differs.
fn rand_of(day: &NaiveDate, channel: Channel, cost: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    (day, channel.as_str(), cost).hash(&mut hasher);
    hasher.finish()
}

/// A text of a template of its own went out and is not charged yet.
async fn sent(site: &Site, n: u64, category: Category, cost: &str) {
    let text = TemplateText {
        name: format!("Text {n}"),
        category,
        channel: Channel::Sms,
        language: None,
        body: "Hello".to_owned(),
        dlt: None,
        content_sid: None,
    };
    let template = templates::put(&site.store, &format!("text_{n}"), &text, &TESTER, now()).await.unwrap();
    let new = NewMessage {
        dedupe_key: format!("test:{n}"),
        campaign_id: None,
        template: Some((template.template_id, template.version)),
        phone: phone(&format!("98450000{n:02}")),
        channel: Channel::Sms,
        category,
        sender: sender(),
        body: "Hello".to_owned(),
        encoding: Encoding::Gsm7,
        segments: Segments(1),
        estimated_cost: rupees(cost),
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
    let at = now() + TimeDelta::seconds(i64::try_from(n).unwrap());
    let request = TakeRequest {
        now: at,
        horizon: TimeDelta::milliseconds(300),
        batch: 100,
        urgent_batch: 100,
        zone: chrono_tz::Asia::Kolkata,
        only: None,
    };
    messages::take(&site.store, &request).await.unwrap();
    let answer = Answer::Accepted {
        sid: format!("SM{n:032x}"),
        status: Status::Accepted,
        segments: Some(Segments(1)),
    };
    let follow_up = FollowUp {
        retry: dakiya_core::retry::RetryPolicy::default(),
        jitter: 0.0,
        unknown_lookups: Vec::new(),
    };
    messages::record_answers(&site.store, &[Answered { id: message.id, answer, at }], &follow_up)
        .await
        .unwrap();
}

async fn budget(site: &Site, month: &str, amount: &str) {
    let month = Month::parse(month).unwrap();
    let budget = Budget { month, amount: rupees(amount), stop: false, warn_at: vec![100] };
    budgets::put(&site.store, &budget, &TESTER, now()).await.unwrap();
}

/// Months in which hardly any amount is a whole number of paise.
async fn awkward() -> Site {
    let site = Site::open().await;
    site.has_a_sender().await;
    for (n, category) in (1..).zip([Category::Service, Category::Otp, Category::Transactional]) {
        sent(&site, n, category, "0.334").await;
    }
    for (day, cost) in [("2026-05-03", "33.335"), ("2026-07-03", "0.004"), ("2026-10-03", "7.9872")] {
        let rent = Rent { sender: sender(), channel: Channel::Sms, cost: rupees(cost) };
        costs::book_rents(&site.store, &[rent], day.parse().unwrap()).await.unwrap();
    }
    for day in ["2026-04-30", "2026-06-01", "2026-08-17", "2026-10-05", "2026-11-02"] {
        received(&site, day.parse().unwrap(), Channel::Sms, "1.335").await;
        received(&site, day.parse().unwrap(), Channel::Whatsapp, "0.3345").await;
    }
    budget(&site, "2026-11", "10.005").await;
    budget(&site, "2026-12", "150").await;
    site
}

/// Between two marks, as often as they come.
fn between<'h>(html: &'h str, from: &str, to: &str) -> Vec<&'h str> {
    html.split(from).skip(1).map(|rest| rest.split(to).next().unwrap()).collect()
}

/// A cell as people read it, without the small print below it.
fn cell(html: &str) -> String {
    let html = html.split_once('>').unwrap().1;
    let html = html.split("<span class=\"sub\">").next().unwrap();
    let mut inside = false;
    let text = html.chars().filter(|c| {
        let shown = !inside && *c != '<';
        inside = (inside || *c == '<') && *c != '>';
        shown
    });
    text.collect::<String>().trim().to_owned()
}

fn rows(html: &str) -> Vec<Vec<String>> {
    between(html, "<tr", "</tr>")
        .iter()
        .map(|row| between(row, "<td", "</td>").iter().map(|c| cell(c)).collect())
        .collect()
}

/// `−₹1,234.50`; what is empty or a dash is nothing. `None`: not an amount in rupees.
fn amount(text: &str) -> Option<Money> {
    if text.is_empty() || text == "–" {
        return Some(Money::ZERO);
    }
    let (minus, digits) = match text.strip_prefix('−') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let amount = Money::parse(digits.strip_prefix('₹')?).ok()?;
    Some(if minus { -amount } else { amount })
}

/// Every table of a page that has a total; how many columns were added up.
async fn adds_up(visitor: &Visitor<'_>, path: &str) -> usize {
    let page = visitor.open(path).await;
    assert_eq!(page.status, StatusCode::OK, "{path}");
    let mut columns = 0;
    for table in between(&page.text, "<table", "</table>") {
        let Some((body, foot)) = table.split_once("<tfoot>") else { continue };
        let (body, foot) = (rows(body.split_once("<tbody>").unwrap().1), rows(foot));
        for (at, shown) in foot[0].iter().enumerate() {
            let Some(total) = amount(shown).filter(|_| !shown.is_empty()) else { continue };
            // Days stand in dollars, and their total in rupees.
            let Some(parts) = body.iter().map(|row| amount(&row[at])).collect::<Option<Vec<_>>>() else {
                continue;
            };
            let sum: Money = parts.iter().copied().sum();
            assert_eq!(sum, total, "{path}, column {at} of {body:?} with {foot:?}");
            columns += 1;
        }
        // Before GST, GST, with GST.
        if let [total, gst, with_gst] = foot.as_slice() {
            let last = |row: &[String]| amount(row.last().unwrap()).unwrap();
            assert_eq!(last(total) + last(gst), last(with_gst), "{path}: {foot:?}");
        }
    }
    columns
}

#[tokio::test]
async fn every_column_of_every_table_of_money_adds_up_to_its_total() {
    let site = awkward().await;
    let finance = site.somebody(Role::Finance).await;
    assert_eq!(
        adds_up(&finance, "/costs").await,
        4 + 4 + 3 + 2,
        "two years, the month's lines, two of spenders"
    );
    assert!(adds_up(&finance, "/costs/2026-11").await >= 16);
    assert_eq!(adds_up(&finance, "/budgets/reconciliation?month=2026-10").await, 2, "causes and close");
    let month =
        "requests_per_month=1001&sms_per_request=3&phone_numbers=1&whatsapp_percent=33&usd_inr=96.3333";
    assert_eq!(adds_up(&finance, &format!("/costs/scenarios/new?{month}&rate_card=twilio-list")).await, 1);
}

#[tokio::test]
async fn a_projection_adds_up_with_a_forecast_and_in_its_file() {
    let site = awkward().await;
    let today: NaiveDate = "2026-11-22".parse().unwrap();
    for back in 1..=90_i64 {
        let cost = format!("{}.3337", 90 + back * 37 % 11);
        received(&site, today - TimeDelta::days(back), Channel::Sms, &cost).await;
    }
    let finance = site.somebody(Role::Finance).await;
    let page = finance.open("/costs").await.text;
    assert!(page.contains("Likely range"), "{page}");
    adds_up(&finance, "/costs").await;

    let file = finance.open("/costs/projection.csv").await;
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"projection-2026-11-22.csv\"");
    let mut lines = file.text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let rows: Vec<Vec<&str>> = lines.collect();
    for column in ["spent_inr", "certain_to_come_inr", "whole_month_inr"] {
        let at = head.iter().position(|name| *name == column).unwrap();
        let sum = |kind: &str| -> Money {
            rows.iter()
                .filter(|row| row[0] == kind)
                .map(|row| amount(&format!("₹{}", row[at])).unwrap())
                .sum()
        };
        assert_eq!([sum("line"), sum("total")], [sum("year_total"); 2], "{column}");
        if column == "whole_month_inr" {
            assert_eq!(sum("total") + sum("gst"), sum("total_with_gst"));
            assert_eq!(sum("total_with_gst"), sum("year_total_with_gst"));
            let shown = sum("year_total").with_sign();
            assert!(!shown.is_empty());
        }
        // The page's months and years are the file's.
        for row in rows.iter().filter(|row| row[0] == "total" || row[0] == "year_total") {
            let shown = rupees(row[at]).with_sign();
            assert!(page.contains(&shown), "{shown} of {row:?}");
        }
    }
    assert_eq!(rows.iter().filter(|row| row[0] == "total").count(), 8 + 12);
    let viewer = site.somebody(Role::Viewer).await;
    assert_eq!(viewer.open("/costs/projection.csv").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_budgets_month_is_what_is_spent_what_is_set_aside_and_what_is_left() {
    let site = awkward().await;
    let finance = site.somebody(Role::Finance).await;
    let page = finance.open("/budgets").await.text;
    let table = between(&page, "<table", "</table>")[0];
    let mut checked = 0;
    for row in rows(table.split_once("<tbody>").unwrap().1) {
        let [budget, spent, set_aside, left] = [0, 1, 2, 3].map(|at: usize| row[at].as_str());
        if budget != "–" {
            let sum: Money = [spent, set_aside, left].map(|text| amount(text).unwrap()).into_iter().sum();
            assert_eq!(sum, amount(budget).unwrap(), "{row:?}");
            checked += 1;
        }
    }
    assert_eq!(checked, 2);
}

#[tokio::test]
async fn a_closed_month_adds_up_with_its_corrections_and_an_uncorrected_line_has_none() {
    let site = awkward().await;
    let finance = site.somebody(Role::Finance).await;
    let close = [("month", "2026-10"), ("close_note", ""), ("sure", "yes")];
    let page = "/budgets/reconciliation?month=2026-10";
    finance.open(page).await;
    assert_eq!(finance.submit("/budgets/reconciliation/close", &close).await.status, StatusCode::SEE_OTHER);
    received(&site, "2026-10-20".parse().unwrap(), Channel::Sms, "2.2262").await;
    assert_eq!(adds_up(&finance, page).await, 1 + 3);
    let text = finance.open(page).await.text;
    let close =
        between(&text, "<table", "</table>").into_iter().find(|table| table.contains("Corrections since"));
    for row in rows(close.unwrap().split_once("<tbody>").unwrap().1) {
        let [closed, correction, now] = [0, 1, 2].map(|at: usize| amount(&row[at]).unwrap());
        assert_eq!(closed + correction, now, "{row:?}");
    }
    let corrected = close.unwrap().matches("<td class=\"num\">₹0.00</td>").count();
    assert_eq!(corrected, 2, "two lines have none: {text}");
}
