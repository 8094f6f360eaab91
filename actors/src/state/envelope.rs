//! What every stored and changelogged value travels in, so that a corrupt or foreign value is an
//! error and never wrong state. (bincode alone decodes most one-byte corruptions to wrong values
//! without complaint.)
//!
//! Format, all numbers little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 2 | magic, `TW` |
//! | 1 | format of this envelope, 1 |
//! | 2 | schema version of the payload (its owner's) |
//! | 8 | timer in milliseconds of event time; `i64::MAX`: none |
//! | 4 | length of the payload |
//! | n | payload |
//! | 4 | crc32c (Castagnoli) of everything before |
//!
//! Called by sessions (seal on commit, open on activation), by timers and by the API.

use bytes::{BufMut, Bytes, BytesMut};

#[cfg(test)]
mod tests;

const MAGIC: [u8; 2] = *b"TW";
const FORMAT: u8 = 1;
const HEADER_BYTES: usize = 17;
const CHECKSUM_BYTES: usize = 4;
const NO_TIMER: i64 = i64::MAX;

/// What an envelope adds to its payload, in bytes.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + CHECKSUM_BYTES;

/// A value taken out of its envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Version of the payload's schema; its owner decides whether it can read it.
    pub schema_version: u16,
    /// When the session wants to be woken, in milliseconds of event time.
    pub timer: Option<i64>,
    /// The session's state; shares the envelope's allocation.
    pub payload: Bytes,
}

/// Bytes that are no whole envelope of ours. The cure is to take the value from the changelog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Shorter than an empty envelope, or another length than it says.
    #[error("envelope is {found} bytes long, not {expected}")]
    Length {
        /// Bytes there are.
        found: usize,
        /// Bytes there should be.
        expected: usize,
    },
    /// Not written by Thalweg.
    #[error("value does not begin with the envelope's magic bytes")]
    Foreign,
    /// Written by another version of Thalweg.
    #[error("envelope has format {0}, this version reads format {FORMAT}")]
    Format(u8),
    /// Damaged.
    #[error("envelope's checksum does not match its content")]
    Checksum,
}

/// Puts a payload into an envelope. Appends to `out` and splits the envelope off, so that many
/// values share one allocation (and keep it alive together).
///
/// A timer of `i64::MAX` is no timer.
///
/// # Panics
/// If `out` is not empty, or the payload has 4 GiB or more; state is bounded far below that.
#[must_use]
pub fn seal(schema_version: u16, timer: Option<i64>, payload: &[u8], out: &mut BytesMut) -> Bytes {
    assert!(
        out.is_empty(),
        "the buffer holds nothing but spare capacity"
    );
    #[expect(
        clippy::expect_used,
        reason = "documented panic: no state comes near 4 GiB"
    )]
    let length = u32::try_from(payload.len()).expect("payload below 4 GiB");
    out.reserve(OVERHEAD_BYTES + payload.len());
    out.put_slice(&MAGIC);
    out.put_u8(FORMAT);
    out.put_u16_le(schema_version);
    out.put_i64_le(timer.unwrap_or(NO_TIMER));
    out.put_u32_le(length);
    out.put_slice(payload);
    let checksum = crc32c::crc32c(out);
    out.put_u32_le(checksum);
    out.split().freeze()
}

/// Takes a value out of its envelope.
///
/// # Errors
/// If the bytes are not exactly one undamaged envelope of this format.
pub fn open(bytes: &Bytes) -> Result<Opened, EnvelopeError> {
    let (schema_version, timer) = check(bytes)?;
    Ok(Opened {
        schema_version,
        timer: (timer != NO_TIMER).then_some(timer),
        payload: bytes.slice(HEADER_BYTES..bytes.len() - CHECKSUM_BYTES),
    })
}

/// Checks an envelope whole and reads its schema version and timer.
fn check(bytes: &[u8]) -> Result<(u16, i64), EnvelopeError> {
    let too_short = EnvelopeError::Length {
        found: bytes.len(),
        expected: OVERHEAD_BYTES,
    };
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(too_short)?;
    let [
        m0,
        m1,
        format,
        s0,
        s1,
        t0,
        t1,
        t2,
        t3,
        t4,
        t5,
        t6,
        t7,
        l0,
        l1,
        l2,
        l3,
    ] = *header;
    if [m0, m1] != MAGIC {
        return Err(EnvelopeError::Foreign);
    }
    if format != FORMAT {
        return Err(EnvelopeError::Format(format));
    }
    let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if rest.len() != length + CHECKSUM_BYTES {
        return Err(EnvelopeError::Length {
            found: bytes.len(),
            expected: OVERHEAD_BYTES + length,
        });
    }
    let (content, checksum) = bytes
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or(too_short)?;
    if crc32c::crc32c(content) != u32::from_le_bytes(*checksum) {
        return Err(EnvelopeError::Checksum);
    }
    let timer = i64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]);
    Ok((u16::from_le_bytes([s0, s1]), timer))
}
