//! The database schema, step by step, forward only. `README.md` beside this crate has the rules.

mod m0001_people;
mod m0002_contacts;
mod m0003_templates;
mod m0004_money;
mod m0005_campaigns;
mod m0006_messages;
mod m0007_opt_outs;
mod m0008_imports;
mod m0009_campaign_money;
mod m0010_payments;
mod m0011_reminder_rules;
mod m0020_ledger;
mod m0021_budgets;
mod m0022_rates;
mod m0030_reminder_commitments;
mod m0040_usage;
mod m0041_reconciliation;
mod m0042_closed_months;
mod m0050_scenarios;
mod m0060_savings;
mod m0070_month_lines;
mod m0080_renumbered_reminders;
mod m0085_next_runs;
mod m0095_removed_rate_cards;
mod m0100_reconciliation_depth;
mod m0101_gst_history;
mod m0110_moved_runs;
mod m0120_payment_sums_in_paise;
mod m0130_rents_are_no_messages;
mod schema;
#[cfg(test)]
mod tests;

use sea_orm_migration::{DbErr, IntoSchemaManagerConnection, MigrationTrait, MigratorTrait};

/// Applies the steps that this database does not have yet.
pub async fn up<'c>(connection: impl IntoSchemaManagerConnection<'c>) -> Result<(), DbErr> {
    Migrator::up(connection, None).await
}

/// All steps, in the order in which they are applied.
struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_people::Step),
            Box::new(m0002_contacts::Step),
            Box::new(m0003_templates::Step),
            Box::new(m0004_money::Step),
            Box::new(m0005_campaigns::Step),
            Box::new(m0006_messages::Step),
            Box::new(m0007_opt_outs::Step),
            Box::new(m0008_imports::Step),
            Box::new(m0009_campaign_money::Step),
            Box::new(m0010_payments::Step),
            Box::new(m0011_reminder_rules::Step),
            Box::new(m0020_ledger::Step),
            Box::new(m0021_budgets::Step),
            Box::new(m0022_rates::Step),
            Box::new(m0030_reminder_commitments::Step),
            Box::new(m0040_usage::Step),
            Box::new(m0041_reconciliation::Step),
            Box::new(m0042_closed_months::Step),
            Box::new(m0050_scenarios::Step),
            Box::new(m0060_savings::Step),
            Box::new(m0070_month_lines::Step),
            Box::new(m0080_renumbered_reminders::Step),
            Box::new(m0095_removed_rate_cards::Step),
            Box::new(m0100_reconciliation_depth::Step),
            Box::new(m0101_gst_history::Step),
            Box::new(m0085_next_runs::Step),
            Box::new(m0110_moved_runs::Step),
            Box::new(m0120_payment_sums_in_paise::Step),
            Box::new(m0130_rents_are_no_messages::Step),
        ]
    }
}
