//! Records from a file: CSV with a header, or a JSON object a line; plain, gzip or zstd.
//!
//! Every line with content is one record, whether it is well formed or not, so that a position is
//! found again by counting lines. Only a file that cannot be read to its end is an error.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use config::{FileCompression, FileFormat, Format, Source};

use super::key::KeyReader;
use super::lines::{Line, LineReader};
use super::projection::Projection;
use super::{FeedError, FeedReader, FeedRecord, FeedTarget};
use crate::log::LogRecord;

/// Which file, and how it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFeedSettings {
    /// Where it is.
    pub path: PathBuf,
    /// What its lines are.
    pub format: FileFormat,
    /// How it is packed.
    pub compression: FileCompression,
    /// Begins again at its end, for ever.
    pub repeat: bool,
}

/// A file's lines as records in the format of the source it feeds.
pub struct FileFeed {
    settings: FileFeedSettings,
    source: Source,
    lines: LineReader<Box<dyn BufRead + Send>>,
    conversion: Conversion,
    /// Records taken since the file was opened last.
    taken: u64,
    ended: bool,
    line: Vec<u8>,
    out: BytesMut,
}

/// What is done to a line.
enum Conversion {
    /// It is a row under the header.
    Project(Box<Projection>),
    /// It is a value already.
    Verbatim(KeyReader),
}

const BUFFER_BYTES: usize = 256 << 10;

impl FileFeed {
    /// Opens a file at its record number `position`, counted on from the first reading of the file if
    /// it repeats. A position past the end of a file that does not repeat is its end.
    ///
    /// # Errors
    /// If the file cannot be read, its header lacks a column of the source's schema, or its format
    /// cannot become the source's.
    pub fn open(
        settings: &FileFeedSettings,
        source: &Source,
        position: u64,
    ) -> Result<Self, FeedError> {
        if settings.format == FileFormat::Ndjson && source.format == Format::Csv {
            return Err(FeedError::Unsuitable {
                path: settings.path.clone(),
                node: source.id.to_string(),
                message: "the file has JSON lines, the source reads \"csv\"; \
                          set format = \"json\" on the source"
                    .into(),
            });
        }
        let mut feed = Self {
            lines: LineReader::new(unpacked(settings)?),
            settings: settings.clone(),
            source: source.clone(),
            conversion: Conversion::Verbatim(KeyReader::new(source)),
            taken: 0,
            ended: false,
            line: Vec::new(),
            out: BytesMut::with_capacity(BUFFER_BYTES),
        };
        feed.read_header()?;
        feed.skip(position)?;
        Ok(feed)
    }

    /// Takes the header, if the file has one.
    fn read_header(&mut self) -> Result<(), FeedError> {
        match self.settings.format {
            FileFormat::Ndjson => Ok(()),
            FileFormat::Csv => {
                if !self.read_line()? {
                    return Err(self.malformed("it is empty; a CSV file begins with a header line"));
                }
                let projection = Projection::new(&self.line, &self.source)
                    .map_err(|message| self.malformed(message))?;
                self.conversion = Conversion::Project(Box::new(projection));
                Ok(())
            }
        }
    }

    /// Leaves out so many records. Of a file that repeats, whole readings are left out at once.
    fn skip(&mut self, records: u64) -> Result<(), FeedError> {
        let mut left = records;
        while left > 0 && !self.ended {
            if self.read_line()? {
                self.taken += 1;
                left -= 1;
            } else {
                let whole = self.taken;
                self.begin_again()?;
                left = left.checked_rem(whole).unwrap_or(0);
            }
        }
        Ok(())
    }

    /// At the end of the file: its beginning, if it repeats and has any record at all.
    fn begin_again(&mut self) -> Result<(), FeedError> {
        if !self.settings.repeat || self.taken == 0 {
            self.ended = true;
            return Ok(());
        }
        self.taken = 0;
        self.lines = LineReader::new(unpacked(&self.settings)?);
        self.read_header()
    }

    /// The next line with content, into `self.line`; false at the end of the file.
    fn read_line(&mut self) -> Result<bool, FeedError> {
        loop {
            match self.lines.read(&mut self.line) {
                Ok(Line::Text) => return Ok(true),
                Ok(Line::Empty) => {}
                Ok(Line::End) => return Ok(false),
                Err(error) => return Err(self.unreadable(error)),
            }
        }
    }

    fn record(&mut self) -> LogRecord {
        let (key, value) = match &mut self.conversion {
            Conversion::Project(projection) => projection.project(&self.line, &mut self.out),
            Conversion::Verbatim(key) => (key.key(&self.line), Bytes::copy_from_slice(&self.line)),
        };
        LogRecord::new(key, Some(value), -1)
    }

    fn malformed(&self, message: impl Into<String>) -> FeedError {
        FeedError::Malformed {
            path: self.settings.path.clone(),
            line: self.lines.number().max(1),
            message: message.into(),
        }
    }

    /// An error while reading: a damaged archive is not the disk's fault.
    fn unreadable(&self, error: io::Error) -> FeedError {
        let packing = match self.settings.compression {
            FileCompression::None => None,
            FileCompression::Gzip => Some("gzip"),
            FileCompression::Zstd => Some("zstd"),
        };
        let is_damage = matches!(
            error.kind(),
            ErrorKind::InvalidData
                | ErrorKind::InvalidInput
                | ErrorKind::UnexpectedEof
                | ErrorKind::Other
        );
        match packing {
            Some(packing) if is_damage => FeedError::Malformed {
                path: self.settings.path.clone(),
                line: self.lines.number() + 1,
                message: format!("the {packing} data are cut short or damaged ({error})"),
            },
            _ => FeedError::Io {
                path: self.settings.path.clone(),
                source: error,
            },
        }
    }
}

impl FeedReader for FileFeed {
    fn next(&mut self, max: usize) -> Result<Vec<FeedRecord>, FeedError> {
        let mut records = Vec::new();
        while records.len() < max && !self.ended {
            if !self.read_line()? {
                self.begin_again()?;
                continue;
            }
            self.taken += 1;
            records.push(FeedRecord {
                target: FeedTarget::Source,
                record: self.record(),
            });
        }
        Ok(records)
    }

    fn ended(&self) -> bool {
        self.ended
    }
}

/// The file's text.
fn unpacked(settings: &FileFeedSettings) -> Result<Box<dyn BufRead + Send>, FeedError> {
    let unreadable = |source| FeedError::Io {
        path: settings.path.clone(),
        source,
    };
    let file = File::open(&settings.path).map_err(unreadable)?;
    let packed = BufReader::with_capacity(BUFFER_BYTES, file);
    Ok(match settings.compression {
        FileCompression::None => Box::new(packed),
        FileCompression::Gzip => Box::new(BufReader::with_capacity(
            BUFFER_BYTES,
            flate2::bufread::MultiGzDecoder::new(packed),
        )),
        FileCompression::Zstd => Box::new(BufReader::with_capacity(
            BUFFER_BYTES,
            zstd::Decoder::with_buffer(packed).map_err(unreadable)?,
        )),
    })
}
