//! From reminder rules to messages: runs whose time has come begin, their payments get their messages, and a text
//! message follows what WhatsApp did not deliver.
//!
//! Each step is idempotent. What is due comes from the database; a run that was begun goes on where it stopped, and the
//! key of a message (payment, rule, step, due date) forbids a second one.

mod again;
mod beginning;
mod writing;

use crate::composing::Composer;
use crate::context::Context;
pub(crate) use beginning::begin_due;
use dakiya_core::phone::PhoneNumber;
use dakiya_store::{StoreError, opt_out_links};
use tokio_util::sync::CancellationToken;

/// One look at the runs that were begun and at what has to be said again. Harmless to repeat and to interrupt.
pub(crate) async fn tick(context: &Context, shutdown: &CancellationToken) -> Result<(), StoreError> {
    writing::write_out(context, shutdown).await?;
    again::follow_up(context, shutdown).await?;
    again::send_renumbered(context, shutdown).await
}

async fn remember_links(
    context: &Context,
    composer: &Composer,
    phones: &[PhoneNumber],
) -> Result<(), StoreError> {
    if composer.texts.has_opt_out_link() {
        let links: Vec<_> = phones.iter().map(|phone| (composer.links().of(*phone).1, *phone)).collect();
        opt_out_links::upsert(&context.store, &links).await?;
    }
    Ok(())
}
