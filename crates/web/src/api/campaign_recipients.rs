//! The people of one campaign, uploaded on top of its audience.

use super::auth::MaySend;
use super::body;
use super::campaigns::known;
use super::estimates::NewRecipient;
use super::imports::{self, Imported};
use super::json::{self, Object, Path};
use super::problem::Problem;
use super::schema;
use crate::AppState;
use crate::imports::{Checked, MOST_TOLD, Recipients, good_rows};
use axum::extract::{Request, State};
use dakiya_core::ids::CampaignId;
use dakiya_core::phone::{AllowedCountries, PhoneNumber};
use dakiya_core::table::RowError;
use dakiya_store::campaigns;
use dakiya_store::settings;

/// Add recipients
///
/// On top of the campaign's audience. A number that came before stays as it was. What was quoted before is void.
#[utoipa::path(
    post, path = "/campaigns/{id}/recipients", operation_id = "add_recipients", tag = "Campaigns",
    params(("id" = uuid::Uuid, Path, description = "The campaign's id")),
    request_body(
        content((Vec<NewRecipient> = "application/json"), (schema::Csv = "text/csv")),
        description = "A JSON list, or a CSV file with a column `phone` or `to`; every other column is a placeholder's value",
    ),
    security(("api_key" = ["send"])),
    responses(
        (status = 200, description = "What became of the rows", body = Imported),
        (status = 409, description = "The campaign is no draft any more", body = super::problem::Document, content_type = "application/problem+json"),
    ),
)]
pub async fn add(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    Path(id): Path<CampaignId>,
    request: Request,
) -> Result<axum::Json<Imported>, Problem> {
    known(&app, id).await?;
    let allowed = settings::get(&app.store).await?.allowed_countries;
    let media_type = json::content_type(request.headers());
    let (actor, now) = (caller.actor(), app.clock.now());
    let (added, checked) = if !media_type.is_empty() && json::is_json(&media_type) {
        let given = json::parse(&body::read(request.into_body(), body::LIST_LIMIT).await?)?;
        let (good, checked) = sort_out(given, &allowed);
        (campaigns::add_recipients(&app.store, id, good, &actor, now).await?, checked)
    } else {
        let (file, checked) = imports::checked_csv::<Recipients>(request, allowed.clone()).await?;
        let rows = good_rows::<Recipients>(&file, &allowed)?;
        (campaigns::add_recipients(&app.store, id, rows, &actor, now).await?, checked)
    };
    Ok(axum::Json(Imported::of(added, checked)))
}

/// The good ones of a JSON list, and what is wrong with the others.
fn sort_out(
    given: Vec<Object<NewRecipient>>,
    allowed: &AllowedCountries,
) -> (Vec<campaigns::NewRecipient>, Checked) {
    let mut checked = Checked::default();
    let mut good = Vec::with_capacity(given.len());
    for (line, Object(recipient)) in (1..).zip(given) {
        match PhoneNumber::parse(&recipient.to, allowed) {
            Ok(phone) => good.push(campaigns::NewRecipient {
                phone,
                language: recipient.language,
                variables: recipient.variables.unwrap_or_default(),
            }),
            Err(error) => {
                checked.bad += 1;
                if checked.told.len() < MOST_TOLD {
                    checked.told.push(RowError::cell(line, "to", &recipient.to, error.code(), error));
                }
            }
        }
    }
    (good, checked)
}
