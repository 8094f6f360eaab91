//! The key texts of a batch.

use arrow_array::Array;

use crate::codec::key_text;

/// Key texts, one after the other; kept from batch to batch for its room.
#[derive(Default)]
pub(super) struct KeyBuffer {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl KeyBuffer {
    /// Those of the first `rows` rows of a column.
    pub(super) fn fill(&mut self, column: &dyn Array, rows: usize) {
        self.text.clear();
        self.ends.clear();
        for row in 0..rows {
            key_text(column, row, &mut self.text);
            self.ends.push(self.text.len());
        }
    }

    /// In the order of the rows.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let key = &self.text[start..*end];
            start = *end;
            key
        })
    }

    /// That of one row.
    ///
    /// # Panics
    /// If there is no such row.
    pub(super) fn get(&self, row: u32) -> &[u8] {
        let row = row as usize;
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[row]]
    }
}
