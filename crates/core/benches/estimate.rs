//! How many recipients an estimate adds up in a second, their texts already counted.

use dakiya_core::encoding::Segments;
use dakiya_core::estimate::{Estimate, Estimator};
use dakiya_core::message::SuppressedReason;
use dakiya_core::money::Money;
use dakiya_core::rate_card::Spread;
use dakiya_core::tax::{Gst, GstMode};
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

#[divan::bench(args = [1_000, 1_000_000])]
fn add_up(bencher: divan::Bencher<'_, '_>, recipients: u32) {
    let gst = Gst { mode: GstMode::VendorCharged, rate: 18.into() };
    let unit_price = Spread::exact(Money::from_micros(812_500));
    bencher.counter(ItemsCount::new(recipients)).bench(|| -> Estimate {
        let mut estimator = Estimator::new(unit_price, gst);
        for recipient in 0..recipients {
            match divan::black_box(recipient) % 50 {
                0 => estimator.suppress(SuppressedReason::OptedOut),
                other => estimator.send(Segments(1 + other % 3)),
            }
        }
        estimator.finish()
    });
}
