//! Chromium clicks through the main job, page by page.

mod driver;
mod finance;
mod journey;
mod pages;
mod reminders;
