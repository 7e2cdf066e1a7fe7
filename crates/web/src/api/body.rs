//! Request bodies: read whole up to a limit, or spooled to a temporary file when they may be large.

use super::problem::{Code, Problem};
use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt;
use sha2::{Digest, Sha256};
use std::io::{Seek, SeekFrom};
use tokio::io::AsyncWriteExt;

/// What a JSON body may weigh.
pub const JSON_LIMIT: u64 = 1 << 20;
/// What a JSON body may weigh that holds a list of people.
pub const LIST_LIMIT: u64 = 32 << 20;
/// What an imported file may weigh.
pub const FILE_LIMIT: u64 = 200 << 20;
/// What is read before it is known whether anybody wants it.
const SMALL: u64 = 64 << 10;
/// A body that is too large is read on to here, so that its sender hears the answer instead of a reset.
const PATIENCE: u64 = 32 << 20;

/// A body on disk, gone when dropped.
#[derive(Debug)]
pub struct Spooled {
    /// The file, at its start.
    pub file: std::fs::File,
    /// SHA-256 of what was received.
    pub sha256: [u8; 32],
}

/// Takes a small body in before anything is decided. A refusal that leaves it unread closes the connection, and the
/// client's next request on it is lost.
pub async fn small_first(request: Request, next: Next) -> Response {
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if !length.is_some_and(|length: u64| (1..=SMALL).contains(&length)) {
        return next.run(request).await;
    }
    let (parts, content) = request.into_parts();
    match read(content, SMALL).await {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(cut_off) => cut_off.into_response(),
    }
}

/// Reads a body of at most `limit` bytes into memory.
pub async fn read(body: Body, limit: u64) -> Result<Bytes, Problem> {
    let mut chunks = Chunks::of(body, limit);
    let mut read = Vec::new();
    while let Some(chunk) = chunks.next().await? {
        read.extend_from_slice(&chunk);
    }
    Ok(read.into())
}

/// Writes a body of at most `limit` bytes to a temporary file; memory stays flat.
pub async fn spool(body: Body, limit: u64) -> Result<Spooled, Problem> {
    let file = tempfile::tempfile().map_err(|error| Problem::internal(&error))?;
    let mut writer = tokio::io::BufWriter::new(tokio::fs::File::from_std(file));
    let mut chunks = Chunks::of(body, limit);
    let mut hasher = Sha256::new();
    while let Some(chunk) = chunks.next().await? {
        hasher.update(&chunk);
        writer.write_all(&chunk).await.map_err(|error| Problem::internal(&error))?;
    }
    writer.flush().await.map_err(|error| Problem::internal(&error))?;
    let mut file = writer.into_inner().into_std().await;
    file.seek(SeekFrom::Start(0)).map_err(|error| Problem::internal(&error))?;
    Ok(Spooled { file, sha256: hasher.finalize().into() })
}

/// A body, chunk by chunk, up to its limit.
struct Chunks {
    stream: BodyDataStream,
    received: u64,
    limit: u64,
}

impl Chunks {
    fn of(body: Body, limit: u64) -> Self {
        Self { stream: body.into_data_stream(), received: 0, limit }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        while let Some(chunk) = self.stream.next().await {
            let chunk = chunk
                .map_err(|_| Problem::new(Code::MalformedJson, "the body ended before it was complete"))?;
            self.received += chunk.len() as u64;
            if self.received <= self.limit {
                return Ok(Some(chunk));
            }
            if self.received > self.limit.max(PATIENCE) {
                break;
            }
        }
        if self.received > self.limit { Err(self.too_large()) } else { Ok(None) }
    }

    fn too_large(&self) -> Problem {
        let limit = if self.limit >= 1 << 20 {
            format!("{} MiB", self.limit >> 20)
        } else {
            format!("{} KiB", self.limit >> 10)
        };
        Problem::new(Code::TooLarge, format!("the body is larger than {limit}; send it in parts"))
    }
}
