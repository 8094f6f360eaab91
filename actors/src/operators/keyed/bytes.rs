//! The letters that states are written in: integers as LEB128 (signed ones zigzag first), floats as
//! their eight bytes (little-endian, so that they come back bit for bit), bytes behind their length.

use super::StateDecodeError;

pub(in crate::operators) fn write_u64(out: &mut Vec<u8>, mut value: u64) {
    let mut bytes = [0; 10];
    let mut length = 0;
    while value >= 0x80 {
        bytes[length] = (value & 0x7F) as u8 | 0x80;
        value >>= 7;
        length += 1;
    }
    bytes[length] = value as u8;
    out.extend_from_slice(&bytes[..=length]);
}

pub(in crate::operators) fn write_i64(out: &mut Vec<u8>, value: i64) {
    write_u64(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

pub(in crate::operators) fn write_f64(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

pub(in crate::operators) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads what the functions above have written; never beyond the end.
pub(in crate::operators) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(in crate::operators) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(in crate::operators) fn byte(&mut self) -> Result<u8, StateDecodeError> {
        let (byte, rest) = self.rest.split_first().ok_or(StateDecodeError::Truncated)?;
        self.rest = rest;
        Ok(*byte)
    }

    pub(in crate::operators) fn u64(&mut self) -> Result<u64, StateDecodeError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(StateDecodeError::Malformed(
            "an integer is longer than 64 bits",
        ))
    }

    pub(in crate::operators) fn i64(&mut self) -> Result<i64, StateDecodeError> {
        let value = self.u64()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(in crate::operators) fn f64(&mut self) -> Result<f64, StateDecodeError> {
        Ok(f64::from_bits(u64::from_le_bytes(self.array()?)))
    }

    pub(in crate::operators) fn array<const N: usize>(
        &mut self,
    ) -> Result<[u8; N], StateDecodeError> {
        let (array, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(StateDecodeError::Truncated)?;
        self.rest = rest;
        Ok(*array)
    }

    /// A number of things to follow. Each takes a byte at least, so that a wrong count cannot ask
    /// for more memory than the state has bytes.
    pub(in crate::operators) fn count(&mut self) -> Result<usize, StateDecodeError> {
        let count = self.u64()?;
        match usize::try_from(count) {
            Ok(count) if count <= self.rest.len() => Ok(count),
            _ => Err(StateDecodeError::Truncated),
        }
    }

    pub(in crate::operators) fn bytes(&mut self) -> Result<&'a [u8], StateDecodeError> {
        let length = self.count()?;
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(bytes)
    }

    /// Nothing may follow.
    pub(in crate::operators) fn end(self) -> Result<(), StateDecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            more => Err(StateDecodeError::TooLong(more)),
        }
    }
}
