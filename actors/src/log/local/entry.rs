//! The index's entries as bytes.
//!
//! Keys begin with a letter for their kind; numbers in keys are big-endian so that keys sort as
//! their numbers do. Values are little-endian and end in the crc32c of key and value before it.
//!
//! | key | value |
//! |---|---|
//! | `F` | u32: format of the index, 1 |
//! | `T` name | u32 number, u32 partitions, u8 compacted, i64 retention time or -1, i64 bytes or -1 |
//! | `P` topic partition | i64 start, i64 end |
//! | `C` topic partition base | i64 next, i64 greatest timestamp, u32 count, u32 bytes, u32 generation |
//! | `G` length group topic partition | i64 offset, metadata |
//! | `D` chunk key | nothing: the chunk is to be removed |
//! | `K` topic partition | i64: before this offset no key is twice |

use bytes::{Buf, BufMut, Bytes, BytesMut};
use config::TopicName;

use super::chunk::Summary;
use super::storage::ChunkKey;
use crate::log::{Committed, LogError, OffsetRange, TopicSpec};

const FORMAT: u32 = 1;

/// One entry of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// The index has the format that this code writes.
    Format,
    /// A topic and its number.
    Topic(u32, TopicSpec),
    /// Offsets of a partition that can be read.
    Range(u32, u32, OffsetRange),
    /// A chunk and its generation.
    Chunk(u32, u32, Summary, u32),
    /// A group's position.
    Position(String, u32, u32, Committed),
    /// A chunk that is to be removed.
    Doomed(ChunkKey),
    /// Before this offset of a partition no key is twice.
    Clean(u32, u32, i64),
}

impl Entry {
    /// Key and value.
    pub(super) fn encode(&self) -> (Bytes, Bytes) {
        let key = self.key();
        let mut value = BytesMut::with_capacity(48);
        match self {
            Self::Format => value.put_u32_le(FORMAT),
            Self::Topic(number, spec) => {
                value.put_u32_le(*number);
                value.put_u32_le(spec.partitions);
                value.put_u8(u8::from(spec.compacted));
                value.put_i64_le(spec.retention_ms.unwrap_or(-1));
                let bytes = spec
                    .retention_bytes
                    .map(|b| i64::try_from(b).unwrap_or(i64::MAX));
                value.put_i64_le(bytes.unwrap_or(-1));
            }
            Self::Range(_, _, range) => {
                value.put_i64_le(range.start);
                value.put_i64_le(range.end);
            }
            Self::Chunk(_, _, summary, generation) => {
                value.put_i64_le(summary.next);
                value.put_i64_le(summary.max_timestamp);
                value.put_u32_le(summary.count);
                value.put_u32_le(summary.bytes);
                value.put_u32_le(*generation);
            }
            Self::Position(_, _, _, committed) => {
                value.put_i64_le(committed.offset);
                value.put_slice(committed.metadata.as_bytes());
            }
            Self::Doomed(_) => {}
            Self::Clean(_, _, offset) => value.put_i64_le(*offset),
        }
        let crc = crc32c::crc32c_append(crc32c::crc32c(&key), &value);
        value.put_u32_le(crc);
        (key, value.freeze())
    }

    /// Its key alone.
    pub(super) fn key(&self) -> Bytes {
        let mut key = BytesMut::with_capacity(32);
        match self {
            Self::Format => key.put_u8(b'F'),
            Self::Topic(_, spec) => {
                key.put_u8(b'T');
                key.put_slice(spec.name.as_str().as_bytes());
            }
            Self::Range(topic, partition, _) => {
                key.put_u8(b'P');
                key.put_u32(*topic);
                key.put_u32(*partition);
            }
            Self::Chunk(topic, partition, summary, _) => {
                key.put_u8(b'C');
                key.put_u32(*topic);
                key.put_u32(*partition);
                key.put_i64(summary.base);
            }
            Self::Position(group, topic, partition, _) => {
                key.put_u8(b'G');
                key.put_u32(u32::try_from(group.len()).unwrap_or(u32::MAX));
                key.put_slice(group.as_bytes());
                key.put_u32(*topic);
                key.put_u32(*partition);
            }
            Self::Doomed(chunk) => {
                key.put_u8(b'D');
                key.put_u32(chunk.topic);
                key.put_u32(chunk.partition);
                key.put_i64(chunk.base);
                key.put_u32(chunk.generation);
            }
            Self::Clean(topic, partition, _) => {
                key.put_u8(b'K');
                key.put_u32(*topic);
                key.put_u32(*partition);
            }
        }
        key.freeze()
    }

