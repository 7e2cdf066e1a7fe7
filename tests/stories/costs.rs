//! Finance reads a month, takes it out as files, and finds the same rupees everywhere.

use calamine::{Data, Range, Reader, Xlsx};
use harness::database::Engine;
use harness::wait::{clear_of_a_new_month, eventually};
use harness::world::{World, phone};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, Row as _, SqliteConnection};
use std::io::Cursor;

/// A name that a spreadsheet would reckon, if it were let.
const FORMULA: &str = "=HYPERLINK(\"http://evil.example\",\"Diwali\")";

/// Another number of ours. Its rent is told when it is, so it is never booked at another.
const RENTED: &str = "+919000000009";

/// A month with a campaign, single messages, WhatsApp, two rents, an answer, and prices in fractions of a paisa.
async fn spend(world: &World) -> String {
    let rent = json!({"kind": "number", "segments_per_second": 1, "promotional": false,
        "monthly_rent": {"amount": "110.405", "currency": "INR"}});
    assert!(world.api.put(&format!("/senders/{}", RENTED.replace('+', "%2B")), rent).await.status < 300);
    world.api.patch("/settings", json!({"usd_inr": "96.37"})).await.expect(200);
    let text = json!({"name": FORMULA, "category": "service", "channel": "sms", "body": "Hello {{name}}, ₹500 is due."});
    assert!(world.api.put("/templates/diwali", text).await.status < 300);
    let id = world.create_campaign(json!({"name": FORMULA, "template": "diwali"})).await;
    world.add_recipients(&id, 7).await;
    world.approve_as_quoted(&id).await;
    world.campaign_reaches(&id, "completed").await;
    for index in 20..23 {
        world.send(&phone(index), "Help is on the way.").await;
        let whatsapp = json!({"to": phone(index), "body": "Thank you", "category": "transactional", "channel": "whatsapp"});
        world.api.post("/messages", whatsapp).await.expect(202);
    }
    world.inbound(&phone(20), "Thank you too").await;
    world.until_quiet().await;
    id
}

/// The month that it is in India, and everything about it, once nothing of it is without a price.
async fn settled(world: &World) -> (String, Value) {
    let now = chrono::Utc::now() + chrono::TimeDelta::minutes(330);
    let month = now.format("%Y-%m").to_string();
    let report = eventually("the month has all its prices", async || {
        let report = world.api.get(&format!("/finance/months/{month}")).await.expect(200);
        let lines = report["lines"].as_array().expect("lines").clone();
        let sum = |field: &str| lines.iter().filter_map(|line| line[field].as_i64()).sum::<i64>();
        let of_numbers = lines.iter().filter(|line| line["channel"] == "number");
        let rented =
            of_numbers.map(|line| amount(&line["spent"])).sum::<Decimal>() == Decimal::new(260_405, 3);
        (rented && sum("messages") == 14 && sum("priced") == 14).then_some(report)
    })
    .await;
    (month, report)
}

/// What the roll-up's table itself says, in micro-rupees.
async fn in_the_database(world: &World) -> i64 {
    let query = "SELECT CAST(SUM(actual + outstanding) AS BIGINT) AS spent FROM daily_costs";
    let url = &world.database.url;
    if url.starts_with("sqlite") {
        let mut connection = SqliteConnection::connect(url).await.expect("the file");
        sqlx::query(query).fetch_one(&mut connection).await.expect("a sum").get("spent")
    } else {
        let mut connection = PgConnection::connect(url).await.expect("the server");
        sqlx::query(query).fetch_one(&mut connection).await.expect("a sum").get("spent")
    }
}

fn decimal(text: &str) -> Decimal {
    let bare = text.replace(['₹', ','], "").replace('−', "-");
    bare.trim().parse().unwrap_or_else(|_| panic!("\"{text}\" is no amount"))
}

fn amount(value: &Value) -> Decimal {
    decimal(value["amount"].as_str().expect("an amount"))
}

/// The amounts in the last cells of a table's rows: of its body, and of its totals.
fn table(html: &str, caption: &str) -> (Vec<Decimal>, Vec<Decimal>) {
    let start = html.find(&format!("{caption}</caption>")).unwrap_or_else(|| panic!("no table {caption}"));
    let table = html[start..].split("</table>").next().expect("a table");
    let (body, foot) = table.split_once("<tfoot>").expect("totals");
    let last = |part: &str| -> Vec<Decimal> {
        let rows = part.split("</tr>").filter(|row| row.contains("<td"));
        let cell = |row: &str| Some(decimal(row.rsplit("<td").next()?.split('>').nth(1)?.split('<').next()?));
        rows.filter_map(cell).collect()
    };
    (last(body.split_once("<tbody>").expect("a body").1), last(foot))
}

