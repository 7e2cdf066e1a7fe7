//! The rules of the house, as tests. Each says what to do when it is broken.

mod arrows;
mod clock;
mod dependencies;
mod glossary;
mod lengths;
mod modules;
mod printing;
mod sources;
mod spelling;
mod variables;
