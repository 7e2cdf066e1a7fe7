//! Whom a campaign is meant for, before its recipients are written down.

use serde::{Deserialize, Serialize};

/// Which stored contacts belong to an audience. Rows uploaded for a campaign come on top of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    /// Contacts that carry one of these tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Every contact, whatever its tags.
    #[serde(default)]
    pub all: bool,
}

impl Audience {
    /// Whether it names no stored contact, so that only uploaded rows count.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty() && !self.all
    }
}