fn page_adds_up(html: &str, spent: Decimal) {
    let (lines, totals) = table(html, "What it was for");
    assert!(lines.len() >= 4, "texts, WhatsApp, an answer and a rent: {lines:?}");
    assert_eq!((lines.iter().sum::<Decimal>(), totals[0]), (spent, spent));
    assert_eq!(totals[0] + totals[1], totals[2], "GST is a line of its own");
    for caption in [
        "By channel",
        "By direction",
        "By category",
        "By template",
        "By campaign",
        "By reminder rule",
        "By sender",
    ] {
        let (rows, totals) = table(html, caption);
        assert_eq!((rows.iter().sum::<Decimal>(), totals[0]), (spent, spent), "{caption}");
    }
}

fn csv_adds_up(csv: &str, spent: Decimal, exact: Decimal) {
    let lines: Vec<Vec<String>> = rows_of(csv);
    let column = |name: &str| lines[0].iter().position(|head| head == name).expect("a column");
    let (row, shown, precise) = (column("row"), column("spent_inr"), column("spent_exact_inr"));
    let sum = |kind: &str, at: usize| -> Decimal {
        lines.iter().filter(|line| line[row] == kind).map(|line| decimal(&line[at])).sum()
    };
    assert_eq!((sum("line", shown), sum("total", shown)), (spent, spent));
    assert_eq!((sum("line", precise), sum("total", precise)), (exact, exact));
    assert_eq!(sum("total", shown) + sum("gst", shown), sum("total_with_gst", shown));
    let named =
        lines.iter().find(|line| line[column("campaign")].contains("HYPERLINK")).expect("the campaign");
    assert_eq!(named[column("campaign")], format!("'{FORMULA}"), "no spreadsheet reckons it");
    assert_eq!(named[column("template_name")], format!("'{FORMULA}"));
}

/// Cells of a small file, quoted ones too.
fn rows_of(csv: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    let mut characters = csv.chars().peekable();
    while let Some(character) = characters.next() {
        let row = rows.last_mut().expect("a row");
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                row.last_mut().expect("a cell").push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\n' if !quoted => rows.push(vec![String::new()]),
            '\r' if !quoted => {}
            other => row.last_mut().expect("a cell").push(other),
        }
    }
    rows.retain(|row| row.len() > 1);
    rows
}

fn text_of(sheet: &Range<Data>, row: u32, column: u32) -> String {
    sheet.get_value((row, column)).map(ToString::to_string).unwrap_or_default()
}

/// A number of a sheet. A cell of text would fail here: files have real numbers.
fn number(sheet: &Range<Data>, row: u32, column: u32) -> Decimal {
    match sheet.get_value((row, column)) {
        Some(Data::Float(value)) => value.to_string().parse().expect("a decimal"),
        Some(Data::Int(value)) => Decimal::from(*value),
        other => panic!("{row}, {column} holds {other:?}, no number"),
    }
}

/// Where a text stands in the first column.
fn find(sheet: &Range<Data>, label: &str) -> u32 {
    let end = sheet.end().expect("cells").0;
    (0..=end).find(|row| text_of(sheet, *row, 0) == label).unwrap_or_else(|| panic!("no {label}"))
}

