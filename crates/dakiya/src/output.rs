//! What a person at a terminal, or a program reading stdout, gets to see.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Prints an error with its causes, one sentence a line, and gives the exit code of failure.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    let mut shown = String::new();
    for cause in error.chain().map(ToString::to_string) {
        // A wrapping error often repeats what it wraps; once is enough.
        if !shown.contains(&cause) {
            shown.push_str(if shown.is_empty() { "error: " } else { "\n  because: " });
            shown.push_str(&cause);
        }
    }
    // Nothing sensible is left to do when stderr is gone.
    let _ = writeln!(std::io::stderr(), "{shown}");
    ExitCode::FAILURE
}

/// Prints a line on stdout. A closed pipe ends the output, not the work.
pub fn line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a JSON value on stdout, and nothing else.
pub fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Progress of long work over `total` rows: a bar on a terminal, nothing elsewhere.
pub fn progress(total: u64, what: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {eta}");
    let bar = ProgressBar::new(total).with_message(what);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Starts logging to stderr. Commands other than `serve` and `demo` only warn.
pub fn start_logging(filter: &str) {
    let filter = tracing_subscriber::EnvFilter::try_new(filter).unwrap_or_else(|_| "info".into());
    // A second call in one process changes nothing.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Colours are for eyes; in a file they are noise.
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}