    /// Reads an entry back.
    ///
    /// # Errors
    /// [`LogError::Damaged`] if it is not what [`Entry::encode`] made.
    pub(super) fn decode(key: &Bytes, value: &Bytes) -> Result<Self, LogError> {
        let damaged = || LogError::Damaged(format!("index entry {:?}", key.escape_ascii()));
        let (value, crc) = value.split_last_chunk::<4>().ok_or_else(damaged)?;
        let expected = crc32c::crc32c_append(crc32c::crc32c(key), value);
        if u32::from_le_bytes(*crc) != expected {
            return Err(damaged());
        }
        let mut key: &[u8] = key;
        let entry = decode_checked(&mut key, value).ok_or_else(damaged)?;
        Ok(entry)
    }
}

fn decode_checked(key: &mut &[u8], mut value: &[u8]) -> Option<Entry> {
    let entry = match key.try_get_u8().ok()? {
        b'F' => {
            let known = value.try_get_u32_le().ok()? == FORMAT;
            known.then_some(Entry::Format)?
        }
        b'T' => decode_topic(key, value)?,
        b'P' => {
            let (topic, partition) = (key.try_get_u32().ok()?, key.try_get_u32().ok()?);
            let (start, end) = (value.try_get_i64_le().ok()?, value.try_get_i64_le().ok()?);
            Entry::Range(topic, partition, OffsetRange { start, end })
        }
        b'C' => {
            let (topic, partition) = (key.try_get_u32().ok()?, key.try_get_u32().ok()?);
            let summary = Summary {
                base: key.try_get_i64().ok()?,
                next: value.try_get_i64_le().ok()?,
                max_timestamp: value.try_get_i64_le().ok()?,
                count: value.try_get_u32_le().ok()?,
                bytes: value.try_get_u32_le().ok()?,
            };
            Entry::Chunk(topic, partition, summary, value.try_get_u32_le().ok()?)
        }
        b'G' => {
            let length = usize::try_from(key.try_get_u32().ok()?).ok()?;
            let (group, mut rest) = key.split_at_checked(length)?;
            let group = std::str::from_utf8(group).ok()?.to_owned();
            let (topic, partition) = (rest.try_get_u32().ok()?, rest.try_get_u32().ok()?);
            let offset = value.try_get_i64_le().ok()?;
            let metadata = std::str::from_utf8(value).ok()?.to_owned();
            Entry::Position(group, topic, partition, Committed { offset, metadata })
        }
        b'D' => Entry::Doomed(ChunkKey {
            topic: key.try_get_u32().ok()?,
            partition: key.try_get_u32().ok()?,
            base: key.try_get_i64().ok()?,
            generation: key.try_get_u32().ok()?,
        }),
        b'K' => {
            let (topic, partition) = (key.try_get_u32().ok()?, key.try_get_u32().ok()?);
            Entry::Clean(topic, partition, value.try_get_i64_le().ok()?)
        }
        _ => return None,
    };
    Some(entry)
}

fn decode_topic(name: &[u8], mut value: &[u8]) -> Option<Entry> {
    let name = TopicName::parse(std::str::from_utf8(name).ok()?).ok()?;
    let number = value.try_get_u32_le().ok()?;
    let spec = TopicSpec {
        name,
        partitions: value.try_get_u32_le().ok()?,
        compacted: value.try_get_u8().ok()? != 0,
        retention_ms: Some(value.try_get_i64_le().ok()?).filter(|ms| *ms >= 0),
        retention_bytes: u64::try_from(value.try_get_i64_le().ok()?).ok(),
    };
    Some(Entry::Topic(number, spec))
}
