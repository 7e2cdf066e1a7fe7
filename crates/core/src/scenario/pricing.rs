//! What a scenario costs on a card: line by line, free allowances as lines of their own.

use super::{Scenario, segments_per_text, share};
use crate::message::{Category, Direction};
use crate::money::{FxRate, Money, group_indian};
use crate::rate_card::{NoRate, RateCard, RateItem, RateRow, RateUnit, Route, Spread};
use crate::tax::Gst;
use chrono::NaiveDate;
use serde::Serialize;

/// One line of the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScenarioLine {
    /// What is paid for, or what is free.
    pub name: String,
    /// How many of it.
    pub quantity: u64,
    /// Of what.
    pub unit: RateUnit,
    /// Expected price of one; below zero where a charge does not apply.
    pub rate: Money,
    /// Expected price of all, before tax.
    pub amount: Money,
}

/// What a month costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScenarioCost {
    /// Line by line.
    pub lines: Vec<ScenarioLine>,
    /// The lines' sum, before tax.
    pub total: Money,
    /// On the total.
    pub gst: Money,
    /// The total if all goes well, before tax.
    pub low: Money,
    /// The total if all goes badly, before tax.
    pub high: Money,
    /// Rupees for a dollar that were reckoned with.
    #[serde(with = "crate::decimal::two_places")]
    pub usd_inr: rust_decimal::Decimal,
    /// Segments of each text message.
    pub segments_per_text: u32,
    /// What was assumed, in sentences.
    pub assumptions: Vec<String>,
}

impl Scenario {
    /// Prices the month with the rows in force on a day. What the month has none of needs no price.
    pub fn evaluate(
        &self,
        card: &RateCard,
        on: NaiveDate,
        fx: FxRate,
        gst: Gst,
    ) -> Result<ScenarioCost, NoRate> {
        let fx = self.usd_inr.map_or(fx, |inr_per_usd| FxRate { inr_per_usd });
        let (texts, whatsapp) = self.messages();
        let answers = share(whatsapp, self.in_window_percent);
        let segments = u64::from(segments_per_text(self.rupee_sign));
        let mut account = Account { fx, lines: Vec::new(), sum: Spread::ZERO, allowances: Vec::new() };
        let (out, inbound) = (Direction::Outbound, Direction::Inbound);
        let row = |item, direction, route| {
            let category = (direction == out && item != RateItem::Number).then_some(Category::Service);
            card.row(item, direction, category, route, on)
        };
        let numbers = self.phone_numbers.max(1);
        if texts > 0 || whatsapp == 0 {
            let row = row(RateItem::Sms, out, Route::BusinessInitiated)?;
            account.add("Outbound SMS", row, texts.saturating_mul(segments), numbers);
        }
        if whatsapp > answers {
            let row = row(RateItem::Whatsapp, out, Route::BusinessInitiated)?;
            account.add("WhatsApp messages", row, whatsapp - answers, 1);
        }
        if answers > 0 {
            let row = row(RateItem::Whatsapp, out, Route::InWindow)?;
            account.add("WhatsApp answers within 24 hours", row, answers, 1);
        }
        if self.inbound_sms > 0 {
            account.add("Inbound SMS", row(RateItem::Sms, inbound, Route::Any)?, self.inbound_sms, numbers);
        }
        if self.inbound_whatsapp > 0 {
            let row = row(RateItem::Whatsapp, inbound, Route::Any)?;
            account.add("Inbound WhatsApp", row, self.inbound_whatsapp, 1);
        }
        account.add("Phone numbers", row(RateItem::Number, out, Route::Any)?, self.phone_numbers, 1);
        let total = account.lines.iter().map(|line| line.amount).sum();
        Ok(ScenarioCost {
            gst: gst.on(total),
            total,
            low: account.sum.low,
            high: account.sum.high,
            usd_inr: fx.inr_per_usd,
            segments_per_text: segments_per_text(self.rupee_sign),
            assumptions: self.assumptions(account.allowances),
            lines: account.lines,
        })
    }

    fn assumptions(&self, allowances: Vec<String>) -> Vec<String> {
        let (texts, whatsapp) = self.messages();
        let mut said = Vec::new();
        if texts > 0 {
            let (segments, words) = (
                segments_per_text(self.rupee_sign),
                match self.rupee_sign {
                    true => "₹, which is not in GSM-7",
                    false => "Rs.",
                },
            );
            let plural = if segments == 1 { "" } else { "s" };
            said.push(format!(
                "Each text is the payment reminder of the starter set, with amounts written as {words}: {segments} segment{plural} each."
            ));
        }
        if texts + whatsapp > 0 {
            said.push("Messages are of the category service.".to_owned());
        }
        if whatsapp > 0 {
            said.push("One number sends all WhatsApp messages, which are billed as one each, whatever their length.".to_owned());
        }
        said.extend(allowances);
        said
    }
}

/// Lines under way.
struct Account {
    fx: FxRate,
    lines: Vec<ScenarioLine>,
    sum: Spread,
    allowances: Vec<String>,
}

impl Account {
    /// Adds what `quantity` of something cost, spread over so many senders, and what of it is free.
    fn add(&mut self, name: &str, row: &RateRow, quantity: u64, senders: u64) {
        self.line(name.to_owned(), row.unit, row.unit_price(self.fx), quantity);
        for charge in row.charges.iter().filter(|charge| charge.free_per_month > 0) {
            let free = charge.free_per_month.saturating_mul(senders).min(quantity);
            let less = charge.in_rupees(self.fx);
            let less = Spread { low: -less.low, expected: -less.expected, high: -less.high };
            if free > 0 && less != Spread::ZERO {
                self.line(format!("{name}: free of {}’s charge", charge.name), row.unit, less, free);
                self.allowances.push(format!(
                    "{name}: the first {} a month of each number are free of {}’s charge, and nothing else uses them up.",
                    group_indian(&charge.free_per_month.to_string()),
                    charge.name
                ));
            }
        }
    }

    fn line(&mut self, name: String, unit: RateUnit, price: Spread, quantity: u64) {
        let all = price * quantity;
        self.sum = self.sum + all;
        self.lines.push(ScenarioLine { name, quantity, unit, rate: price.expected, amount: all.expected });
    }
}
