//! Parts that are shown in paise and add up to the total that is shown: largest remainder.
//!
//! Amounts are exact. Rounding each part by itself makes tables whose lines do not add up to their total. So the total is
//! rounded once, half up; each part is cut down to the paisa; and the paise that are missing go to the parts that were cut
//! most, the first of equal ones first. No part is shown a whole paisa or more from what it is, and one that is a whole number
//! of paise stays as it is.

use crate::money::Money;
use rust_decimal::Decimal;

/// Parts in paise whose sum is the exact sum, rounded half up.
pub fn to_paise(parts: &[Money]) -> Vec<Money> {
    let exact: Money = parts.iter().copied().sum();
    to_total(parts, exact.rounded_to_paise())
}

/// Parts in paise whose sum is `total`: the exact sum, rounded up or down to the paisa.
pub fn to_total(parts: &[Money], total: Money) -> Vec<Money> {
    let mut shown: Vec<Money> = parts.iter().map(|part| cut(*part)).collect();
    let missing = total - shown.iter().copied().sum();
    let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
    // Stable: of equal remainders the first comes first.
    by_remainder.sort_by_key(|index| std::cmp::Reverse(parts[*index] - shown[*index]));
    let mut left = missing;
    for index in by_remainder {
        if left < PAISA {
            break;
        }
        shown[index] += PAISA;
        left -= PAISA;
    }
    shown
}

const PAISA: Money = Money::new(Decimal::from_parts(1, 0, 0, false, 2));

/// Down to the paisa, towards less.
fn cut(amount: Money) -> Money {
    Money::new(amount.rupees().round_dp_with_strategy(2, rust_decimal::RoundingStrategy::ToNegativeInfinity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rupees(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn shown(parts: &[&str]) -> Vec<String> {
        let parts: Vec<Money> = parts.iter().map(|part| rupees(part)).collect();
        to_paise(&parts).iter().map(ToString::to_string).collect()
    }

    /// The worked examples of the finance guide.
    #[test]
    fn missing_paise_go_to_the_parts_that_were_cut_most() {
        assert_eq!(shown(&["0.333333", "0.333333", "0.333334"]), ["0.33", "0.33", "0.34"]);
        assert_eq!(shown(&["7.9872", "7.9872", "0.595"]), ["7.99", "7.99", "0.59"]);
        assert_eq!(shown(&["0.005", "0.005"]), ["0.01", "0.00"]);
        assert_eq!(shown(&["0.144", "0.80"]), ["0.14", "0.80"]);
        assert_eq!(shown(&["10.004", "-0.004"]), ["10.00", "0.00"]);
        assert_eq!(shown(&["-0.006", "-0.006"]), ["0.00", "-0.01"]);
        assert_eq!(shown(&[]), [""; 0]);
    }

    proptest! {
        #[test]
        fn what_is_shown_adds_up_and_no_part_is_a_paisa_off(
            micros in proptest::collection::vec(-3_000_000_000i64..3_000_000_000, 0..60),
        ) {
            let parts: Vec<Money> = micros.into_iter().map(Money::from_micros).collect();
            let exact: Money = parts.iter().copied().sum();
            let shown = to_paise(&parts);
            prop_assert_eq!(shown.iter().copied().sum::<Money>(), exact.rounded_to_paise());
            for (part, shown) in parts.iter().zip(&shown) {
                prop_assert_eq!(*shown, shown.rounded_to_paise());
                let off = (*shown - *part).rupees().abs();
                prop_assert!(off < PAISA.rupees(), "{part:?} shown as {shown:?}");
                if *part == part.rounded_to_paise() {
                    prop_assert_eq!(part, shown);
                }
            }
        }

        #[test]
        fn a_total_that_was_itself_a_part_is_kept(
            micros in proptest::collection::vec(0i64..3_000_000_000, 1..30), beside in 0i64..3_000_000_000,
        ) {
            // As on the month page: the estimate is a part of what was spent, and a total of its own.
            let parts: Vec<Money> = micros.into_iter().map(Money::from_micros).collect();
            let sum: Money = parts.iter().copied().sum();
            let total = to_paise(&[sum, Money::from_micros(beside)])[0];
            let shown = to_total(&parts, total);
            prop_assert_eq!(shown.iter().copied().sum::<Money>(), total);
            for (part, shown) in parts.iter().zip(&shown) {
                prop_assert!((*shown - *part).rupees().abs() < PAISA.rupees());
            }
        }
    }
}
