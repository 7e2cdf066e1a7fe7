//! Payments from a file.

use super::LIST;
use crate::AppState;
use crate::error::{PageError, PageResult};
use crate::imports::{Payments, last_rows};
use crate::pages::imports::Listing;
use crate::pages::upload_page::Import;
use crate::uploads::Upload;
use crate::view::Section;
use dakiya_core::phone::AllowedCountries;
use dakiya_core::user::Permission;
use dakiya_store::audit::Actor;
use dakiya_store::imports::Imported;
use std::sync::Arc;

/// What is said of rows that repeat a reference.
pub(super) const LAST_COUNTED: &str =
    "had a reference that came again later in the file; the last one counted.";

pub(super) struct PaymentList;

impl Listing for PaymentList {
    type Rows = Payments;
    const NAME: &'static str = "payments";
    const PATH: &'static str = LIST;
    const SECTION: Section = Section::Reminders;
    const NEEDS: Permission = Permission::Send;
    const SAMPLE: &'static str = "reference,phone,amount,due_on,pay_url,name,language,tags,vehicle\n\
    INV/2026/4711,+919845011234,\"1,499.00\",2026-12-05,https://pay.example.in/4711,Ramesh Kumar,en,renewal,KA05MN4321\n\
    INV/2026/4712,9845022345,850,05/12/2026,https://pay.example.in/4712,सुनीता जैन,hi,renewal,KA01MJ3030\n";

    fn import() -> Import {
        Import {
            title: "Import payments",
            form_href: "/reminders/payments/import".to_owned(),
            back: LIST.to_owned(),
            back_words: "Payments".to_owned(),
            columns: vec![
                (
                    "reference",
                    "Must be there. What you call the payment: an invoice, request or policy number",
                ),
                ("phone", "Must be there. Who owes it"),
                ("amount", "Must be there. With or without commas and paise"),
                ("due_on", "Must be there. 2026-12-05 or 05/12/2026"),
                ("pay_url", "Where to pay"),
                ("name", "What the person is called"),
                ("language", "en, hi, mr, ta …: which language of a template they get"),
                ("tags", "Separated by ;. Rules choose payments by them"),
                ("status", "open, partly_paid, paid or cancelled. Whoever paid is not asked again"),
                ("paid", "What came so far, in all"),
                ("anything else", "Kept with the payment and usable as a placeholder of that name"),
            ],
            consequence: "Payments already here get the new details. What is paid or canceled stays so, and nobody is reminded twice.",
            repeats: "Of rows with the same reference, the last one counts.",
            sample: "/reminders/payments/import/sample.csv",
        }
    }

    async fn store(
        app: &AppState,
        actor: &Actor,
        upload: &Arc<Upload>,
        allowed: &AllowedCountries,
    ) -> PageResult<Imported> {
        let (file, allowed) = (Arc::clone(upload), allowed.clone());
        let reading = tokio::task::spawn_blocking(move || last_rows(file.file(), &allowed));
        let (rows, repeated) = reading.await.map_err(|error| PageError::internal(&error))??;
        let mut done = app.commands.import_payments(rows, actor).await?;
        done.duplicates += repeated;
        Ok(done)
    }
}
