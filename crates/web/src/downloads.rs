//! Lists as CSV files, read page by page: memory stays flat however long they are.

use crate::uploads::safe_cell;
use bytes::Bytes;
use dakiya_store::{Cursor, Page, StoreError};
use futures::stream::{self, Stream, StreamExt as _};

/// Rows per read.
const PAGE: u64 = 1_000;

/// A line's cells; `None` leaves it out.
pub(crate) type Line = Option<Vec<String>>;

/// The lines of a list, after its header. `read` gives the page at a cursor.
pub(crate) fn csv_lines<R, F>(
    header: &[&str],
    read: R,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send + use<R, F>
where
    R: Fn(Option<Cursor>, u64) -> F + Send,
    F: Future<Output = Result<Page<Line>, StoreError>> + Send,
{
    let header = written([header.iter().map(|name| (*name).to_owned()).collect()]);
    let pages = stream::unfold(Some((None, read)), |next| async move {
        let (cursor, read) = next?;
        match read(cursor, PAGE).await {
            Ok(Page { items, next }) => {
                let lines = written(items.into_iter().flatten());
                Some((lines, next.map(|cursor| (Some(cursor), read))))
            }
            Err(fault) => Some((Err(std::io::Error::other(fault)), None)),
        }
    });
    stream::iter([header]).chain(pages)
}

fn written(lines: impl IntoIterator<Item = Vec<String>>) -> std::io::Result<Bytes> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in lines {
        writer.write_record(line.iter().map(|cell| safe_cell(cell))).map_err(std::io::Error::other)?;
    }
    let bytes = writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(Bytes::from(bytes))
}
