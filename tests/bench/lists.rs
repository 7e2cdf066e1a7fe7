//! Big lists from the command line: an estimate of a million, an import of a million.

use crate::generate::{name, national};
use crate::installation::migrated;
use crate::measure::{Figure, Meter, Reading, Time, measure};
use harness::binary::Setup;
use harness::database::Engine;
use harness::seeded::Seeded;
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use std::io::Write as _;
use std::path::{Path, PathBuf};

const ROWS: u64 = 1_000_000;

/// E: every recipient's own text, counted and priced; memory must not grow with the list.
pub async fn estimate() -> Vec<Figure> {
    let (database, setup) = migrated(Engine::Sqlite).await;
    let file = write_list(database.folder.path());
    let text = "VehicAid: dear {{name}}, Rs.{{amount}} is due on 12 Dec.";
    let file_name = file.to_string_lossy().into_owned();
    let reading = run(&setup, &["estimate", "--body", text, "--csv", &file_name, "--json"]).await;
    let (_, bare) = measure(|| bare_estimate(&file));
    vec![Figure::new("estimate, 1,000,000 rows", ROWS, &reading).beside(
        "CSV and naive count",
        Time::Cpu,
        per_cpu_second(&bare),
    )]
}

/// F: validated, deduplicated, stored.
pub async fn import() -> Vec<Figure> {
    let mut figures = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let (database, setup) = migrated(engine).await;
        let file = write_list(database.folder.path()).to_string_lossy().into_owned();
        let reading = run(&setup, &["import", "contacts", &file, "--json"]).await;
        let figure = Figure::new(format!("import, {engine:?}"), ROWS, &reading);
        figures.push(match engine {
            Engine::Sqlite => {
                figure.beside("raw unique insert", Time::Wall, raw_insert(database.folder.path()).await)
            }
            Engine::Postgres => figure,
        });
    }
    figures
}

fn per_cpu_second(reading: &Reading) -> f64 {
    ROWS as f64 / reading.cpu_seconds
}

/// Runs a command and keeps the last reading before it ended.
async fn run(setup: &Setup, arguments: &[&str]) -> Reading {
    let (finished, reading) = setup.measured(arguments, Meter::of, Meter::read).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    reading
}

fn write_list(folder: &Path) -> PathBuf {
    let path = folder.join("list.csv");
    let mut random = Seeded::new(3);
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).expect("a file"));
    writeln!(file, "phone,name,amount").expect("written");
    for index in 0..ROWS {
        writeln!(file, "{},{},{}", national(index), name(&mut random), random.below(100_000))
            .expect("written");
    }
    file.flush().expect("written");
    path
}

fn bare_estimate(file: &Path) -> usize {
    let text = std::fs::read_to_string(file).expect("the list");
    let rows = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let body = format!("VehicAid: dear {}, Rs.{} is due on 12 Dec.", cells[1], cells[2]);
        if body.is_ascii() { body.len().div_ceil(160) } else { body.encode_utf16().count().div_ceil(70) }
    });
    rows.sum()
}

/// A table with a unique number, filled with many rows a statement and nothing else.
async fn raw_insert(folder: &Path) -> f64 {
    let url = format!("sqlite://{}?mode=rwc", folder.join("raw.db").display());
    let mut connection = SqliteConnection::connect(&url).await.expect("a database");
    let create = "pragma journal_mode = wal; pragma synchronous = full;
                  create table contacts (id blob primary key, phone text unique, name text)";
    connection.execute(create).await.expect("a table");
    let started = std::time::Instant::now();
    for batch in 0..ROWS / 1_000 {
        let values: Vec<String> = (batch * 1_000..(batch + 1) * 1_000)
            .map(|index| format!("(x'{index:032x}','+91{}','Asha')", national(index)))
            .collect();
        let insert = format!("insert into contacts values {}", values.join(","));
        connection.execute(sqlx::AssertSqlSafe(insert)).await.expect("inserted");
    }
    ROWS as f64 / started.elapsed().as_secs_f64()
}
