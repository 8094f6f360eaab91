//! Unsigned LEB128 and zigzag: small numbers in few bytes.

use bytes::{BufMut, BytesMut};

/// Writes a number in one to ten bytes.
#[inline]
pub(super) fn put(buffer: &mut BytesMut, mut number: u64) {
    let mut bytes = [0u8; 10];
    let mut length = 0;
    while number >= 0x80 {
        bytes[length] = number.to_le_bytes()[0] | 0x80;
        number >>= 7;
        length += 1;
    }
    bytes[length] = number.to_le_bytes()[0];
    buffer.put_slice(&bytes[..=length]);
}

/// Reads a number at a position and moves the position on. `None`: the bytes end, or too long.
#[inline]
pub(super) fn take(bytes: &[u8], position: &mut usize) -> Option<u64> {
    let first = *bytes.get(*position)?;
    *position += 1;
    if first < 0x80 {
        return Some(u64::from(first));
    }
    let mut number = u64::from(first & 0x7f);
    let mut shift = 7;
    loop {
        let byte = *bytes.get(*position)?;
        *position += 1;
        if shift > 63 {
            return None;
        }
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
        shift += 7;
    }
}

/// Maps numbers near zero of either sign to small ones.
#[inline]
pub(super) fn zigzag(number: i64) -> u64 {
    (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned()
}

/// The inverse of [`zigzag`].
#[inline]
pub(super) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}
