//! A past for the simulated account: usage of days before it started, with growth, a weekly pattern and festivals, alike
//! each time. All of it is invented.

use crate::config::SimulatorConfig;
use crate::usage::UsageDay;
use chrono::{Datelike, Months, NaiveDate, Weekday};
use rust_decimal::Decimal;

/// What an account is to have behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// The first day that is not in it: usually the day the simulator starts.
    pub until: NaiveDate,
    /// How many months before that it begins; on the first of a month.
    pub months: u32,
    /// Another seed makes another account.
    pub seed: u64,
    /// Text messages on an ordinary weekday at its end.
    pub messages_a_day: u32,
}

/// Growth from month to month, in per mille.
const GROWTH: u64 = 22;

/// Of an ordinary day, in per cent: Monday first. Breakdowns happen on the way to work and on Saturdays.
const WEEK: [u64; 7] = [112, 100, 98, 101, 108, 116, 74];

/// Days around festivals on which more is sent, in per cent: month, first and last day.
const FESTIVALS: [(u32, u32, u32, u64); 3] = [(10, 18, 22, 165), (11, 6, 10, 180), (3, 3, 5, 130)];

/// On this day of the month the number's rent is charged.
const RENT_DAY: u32 = 1;

impl Past {
    /// Every day's usage, the oldest first.
    pub(crate) fn days(&self, config: &SimulatorConfig) -> Vec<UsageDay> {
        let first = self.until.with_day(1).and_then(|day| day.checked_sub_months(Months::new(self.months)));
        let Some(first) = first else { return Vec::new() };
        first.iter_days().take_while(|day| *day < self.until).flat_map(|day| self.day(day, config)).collect()
    }

    fn day(&self, day: NaiveDate, config: &SimulatorConfig) -> Vec<UsageDay> {
        let sent = self.volume(day);
        let segments = sent + sent * (18 + self.dice(day, 1) % 9) / 100;
        let received = sent * (2 + self.dice(day, 2) % 3) / 100;
        let whatsapp = sent * (9 + self.dice(day, 3) % 6) / 100;
        let answered = whatsapp * (20 + self.dice(day, 4) % 20) / 100;
        let numbers = u64::from(day.day() == RENT_DAY);
        let lookups = self.dice(day, 5) % 4;
        let of = |count: u64, price: Decimal| (price * Decimal::from(count)).round_dp(5);
        let rows = [
            ("sms-outbound", sent, segments, of(segments, config.sms_price)),
            ("sms-inbound", received, received, of(received, config.inbound_price)),
            ("channels-whatsapp-outbound", whatsapp, whatsapp, of(whatsapp, config.whatsapp_price)),
            ("channels-whatsapp-inbound", answered, answered, Decimal::ZERO),
            ("phonenumbers", numbers, numbers, of(numbers, Decimal::new(115, 2))),
            ("lookups", lookups, lookups, of(lookups, Decimal::new(5, 3))),
        ];
        let total = rows.iter().map(|(_, _, _, price)| price).sum();
        let over = |names: [&str; 2]| {
            let of = rows.iter().filter(|row| names.contains(&row.0));
            of.fold((0, 0, Decimal::ZERO), |sum, row| (sum.0 + row.1, sum.1 + row.2, sum.2 + row.3))
        };
        let (sms, chat) = (
            over(["sms-outbound", "sms-inbound"]),
            over(["channels-whatsapp-outbound", "channels-whatsapp-inbound"]),
        );
        // Twilio's categories overlap: what is in one is in those above it too.
        let above = [
            ("sms", sms.0, sms.1, sms.2),
            ("sms-outbound-longcode", rows[0].1, rows[0].2, rows[0].3),
            ("channels-whatsapp", chat.0, chat.1, chat.2),
            ("totalprice", 0, 0, total),
        ];
        let row = |(category, count, usage, price): (&str, u64, u64, Decimal)| UsageDay {
            day,
            category: category.to_owned(),
            count,
            usage,
            price,
        };
        rows.into_iter().chain(above).filter(|row| row.1 > 0 || row.0 == "totalprice").map(row).collect()
    }

    /// Text messages of a day.
    fn volume(&self, day: NaiveDate) -> u64 {
        let months = (self.until.year() - day.year()) * 12 + self.until.month0().cast_signed()
            - day.month0().cast_signed();
        let mut volume = u64::from(self.messages_a_day) * 1_000;
        for _ in 0..months {
            volume = volume * 1_000 / (1_000 + GROWTH);
        }
        let weekday = match day.weekday() {
            Weekday::Mon => WEEK[0],
            Weekday::Tue => WEEK[1],
            Weekday::Wed => WEEK[2],
            Weekday::Thu => WEEK[3],
            Weekday::Fri => WEEK[4],
            Weekday::Sat => WEEK[5],
            Weekday::Sun => WEEK[6],
        };
        let festive = FESTIVALS
            .iter()
            .find(|(month, from, until, _)| day.month() == *month && (*from..=*until).contains(&day.day()))
            .map_or(100, |festival| festival.3);
        let noise = 90 + self.dice(day, 0) % 21;
        volume * weekday / 100 * festive / 100 * noise / 100 / 1_000
    }

    /// A number that looks random and is the same each time.
    fn dice(&self, day: NaiveDate, salt: u64) -> u64 {
        let days = u64::try_from((day - NaiveDate::default()).num_days()).unwrap_or(0);
        let mut mixed = self.seed ^ (days << 8) ^ salt;
        // SplitMix64.
        for _ in 0..2 {
            mixed = mixed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
        }
        mixed
    }

    /// Months of the past that a demo shows, alike for everybody.
    pub fn of_a_demo(today: NaiveDate) -> Self {
        Self { until: today, months: 13, seed: 20_260_815, messages_a_day: 110 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn past() -> Past {
        Past::of_a_demo("2026-11-22".parse().unwrap())
    }

    #[test]
    fn a_past_is_the_same_each_time_grows_and_rests_on_sundays() {
        let days = past().days(&SimulatorConfig::default());
        let again = past().days(&SimulatorConfig::default());
        assert_eq!(format!("{days:?}"), format!("{again:?}"));
        let sent: BTreeMap<NaiveDate, u64> = days
            .iter()
            .filter(|row| row.category == "sms-outbound")
            .map(|row| (row.day, row.count))
            .collect();
        assert_eq!(sent.len(), 417, "from 1 October 2025 to 21 November 2026");
        let over = |month: &str| -> u64 {
            sent.iter().filter(|(day, _)| day.to_string().starts_with(month)).map(|(_, count)| count).sum()
        };
        assert!(over("2026-09") > over("2025-12") * 11 / 10);
        assert!(sent[&"2026-09-13".parse().unwrap()] < sent[&"2026-09-14".parse().unwrap()]);
    }

    #[test]
    fn what_does_not_overlap_adds_up_to_the_total() {
        let days = past().days(&SimulatorConfig::default());
        let sum = |names: &[&str]| -> Decimal {
            days.iter().filter(|row| names.contains(&row.category.as_str())).map(|row| row.price).sum()
        };
        assert_eq!(sum(&["sms", "channels-whatsapp", "phonenumbers", "lookups"]), sum(&["totalprice"]));
    }
}
