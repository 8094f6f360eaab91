//! Chunks: runs of a partition's records as one block of bytes, checked by two checksums.
//!
//! Form, little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | magic `TWLC` |
//! | 4 | format, 1 |
//! | 5..8 | zero |
//! | 8..12 | number of records |
//! | 12..20 | base: offset of the first record there ever was in this chunk |
//! | 20..28 | next: past the last offset this chunk stands for |
//! | 28..36 | greatest timestamp |
//! | 36..40 | length of the body |
//! | 40..44 | crc32c of the body |
//! | 44..48 | crc32c of bytes 0..44 |
//! | 48.. | body |
//!
//! The body has for each record: a varint gap (offsets left out before it), a zigzag varint
//! (timestamp less the timestamp before, 0 at first), varint lengths of key and value plus one
//! (0: there is none), the varint length of the headers, then key, value and headers.
//!
//! Offsets are relative to the base, so that a body can be made before its place is known: a
//! transaction encodes in `send` and only the header is written at commit.

mod records;

use bytes::{BufMut, Bytes, BytesMut};

use super::varint;
use crate::log::{LogError, LogRecord};

pub(super) use records::Budget;

/// A chunk is closed when its body has grown to this. 64 KiB hold about 320 records of 200 bytes:
/// large enough for sled's cost per key to vanish, small enough to be read for one record.
pub(super) const CHUNK_BYTES_TARGET: usize = 64 * 1024;

/// Largest record: key, value and headers together.
pub(super) const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

const MAGIC: [u8; 4] = *b"TWLC";
const FORMAT: u8 = 1;
const HEADER_BYTES: usize = 48;

/// Gathers records into a chunk's body.
#[derive(Debug)]
pub(super) struct ChunkBuilder {
    buffer: BytesMut,
    count: u32,
    span: i64,
    last_timestamp: i64,
    max_timestamp: i64,
}

/// A whole chunk whose checksums were right.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    bytes: Bytes,
    summary: Summary,
}

/// What the index keeps of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Summary {
    /// First offset it stands for.
    pub(super) base: i64,
    /// Past the last offset it stands for.
    pub(super) next: i64,
    /// Greatest timestamp of its records.
    pub(super) max_timestamp: i64,
    /// Records in it.
    pub(super) count: u32,
    /// Bytes of it, header and all.
    pub(super) bytes: u32,
}

impl ChunkBuilder {
    /// An empty one with room for so many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        let mut buffer = BytesMut::with_capacity(HEADER_BYTES + bytes);
        buffer.put_bytes(0, HEADER_BYTES);
        Self {
            buffer,
            count: 0,
            span: 0,
            last_timestamp: 0,
            max_timestamp: i64::MIN,
        }
    }

    /// Adds a record after `gap` offsets without one. The record's own offset does not count.
    pub(super) fn push(&mut self, record: &LogRecord, gap: i64) {
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        let headers = record.headers.as_bytes();
        let buffer = &mut self.buffer;
        buffer.reserve(50 + record_bytes(record));
        varint::put(buffer, gap.cast_unsigned());
        let step = record.timestamp.wrapping_sub(self.last_timestamp);
        varint::put(buffer, varint::zigzag(step));
        varint::put(buffer, key.map_or(0, |k| k.len() as u64 + 1));
        varint::put(buffer, value.map_or(0, |v| v.len() as u64 + 1));
        varint::put(buffer, headers.len() as u64);
        buffer.put_slice(key.unwrap_or_default());
        buffer.put_slice(value.unwrap_or_default());
        buffer.put_slice(headers);
        self.count += 1;
        self.span += gap + 1;
        self.last_timestamp = record.timestamp;
        self.max_timestamp = self.max_timestamp.max(record.timestamp);
    }

    /// Records so far.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Offsets that the records and gaps so far take.
    pub(super) fn span(&self) -> i64 {
        self.span
    }

    /// Bytes so far, header and all.
    pub(super) fn bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Whether another record would make it larger than a chunk should be.
    pub(super) fn is_full_for(&self, record: &LogRecord) -> bool {
        self.count > 0 && self.bytes() + record_bytes(record) > CHUNK_BYTES_TARGET
    }

    /// Puts the chunk in its place: it stands for `base..next`.
    pub(super) fn seal(self, base: i64, next: i64) -> Chunk {
        debug_assert!(base + self.span <= next, "a chunk holds what it stands for");
        let mut buffer = self.buffer;
        let body = &buffer[HEADER_BYTES..];
        let (body_bytes, body_crc) = (length_u32(body.len()), crc32c::crc32c(body));
        let mut header: &mut [u8] = &mut buffer[..HEADER_BYTES - 4];
        header.put_slice(&MAGIC);
        header.put_slice(&[FORMAT, 0, 0, 0]);
        header.put_u32_le(self.count);
        header.put_i64_le(base);
        header.put_i64_le(next);
        header.put_i64_le(self.max_timestamp);
        header.put_u32_le(body_bytes);
        header.put_u32_le(body_crc);
        let header_crc = crc32c::crc32c(&buffer[..HEADER_BYTES - 4]);
        buffer[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&header_crc.to_le_bytes());
        let summary = Summary {
            base,
            next,
            max_timestamp: self.max_timestamp,
            count: self.count,
            bytes: length_u32(buffer.len()),
        };
        Chunk {
            bytes: buffer.freeze(),
            summary,
        }
    }
}

impl Chunk {
    /// Checks stored bytes.
    ///
    /// # Errors
    /// [`LogError::Damaged`] if they are not what [`ChunkBuilder::seal`] made.
    pub(super) fn parse(bytes: Bytes) -> Result<Self, LogError> {
        let damaged = |what: &str| Err(LogError::Damaged(format!("a chunk's {what}")));
        let Some((header, body)) = bytes.split_at_checked(HEADER_BYTES) else {
            return damaged("header is cut off");
        };
        if header[..4] != MAGIC {
            return damaged("magic is not there");
        }
        if u32_at(header, 44) != crc32c::crc32c(&header[..44]) {
            return damaged("header has another checksum");
        }
        if header[4] != FORMAT {
            return damaged(&format!("format {} is not {FORMAT}", header[4]));
        }
        if u32_at(header, 36) as usize != body.len() {
            return damaged("body is cut off");
        }
        if u32_at(header, 40) != crc32c::crc32c(body) {
            return damaged("body has another checksum");
        }
        let summary = Summary {
            base: i64_at(header, 12),
            next: i64_at(header, 20),
            max_timestamp: i64_at(header, 28),
            count: u32_at(header, 8),
            bytes: length_u32(bytes.len()),
        };
        Ok(Self { bytes, summary })
    }

    /// What the index keeps.
    pub(super) fn summary(&self) -> Summary {
        self.summary
    }

    /// The bytes to store.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

/// Key, value and headers together.
pub(super) fn record_bytes(record: &LogRecord) -> usize {
    record.key.as_ref().map_or(0, Bytes::len)
        + record.value.as_ref().map_or(0, Bytes::len)
        + record.headers.as_bytes().len()
}

/// Chunks are a record of 16 MiB and 64 KiB at most; u32 holds that.
fn length_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    i64::from_le_bytes(number)
}
