//! What a piece of work cost: time, processor time, memory.

use std::time::{Duration, Instant};

/// The kernel counts processor time in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// One measured piece of work.
pub struct Figure {
    /// Which work, and in which variant.
    pub work: String,
    /// How many rows it went through.
    pub rows: u64,
    /// How long it took.
    pub wall: Duration,
    /// Processor time, all threads together.
    pub cpu_seconds: f64,
    /// The most memory the process held, when it was the work's own process.
    pub peak_mebibytes: Option<f64>,
    /// What a bare program reached in the same run.
    pub limit: Option<Limit>,
    /// Anything else worth a number.
    pub notes: Vec<(&'static str, f64)>,
}

/// The speed of a bare program that skips what a product must do.
pub struct Limit {
    /// What it is.
    pub name: &'static str,
    /// Its rows per second of the same kind of time.
    pub per_second: f64,
    /// Whether that is wall time or processor time.
    pub time: Time,
}

/// Which time a limit is compared by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// The clock on the wall: for work that waits.
    Wall,
    /// The processor's: for work that reckons.
    Cpu,
}

/// A process under measurement.
pub struct Meter {
    process: String,
    started: Instant,
    cpu_before: f64,
}

/// What a meter read at its end.
pub struct Reading {
    pub wall: Duration,
    pub cpu_seconds: f64,
    pub peak_mebibytes: f64,
}

impl Meter {
    /// Measures this process.
    pub fn here() -> Meter {
        Self::of_process("self".to_owned())
    }

    /// Measures another one.
    pub fn of(id: u32) -> Meter {
        Self::of_process(id.to_string())
    }

    fn of_process(process: String) -> Meter {
        Meter { cpu_before: cpu_seconds(&process).unwrap_or(0.0), process, started: Instant::now() }
    }

    /// Reads the meter; `None` when the process is gone.
    pub fn read(&self) -> Option<Reading> {
        let cpu_seconds = cpu_seconds(&self.process)? - self.cpu_before;
        Some(Reading {
            wall: self.started.elapsed(),
            cpu_seconds,
            peak_mebibytes: peak_mebibytes(&self.process)?,
        })
    }
}

impl Figure {
    /// A figure from a meter's reading.
    pub fn new(work: impl Into<String>, rows: u64, reading: &Reading) -> Figure {
        Figure {
            work: work.into(),
            rows,
            wall: reading.wall,
            cpu_seconds: reading.cpu_seconds,
            peak_mebibytes: Some(reading.peak_mebibytes),
            limit: None,
            notes: Vec::new(),
        }
    }

    /// Beside what a bare program reached.
    pub fn beside(mut self, name: &'static str, time: Time, per_second: f64) -> Figure {
        self.limit = Some(Limit { name, per_second, time });
        self
    }

    /// With another number.
    pub fn note(mut self, name: &'static str, value: f64) -> Figure {
        self.notes.push((name, value));
        self
    }

    pub fn rows_per_second(&self) -> f64 {
        self.rows as f64 / self.wall.as_secs_f64()
    }

    pub fn rows_per_cpu_second(&self) -> f64 {
        self.rows as f64 / self.cpu_seconds.max(1.0 / TICKS_PER_SECOND)
    }

    /// Our speed as a part of the limit's.
    pub fn ratio(&self) -> Option<f64> {
        let limit = self.limit.as_ref()?;
        let ours = if limit.time == Time::Wall { self.rows_per_second() } else { self.rows_per_cpu_second() };
        Some(ours / limit.per_second)
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let mut line = format!(
            "{:<28} {:>9} rows {:>8.2} s {:>7.2} CPU-s {:>10.0}/s {:>10.0}/CPU-s",
            self.work,
            self.rows,
            self.wall.as_secs_f64(),
            self.cpu_seconds,
            self.rows_per_second(),
            self.rows_per_cpu_second()
        );
        if let Some(peak) = self.peak_mebibytes {
            line += &format!(" {peak:>6.0} MiB");
        }
        if let (Some(limit), Some(ratio)) = (&self.limit, self.ratio()) {
            line += &format!("  {:.0} % of {} ({:.0}/s)", ratio * 100.0, limit.name, limit.per_second);
        }
        for (name, value) in &self.notes {
            line += &format!("  {name} {value:.2}");
        }
        line
    }

    /// One object for programs.
    pub fn json(&self) -> serde_json::Value {
        let notes: serde_json::Map<String, serde_json::Value> =
            self.notes.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        serde_json::json!({
            "work": self.work,
            "rows": self.rows,
            "wall_seconds": self.wall.as_secs_f64(),
            "cpu_seconds": self.cpu_seconds,
            "rows_per_second": self.rows_per_second(),
            "rows_per_cpu_second": self.rows_per_cpu_second(),
            "peak_mebibytes": self.peak_mebibytes,
            "limit": self.limit.as_ref().map(|limit| limit.name),
            "limit_per_second": self.limit.as_ref().map(|limit| limit.per_second),
            "ratio": self.ratio(),
            "notes": notes,
        })
    }
}

/// Measures work in this process, on this thread.
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Reading) {
    let meter = Meter::here();
    let done = work();
    (done, meter.read().expect("this process is there"))
}

/// User and system time of a process, from `/proc/<pid>/stat`.
fn cpu_seconds(process: &str) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field, the name in brackets, may hold spaces; count from behind it.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

/// The most memory a process held, from `/proc/<pid>/status`.
fn peak_mebibytes(process: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes / 1024.0)
}