fn workbook_adds_up(bytes: Vec<u8>, spent: Decimal, exact: Decimal) {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).expect("a workbook");
    assert_eq!(book.sheet_names(), ["Summary", "Lines", "Campaigns", "Assumptions"]);
    let summary = book.worksheet_range("Summary").expect("a sheet");
    let formulas = book.worksheet_formula("Summary").expect("formulas");
    let (first, total) = (find(&summary, "Line") + 1, find(&summary, "Before GST"));
    assert_eq!((first..total).map(|row| number(&summary, row, 4)).sum::<Decimal>(), spent);
    assert_eq!(number(&summary, total, 4), spent, "the result that stands beside the formula");
    let formula = formulas.get_value((total, 4)).expect("a formula");
    assert_eq!(*formula, format!("SUM(E{}:E{total})", first + 1));
    assert_eq!(number(&summary, total, 4) + number(&summary, total + 1, 4), number(&summary, total + 2, 4));
    let causes = find(&summary, "Estimated");
    let end = (causes..).find(|row| text_of(&summary, *row, 0) == "Spent").expect("a sum");
    assert_eq!((causes..end).map(|row| number(&summary, row, 4)).sum::<Decimal>(), number(&summary, end, 4));
    assert_eq!(number(&summary, end, 4), spent);

    let lines = book.worksheet_range("Lines").expect("a sheet");
    let total = find(&lines, "Total");
    let column = |head: &str| (0..60).find(|column| text_of(&lines, 0, *column) == head).expect("a column");
    for (head, sum) in [("Spent ₹", spent), ("Spent, exact ₹", exact)] {
        let column = column(head);
        assert_eq!((1..total).map(|row| number(&lines, row, column)).sum::<Decimal>(), sum, "{head}");
        assert_eq!(number(&lines, total, column), sum, "{head}");
    }
    for column in 10..25 {
        let sum = (1..total).map(|row| number(&lines, row, column)).sum::<Decimal>();
        assert_eq!(number(&lines, total, column), sum, "{}", text_of(&lines, 0, column));
    }
    let formulas = book.worksheet_formula("Lines").expect("formulas");
    assert!(
        (10..25).all(|column| formulas.get_value((total, column)).is_some_and(|sum| sum.starts_with("SUM(")))
    );

    let campaigns = book.worksheet_range("Campaigns").expect("a sheet");
    let total = find(&campaigns, "Total");
    assert_eq!((1..total).map(|row| number(&campaigns, row, 5)).sum::<Decimal>(), spent);
    assert_eq!(number(&campaigns, total, 5), spent);
    assert_eq!(text_of(&campaigns, find(&campaigns, FORMULA), 0), FORMULA, "a text, not a formula");
    let formulas = book.worksheet_formula("Campaigns").expect("formulas");
    assert!(formulas.used_cells().all(|(_, _, formula)| formula.starts_with("SUM(")));
    assert!(
        book.worksheet_range("Assumptions")
            .expect("a sheet")
            .used_cells()
            .any(|(_, _, cell)| { cell.to_string().contains("96.37") })
    );
}

#[tokio::test]
async fn page_files_and_api_add_up_to_the_roll_up_to_the_paisa() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        clear_of_a_new_month().await;
        let world = World::on(engine).await;
        let campaign = spend(&world).await;
        let (month, report) = settled(&world).await;
        let exact = amount(&report["spent"]);
        assert_eq!(exact, Decimal::new(in_the_database(&world).await, 6).normalize());
        let lines = report["lines"].as_array().expect("lines");
        assert_eq!(lines.iter().map(|line| amount(&line["spent"])).sum::<Decimal>(), exact);
        assert_ne!(exact, exact.round_dp(2), "there is something to round");
        let spent = exact.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        let differences = report["differences"].as_object().expect("causes");
        assert_eq!(amount(&report["estimated"]) + differences.values().map(amount).sum::<Decimal>(), exact);
        assert_eq!(amount(&report["total"]), exact + amount(&report["gst"]));

        let owner = world.owner().await;
        let page = owner.open(&format!("/costs/{month}")).await.text;
        page_adds_up(&page, spent);
        let from_page = owner.download(&format!("/costs/{month}/export.csv")).await;
        let csv = String::from_utf8(from_page).expect("UTF-8");
        csv_adds_up(&csv, spent, exact);
        assert_eq!(world.api.get(&format!("/finance/months/{month}.csv")).await.text, csv);
        workbook_adds_up(owner.download(&format!("/costs/{month}/export.xlsx")).await, spent, exact);

        // From the month to the campaign to its messages.
        let drill = format!("/costs/{month}/messages?campaign={campaign}");
        assert!(page.contains(&format!("href=\"{drill}\"")), "{page}");
        let messages = owner.open(&drill).await.text;
        assert_eq!(messages.matches("href=\"/messages/").count(), 7, "{messages}");
        assert!(messages.contains("at ₹96.37 a dollar"), "{messages}");

        let begins = if month[5..] < *"04" {
            &(month[..4].parse::<i32>().expect("a year") - 1).to_string()
        } else {
            &month[..4]
        };
        let year = String::from_utf8(owner.download(&format!("/costs/export.csv?fy={begins}")).await)
            .expect("UTF-8");
        let rows = rows_of(&year);
        let shown = rows[0].iter().position(|head| head == "spent_inr").expect("a column");
        let sum = |kind: &str| {
            rows.iter().filter(|row| row[0] == kind).map(|row| decimal(&row[shown])).sum::<Decimal>()
        };
        let mut months = rows.iter().filter(|row| row[0] == "total");
        assert_eq!(months.next_back().expect("a month")[1], month, "every month of the year until now");
        assert_eq!([sum("line"), sum("total"), sum("year_to_date_total")], [spent; 3]);
        let (total, gst) = (sum("year_to_date_total"), sum("year_to_date_gst"));
        assert_eq!(total + gst, sum("year_to_date_total_with_gst"));
    }
}
