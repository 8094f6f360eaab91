//! Watermarks that travel between tasks: records without key in a repartition topic.
//!
//! Form: byte 0xFF (a row begins with its format version, never that), then upstream partition
//! (u32), kind (0 active, 1 idle, 2 ended), watermark (i64), all little-endian.

use bytes::{BufMut, Bytes, BytesMut};

use crate::watermark::Pace;

const TAG: u8 = 0xFF;
const LENGTH: usize = 14;

/// The value of a marker record.
#[must_use]
pub fn encode(upstream_partition: u32, pace: Pace) -> Bytes {
    let (kind, at) = match pace {
        Pace::Active(at) => (0, at),
        Pace::Idle(at) => (1, at),
        Pace::Ended => (2, i64::MAX),
    };
    let mut bytes = BytesMut::with_capacity(LENGTH);
    bytes.put_u8(TAG);
    bytes.put_u32_le(upstream_partition);
    bytes.put_u8(kind);
    bytes.put_i64_le(at);
    bytes.freeze()
}

/// Reads a marker; `None` if the value is a row.
#[must_use]
pub fn decode(value: &[u8]) -> Option<(u32, Pace)> {
    let value: &[u8; LENGTH] = value.try_into().ok()?;
    if value[0] != TAG {
        return None;
    }
    let partition = u32::from_le_bytes(value[1..5].try_into().ok()?);
    let at = i64::from_le_bytes(value[6..14].try_into().ok()?);
    let pace = match value[5] {
        0 => Pace::Active(at),
        1 => Pace::Idle(at),
        2 => Pace::Ended,
        _ => return None,
    };
    Some((partition, pace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_read_back_and_a_row_is_not_a_marker() {
        for pace in [Pace::Active(-3), Pace::Idle(9), Pace::Ended] {
            assert_eq!(decode(&encode(7, pace)), Some((7, pace)));
        }
        assert_eq!(decode(b"\x01abcdefghijklm"), None);
        assert_eq!(decode(b""), None);
    }
}
