//! What holds for every message: hours, limits, prices; senders; who signs in; who changed what.

mod audit;
mod general;
mod senders;
mod users;

use crate::AppState;
use axum::Router;

/// All of settings.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .merge(general::routes())
        .merge(senders::routes())
        .merge(users::routes())
        .merge(audit::routes())
}

/// One tab above the settings pages.
pub(crate) struct Tab {
    pub(crate) href: &'static str,
    pub(crate) words: &'static str,
    pub(crate) current: bool,
}

const TABS: [(&str, &str, bool); 4] = [
    ("/settings", "Hours, limits, prices", false),
    ("/settings/senders", "Senders", false),
    ("/settings/users", "Users", true),
    ("/settings/audit", "Audit log", true),
];

/// The tabs that somebody may open.
fn tabs(current: &str, may_set: bool) -> Vec<Tab> {
    TABS.iter()
        .filter(|(_, _, restricted)| may_set || !restricted)
        .map(|(href, words, _)| Tab { href, words, current: *href == current })
        .collect()
}
