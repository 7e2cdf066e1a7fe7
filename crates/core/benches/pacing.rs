//! What a slot costs, and what the forecast of a whole campaign costs.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Asia::Kolkata;
use dakiya_core::pacing::{Lane, Pace, PaceState, forecast, ready};
use dakiya_core::time::TimeOfDay;
use dakiya_core::window::Window;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

fn window() -> Option<Window> {
    Some(Window { from: TimeOfDay::new(10, 0)?, until: TimeOfDay::new(21, 0)? })
}

#[divan::bench]
fn reserve_a_slot_in_two_lanes(bencher: divan::Bencher<'_, '_>) {
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    let lane = |segments_per_second| Lane {
        pace: Pace { segments_per_second },
        state: PaceState { next_slot: now },
    };
    let mut lanes = [lane(10), lane(100)];
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| {
        let slot = ready(&lanes, divan::black_box(now));
        lanes.iter_mut().for_each(|lane| lane.occupy(slot, 1));
        slot
    });
}

#[divan::bench]
fn ask_whether_the_window_is_open(bencher: divan::Bencher<'_, '_>) {
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    let window = window();
    bencher
        .counter(ItemsCount::new(1u32))
        .bench(|| window.and_then(|window| window.closed_until(divan::black_box(now), Kolkata)));
}

#[divan::bench(args = [10_000, 1_000_000])]
fn forecast_segments(bencher: divan::Bencher<'_, '_>, segments: u64) {
    let start = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    let window = window();
    bencher.bench(|| {
        forecast(
            start,
            divan::black_box(segments),
            Pace { segments_per_second: 10 },
            window.as_ref(),
            Kolkata,
        )
    });
}
