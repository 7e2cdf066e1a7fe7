//! A Twilio that does nothing but say yes, as fast as it can: what is measured against it is ours alone.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A server that answers every POST with 201 and a fresh SID.
#[derive(Clone)]
pub struct Stub {
    /// Its address, as `http://127.0.0.1:PORT`.
    pub base: String,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    posts: AtomicU64,
    arrivals: Mutex<Vec<Instant>>,
}

impl Stub {
    /// Listens on a free port.
    pub async fn start() -> Stub {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::<Seen>::default();
        let stub = Stub { base, seen: seen.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, seen.clone()));
            }
        });
        stub
    }

    /// How many POSTs came.
    pub fn posts(&self) -> u64 {
        self.seen.posts.load(Ordering::Relaxed)
    }

    /// When each came.
    pub fn arrivals(&self) -> Vec<Instant> {
        self.seen.arrivals.lock().expect("nobody panicked").clone()
    }

    /// Forgets what came.
    pub fn reset(&self) {
        self.seen.posts.store(0, Ordering::Relaxed);
        self.seen.arrivals.lock().expect("nobody panicked").clear();
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Seen>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut held = Vec::with_capacity(4_096);
    let mut chunk = [0_u8; 4_096];
    loop {
        let Some(length) = request_length(&held) else {
            let read = stream.read(&mut chunk).await?;
            if read == 0 {
                return Ok(());
            }
            held.extend_from_slice(&chunk[..read]);
            continue;
        };
        let answer = if held.starts_with(b"POST") { accepted(&seen) } else { empty_list() };
        held.drain(..length);
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// How long the first request in the buffer is; `None` until all of it is there.
fn request_length(held: &[u8]) -> Option<usize> {
    let head = held.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&held[..head]).ok()?.to_ascii_lowercase();
    let body = text.split("content-length:").nth(1).and_then(|rest| rest.split("\r\n").next());
    let body: usize = body.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    (held.len() >= head + body).then_some(head + body)
}

fn accepted(seen: &Seen) -> String {
    let number = seen.posts.fetch_add(1, Ordering::Relaxed);
    seen.arrivals.lock().expect("nobody panicked").push(Instant::now());
    let body = format!(
        "{{\"sid\":\"SM{number:032x}\",\"status\":\"queued\",\"num_segments\":\"1\",\"price\":null,\"price_unit\":\"USD\",\
         \"error_code\":null,\"error_message\":null,\"body\":\"\",\"to\":\"\",\"from\":\"\",\"date_created\":null}}"
    );
    response("201 Created", &body)
}

fn empty_list() -> String {
    response("200 OK", "{\"messages\":[],\"next_page_uri\":null}")
}

fn response(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
