//! The last so many rows, in one piece of memory, so that a stretch of rows is one slice.

use serde::{Deserialize, Serialize, Serializer};

/// Rows one behind the other, oldest first. Grows to twice its limit, then lets the older half go: rows move once on
/// average. What lies before the limit is not part of its value.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct History {
    width: usize,
    limit: usize,
    values: Vec<f64>,
}

impl History {
    /// At most `limit` rows of `width` values.
    pub(super) fn new(width: usize, limit: usize) -> Self {
        Self {
            width,
            limit,
            values: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, row: &[f64]) {
        if self.values.len() >= 2 * self.limit * self.width {
            let kept = self.rows().len();
            let older = self.values.len() - kept;
            self.values.copy_within(older.., 0);
            self.values.truncate(kept);
        }
        self.values.extend_from_slice(row);
    }

    /// The values of the last rows.
    pub(super) fn rows(&self) -> &[f64] {
        let kept = self.values.len().min(self.limit * self.width);
        &self.values[self.values.len() - kept..]
    }

    pub(super) fn fits(&self, width: usize, limit: usize) -> bool {
        self.width == width
            && self.limit == limit
            && self.values.len() <= limit * width
            && self.values.len().is_multiple_of(width)
            && self.values.iter().all(|value| value.is_finite())
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.values.capacity() * size_of::<f64>()
    }
}

impl PartialEq for History {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.limit, self.rows()) == (other.width, other.limit, other.rows())
    }
}

impl Serialize for History {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.width, self.limit, self.rows()).serialize(serializer)
    }
}
