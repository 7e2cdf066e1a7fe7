//! People who sign in, and what each may do.

use crate::worded_enum;

worded_enum! {
    /// What a person is here for.
    Role {
        /// Installed Dakiya; may do everything.
        Owner = "owner",
        /// Schedules and sends.
        Admin = "admin",
        /// Reads costs, sets budgets and rates.
        Finance = "finance",
        /// Keeps opt-outs and consent.
        Compliance = "compliance",
        /// Looks.
        Viewer = "viewer",
    }
}

worded_enum! {
    /// One thing a role may be allowed to do.
    Permission {
        /// See dashboards, campaigns, templates and the log.
        View = "view",
        /// Write templates and contacts; create, approve, pause and cancel campaigns.
        Send = "send",
        /// Keep opt-outs and consent.
        ManageOptOuts = "manage_opt_outs",
        /// Set budgets, rate cards and exchange rates.
        ManageMoney = "manage_money",
        /// Take figures of money out as files.
        ExportMoney = "export_money",
        /// Users, senders, limits, API keys, the audit log.
        ManageSettings = "manage_settings",
        /// Halt all sending and let it go on.
        StopSending = "stop_sending",
    }
}

impl Role {
    /// Whether this role may do that.
    pub const fn may(self, permission: Permission) -> bool {
        match self {
            Role::Owner => true,
            Role::Admin => !matches!(permission, Permission::ManageMoney),
            Role::Finance => {
                matches!(permission, Permission::View | Permission::ManageMoney | Permission::ExportMoney)
            }
            Role::Compliance => {
                matches!(permission, Permission::View | Permission::ManageOptOuts | Permission::StopSending)
            }
            Role::Viewer => matches!(permission, Permission::View),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_its_work_needs() {
        use Permission::*;
        for (role, allowed) in [
            (
                Role::Owner,
                vec![View, Send, ManageOptOuts, ManageMoney, ExportMoney, ManageSettings, StopSending],
            ),
            (Role::Admin, vec![View, Send, ManageOptOuts, ExportMoney, ManageSettings, StopSending]),
            (Role::Finance, vec![View, ManageMoney, ExportMoney]),
            (Role::Compliance, vec![View, ManageOptOuts, StopSending]),
            (Role::Viewer, vec![View]),
        ] {
            let may: Vec<Permission> =
                Permission::ALL.iter().copied().filter(|permission| role.may(*permission)).collect();
            assert_eq!(may, allowed, "{role}");
        }
    }
}
