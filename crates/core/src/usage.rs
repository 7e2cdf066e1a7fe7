//! A vendor's usage records of one day: which of them say something of their own, and what they add up to.
//!
//! Twilio's categories overlap, and there are hundreds. Only those below are told apart; whatever the total has beyond
//! them is one line of its own, so that the lines always add up to the total.

use crate::message::Direction;
use crate::money::{Currency, FxRate, Money, Price};
use crate::rate_card::RateItem;
use crate::worded_enum;
use rust_decimal::Decimal;

worded_enum! {
    /// What a usage record is about, where it is told apart.
    UsageKind {
        /// Everything that was charged.
        Total = "total",
        /// Text messages from us.
        SmsOutbound = "sms_outbound",
        /// Text messages to us.
        SmsInbound = "sms_inbound",
        /// All of WhatsApp: messages both ways, and Meta's fees.
        Whatsapp = "whatsapp",
        /// WhatsApp messages from us.
        WhatsappOutbound = "whatsapp_outbound",
        /// WhatsApp messages to us.
        WhatsappInbound = "whatsapp_inbound",
        /// Rents of phone numbers.
        Number = "number",
    }
}

/// One record of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageFigure {
    /// What it is about.
    pub kind: UsageKind,
    /// How many messages, or numbers.
    pub count: i64,
    /// How many billed units: segments of text messages.
    pub units: i64,
    /// What was charged; below zero is a credit. Unlike a message's price, a charge has no sign here.
    pub price: Decimal,
}

/// What a day's records say about one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageLine {
    /// What was paid for.
    pub item: RateItem,
    /// From us or to us.
    pub direction: Direction,
    /// How many messages, or numbers.
    pub messages: i64,
    /// How many billed units.
    pub units: i64,
    /// What was charged, in the vendor's currency.
    pub price: Decimal,
}

impl UsageLine {
    /// Whether it is about messages, rather than rents and the rest.
    pub fn is_of_messages(&self) -> bool {
        matches!(self.item, RateItem::Sms | RateItem::Whatsapp)
    }
}

/// A day's records as lines that do not overlap and add up to the total exactly.
///
/// WhatsApp from us is all of WhatsApp less what came in, because Meta's fees are in the former. It is counted likewise
/// where no record counts it by itself. Without a record of the
/// total the lines' sum is it.
pub fn lines(figures: &[UsageFigure]) -> Vec<UsageLine> {
    let of = |kind| figures.iter().find(|figure| figure.kind == kind);
    let price = |kind| of(kind).map_or(Decimal::ZERO, |figure| figure.price);
    let mut lines = Vec::new();
    let count = |kind| of(kind).map_or((0, 0), |figure| (figure.count, figure.units));
    let mut add = |item, direction, (messages, units): (i64, i64), price: Decimal| {
        if messages != 0 || units != 0 || !price.is_zero() {
            lines.push(UsageLine { item, direction, messages, units, price });
        }
    };
    let (out, inbound) = (Direction::Outbound, Direction::Inbound);
    add(RateItem::Sms, out, count(UsageKind::SmsOutbound), price(UsageKind::SmsOutbound));
    add(RateItem::Sms, inbound, count(UsageKind::SmsInbound), price(UsageKind::SmsInbound));
    let whatsapp_in = price(UsageKind::WhatsappInbound);
    let whatsapp_out = match of(UsageKind::Whatsapp) {
        Some(all) => all.price - whatsapp_in,
        None => price(UsageKind::WhatsappOutbound),
    };
    let counted_in = count(UsageKind::WhatsappInbound);
    let counted_out = match (of(UsageKind::WhatsappOutbound), of(UsageKind::Whatsapp)) {
        (None, Some(all)) => ((all.count - counted_in.0).max(0), (all.units - counted_in.1).max(0)),
        _ => count(UsageKind::WhatsappOutbound),
    };
    add(RateItem::Whatsapp, out, counted_out, whatsapp_out);
    add(RateItem::Whatsapp, inbound, counted_in, whatsapp_in);
    add(RateItem::Number, out, count(UsageKind::Number), price(UsageKind::Number));
    let told_apart: Decimal = lines.iter().map(|line| line.price).sum();
    let beyond = of(UsageKind::Total).map_or(Decimal::ZERO, |total| total.price - told_apart);
    if !beyond.is_zero() {
        let other = UsageLine { item: RateItem::Other, direction: out, messages: 0, units: 0, price: beyond };
        lines.push(other);
    }
    lines
}

