//! Keys with which other programs call the API.

use crate::worded_enum;

worded_enum! {
    /// What a key may do; each includes the ones before it.
    KeyScope {
        /// Read.
        Read = "read",
        /// Read and send.
        Send = "send",
        /// Everything, settings and test messages included.
        Admin = "admin",
    }
}

worded_enum! {
    /// Whom a key can reach.
    KeyKind {
        /// Anybody.
        Live = "live",
        /// Only the numbers of the team.
        Team = "team",
        /// Nobody: messages go to the simulator's end only and are never posted.
        Test = "test",
    }
}

impl KeyScope {
    /// Whether a key of this scope may do what `needed` names.
    pub fn allows(self, needed: KeyScope) -> bool {
        self >= needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_includes_the_ones_before_it() {
        use KeyScope::*;
        for (scope, allowed) in
            [(Read, [true, false, false]), (Send, [true, true, false]), (Admin, [true, true, true])]
        {
            assert_eq!([Read, Send, Admin].map(|needed| scope.allows(needed)), allowed, "{scope}");
        }
    }
}
