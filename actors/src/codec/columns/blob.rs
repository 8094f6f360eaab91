//! Strings or bytes of one column, one after the other: Arrow's variable-width layout.

use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};

/// Values of any length, one after the other; `offsets` has one more than there are values.
#[derive(Debug)]
pub(in crate::codec) struct Blob {
    offsets: Vec<i32>,
    bytes: Vec<u8>,
}

impl Blob {
    /// No values, with room for so many and so many bytes.
    pub(in crate::codec) fn new(values: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(values + 1);
        offsets.push(0);
        Self {
            offsets,
            bytes: Vec::with_capacity(bytes),
        }
    }

    pub(super) fn emptied(&self) -> Self {
        // An eighth more, because texts vary.
        let bytes = self.bytes.len();
        Self::new(self.offsets.len(), bytes + bytes / 8)
    }

    /// Whether a value of this length fits: offsets are 32 bits wide, so a batch holds 2 GiB,
    /// which only a reader without bounds exceeds.
    pub(in crate::codec) fn has_room(&self, length: usize) -> bool {
        i32::try_from(self.bytes.len() + length).is_ok()
    }

    /// Adds a value for which there is room.
    pub(in crate::codec) fn append(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        let end = i32::try_from(self.bytes.len()).expect("has_room was asked");
        self.offsets.push(end);
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.offsets.truncate(len + 1);
        let end = self.offsets.last().map_or(0, |end| end.unsigned_abs());
        self.bytes.truncate(end as usize);
    }

    pub(in crate::codec) fn finish(self) -> (OffsetBuffer<i32>, Buffer) {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        (offsets, Buffer::from_vec(self.bytes))
    }
}
