//! Tables and properties of payments.

use super::*;
use proptest::prelude::*;
use rust_decimal::Decimal;

fn rupees(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn amounts_are_read_as_people_write_them() {
    for (text, paise) in [
        ("1499", 149_900),
        ("1,499.50", 149_950),
        ("12,34,567.05", 123_456_705),
        ("₹ 500", 50_000),
        ("Rs. 2,000", 200_000),
        ("Rs.7.1", 710),
        ("0.01", 1),
        ("10,00,00,000", 10_000_000_000),
    ] {
        assert_eq!(parse_amount(text), Ok(Money::new(Decimal::new(paise, 2))), "{text}");
    }
    for text in ["", "0", "0.00", "-5", "1.005", "1,2,3", "1e3", "abc", "10,00,00,000.01", "12.5.1", "१००"]
    {
        assert_eq!(parse_amount(text).unwrap_err().code(), "invalid_amount", "{text}");
    }
}

#[test]
fn dates_are_read_in_both_spellings_and_no_other() {
    for (text, date) in [
        ("2026-12-05", "2026-12-05"),
        ("05/12/2026", "2026-12-05"),
        ("5/1/2027", "2027-01-05"),
        (" 29/02/2028 ", "2028-02-29"),
    ] {
        assert_eq!(parse_due_date(text), Ok(day(date)), "{text}");
    }
    for text in [
        "",
        "2026-13-01",
        "31/04/2026",
        "29/02/2026",
        "12/31/2026",
        "05-12-2026",
        "2026/12/05",
        "5/12/26",
        "2026-1-5",
        "2026-12-05T00:00",
        "1999-12-31",
        "2101-01-01",
        "tomorrow",
        "46000",
        "5//2026",
        "+5/12/2026",
        "2026-12/05",
    ] {
        assert_eq!(parse_due_date(text).unwrap_err().code(), "invalid_date", "{text}");
    }
}

#[test]
fn references_and_links_are_what_can_be_kept_and_shown() {
    for text in ["4711", "INV/2026/17", "SR 2026-004711", "रसीद १२"] {
        assert_eq!(PaymentReference::parse(&format!(" {text}\t")).unwrap().as_str(), text);
    }
    for text in ["", "  ", "..", "/", "a\nb", &"x".repeat(101)] {
        assert_eq!(PaymentReference::parse(text).unwrap_err().code(), "invalid_reference", "{text}");
    }
    for text in ["https://pay.example.in/4711?a=1&b=2", "http://10.0.0.1:8080/x", "HTTPS://rzp.io/i/abc"] {
        assert_eq!(parse_pay_url(text).as_deref(), Ok(text));
    }
    for text in [
        "",
        "pay.example.in",
        "javascript:alert(1)",
        "https://",
        "https:///x",
        "https://a b",
        "ftp://a.in",
        "https://a.in/\"x",
    ] {
        assert_eq!(parse_pay_url(text).unwrap_err().code(), "invalid_pay_url", "{text}");
    }
}

#[test]
fn what_happens_to_a_payment_decides_where_it_stands() {
    use PaymentEvent::*;
    let some = |text: &str| Received(Some(rupees(text)));
    for (events, status, left) in [
        (vec![], PaymentStatus::Open, "1000"),
        (vec![some("400")], PaymentStatus::PartlyPaid, "600"),
        (vec![some("400"), some("600")], PaymentStatus::Paid, "0"),
        (vec![some("600"), some("400.50")], PaymentStatus::Paid, "0"),
        (vec![Received(None)], PaymentStatus::Paid, "0"),
        (vec![some("400"), Received(None), Canceled], PaymentStatus::Paid, "0"),
        (vec![some("400"), Canceled], PaymentStatus::Canceled, "0"),
        (vec![Canceled, some("400")], PaymentStatus::Canceled, "0"),
        (vec![Canceled, some("400"), some("600")], PaymentStatus::Paid, "0"),
        (vec![Canceled, Received(None)], PaymentStatus::Paid, "0"),
        (vec![LinkExpired], PaymentStatus::Open, "1000"),
        (vec![LinkExpired, some("1")], PaymentStatus::PartlyPaid, "999"),
    ] {
        let balance =
            events.iter().fold(Balance::open(rupees("1000")), |balance, event| balance.after(*event));
        assert_eq!((balance.status(), balance.left()), (status, rupees(left)), "{events:?}");
    }
}

#[test]
fn people_hear_when_they_settle_what_is_settled() {
    use PaymentEvent::*;
    let open = Balance::open(rupees("100"));
    let (paid, canceled) = (open.after(Received(None)), open.after(Canceled));
    let some = Received(Some(rupees("10")));
    for (balance, event, allowed) in [
        (open, Received(None), Ok(())),
        (open, some, Ok(())),
        (open, Canceled, Ok(())),
        (paid, Received(None), Ok(())),
        (paid, some, Err(Settled::Paid)),
        (paid, Canceled, Err(Settled::Paid)),
        (canceled, Canceled, Ok(())),
        (canceled, Received(None), Err(Settled::Canceled)),
        (canceled, some, Err(Settled::Canceled)),
    ] {
        assert_eq!(balance.allows(event), allowed, "{balance:?} {event:?}");
    }
}

#[test]
fn a_list_changes_what_is_owed_and_nothing_that_is_settled() {
    let terms = Terms { amount: rupees("250"), due_on: day("2027-01-01") };
    let due = day("2026-12-01");
    let open = Balance::open(rupees("1000")).after(PaymentEvent::Received(Some(rupees("100"))));
    let (balance, due_on) = merged(open, due, terms);
    assert_eq!((balance.left(), due_on), (rupees("150"), terms.due_on), "what came stays");
    for event in [PaymentEvent::Received(None), PaymentEvent::Canceled] {
        let settled = open.after(event);
        assert_eq!(merged(settled, due, terms), (settled, due));
    }
    let small = Terms { amount: rupees("100"), ..terms };
    assert_eq!(
        merged(open, due, small).0.status(),
        PaymentStatus::Paid,
        "what came is all that is asked for now"
    );
}

#[test]
fn age_is_counted_from_the_day_after_the_due_date() {
    let today = day("2026-11-22");
    for (due_on, bucket) in [
        ("2026-12-31", AgeBucket::NotDue),
        ("2026-11-22", AgeBucket::NotDue),
        ("2026-11-21", AgeBucket::UpTo7),
        ("2026-11-15", AgeBucket::UpTo7),
        ("2026-11-14", AgeBucket::UpTo30),
        ("2026-10-23", AgeBucket::UpTo30),
        ("2026-10-22", AgeBucket::UpTo60),
        ("2026-09-23", AgeBucket::UpTo60),
        ("2026-09-22", AgeBucket::Over60),
        ("2020-01-01", AgeBucket::Over60),
    ] {
        assert_eq!(AgeBucket::of(day(due_on), today), bucket, "{due_on}");
    }
}

#[test]
fn a_reminder_says_what_is_left_and_nothing_it_does_not_know() {
    let reference = PaymentReference::parse("4711").unwrap();
    let variables = Variables::from(
        [("vehicle", "KA05MN4321"), ("amount", "wrong"), ("pay_url", "old")]
            .map(|(a, b)| (a.to_owned(), b.to_owned())),
    );
    let facts = PaymentFacts {
        reference: &reference,
        left: rupees("1234567.5"),
        due_on: day("2026-12-05"),
        pay_url: Some("https://pay.example.in/4711"),
        name: Some("Asha"),
        variables: &variables,
    };
    let values = facts.placeholders();
    for (name, value) in [
        ("request_id", "4711"),
        ("amount", "12,34,567.50"),
        ("due_on", "5 Dec 2026"),
        ("pay_url", "https://pay.example.in/4711"),
        ("name", "Asha"),
        ("vehicle", "KA05MN4321"),
    ] {
        assert_eq!(values[name], value, "{name}");
    }
    let bare = PaymentFacts { pay_url: None, name: None, ..facts }.placeholders();
    assert!(!bare.contains_key("pay_url") && !bare.contains_key("name"));
}

fn events() -> impl Strategy<Value = Vec<PaymentEvent>> {
    let event = prop_oneof![
        4 => (1_i64..150_000).prop_map(|paise| PaymentEvent::Received(Some(Money::new(Decimal::new(paise, 2))))),
        1 => Just(PaymentEvent::Received(None)),
        1 => Just(PaymentEvent::Canceled),
        1 => Just(PaymentEvent::LinkExpired),
    ];
    prop::collection::vec(event, 0..8)
}

proptest! {
    #[test]
    fn what_is_paid_stays_paid_and_nothing_is_ever_owed_twice(paise in 1_i64..200_000, events in events()) {
        let mut balance = Balance::open(Money::new(Decimal::new(paise, 2)));
        for event in events {
            let before = balance;
            balance = balance.after(event);
            prop_assert!(balance.left() <= before.left(), "what is left only shrinks");
            prop_assert!(balance.paid >= before.paid);
            prop_assert!(before.status() != PaymentStatus::Paid || balance == before);
            prop_assert_eq!(balance.status().is_owed(), !balance.left().is_zero());
            prop_assert!(before.status().is_owed() || !balance.status().is_owed(), "nothing is reopened");
        }
    }

    #[test]
    fn the_order_in_which_a_provider_tells_does_not_matter(paise in 1_i64..200_000, events in events()) {
        let open = Balance::open(Money::new(Decimal::new(paise, 2)));
        let told = |balance: Balance, event: &PaymentEvent| balance.after(*event);
        let (forth, back) = (events.iter().fold(open, told), events.iter().rev().fold(open, told));
        prop_assert_eq!(forth.status(), back.status());
        prop_assert_eq!(forth.left(), back.left());
    }

    #[test]
    fn no_list_reopens_what_is_settled(paise in 1_i64..200_000, events in events(), given in 1_i64..200_000) {
        let due = day("2026-12-01");
        let balance = events.iter().fold(Balance::open(Money::new(Decimal::new(paise, 2))), |b, event| b.after(*event));
        let terms = Terms { amount: Money::new(Decimal::new(given, 2)), due_on: day("2027-01-01") };
        let (merged, _) = merged(balance, due, terms);
        prop_assert!(balance.status().is_owed() || merged == balance);
        prop_assert_eq!(merged.paid, balance.paid);
    }

    #[test]
    fn an_amount_that_is_shown_is_read_again(paise in 1_i64..10_000_000_000) {
        let money = Money::new(Decimal::new(paise, 2));
        prop_assert_eq!(parse_amount(&money.to_string()), Ok(money));
        prop_assert_eq!(parse_amount(&money.with_sign()), Ok(money));
    }
}

#[test]
fn what_is_left_when_money_is_taken_back_is_reckoned_from_all_other_money() {
    let open = Balance::open(rupees("1000"));
    for (told, status, left, surplus) in [
        (vec![], PaymentStatus::Open, "1000", "0"),
        (vec![Some("400")], PaymentStatus::PartlyPaid, "600", "0"),
        (vec![Some("400"), Some("700")], PaymentStatus::Paid, "0", "100"),
        (vec![Some("400"), None], PaymentStatus::Paid, "0", "0"),
    ] {
        let told = told.into_iter().map(|money: Option<&str>| money.map(rupees));
        let balance = Balance { paid: rupees("5000"), ..open }.with_money(told);
        assert_eq!((balance.status(), balance.left()), (status, rupees(left)));
        assert_eq!(balance.surplus(), rupees(surplus));
    }
    let canceled = Balance { canceled: true, ..open };
    assert_eq!(canceled.with_money([]).status(), PaymentStatus::Canceled, "nobody asks for it again");
}

#[test]
fn an_empty_cell_says_what_to_write() {
    assert!(parse_due_date(" ").unwrap_err().to_string().contains("write when it is due"));
    assert!(parse_amount("").unwrap_err().to_string().contains("write what has to be paid"));
}
