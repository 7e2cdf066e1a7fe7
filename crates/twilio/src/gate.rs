//! A request body that knows whether it was begun.
//!
//! The HTTP client asks for the body only once it has a connection, and before it flushes anything to the socket.
//! So a body that was never asked for proves that nothing was sent, and one that refuses when it is asked too late
//! keeps the request from beginning.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const REFUSED: u8 = 2;

/// The body.
pub(crate) struct Gate {
    bytes: Option<Bytes>,
    begin_by: Option<Instant>,
    state: Arc<AtomicU8>,
}

/// What became of the body; read it after the request has failed.
pub(crate) struct Gatekeeper(Arc<AtomicU8>);

#[derive(Debug, thiserror::Error)]
#[error("too late to begin")]
pub(crate) struct TooLate;

impl Gate {
    pub(crate) fn new(bytes: Bytes, begin_by: Option<Instant>) -> (Self, Gatekeeper) {
        let state = Arc::new(AtomicU8::new(WAITING));
        (Self { bytes: Some(bytes), begin_by, state: state.clone() }, Gatekeeper(state))
    }
}

impl Gatekeeper {
    /// Something may have been written.
    pub(crate) fn begun(&self) -> bool {
        self.0.load(Ordering::Acquire) == BEGUN
    }

    /// The body was asked for after its time and refused.
    pub(crate) fn refused(&self) -> bool {
        self.0.load(Ordering::Acquire) == REFUSED
    }
}

impl Body for Gate {
    type Data = Bytes;
    type Error = TooLate;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TooLate>>> {
        let late = self.begin_by.is_some_and(|begin_by| Instant::now() > begin_by);
        let Some(bytes) = self.bytes.take() else { return Poll::Ready(None) };
        if late {
            self.state.store(REFUSED, Ordering::Release);
            return Poll::Ready(Some(Err(TooLate)));
        }
        self.state.store(BEGUN, Ordering::Release);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
