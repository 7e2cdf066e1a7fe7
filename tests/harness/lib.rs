//! Starts the real parts of Dakiya for tests, and speaks to them as people and programs do.

pub mod api;
pub mod binary;
pub mod database;
pub mod seeded;
pub mod visitor;
pub mod wait;
pub mod world;

use std::sync::Once;

/// An HTTP client that follows no redirects, so that tests see every answer.
pub fn http_client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().ok();
    });
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("an HTTP client")
}
