//! Records of a CSV file with the line each begins on: any Unicode encoding, any usual delimiter.

use super::TableError;
use csv_core::{ReadRecordResult, ReaderBuilder};
use encoding_rs_io::{DecodeReaderBytes, DecodeReaderBytesBuilder};
use std::io::Read;

/// A record longer than this is a quote that was never closed.
const LONGEST_RECORD: usize = 1 << 20;
/// Read at a time; the header line must fit to be looked at.
const BUFFER: usize = 64 * 1024;

/// One record's cells as they stand in the file, quotes removed.
#[derive(Default)]
pub(super) struct Record {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    cells: usize,
}

impl Record {
    /// The cells in order.
    pub(super) fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).take(self.cells).map(|(start, end)| &self.bytes[start..*end])
    }
}

/// A file being cut into records.
pub(super) struct Records<R: Read> {
    input: DecodeReaderBytes<R, Vec<u8>>,
    parser: csv_core::Reader,
    buffer: Vec<u8>,
    /// What of the buffer is still to be read.
    unread: std::ops::Range<usize>,
    line: u64,
    after_return: bool,
}

impl<R: Read> Records<R> {
    /// Opens a file. A byte order mark tells UTF-8 and UTF-16 apart; the header line tells the delimiter.
    pub(super) fn open(input: R) -> Result<Self, TableError> {
        let input = DecodeReaderBytesBuilder::new()
            .bom_override(true)
            .utf8_passthru(true)
            .strip_bom(true)
            .build(input);
        let buffer = vec![0; BUFFER];
        let parser = csv_core::Reader::new();
        let mut records = Self { input, parser, buffer, unread: 0..0, line: 1, after_return: false };
        while records.unread.end < BUFFER && records.fill_from(records.unread.end)? {}
        let head = &records.buffer[records.unread.clone()];
        let header = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if header.contains(&0) || head.starts_with(b"PK\x03\x04") {
            return Err(TableError::NotText);
        }
        records.parser = ReaderBuilder::new().delimiter(delimiter(head)).build();
        Ok(records)
    }

    /// Reads the next record and returns the line it begins on; `None` at the end.
    pub(super) fn read(&mut self, record: &mut Record) -> Result<Option<u64>, TableError> {
        if !self.skip_line_ends()? {
            return Ok(None);
        }
        let line = self.line;
        let (mut written, mut cells) = (0, 0);
        loop {
            let at_end = self.unread.is_empty() && !self.fill_from(0)?;
            // A line end ends the last record too, unless a quote is still open.
            let input = if at_end { b"\n" } else { &self.buffer[self.unread.clone()] };
            let bytes = &mut record.bytes[written..];
            let (result, read, wrote, ended) =
                self.parser.read_record(input, bytes, &mut record.ends[cells..]);
            written += wrote;
            cells += ended;
            if !at_end {
                self.consume(read);
            }
            match result {
                ReadRecordResult::Record => {
                    record.cells = cells;
                    return Ok(Some(line));
                }
                ReadRecordResult::InputEmpty if at_end => return Err(TableError::UnclosedQuote { line }),
                ReadRecordResult::OutputFull if written >= LONGEST_RECORD => {
                    return Err(TableError::UnclosedQuote { line });
                }
                ReadRecordResult::OutputFull => record.bytes.resize((written * 2).max(1024), 0),
                ReadRecordResult::OutputEndsFull => record.ends.resize((cells * 2).max(32), 0),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// Passes over empty lines; false at the end of the file.
    fn skip_line_ends(&mut self) -> Result<bool, TableError> {
        loop {
            if self.unread.is_empty() && !self.fill_from(0)? {
                return Ok(false);
            }
            if !matches!(self.buffer[self.unread.start], b'\n' | b'\r') {
                return Ok(true);
            }
            self.consume(1);
        }
    }

    /// Takes bytes from the buffer and counts the lines they end: LF, CR or CR LF.
    fn consume(&mut self, count: usize) {
        let taken = &self.buffer[self.unread.start..self.unread.start + count];
        for byte in taken {
            self.line += u64::from(*byte == b'\r' || (*byte == b'\n' && !self.after_return));
            self.after_return = *byte == b'\r';
        }
        self.unread.start += count;
    }

    /// Reads more into the buffer from an offset on; false at the end of the file.
    fn fill_from(&mut self, offset: usize) -> Result<bool, TableError> {
        let read = self.input.read(&mut self.buffer[offset..])?;
        self.unread = if offset == 0 { 0..read } else { self.unread.start..offset + read };
        Ok(read > 0)
    }
}

/// The delimiter the first line uses most, outside quotes; a comma when it uses none.
fn delimiter(head: &[u8]) -> u8 {
    let mut counts = [(b'|', 0), (b'\t', 0), (b';', 0), (b',', 0)];
    let mut quoted = false;
    for byte in head {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            byte if !quoted => {
                counts
                    .iter_mut()
                    .filter(|(delimiter, _)| delimiter == byte)
                    .for_each(|(_, count)| *count += 1);
            }
            _ => {}
        }
    }
    counts.iter().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}
