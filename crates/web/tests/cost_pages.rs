//! Months and what-if scenarios in the browser: finance reads, tries, keeps and takes out; others look.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod site;

use axum::http::StatusCode;
use dakiya_core::message::Channel;
use dakiya_core::money::Money;
use dakiya_core::sender::SenderAddress;
use dakiya_core::user::Role;
use dakiya_store::costs::{self, Rent};
use dakiya_store::scenarios;
use site::{Site, Visitor};

async fn rent(site: &Site, day: &str, cost: &str) {
    let rent = Rent {
        sender: SenderAddress::stored("+15005550006".to_owned()),
        channel: Channel::Sms,
        cost: Money::parse(cost).unwrap(),
    };
    costs::book_rents(&site.store, &[rent], day.parse().unwrap()).await.unwrap();
}

/// A page without its tags, spaces run together.
fn words(html: &str) -> String {
    let mut inside = false;
    let text: String = html
        .chars()
        .map(|c| {
            inside = (inside || c == '<') && c != '>';
            if inside || c == '>' { ' ' } else { c }
        })
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn saved(visitor: &Visitor<'_>, path: &str, fields: &[(&str, &str)]) {
    let answer = visitor.submit(path, fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text);
    assert_eq!(visitor.open(answer.leads_to()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_month_says_what_it_cost_and_gst_is_a_line_of_its_own() {
    let site = Site::open().await;
    rent(&site, "2026-11-22", "100.004").await;
    let finance = site.somebody(Role::Finance).await;
    let page = words(&finance.open("/costs/2026-11").await.text);
    for sentence in [
        "Costs of November 2026",
        "Financial year 2026–27, to Sun 22 Nov 2026, 11:30",
        "Number rents 0 0 ₹100.00 ₹100.00 Before GST 0 0 ₹100.00 ₹100.00",
        "GST at 18%, added by the vendor ₹18.00 With GST ₹118.00",
        "Dollar from 1 Nov ₹96, which nobody has checked",
        "No template 0 0 ₹100.00 ₹100.00",
    ] {
        assert!(page.contains(sentence), "{sentence} in {page}");
    }
    saved(&finance, "/budgets/gst", &[("gst_mode", "reverse_charge"), ("gst_rate", "18")]).await;
    saved(&finance, "/budgets/fx", &[("valid_from", "2026-11-10"), ("usd_inr", "96.5"), ("source", "FBIL")])
        .await;
    let page = words(&finance.open("/costs/2026-11").await.text);
    assert!(page.contains("reverse charge: we assess it ourselves ₹18.00"), "{page}");
    assert!(
        page.contains("Dollar from 1 Nov ₹96, which nobody has checked Dollar from 10 Nov ₹96.5, FBIL"),
        "{page}"
    );
}

#[tokio::test]
async fn a_month_without_costs_says_why() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let says = async |month: &str, sentence: &str| {
        let answer = finance.open(&format!("/costs/{month}")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.text.contains(sentence), "{month}: {}", words(&answer.text));
    };
    says("2026-10", "yet in any month").await;
    says("2026-11", "yet this month").await;
    says("2027-02", "February 2027 has not begun").await;
    rent(&site, "2026-08-01", "150").await;
    says("2026-07", "The first month with costs is August 2026").await;
    says("2026-09", "Nothing was sent, received or rented in September 2026").await;
    for path in
        ["/costs/2026-13", "/costs/november", "/costs/2026-11/messages", "/costs/2026-11/messages?campaign=x"]
    {
        assert_eq!(finance.open(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn files_are_for_finance_and_above_and_pages_for_all() {
    let site = Site::open().await;
    rent(&site, "2026-11-22", "150").await;
    let files = ["/costs/2026-11/export.csv", "/costs/2026-11/export.xlsx", "/costs/export.csv?fy=2026"];
    for (role, may) in [
        (Role::Owner, true),
        (Role::Admin, true),
        (Role::Finance, true),
        (Role::Compliance, false),
        (Role::Viewer, false),
    ] {
        let person = site.somebody(role).await;
        let page = person.open("/costs/2026-11").await;
        assert_eq!((page.status, page.text.contains("export.")), (StatusCode::OK, may), "{role}");
        for path in files {
            let expected = if may { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(person.open(path).await.status, expected, "{role} {path}");
        }
    }
    let owner = site.stranger();
    assert_eq!(owner.open(files[0]).await.status, StatusCode::SEE_OTHER, "strangers sign in first");
}

#[tokio::test]
async fn a_file_says_what_it_is_and_a_year_that_is_none_is_refused() {
    let site = Site::open().await;
    rent(&site, "2026-11-22", "150").await;
    let finance = site.somebody(Role::Finance).await;
    let csv = finance.open("/costs/2026-11/export.csv").await;
    assert_eq!(csv.headers["content-disposition"], "attachment; filename=\"costs-2026-11.csv\"");
    assert!(
        csv.text.starts_with("row,month,channel") && csv.text.contains("\ntotal,2026-11,"),
        "{}",
        csv.text
    );
    let year = finance.open("/costs/export.csv").await;
    assert_eq!(year.headers["content-disposition"], "attachment; filename=\"costs-2026-27.csv\"");
    // Months that have not begun are not listed, and a sum that is not the year's does not say it is.
    assert_eq!(year.text.matches("\ntotal,").count(), 8);
    assert!(
        year.text.contains("\nyear_to_date_total,") && !year.text.contains("\nyear_total"),
        "{}",
        year.text
    );
    let over = finance.open("/costs/export.csv?fy=2025").await;
    assert_eq!(over.text.matches("\ntotal,").count(), 12);
    assert!(over.text.contains("\nyear_total,"), "{}", over.text);
    for year in ["26", "now", "2026-27", "99999999999"] {
        assert_eq!(
            finance.open(&format!("/costs/export.csv?fy={year}")).await.status,
            StatusCode::BAD_REQUEST
        );
    }
}

#[tokio::test]
async fn the_guides_own_scenario_ships_and_stands_on_both_cards() {
    let site = Site::open().await;
    let viewer = site.somebody(Role::Viewer).await;
    let list = words(&viewer.open("/costs/scenarios").await.text);
    for figure in [
        "₹2,550.00",
        "₹3,009.00 with GST",
        "₹24,072.00",
        "₹28,404.96 with GST",
        "1,000 requests × 3 messages, 1 number",
    ] {
        assert!(list.contains(figure), "{figure} in {list}");
    }
    let page = words(&viewer.open("/costs/scenarios/setup-guide").await.text);
    for line in [
        "Outbound SMS 3,000 segments ₹0.80 ₹2,400.00",
        "Phone numbers 1 number ₹150.00 ₹150.00",
        "Before GST ₹1,900.00 to ₹3,800.00 ₹2,550.00",
        "Twilio list, India ₹24,072.00 ₹28,404.96",
        "Rs.: 1 segment each.",
    ] {
        assert!(page.contains(line), "{line} in {page}");
    }
    assert!(!page.contains("Throw away") && !page.contains("Save"), "a viewer looks: {page}");
    let one = words(&viewer.open("/costs/scenarios?scenario=setup-guide&card=twilio-list").await.text);
    assert!(one.contains("₹24,072.00") && !one.contains("₹2,550.00"), "{one}");
}

#[tokio::test]
async fn a_card_without_prices_is_not_compared_by_itself_and_says_shortly_what_it_lacks() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    saved(&finance, "/budgets/rate-cards", &[("name", "Empty one")]).await;
    let page = finance.open("/costs/scenarios").await.text;
    let box_of = |key: &str, checked: &str| format!("name=\"card\" value=\"{key}\"{checked}>");
    assert!(page.contains(&box_of("empty-one", "")), "{page}");
    assert!(page.contains(&box_of("setup-guide", " checked")), "{page}");
    assert!(!page.contains("No price for texts"), "{page}");
    let asked = finance.open("/costs/scenarios?card=setup-guide&card=empty-one").await.text;
    assert!(asked.contains(&box_of("empty-one", " checked")), "{asked}");
    let cell = "<a class=\"pre\" href=\"/budgets/rate-cards/empty-one\">No price for texts<span class=\"vh\"> on Empty one</span></a>";
    assert!(asked.contains(cell), "{asked}");
    let new = finance.open("/costs/scenarios/new").await.text;
    assert!(new.contains("No price for texts") && new.contains("its oldest price from"), "{new}");
    assert!(!new.contains("add a row before sending"), "{new}");
}

#[tokio::test]
async fn an_address_that_asks_for_a_month_leads_to_its_page() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let asked = finance.open("/costs?month=2026-10").await;
    assert_eq!((asked.status, asked.leads_to()), (StatusCode::SEE_OTHER, "/costs/2026-10"));
    assert_eq!(finance.open("/costs?month=October").await.status, StatusCode::NOT_FOUND);
    assert!(finance.open("/costs/2026-10").await.text.contains("use your browser’s Print"));
}

#[tokio::test]
async fn a_figure_is_changed_the_result_seen_and_kept_without_a_script() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let month = "requests_per_month=1,000&sms_per_request=3&phone_numbers=1&whatsapp_percent=50&rupee=sign\
                 &usd_inr=98&rate_card=twilio-list";
    let tried = finance.open(&format!("/costs/scenarios/new?{month}")).await;
    let page = words(&tried.text);
    // 1,500 texts of two segments at US$0.0832, 1,500 messages at ₹0.115 + US$0.005, a number at US$1.15, all at ₹98.
    for line in
        ["3,000 segments ₹8.1536 ₹24,460.80", "1,500 messages ₹0.605 ₹907.50", "₹25,481.00", "₹30,067.58"]
    {
        assert!(page.contains(line), "{line} in {page}");
    }
    assert!(
        page.contains("not in GSM-7: 2 segments each") && page.contains("A dollar costs ₹98.00"),
        "{page}"
    );
    assert_eq!(scenarios::list(&site.store, None, 10).await.unwrap().items.len(), 1, "trying keeps nothing");

    let fields = [
        ("name", "Half by WhatsApp"),
        ("requests_per_month", "1,000"),
        ("sms_per_request", "3"),
        ("phone_numbers", "1"),
        ("whatsapp_percent", "50"),
        ("rupee", "sign"),
        ("usd_inr", "98"),
        ("rate_card", "twilio-list"),
    ];
    saved(&finance, "/costs/scenarios", &fields).await;
    let again = finance.submit("/costs/scenarios", &fields).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "pressed twice it is kept once");
    assert!(again.text.contains("already; choose another name"), "{}", again.text);
    let kept = scenarios::get(&site.store, "half-by-whatsapp").await.unwrap().unwrap();
    assert_eq!((kept.scenario.whatsapp_percent, kept.rate_card.as_deref()), (50, Some("twilio-list")));
    assert_eq!(scenarios::get(&site.store, "half-by-whatsapp-2").await.unwrap(), None);
    let list = words(&finance.open("/costs/scenarios").await.text);
    assert!(list.contains("50% by WhatsApp, amounts with ₹, dollar at ₹98, 1 number"), "{list}");

    let path = "/costs/scenarios/half-by-whatsapp";
    let looked =
        words(&finance.open(&format!("{path}?requests_per_month=2000&sms_per_request=3")).await.text);
    assert!(looked.contains("Not saved yet"), "{looked}");
    saved(&finance, path, &[("name", "All"), ("requests_per_month", "2000"), ("sms_per_request", "1")]).await;
    let kept = scenarios::get(&site.store, "half-by-whatsapp").await.unwrap().unwrap();
    assert_eq!((kept.name.as_str(), kept.scenario.requests_per_month, kept.rate_card), ("All", 2_000, None));
    let asked = finance.open(&format!("{path}/remove")).await;
    assert!(
        asked.text.contains("Throw away “All”?") && asked.text.contains("2,000 requests"),
        "{}",
        asked.text
    );
    assert_eq!(finance.open(path).await.status, StatusCode::OK, "asking throws nothing away");
    saved(&finance, &format!("{path}/remove"), &[]).await;
    assert_eq!(finance.open(path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_typed_is_what_is_saved_and_enter_only_reckons() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let page = finance.open("/costs/scenarios/setup-guide").await.text;
    // One form holds the figures, the name and the buttons that save; the first button, which Enter presses, reckons.
    let form = page.split("<form").find(|form| form.contains("id=\"f-requests_per_month\"")).unwrap();
    let form = form.split("</form>").next().unwrap();
    assert!(form.contains("method=\"get\"") && form.contains("id=\"f-name\""), "{form}");
    let buttons: Vec<&str> =
        form.split("<button").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    assert!(buttons[0].ends_with(">Reckon") && !buttons[0].contains("formmethod"), "{buttons:?}");
    assert!(buttons[1].contains("formmethod=\"post\" formaction=\"/costs/scenarios\""), "{buttons:?}");
    assert!(
        !form.contains("type=\"hidden\""),
        "no copies of what was typed before, and no token in an address"
    );
    // The shipped month stays as it is.
    assert!(!form.contains("Throw away") && !form.contains(">Save<"), "{form}");
    let mine = [("name", "Mine"), ("requests_per_month", "5"), ("sms_per_request", "1")];
    let refused = finance.submit("/costs/scenarios/setup-guide", &mine).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("ships with Dakiya"), "{}", refused.text);
    assert_eq!(finance.submit("/costs/scenarios/setup-guide/remove", &[]).await.status, StatusCode::CONFLICT);
    let kept = scenarios::get(&site.store, "setup-guide").await.unwrap().unwrap();
    assert_eq!((kept.scenario.requests_per_month, kept.updated_by.as_str()), (1_000, "Dakiya"));
    // Which card is in force, and how old it is.
    let said = words(&page);
    assert!(said.contains("In force is Setup guide") && said.contains("days old"), "{said}");
    let typed = finance
        .open("/costs/scenarios/new?requests_per_month=9,999,999,999&sms_per_request=99999999999999999999")
        .await;
    let said = words(&typed.text);
    assert!(
        said.contains("9,99,99,99,999 is too much; it may be at most 1,00,00,00,000")
            || said.contains("is too large a number"),
        "{said}"
    );
}

#[tokio::test]
async fn a_month_that_makes_no_sense_is_shown_again_with_every_fault_and_nothing_is_kept() {
    let site = Site::open().await;
    let finance = site.somebody(Role::Finance).await;
    let wrong = [
        ("name", " "),
        ("requests_per_month", "many"),
        ("sms_per_request", "-1"),
        ("usd_inr", "0.5"),
        ("rate_card", "none"),
    ];
    let answer = finance.submit("/costs/scenarios", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for said in [
        "5 things need attention",
        "value=\"many\"",
        "not a whole number",
        "between 1 and 1000",
        "no rate card",
    ] {
        assert!(answer.text.contains(said), "{said}: {}", words(&answer.text));
    }
    let answer = finance.open("/costs/scenarios/new?requests_per_month=5&whatsapp_percent=101").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("101 is too much; it may be at most 100"), "{}", words(&answer.text));
    let unpriced =
        finance.open("/costs/scenarios/new?requests_per_month=5&inbound_sms=5&rate_card=twilio-list").await;
    assert_eq!(unpriced.status, StatusCode::OK);
    assert!(unpriced.text.contains("No price for texts received on this card"), "{}", words(&unpriced.text));
    assert_eq!(scenarios::list(&site.store, None, 10).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn who_may_not_keep_the_money_tries_months_and_keeps_none() {
    let site = Site::open().await;
    for role in [Role::Admin, Role::Compliance, Role::Viewer] {
        let person = site.somebody(role).await;
        assert_eq!(person.open("/costs/scenarios/new?requests_per_month=5").await.status, StatusCode::OK);
        for path in ["/costs/scenarios", "/costs/scenarios/setup-guide"] {
            let fields = [("name", "Mine"), ("requests_per_month", "5"), ("remove", "yes")];
            assert_eq!(person.submit(path, &fields).await.status, StatusCode::FORBIDDEN, "{role} {path}");
        }
    }
    assert!(scenarios::get(&site.store, "setup-guide").await.unwrap().is_some());
}
