//! Tables as spreadsheets write them.

use super::*;
use proptest::prelude::*;

/// What reading a whole file gives: rows as `line: cell|cell`, errors as `line! code`.
fn read(input: &[u8]) -> Result<(Vec<String>, Vec<String>), TableError> {
    let mut table = Table::open(input)?;
    let columns = table.columns().to_vec();
    let mut rows = Vec::new();
    while let Some(row) = table.next_row()? {
        rows.push(match row {
            Ok(row) => {
                let cells: Vec<_> = (0..columns.len()).map(|column| row.cell(column)).collect();
                format!("{}: {}", row.line(), cells.join("|"))
            }
            Err(error) => format!("{}! {}", error.line, error.code),
        });
    }
    Ok((columns, rows))
}

fn rows(input: &str) -> Vec<String> {
    read(input.as_bytes()).unwrap().1
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn spreadsheets_of_every_kind_read_the_same() {
    let text = "\u{FEFF}Phone, Name \r\n9876543210,आशा\r\n9123456780,\"Ravi, K\"\r\n";
    let expected = (
        vec!["phone".to_owned(), "name".to_owned()],
        vec!["2: 9876543210|आशा".to_owned(), "3: 9123456780|Ravi, K".to_owned()],
    );
    assert_eq!(read(text.as_bytes()).unwrap(), expected);
    assert_eq!(read(text.trim_start_matches('\u{FEFF}').as_bytes()).unwrap(), expected);
    assert_eq!(read(text.replace("\r\n", "\n").trim_end().as_bytes()).unwrap(), expected);
    assert_eq!(read(&utf16(text, u16::to_le_bytes)).unwrap(), expected);
    assert_eq!(read(&utf16(text, u16::to_be_bytes)).unwrap(), expected);
    for delimiter in [";", "\t", "|"] {
        let other =
            text.replace("\"Ravi, K\"", "RaviK").replace(',', delimiter).replace("RaviK", "\"Ravi, K\"");
        assert_eq!(read(other.as_bytes()).unwrap(), expected, "{delimiter:?}");
    }
}

#[test]
fn lines_count_from_the_header_and_through_quoted_cells() {
    let text = "phone,note\n1,\"two\nlines\"\n\n2,x\n,\n3,y,\n";
    assert_eq!(rows(text), ["2: 1|two\nlines", "5: 2|x", "7: 3|y"]);
    assert_eq!(rows("phone\n1\n2"), ["2: 1", "3: 2"]);
}

#[test]
fn a_bad_row_is_reported_and_the_others_are_read() {
    let mut input = b"phone,name\n1,a,extra\n2\n3,".to_vec();
    input.extend_from_slice(b"\xFF\xFE\n4,\0\n5,ok\n");
    let (_, rows) = read(&input).unwrap();
    assert_eq!(
        rows,
        [
            "2! wrong_number_of_cells",
            "3! wrong_number_of_cells",
            "4! invalid_text",
            "5! invalid_text",
            "6: 5|ok"
        ]
    );
}

#[test]
fn a_quote_that_is_never_closed_spoils_the_file() {
    for input in ["phone,name\n1,\"a\n2,b\n", "phone,name\n1,\"a", "phone,\"name\n1,a\n"] {
        let error = read(input.as_bytes()).unwrap_err();
        let line = if input.contains(",\"name") { 1 } else { 2 };
        assert!(
            matches!(error, TableError::UnclosedQuote { line: found } if found == line),
            "{input:?}: {error:?}"
        );
    }
    let endless = format!("phone,name\n1,\"{}", "2,b\n".repeat(1_000_000));
    assert!(matches!(read(endless.as_bytes()), Err(TableError::UnclosedQuote { line: 2 })));
}

#[test]
fn files_that_are_no_tables_are_refused_with_a_next_step() {
    let wide = vec!["c"; 201].join(",");
    let numbered: Vec<String> = (0..201).map(|n| format!("c{n}")).collect();
    for (input, words) in [
        ("", "The file is empty; its first line must name the columns"),
        ("\n\n", "The file is empty; its first line must name the columns"),
        (",,\n1,2,3", "The file is empty; its first line must name the columns"),
        ("a\0b\n1", "This is not a CSV text file; save it as \"CSV UTF-8\" and try again"),
        ("PK\u{3}\u{4}...", "This is not a CSV text file; save it as \"CSV UTF-8\" and try again"),
        ("phone,Phone\n1,2", "Two columns are called \"phone\"; rename one"),
        (&numbered.join(","), "The file has 201 columns, more than 200; is it a list of people?"),
        (&wide, "The file has 201 columns, more than 200; is it a list of people?"),
    ] {
        assert_eq!(read(input.as_bytes()).unwrap_err().to_string(), words, "{input:.20}");
    }
    let table = Table::open(&b"name,amount\n"[..]).ok().unwrap();
    let missing = table.require(&["phone", "to"]).unwrap_err().to_string();
    assert_eq!(missing, "No column \"phone\" or \"to\"; the file has: name, amount");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(input in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&input);
    }

    #[test]
    fn what_is_written_is_read(cells in prop::collection::vec(("[a-z\",;\n é]{0,8}[a-z]", "[0-9]{1,5}"), 0..20)) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["name", "n"]).unwrap();
        for (name, number) in &cells {
            writer.write_record([name, number]).unwrap();
        }
        let (_, rows) = read(&writer.into_inner().unwrap()).unwrap();
        let found: Vec<_> = rows.iter().map(|row| row.split_once(": ").unwrap().1.to_owned()).collect();
        let expected: Vec<_> = cells.iter().map(|(name, number)| format!("{}|{number}", name.trim())).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_header_in_the_wrong_encoding_is_told_as_such() {
    // Marked as UTF-16 of one kind, written in the other.
    let mut bytes = vec![0xfe, 0xff];
    bytes.extend("phone,name\n9845011234,Asha\n".encode_utf16().flat_map(u16::to_le_bytes));
    let fault = Table::open(&bytes[..]).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(fault.contains("CSV UTF-8"), "{fault}");
}
