//! The listening socket: can refuse connections as a machine that is down does, and open again on the same port.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Opens and closes the listening socket.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    wanted: Arc<watch::Sender<bool>>,
    open: Arc<watch::Sender<bool>>,
    /// Ends the connections that were made since the door last opened.
    connections: Arc<Mutex<CancellationToken>>,
}

impl Door {
    pub(crate) async fn bind(address: SocketAddr) -> io::Result<(Self, Doorway)> {
        let socket = TcpListener::bind(address).await?;
        let door = Self {
            wanted: Arc::new(watch::Sender::new(true)),
            open: Arc::new(watch::Sender::new(true)),
            connections: Arc::default(),
        };
        let doorway = Doorway { address: socket.local_addr()?, socket: Some(socket), door: door.clone() };
        Ok((door, doorway))
    }

    /// Comes back once connections are refused, or taken again.
    pub(crate) async fn set(&self, open: bool) {
        self.wanted.send_replace(open);
        if !open {
            self.end_connections();
        }
        // The sender lives in self, so waiting cannot fail.
        let _ = self.open.subscribe().wait_for(|now| *now == open).await;
    }

    pub(crate) fn end_connections(&self) {
        self.token().cancel();
    }

    fn token(&self) -> CancellationToken {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What axum listens on.
pub(crate) struct Doorway {
    address: SocketAddr,
    socket: Option<TcpListener>,
    door: Door,
}

impl Doorway {
    /// Binds the socket anew after the door was closed.
    async fn ensure_bound(&mut self) {
        while self.socket.is_none() {
            if let Ok(socket) = TcpListener::bind(self.address).await {
                *self.door.connections.lock().unwrap_or_else(PoisonError::into_inner) =
                    CancellationToken::new();
                self.socket = Some(socket);
                self.door.open.send_replace(true);
            } else {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

impl axum::serve::Listener for Doorway {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let mut wanted = self.door.wanted.subscribe();
        loop {
            if !*wanted.borrow_and_update() {
                self.socket = None;
                self.door.open.send_replace(false);
                let _ = wanted.wait_for(|open| *open).await;
            }
            self.ensure_bound().await;
            let token = self.door.token();
            let Some(socket) = &self.socket else { continue };
            tokio::select! {
                accepted = socket.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let _ = stream.set_nodelay(true);
                        return (Connection { stream, ended: Box::pin(token.cancelled_owned()) }, peer);
                    }
                    // Out of file handles, most likely: others will be closed soon.
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                },
                _ = wanted.changed() => {}
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// A connection that reads as ended once the door has closed.
pub(crate) struct Connection {
    stream: TcpStream,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ended.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
