//! The pages people see: one module per noun, its templates under the same name.

mod api_keys;
mod budgets;
mod campaigns;
mod confirm;
pub(crate) mod contacts;
mod costs;
mod dashboard;
mod explain;
mod gates;
mod imports;
mod ledger;
mod messages;
mod opt_outs;
mod payments;
mod preview;
mod prices;
mod reminders;
mod sending;
mod settings;
mod simulated_reply;
mod templates;
mod upload_page;

use crate::uploads::Uploads;
use crate::{AppState, auth};
use axum::{Extension, Router};

/// Every page.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .merge(auth::routes())
        .merge(dashboard::routes())
        .merge(campaigns::routes())
        .merge(budgets::routes())
        .merge(costs::routes())
        .merge(reminders::routes())
        .merge(templates::routes())
        .merge(contacts::routes())
        .merge(opt_outs::routes())
        .merge(payments::routes())
        .merge(messages::routes())
        .merge(simulated_reply::routes())
        .merge(sending::routes())
        .merge(settings::routes())
        .merge(api_keys::routes())
        .layer(Extension(Uploads::default()))
}
