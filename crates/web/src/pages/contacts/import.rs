//! Contacts from a file, and as one.

use crate::AppState;
use crate::auth::Person;
use crate::downloads::csv_lines;
use crate::error::PageResult;
use crate::imports::{Contacts, good_rows};
use crate::pages::imports::{self, Listing};
use crate::pages::upload_page::{self, Import, csv_file};
use crate::uploads::Upload;
use crate::view::{Section, Zone};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use dakiya_core::phone::AllowedCountries;
use dakiya_core::time::Timestamp;
use dakiya_core::user::Permission;
use dakiya_store::audit::Actor;
use dakiya_store::contacts::{self, Contact, ContactFilter};
use dakiya_store::imports::Imported;
use std::sync::Arc;

pub(super) fn routes() -> Router<AppState> {
    imports::routes::<ContactList>().route("/contacts/export.csv", get(export))
}

struct ContactList;

impl Listing for ContactList {
    type Rows = Contacts;
    const NAME: &'static str = "contacts";
    const PATH: &'static str = "/contacts";
    const SECTION: Section = Section::Contacts;
    const NEEDS: Permission = Permission::Send;
    const SAMPLE: &'static str = "phone,name,language,tags,consent,consent_evidence,vehicle\n\
        +919845011234,Ramesh Kumar,en,renewal;kerala,12/08/2026,form at the garage,KA05MN4321\n\
        9845022345,सुनीता जैन,hi,renewal,,,KA01MJ3030\n";

    fn import() -> Import {
        Import {
            title: "Import contacts",
            form_href: "/contacts/import".to_owned(),
            back: "/contacts".to_owned(),
            back_words: "Contacts".to_owned(),
            columns: vec![
                (
                    "phone",
                    "Must be there. Indian mobile numbers in any common spelling; others with + and country code",
                ),
                ("name", "What the person is called"),
                ("language", "en, hi, mr, ta …: which language of a template they get"),
                ("tags", "Separated by ;. With this column, the tags of people already here are replaced"),
                (
                    "consent",
                    "To promotional messages: yes, no, or the day they agreed (2026-08-12 or 12/08/2026). Empty leaves what is on record",
                ),
                ("consent_evidence", "How you know: a form, a call, a ticket"),
                ("anything else", "Kept with the person and usable as a placeholder of that name"),
            ],
            consequence: "People already here get the new details. Opt-outs stay as they are.",
            repeats: upload_page::FIRST_COUNTS,
            sample: "/contacts/import/sample.csv",
        }
    }

    async fn store(
        app: &AppState,
        actor: &Actor,
        upload: &Arc<Upload>,
        allowed: &AllowedCountries,
    ) -> PageResult<Imported> {
        let rows = good_rows::<Contacts>(upload.file(), allowed)?;
        Ok(contacts::import(&app.store, rows, actor, app.clock.now()).await?)
    }
}

/// Everyone, in the columns that an import reads. What else is known differs from person to person and is not in it.
async fn export(State(app): State<AppState>, person: Person) -> PageResult {
    person.must(Permission::View)?;
    let zone = Zone(app.config.timezone);
    let header = ["phone", "name", "language", "tags", "consent", "consent_evidence", "added"];
    let lines = csv_lines(&header, move |cursor, limit| {
        let store = app.store.clone();
        async move {
            let page = contacts::page(&store, &ContactFilter::default(), cursor.as_ref(), limit).await?;
            Ok(page.map(|contact| Some(line(contact, zone))))
        }
    });
    Ok(csv_file("contacts.csv", Body::from_stream(lines)))
}

fn line(contact: Contact, zone: Zone) -> Vec<String> {
    let day = |at: Timestamp| zone.date_field(&at);
    vec![
        contact.phone.to_string(),
        contact.name.unwrap_or_default(),
        contact.language.unwrap_or_default(),
        contact.tags.join(";"),
        contact.consent_promotional_at.map_or_else(|| "no".to_owned(), day),
        contact.consent_evidence.unwrap_or_default(),
        day(contact.created_at),
    ]
}
