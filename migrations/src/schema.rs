//! One way to write a step: plain SQL that both databases read, and two words for where they differ.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// Runs statements one after another.
///
/// Two words are replaced: `KEY_TEXT` becomes a text that is compared byte by byte, so that both databases and
/// Rust sort it alike; `CLUSTERED` keeps a table in the order of its primary key where the database can.
pub(crate) async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let (key_text, clustered) = match manager.get_database_backend() {
        DbBackend::Sqlite => ("TEXT", "WITHOUT ROWID"),
        _ => ("TEXT COLLATE \"C\"", ""),
    };
    for statement in statements {
        let sql = statement.replace("KEY_TEXT", key_text).replace("CLUSTERED", clustered);
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}

/// Makes a step of a list of statements.
macro_rules! step {
    ($($statement:expr),+ $(,)?) => {
        pub(crate) struct Step;

        impl sea_orm_migration::MigrationName for Step {
            fn name(&self) -> &str {
                module_path!().rsplit("::").next().unwrap_or_default()
            }
        }

        #[sea_orm_migration::async_trait::async_trait]
        impl sea_orm_migration::MigrationTrait for Step {
            async fn up(
                &self,
                manager: &sea_orm_migration::SchemaManager,
            ) -> Result<(), sea_orm_migration::DbErr> {
                crate::schema::run(manager, &[$($statement),+]).await
            }

            fn use_transaction(&self) -> Option<bool> {
                Some(true)
            }
        }
    };
}
pub(crate) use step;
