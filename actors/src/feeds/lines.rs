//! Lines of a file or pipe, with a bound on what one line may cost; and the feed that takes each
//! line as a record.
//!
//! A line ends with LF or CRLF, the last one perhaps without. A byte order mark before the first
//! line is dropped. Lines are bytes: whether they are UTF-8 is for the codec to say.

use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

use bytes::Bytes;
use config::Source;

use super::key::KeyReader;
use super::{FeedError, FeedReader, FeedRecord, FeedTarget};
use crate::log::LogRecord;

/// A longer line is cut: it is still one record, and certainly not a valid one.
pub const LINE_BYTES_MAX: usize = 16 << 20;

/// What a cut line keeps: enough to see what it was.
const CUT_BYTES: usize = 64 << 10;

/// Ends a cut line. It never occurs in UTF-8, so that no decoder takes the rest for the whole.
const CUT_MARK: u8 = 0xff;

const BUFFER_BYTES: usize = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What reading a line brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// There is no further line.
    End,
    /// A line without content.
    Empty,
    /// A line with content.
    Text,
}

/// Reads lines and counts them.
pub(super) struct LineReader<R> {
    input: R,
    number: u64,
}

/// Lines as records in the source's own format, from standard input for instance.
///
/// A position can be resumed only if the input is given again from its beginning.
pub struct LineFeed<R: Read> {
    lines: LineReader<BufReader<R>>,
    path: PathBuf,
    key: KeyReader,
    line: Vec<u8>,
    to_skip: u64,
    ended: bool,
}

impl<R: BufRead> LineReader<R> {
    /// The lines of an input that begins at its beginning.
    pub(super) fn new(input: R) -> Self {
        Self { input, number: 0 }
    }

    /// Number of the line read last, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Replaces `line` by the next line, without its end.
    pub(super) fn read(&mut self, line: &mut Vec<u8>) -> io::Result<Line> {
        line.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        if (&mut self.input).take(limit).read_until(b'\n', line)? == 0 {
            return Ok(Line::End);
        }
        self.number += 1;
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        } else if line.len() > LINE_BYTES_MAX {
            self.input.skip_until(b'\n')?;
            line.truncate(CUT_BYTES);
            line.push(CUT_MARK);
            line.shrink_to_fit();
        }
        if self.number == 1 && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(if line.is_empty() {
            Line::Empty
        } else {
            Line::Text
        })
    }
}

impl<R: Read> LineReader<BufReader<R>> {
    /// Whether a line can be read without waiting for more input.
    fn is_ready(&self) -> bool {
        self.input.buffer().contains(&b'\n')
    }
}

impl<R: Read + Send> LineFeed<R> {
    /// The lines of `input` after the first `position` that are not empty; `path` names it in errors.
    #[must_use]
    pub fn new(input: R, path: PathBuf, source: &Source, position: u64) -> Self {
        Self {
            lines: LineReader::new(BufReader::with_capacity(BUFFER_BYTES, input)),
            path,
            key: KeyReader::new(source),
            line: Vec::new(),
            to_skip: position,
            ended: false,
        }
    }
}

impl<R: Read + Send> FeedReader for LineFeed<R> {
    fn next(&mut self, max: usize) -> Result<Vec<FeedRecord>, FeedError> {
        let mut records = Vec::new();
        while !self.ended && records.len() < max {
            if !records.is_empty() && !self.lines.is_ready() {
                break;
            }
            let line = self.lines.read(&mut self.line);
            match line.map_err(|source| FeedError::Io {
                path: self.path.clone(),
                source,
            })? {
                Line::End => self.ended = true,
                Line::Empty => {}
                Line::Text if self.to_skip > 0 => self.to_skip -= 1,
                Line::Text => records.push(FeedRecord {
                    target: FeedTarget::Source,
                    record: LogRecord::new(
                        self.key.key(&self.line),
                        Some(Bytes::copy_from_slice(&self.line)),
                        -1,
                    ),
                }),
            }
        }
        Ok(records)
    }

    fn ended(&self) -> bool {
        self.ended
    }
}
