//! Record headers as one block of bytes: names and values without an allocation each.
//!
//! Form: for each header a varint length and the name's UTF-8, a varint length and the value. An
//! empty block is no headers. Varints are unsigned LEB128.

use bytes::{Bytes, BytesMut};

/// Headers of a record. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers(Bytes);

/// Writes header blocks one after the other into one buffer.
#[derive(Debug, Default)]
pub struct HeadersBuilder(BytesMut);

impl Headers {
    /// A block as it was stored. Damage shows when it is read: what cannot be decoded is left out.
    #[must_use]
    pub fn from_bytes(block: Bytes) -> Self {
        Self(block)
    }

    /// The block.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter_bytes()
            .map_while(|(name, value)| Some((std::str::from_utf8(name).ok()?, value)))
    }

    /// The same for who hands names on as they are.
    pub fn iter_bytes(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || Some((take(&mut rest)?, take(&mut rest)?)))
    }

    /// Value of the first header with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl HeadersBuilder {
    /// Makes room for so many bytes of blocks, which then share one allocation.
    pub fn reserve(&mut self, bytes: usize) {
        self.0.reserve(bytes);
    }

    /// Adds a header to the current block.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        put(&mut self.0, name.as_bytes());
        put(&mut self.0, value);
    }

    /// Adds headers that are already a block.
    pub fn push_block(&mut self, block: &Headers) {
        self.0.extend_from_slice(&block.0);
    }

    /// Ends the current block and begins the next.
    pub fn finish(&mut self) -> Headers {
        Headers(self.0.split().freeze())
    }
}

fn put(buffer: &mut BytesMut, bytes: &[u8]) {
    let mut length = bytes.len();
    while length >= 0x80 {
        #[expect(clippy::cast_possible_truncation, reason = "masked to seven bits")]
        buffer.extend_from_slice(&[(length & 0x7f) as u8 | 0x80]);
        length >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "below 0x80")]
    buffer.extend_from_slice(&[length as u8]);
    buffer.extend_from_slice(bytes);
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (mut length, mut shift) = (0usize, 0u32);
    loop {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            break;
        }
        shift += 7;
    }
    let (bytes, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(bytes)
}
