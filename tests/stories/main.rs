//! One file per user story; each test is a sentence about behaviour, told through the doors a user would use.

mod api_keys;
mod bad_input;
mod campaigns;
mod command_line;
mod contacts;
mod costs;
mod demo;
mod estimates;
mod messages;
mod opt_outs;
mod pages;
mod payments;
mod sending;
mod templates;
mod webhooks;
