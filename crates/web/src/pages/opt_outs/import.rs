//! Opt-outs from a file, and as one.

use crate::AppState;
use crate::auth::Person;
use crate::downloads::csv_lines;
use crate::error::PageResult;
use crate::imports::{OptOuts, good_rows};
use crate::pages::imports::{self, Listing};
use crate::pages::upload_page::{self, Import, csv_file};
use crate::uploads::Upload;
use crate::view::Section;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use dakiya_core::phone::AllowedCountries;
use dakiya_core::user::Permission;
use dakiya_store::audit::Actor;
use dakiya_store::imports::Imported;
use dakiya_store::opt_outs::{self, OptOut, OptOutFilter, OptOutRow};
use std::sync::Arc;

pub(super) fn routes() -> Router<AppState> {
    imports::routes::<OptOutList>().route("/opt-outs/export.csv", get(export))
}

struct OptOutList;

impl Listing for OptOutList {
    type Rows = OptOuts;
    const NAME: &'static str = "opt-outs";
    const PATH: &'static str = "/opt-outs";
    const SECTION: Section = Section::OptOuts;
    const NEEDS: Permission = Permission::ManageOptOuts;
    const SAMPLE: &'static str =
        "phone,scope,reason\n+919845011234,all,call to support 12 Aug\n9845022345,promotional,\n";

    fn import() -> Import {
        Import {
            title: "Import opt-outs",
            form_href: "/opt-outs/import".to_owned(),
            back: "/opt-outs".to_owned(),
            back_words: "Opt-outs".to_owned(),
            columns: vec![
                ("phone", "Must be there"),
                ("scope", "all or promotional; empty means all"),
                ("reason", "How they asked; kept in the history"),
            ],
            consequence: "Opt-outs that are here already stay as they are. An import never allows anybody again.",
            repeats: upload_page::FIRST_COUNTS,
            sample: "/opt-outs/import/sample.csv",
        }
    }

    async fn store(
        app: &AppState,
        actor: &Actor,
        upload: &Arc<Upload>,
        allowed: &AllowedCountries,
    ) -> PageResult<Imported> {
        let file_name = &upload.checked.file_name;
        let rows = good_rows::<OptOuts>(upload.file(), allowed)?;
        let rows = rows.map(|row| OptOutRow { evidence: format!("{file_name}, {}", row.evidence), ..row });
        let done = opt_outs::import(&app.store, rows, actor, app.clock.now()).await?;
        app.commands.nudge();
        Ok(done)
    }
}

async fn export(State(app): State<AppState>, person: Person) -> PageResult {
    person.must(Permission::View)?;
    let header = ["phone", "scope", "source", "since"];
    let lines = csv_lines(&header, move |cursor, limit| {
        let store = app.store.clone();
        async move {
            let page = opt_outs::page(&store, &OptOutFilter::default(), cursor.as_ref(), limit).await?;
            Ok(page.map(|opt_out| line(&opt_out)))
        }
    });
    Ok(csv_file("opt-outs.csv", Body::from_stream(lines)))
}

/// One line; people who were erased are not in it.
fn line(opt_out: &OptOut) -> Option<Vec<String>> {
    Some(vec![
        opt_out.phone.number()?.to_string(),
        opt_out.scope.to_string(),
        opt_out.source.to_string(),
        opt_out.since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
    ])
}
