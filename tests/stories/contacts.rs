//! A dirty spreadsheet becomes contacts, and every row that does not is explained.

use harness::world::{World, phone};
use serde_json::json;

#[tokio::test]
async fn good_rows_are_stored_and_bad_ones_explained_by_line() {
    for world in World::on_both().await {
        let csv = format!(
            "phone,name,language,tags,city\n{},Asha,en,pune;gold,Pune\n9.19845E+11,Excel,en,,\n022 2345 6789,Landline,en,,\n\"{}\",\"Two\nLines\",hi,delhi,Delhi\n12345,Short,en,,\n",
            phone(0),
            phone(1)
        );
        let answer = world.api.post_csv("/contacts/import", csv).await.expect(200);
        assert_eq!(answer["accepted"], 2, "{answer}");
        assert_eq!(answer["duplicates"], 0);
        let rejected = answer["rejected"].as_array().expect("rejected");
        let lines: Vec<u64> = rejected.iter().filter_map(|row| row["line"].as_u64()).collect();
        assert_eq!(lines, [3, 4, 7], "a quoted cell spans lines 5 and 6");
        for row in rejected {
            assert_eq!(row["column"], "phone");
            assert!(
                row["code"].is_string() && row["message"].is_string() && row["value"].is_string(),
                "{row}"
            );
        }
        let contact = world.contact(&phone(0)).await;
        assert_eq!(contact["name"], "Asha");
        assert_eq!(contact["tags"], json!(["gold", "pune"]));
    }
}

#[tokio::test]
async fn importing_a_file_twice_changes_nothing() {
    let world = World::sqlite().await;
    let rows: String = (0..50).map(|index| format!("{},Person {index}\n", phone(index))).collect();
    let csv = format!("phone,name\n{rows}");
    world.api.post_csv("/contacts/import", csv.clone()).await.expect(200);
    let before = world.api.all("/contacts").await;
    world.api.post_csv("/contacts/import", csv).await.expect(200);
    let after = world.api.all("/contacts").await;
    assert_eq!(before.len(), 50);
    let names =
        |contacts: &[serde_json::Value]| contacts.iter().map(|c| c["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after));
}

#[tokio::test]
async fn importing_a_contact_again_never_undoes_an_opt_out() {
    let world = World::sqlite().await;
    world.opt_out(&phone(0), "all").await;
    let csv = format!("phone,name\n{},Asha\n", phone(0));
    world.api.post_csv("/contacts/import", csv).await.expect(200);
    let body = json!({"to": phone(0), "body": "Hello", "category": "service"});
    assert_eq!(world.api.post("/messages", body).await.problem(422), "recipient_opted_out");
}

#[tokio::test]
async fn a_file_that_is_no_list_is_refused_in_words_and_nothing_is_imported() {
    let world = World::sqlite().await;
    let many_columns = (0..1_000).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
    let files: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"name,city\nAsha,Pune\n".to_vec(),
        format!("{many_columns}\n").into_bytes(),
        b"\x00\x01\x02\x03".to_vec(),
    ];
    for file in files {
        let answer = world.api.post_csv("/contacts/import", file.clone()).await;
        assert!((400..500).contains(&answer.status), "{}: {}", String::from_utf8_lossy(&file), answer.text);
        answer.problem(answer.status);
    }
    assert_eq!(world.api.all("/contacts").await.len(), 0);
}

#[tokio::test]
async fn files_as_excel_saves_them_are_read() {
    let world = World::sqlite().await;
    let plain = format!("phone,name\n{},Zoë\n", phone(0));
    let with_bom = [b"\xEF\xBB\xBF".as_slice(), plain.as_bytes()].concat();
    let utf16: Vec<u8> = [0xFF, 0xFE]
        .into_iter()
        .chain(plain.replace(&phone(0), &phone(1)).encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let semicolons = format!("phone;name\n{};Asha\n", phone(2)).into_bytes();
    for file in [with_bom, utf16, semicolons] {
        let answer = world.api.post_csv("/contacts/import", file).await.expect(200);
        assert_eq!(answer["accepted"], 1, "{answer}");
    }
    assert_eq!(world.contact(&phone(1)).await["name"], "Zoë");
}

#[tokio::test]
async fn a_deleted_contact_is_gone() {
    let world = World::sqlite().await;
    let path = format!("/contacts/{}", phone(0).replace('+', "%2B"));
    world.api.put(&path, json!({"name": "Asha", "tags": ["pune"]})).await;
    world.api.get(&path).await.expect(200);
    assert!(matches!(world.api.delete(&path).await.status, 200 | 204));
    assert_eq!(world.api.get(&path).await.status, 404);
}
