//! The figures of `docs/performance.md`, measured. `cargo xtask bench [name] [--json]` builds and runs this.

mod callbacks;
mod generate;
mod installation;
mod lists;
mod measure;
mod months;
mod pages;
mod reckoning;
mod reminders;
mod sending;
mod stub;

use measure::Figure;
use std::future::Future;
use std::pin::Pin;

type Work = fn() -> Pin<Box<dyn Future<Output = Vec<Figure>>>>;

/// Every piece of work that can be measured.
const ALL: &[(&str, Work)] = &[
    ("phones", || Box::pin(async { reckoning::phones() })),
    ("segments", || Box::pin(async { reckoning::segments() })),
    ("estimate", || Box::pin(lists::estimate())),
    ("import", || Box::pin(lists::import())),
    ("send", || Box::pin(sending::send_loop())),
    ("pacing", || Box::pin(sending::pacing())),
    ("callbacks", || Box::pin(callbacks::stored())),
    ("reminders", || Box::pin(reminders::planning())),
    ("pages", || Box::pin(pages::log())),
    ("months", || Box::pin(months::page())),
];

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let json = arguments.iter().any(|word| word == "--json");
    let name = arguments.iter().find(|word| !word.starts_with("--"));
    let chosen: Vec<_> = ALL.iter().filter(|(known, _)| name.is_none_or(|name| name == known)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = ALL.iter().map(|(known, _)| *known).collect();
        eprintln!("there is no measurement of that name; there are {}", names.join(", "));
        std::process::exit(2);
    }
    for (_, work) in chosen {
        for figure in work().await {
            println!("{}", if json { figure.json().to_string() } else { figure.line() });
        }
    }
}
