//! A fresh database for every test, gone when the test ends.

use sqlx::{Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

/// Where the tests' PostgreSQL is, unless `DAKIYA_TEST_POSTGRES_URL` says otherwise.
const LOCAL_POSTGRES: &str = "postgres://postgres@127.0.0.1:5432/postgres";

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// An empty database.
pub struct Database {
    /// How Dakiya reaches it.
    pub url: String,
    /// A folder that lives as long: the SQLite file is in it, and whatever else the test writes.
    pub folder: TempDir,
    _on_server: Option<OnServer>,
}

struct OnServer {
    server_url: String,
    name: String,
}

impl Database {
    /// Makes an empty database.
    pub async fn new(engine: Engine) -> Database {
        let folder = tempfile::tempdir().expect("a folder for the test");
        match engine {
            Engine::Sqlite => {
                let url = format!("sqlite://{}", folder.path().join("dakiya.db").display());
                Database { url, folder, _on_server: None }
            }
            Engine::Postgres => {
                let on_server = OnServer::create().await;
                let mut url = url::Url::parse(&on_server.server_url).expect("an address of a server");
                url.set_path(&on_server.name);
                Database { url: url.into(), folder, _on_server: Some(on_server) }
            }
        }
    }
}

impl OnServer {
    async fn create() -> OnServer {
        let server_url =
            std::env::var("DAKIYA_TEST_POSTGRES_URL").unwrap_or_else(|_| LOCAL_POSTGRES.to_owned());
        let name = format!("dakiya_{}", uuid::Uuid::now_v7().simple());
        execute(&server_url, format!("create database {name}")).await;
        OnServer { server_url, name }
    }
}

impl Drop for OnServer {
    fn drop(&mut self) {
        let statement = format!("drop database if exists {} with (force)", self.name);
        let server_url = self.server_url.clone();
        let dropped = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(execute(&server_url, statement));
        });
        dropped.join().ok();
    }
}

async fn execute(server_url: &str, statement: String) {
    let advice = "PostgreSQL answers; `cargo xtask test` starts or installs it, DAKIYA_TEST_POSTGRES_URL says where it is";
    let mut connection = PgConnection::connect(server_url).await.expect(advice);
    connection.execute(sqlx::AssertSqlSafe(statement)).await.expect("the role may make databases");
}