/// What the lines cost in micro-rupees, one figure a line: rounded so that they add up to the rounded total. `None`
/// beyond what can be accounted for.
pub fn in_rupees(lines: &[UsageLine], currency: Currency, fx: FxRate) -> Option<Vec<i64>> {
    let micros = |amount| Price { amount, currency }.in_rupees(fx).to_micros();
    let total = micros(lines.iter().map(|line| line.price).sum())?;
    let mut costs = lines.iter().map(|line| micros(line.price)).collect::<Option<Vec<i64>>>()?;
    let rest = total - costs.iter().sum::<i64>();
    // What rounding leaves over goes where it matters least.
    let dearest = (0..costs.len()).max_by_key(|at| costs.get(*at).map(|cost| cost.abs()));
    if let Some(cost) = dearest.and_then(|at| costs.get_mut(at)) {
        *cost += rest;
    }
    Some(costs)
}

/// The same, added up.
pub fn total_in_rupees(lines: &[UsageLine], currency: Currency, fx: FxRate) -> Money {
    Price { amount: lines.iter().map(|line| line.price).sum(), currency }.in_rupees(fx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn figure(kind: UsageKind, count: i64, price: &str) -> UsageFigure {
        UsageFigure { kind, count, units: count * 2, price: price.parse().unwrap() }
    }

    fn shown(figures: &[UsageFigure]) -> Vec<(RateItem, Direction, i64, String)> {
        let lines = lines(figures);
        lines.iter().map(|line| (line.item, line.direction, line.messages, line.price.to_string())).collect()
    }

    #[test]
    fn what_overlaps_is_counted_once_and_what_is_left_of_the_total_is_other() {
        let (out, inbound) = (Direction::Outbound, Direction::Inbound);
        let figures = [
            figure(UsageKind::Total, 0, "20.5"),
            figure(UsageKind::SmsOutbound, 100, "8.3"),
            figure(UsageKind::SmsInbound, 10, "0.075"),
            figure(UsageKind::Whatsapp, 14, "0.20"),
            figure(UsageKind::WhatsappOutbound, 10, "0.05"),
            figure(UsageKind::WhatsappInbound, 4, "0.02"),
            figure(UsageKind::Number, 1, "1.15"),
        ];
        let expected = [
            (RateItem::Sms, out, 100, "8.3"),
            (RateItem::Sms, inbound, 10, "0.075"),
            (RateItem::Whatsapp, out, 10, "0.18"),
            (RateItem::Whatsapp, inbound, 4, "0.02"),
            (RateItem::Number, out, 1, "1.15"),
            (RateItem::Other, out, 0, "10.775"),
        ];
        assert_eq!(shown(&figures), expected.map(|(item, way, n, price)| (item, way, n, price.to_owned())));
    }

    #[test]
    fn whatsapp_from_us_is_counted_though_only_all_of_whatsapp_is_on_record() {
        let (out, inbound) = (Direction::Outbound, Direction::Inbound);
        let figures =
            [figure(UsageKind::Whatsapp, 14, "0.20"), figure(UsageKind::WhatsappInbound, 4, "0.02")];
        let expected = [(RateItem::Whatsapp, out, 10, "0.18"), (RateItem::Whatsapp, inbound, 4, "0.02")];
        assert_eq!(shown(&figures), expected.map(|(item, way, n, price)| (item, way, n, price.to_owned())));
    }

    #[test]
    fn a_day_without_use_has_no_lines() {
        assert_eq!(shown(&[figure(UsageKind::Total, 0, "0")]), []);
        assert_eq!(shown(&[]), []);
    }

    #[test]
    fn a_day_without_a_total_is_the_sum_of_what_is_told_apart() {
        let figures = [figure(UsageKind::SmsOutbound, 3, "0.25")];
        assert_eq!(shown(&figures), [(RateItem::Sms, Direction::Outbound, 3, "0.25".to_owned())]);
    }

    proptest! {
        #[test]
        fn lines_always_add_up_to_the_total_in_both_currencies(
            prices in prop::collection::vec(0i64..10_000_000_000, 7), scale in 0u32..8, rate in 60_000_000i64..120_000_000,
        ) {
            let figures: Vec<UsageFigure> = UsageKind::ALL.iter().zip(prices)
                .map(|(kind, price)| UsageFigure { kind: *kind, count: 1, units: 1, price: Decimal::new(price, scale) })
                .collect();
            let lines = lines(&figures);
            let total = figures[0].price;
            prop_assert_eq!(lines.iter().map(|line| line.price).sum::<Decimal>(), total);
            let fx = FxRate { inr_per_usd: Decimal::new(rate, 6) };
            if let Some(costs) = in_rupees(&lines, Currency::Usd, fx) {
                let whole = Price { amount: total, currency: Currency::Usd }.in_rupees(fx).to_micros();
                prop_assert_eq!(Some(costs.iter().sum::<i64>()), whole);
            }
        }
    }
}
