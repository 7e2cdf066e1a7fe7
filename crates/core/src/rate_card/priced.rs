//! What a card is ever asked for, and what it answers: the rows that are in use, how old they are, and what has no price.

use super::check::STALE_AFTER_DAYS;
use super::{NoRate, RateCard, RateItem, RateRow, RateUnit, Route};
use crate::message::{Category, Channel, Direction};
use chrono::NaiveDate;

/// One thing that is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priced {
    /// What.
    pub item: RateItem,
    /// From us or to us.
    pub direction: Direction,
    /// Of which category, where it matters.
    pub category: Option<Category>,
    /// Who began.
    pub route: Route,
    /// Per what.
    pub unit: RateUnit,
}

impl Priced {
    /// Everything that sending, receiving and renting ever ask a card for.
    pub fn everything() -> Vec<Priced> {
        let priced =
            |item, direction, category, route, unit| Priced { item, direction, category, route, unit };
        let (sms, whatsapp) = (RateItem::Sms, RateItem::Whatsapp);
        let (out, inbound) = (Direction::Outbound, Direction::Inbound);
        let mut all = Vec::new();
        for (item, route, unit) in [
            (sms, Route::BusinessInitiated, RateUnit::Segment),
            (whatsapp, Route::BusinessInitiated, RateUnit::Message),
            (whatsapp, Route::InWindow, RateUnit::Message),
        ] {
            all.extend(Category::ALL.iter().map(|category| priced(item, out, Some(*category), route, unit)));
        }
        all.push(priced(sms, inbound, None, Route::Any, RateUnit::Segment));
        all.push(priced(whatsapp, inbound, None, Route::Any, RateUnit::Message));
        all.push(priced(RateItem::Number, out, None, Route::Any, RateUnit::Month));
        all
    }
}

impl NoRate {
    /// What has no price: `SMS out`, `WhatsApp out for promotional messages`.
    pub fn what(&self) -> String {
        let item = match self.item {
            RateItem::Sms => "SMS",
            RateItem::Whatsapp => "WhatsApp",
            RateItem::Number => return "a number's rent".to_owned(),
            RateItem::Other => "other charges",
        };
        let direction = match self.direction {
            Direction::Outbound => "out",
            Direction::Inbound => "in",
        };
        format!("{item} {direction}{}", super::of_category(self.category))
    }
}

impl RateRow {
    /// Days since its first day, when that is too long.
    pub fn stale_for(&self, today: NaiveDate) -> Option<i64> {
        let age = (today - self.valid_from).num_days();
        (age > STALE_AFTER_DAYS).then_some(age)
    }
}

impl RateCard {
    /// The row in force for something on a day.
    pub fn row_for(&self, priced: &Priced, on: NaiveDate) -> Result<&RateRow, NoRate> {
        self.row(priced.item, priced.direction, priced.category, priced.route, on)
    }

    /// The rows that price anything on a day, in the card's order. A row that nothing ever asks for is none of them.
    pub fn in_force(&self, on: NaiveDate) -> Vec<&RateRow> {
        let everything = Priced::everything();
        let used: Vec<&RateRow> =
            everything.iter().filter_map(|priced| self.row_for(priced, on).ok()).collect();
        self.rows.iter().filter(|row| used.iter().any(|used| std::ptr::eq(*used, *row))).collect()
    }

    /// The rows in force that began too long ago.
    pub fn stale(&self, today: NaiveDate) -> Vec<&RateRow> {
        self.in_force(today).into_iter().filter(|row| row.stale_for(today).is_some()).collect()
    }

    /// Since when its oldest price in force holds: how old the card is.
    pub fn dated(&self, on: NaiveDate) -> Option<NaiveDate> {
        self.in_force(on).iter().map(|row| row.valid_from).min()
    }

    /// Days since its oldest price in force began, when that is too long.
    pub fn stale_for(&self, today: NaiveDate) -> Option<i64> {
        self.stale(today).iter().filter_map(|row| row.stale_for(today)).max()
    }

    /// What it cannot price on a day of all that goes out by these channels. Whatever is missing is refused when somebody
    /// sends it, so that a card in force must miss nothing.
    pub fn missing(&self, on: NaiveDate, channels: &[Channel]) -> Vec<NoRate> {
        let no_price = |channel: Channel, category: &Category| {
            let route = Route::BusinessInitiated;
            self.row(channel.into(), Direction::Outbound, Some(*category), route, on).err()
        };
        let of = |channel: &Channel| {
            let missing: Vec<NoRate> =
                Category::ALL.iter().filter_map(|category| no_price(*channel, category)).collect();
            match missing.first() {
                Some(first) if missing.len() == Category::ALL.len() => {
                    vec![NoRate { category: None, ..first.clone() }]
                }
                _ => missing,
            }
        };
        channels.iter().flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_card_says_what_it_cannot_price() {
        let both = [Channel::Sms, Channel::Whatsapp];
        let on = day("2026-11-22");
        for card in RateCard::presets() {
            assert_eq!(card.missing(on, &both), [], "{}", card.key);
        }
        let missing = |card: &RateCard, on: &str| -> Vec<String> {
            card.missing(day(on), &both).iter().map(NoRate::what).collect()
        };
        let mut card = RateCard::twilio_list();
        assert_eq!(missing(&card, "2026-06-30"), ["SMS out"]);
        card.rows.retain(|row| row.category != Some(Category::Promotional));
        assert_eq!(missing(&card, "2026-11-22"), ["WhatsApp out for promotional messages"]);
        card.rows.clear();
        assert_eq!(missing(&card, "2026-11-22"), ["SMS out", "WhatsApp out"]);
        assert_eq!(card.missing(on, &[Channel::Sms]).len(), 1);
    }

    #[test]
    fn a_row_that_nothing_asks_for_is_not_in_force() {
        let (mut card, on) = (RateCard::setup_guide(), day("2026-11-22"));
        assert_eq!(card.in_force(on).len(), card.rows.len());
        let useless = |item, direction, category, route| RateRow {
            valid_from: day("2026-11-01"),
            item,
            direction,
            category,
            route,
            ..RateCard::setup_guide().rows[0].clone()
        };
        card.rows = vec![
            useless(RateItem::Sms, Direction::Outbound, None, Route::InWindow),
            useless(RateItem::Sms, Direction::Inbound, Some(Category::Service), Route::Any),
            useless(RateItem::Number, Direction::Outbound, None, Route::BusinessInitiated),
        ];
        assert_eq!(card.in_force(on), Vec::<&RateRow>::new());
    }

    #[test]
    fn a_card_is_as_old_as_its_oldest_price_in_force() {
        let mut card = RateCard::setup_guide();
        assert_eq!((card.stale_for(day("2026-04-01")), card.stale_for(day("2026-04-02"))), (None, Some(91)));
        assert_eq!(card.stale_for(day("2025-01-01")), None);
        card.rows.push(RateRow { valid_from: day("2026-11-20"), ..card.rows[0].clone() });
        let on = day("2026-11-22");
        assert_eq!((card.dated(on), card.stale_for(on)), (Some(day("2026-01-01")), Some(325)));
        assert_eq!(card.stale(on).len(), 4, "the new price is none of them");
        assert_eq!(card.dated(day("2025-12-31")), None);
    }
}
