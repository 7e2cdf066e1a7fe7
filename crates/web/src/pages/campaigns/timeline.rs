//! When a campaign sends and when it waits, drawn to scale.

use crate::filters::counted;
use crate::view::Zone;
use dakiya_core::time::Timestamp;
use dakiya_core::window::Window;

/// A drawing whose positions are per cent of its width.
pub(crate) struct Timeline {
    /// The whole of it in words.
    pub(crate) words: String,
    /// Closed hours: position, width.
    pub(crate) quiet: Vec<(String, String)>,
    /// Sending: position, width, the label's position, its anchor, the label.
    pub(crate) sends: Vec<(String, String, String, &'static str, String)>,
    /// Marks below: position, anchor, label.
    pub(crate) ticks: Vec<(String, &'static str, String)>,
}

/// More days than this are a table's business, not a drawing's.
const MOST_STRETCHES: usize = 6;

/// A shorter send needs no drawing, unless it has to wait in between.
const SHORTEST: chrono::Duration = chrono::Duration::minutes(10);

/// Open stretches of a window between two instants; all of it without a window. Empty when there are too many.
fn open_stretches(
    from: Timestamp,
    until: Timestamp,
    window: Option<&Window>,
    zone: Zone,
) -> Vec<(Timestamp, Timestamp)> {
    let Some(window) = window else { return vec![(from, until)] };
    let (mut at, mut open) = (from, Vec::new());
    while at < until && open.len() <= MOST_STRETCHES {
        if let Some(opens) = window.closed_until(at, zone.0) {
            at = opens;
            continue;
        }
        let closes = window.open_until(at, zone.0).unwrap_or(until).min(until);
        open.push((at, closes));
        if closes <= at {
            break;
        }
        at = closes;
    }
    open
}

impl Timeline {
    /// Draws a send from `start` to `finish`. `per_day` has the segments of each day, in order.
    pub(crate) fn draw(
        start: Timestamp,
        finish: Timestamp,
        per_day: &[u64],
        window: Option<&Window>,
        zone: Zone,
    ) -> Option<Timeline> {
        let length = (finish - start).max(SHORTEST);
        let (from, until) = (start - length / 6, start + length + length / 6);
        let whole = (until - from).num_seconds().max(1);
        let place = |at: Timestamp| (at.clamp(from, until) - from).num_seconds() * 10_000 / whole;
        let percent = |hundredths: i64| format!("{}.{:02}", hundredths / 100, hundredths % 100);
        let open = open_stretches(from, until, window, zone);
        let one_stretch = open.len() == 1;
        if open.len() > MOST_STRETCHES || (one_stretch && finish - start < SHORTEST) {
            return None;
        }
        let mut quiet = Vec::new();
        let mut edge = from;
        for (opens, closes) in open.iter().chain([&(until, until)]) {
            if *opens > edge {
                quiet.push((percent(place(edge)), percent(place(*opens) - place(edge))));
            }
            edge = *closes;
        }
        let stretches: Vec<_> = open
            .iter()
            .map(|(opens, closes)| ((*opens).max(start), (*closes).min(finish)))
            .filter(|(begins, ends)| begins <= ends)
            .collect();
        let label = |at: usize| {
            if stretches.len() == per_day.len() {
                per_day.get(at).map_or_else(String::new, |segments| counted(*segments, "segment", "segments"))
            } else {
                String::new()
            }
        };
        let sends = stretches
            .iter()
            .enumerate()
            .map(|(index, (begins, ends))| {
                let (left, width) = (place(*begins), (place(*ends) - place(*begins)).max(60));
                (
                    percent(left),
                    percent(width),
                    percent(left + width / 2),
                    anchor(left + width / 2),
                    label(index),
                )
            })
            .collect();
        let mut ticks = vec![(percent(place(start)), anchor(place(start)), zone.when(&start))];
        if place(finish) - place(start) > 3_500 {
            ticks.push((percent(place(finish)), anchor(place(finish)), zone.when(&finish)));
        }
        let pauses = if stretches.len() > 1 { " with closed hours in between" } else { "" };
        let words = format!("Sends from {} to {}{pauses}.", zone.when(&start), zone.when(&finish));
        Some(Timeline { words, quiet, sends, ticks })
    }
}

/// Text near an edge is kept inside the drawing.
fn anchor(hundredths: i64) -> &'static str {
    match hundredths {
        ..1_200 => "start",
        8_800.. => "end",
        _ => "middle",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dakiya_core::time::TimeOfDay;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_send_that_crosses_closed_hours_is_drawn_in_two_stretches() {
        let zone = Zone(chrono_tz::Asia::Kolkata);
        let window = Window { from: TimeOfDay::new(10, 0).unwrap(), until: TimeOfDay::new(21, 0).unwrap() };
        let line = Timeline::draw(
            at("2026-08-18T12:15:00Z"),
            at("2026-08-19T04:47:00Z"),
            &[45_000, 10_260],
            Some(&window),
            zone,
        )
        .unwrap();
        assert_eq!(line.sends.len(), 2);
        assert_eq!(line.sends[0].4, "45,000 segments");
        assert_eq!(line.quiet.len(), 1);
        assert!(line.words.contains("closed hours"));
    }

    #[test]
    fn a_send_without_a_window_is_one_stretch() {
        let zone = Zone(chrono_tz::Asia::Kolkata);
        let line = Timeline::draw(at("2026-08-18T12:15:00Z"), at("2026-08-18T12:40:00Z"), &[100], None, zone)
            .unwrap();
        assert_eq!((line.sends.len(), line.quiet.len()), (1, 0));
    }
}
