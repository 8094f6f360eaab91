//! The same measure for parts of the rows: by country, by merchant, by arm.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Slices, at most. What comes later is in the slice [`Slices::OTHERS`]: a label may have any number of values.
const SLICES_MAX: usize = 256;

/// A measure of each slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slices<T> {
    empty: T,
    slices: BTreeMap<String, T>,
}

impl<T: Clone> Slices<T> {
    /// The slice of all values beyond the bound.
    pub const OTHERS: &'static str = "(others)";

    /// No slice yet; each begins as `empty`.
    #[must_use]
    pub fn new(empty: T) -> Self {
        Self {
            empty,
            slices: BTreeMap::new(),
        }
    }

    /// The name under which a slice is counted: its own, or [`Slices::OTHERS`].
    pub fn name<'n>(&self, name: &'n str) -> &'n str {
        match self.slices.contains_key(name) || self.slices.len() < SLICES_MAX {
            true => name,
            false => Self::OTHERS,
        }
    }

    /// The measure of a slice, to count a row.
    pub fn slice(&mut self, name: &str) -> &mut T {
        let name = self.name(name);
        let empty = &self.empty;
        (self.slices.entry(name.into())).or_insert_with(|| empty.clone())
    }

    /// All slices, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.slices
            .iter()
            .map(|(name, measure)| (name.as_str(), measure))
    }
}
