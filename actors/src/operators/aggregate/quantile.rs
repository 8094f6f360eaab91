//! Quantiles, exact by linear interpolation between the two nearest ranks (NumPy's default, type 7 of
//! R. Hyndman, Y. Fan, "Sample quantiles in statistical packages", 1996).

use datasketches::tdigest::TDigestMut;

use crate::operators::keyed::StateDecodeError;
use crate::operators::keyed::{Reader, write_bytes, write_f64, write_u64};

/// So many values are kept as they are.
const EXACT: usize = 256;

/// Quantiles of a set that only grows: beyond 256 values a t-digest (T. Dunning, O. Ertl, "Computing
/// extremely accurate quantiles using t-digests", 2019), fed 256 values at a time.
///
/// A digest answers only after it has compressed itself, and when it compresses changes what it
/// becomes. So the values since the last feeding stay here, a question is put to a copy, and the
/// digest is compressed by feeding alone: asking and encoding leave no trace.
#[derive(Debug, Clone, Default)]
pub(in crate::operators) struct Quantiles {
    /// Sorted.
    recent: Vec<f64>,
    digest: Option<Box<TDigestMut>>,
}

impl Quantiles {
    pub(in crate::operators) fn add(&mut self, value: f64) {
        // Both zeros are one value, so that order is total.
        let value = value + 0.0;
        if self.recent.len() == EXACT {
            self.feed();
        }
        let at = self.recent.partition_point(|x| *x <= value);
        self.recent.insert(at, value);
    }

    pub(in crate::operators) fn merge(&mut self, other: &Self) {
        if let Some(theirs) = &other.digest {
            let mut digest = self.digest.take().unwrap_or_default();
            digest.merge(theirs);
            self.digest = Some(compressed(digest));
        }
        other.recent.iter().for_each(|value| self.add(*value));
    }

    pub(in crate::operators) fn quantile(&self, q: f64) -> Option<f64> {
        match &self.digest {
            None => interpolated(self.recent.len(), q, |rank| self.recent.get(rank).copied()),
            Some(digest) => {
                let mut digest = digest.clone();
                self.recent.iter().for_each(|value| digest.update(*value));
                digest.quantile(q).ok().flatten()
            }
        }
    }

    fn feed(&mut self) {
        let mut digest = self.digest.take().unwrap_or_default();
        self.recent.iter().for_each(|value| digest.update(*value));
        self.recent.clear();
        self.digest = Some(compressed(digest));
    }

    pub(in crate::operators) fn heap_bytes(&self) -> usize {
        let digest = self
            .digest
            .as_ref()
            .map_or(0, |digest| digest.estimated_size());
        self.recent.capacity() * size_of::<f64>() + digest
    }

    pub(in crate::operators) fn encode(&self, out: &mut Vec<u8>) {
        write_u64(out, self.recent.len() as u64);
        self.recent.iter().for_each(|value| write_f64(out, *value));
        match &self.digest {
            None => out.push(0),
            Some(digest) => {
                out.push(1);
                write_bytes(out, &digest.clone().serialize());
            }
        }
    }

    pub(in crate::operators) fn decode(reader: &mut Reader<'_>) -> Result<Self, StateDecodeError> {
        let count = reader.count()?;
        let recent = (0..count)
            .map(|_| reader.f64())
            .collect::<Result<Vec<f64>, _>>()?;
        if count > EXACT || !recent.is_sorted() {
            return Err(StateDecodeError::Malformed(
                "quantile values are not in order",
            ));
        }
        let digest = match reader.byte()? {
            0 => None,
            1 => {
                let digest = TDigestMut::deserialize(reader.bytes()?)
                    .map_err(|_| StateDecodeError::Malformed("not a t-digest"))?;
                Some(Box::new(digest))
            }
            _ => {
                return Err(StateDecodeError::Malformed(
                    "quantiles are of no known form",
                ));
            }
        };
        Ok(Self { recent, digest })
    }
}

/// The digest as its bytes make it, so that a restored one goes on as this one does.
fn compressed(mut digest: Box<TDigestMut>) -> Box<TDigestMut> {
    let bytes = digest.serialize();
    TDigestMut::deserialize(&bytes).map_or(digest, Box::new)
}

/// The value at rank q·(n - 1), between two ranks in proportion; NULL of nothing.
fn interpolated(count: usize, q: f64, at: impl Fn(usize) -> Option<f64>) -> Option<f64> {
    let last = count.checked_sub(1)?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank of a window: not negative, far below 2^53"
    )]
    let (rank, part) = {
        let rank = (q.clamp(0.0, 1.0) * last as f64).min(last as f64);
        (rank as usize, rank.fract())
    };
    let low = at(rank)?;
    if part == 0.0 {
        return Some(low);
    }
    let high = at(rank + 1)?;
    Some(low + (high - low) * part)
}

/// Values per chunk of an ordered list when it has just been split.
const CHUNK: usize = 128;

/// Values of a window that moves, in order: chunks of at most 256, so that a value goes in and out by
/// moving at most 2 KiB, and a rank is found by adding up the chunks' lengths.
#[derive(Debug, Clone, Default)]
pub(in crate::operators) struct OrderedList {
    /// Each sorted and not empty, all values at or above those of the chunks before.
    chunks: Vec<Vec<f64>>,
    count: usize,
}

impl OrderedList {
    pub(in crate::operators) fn add(&mut self, value: f64) {
        let value = value + 0.0;
        self.count += 1;
        let Some(at) = self.chunk_of(value) else {
            self.chunks.push(vec![value]);
            return;
        };
        let chunk = &mut self.chunks[at];
        let place = chunk.partition_point(|x| *x < value);
        chunk.insert(place, value);
        if chunk.len() == 2 * CHUNK {
            let upper = chunk.split_off(CHUNK);
            self.chunks.insert(at + 1, upper);
        }
    }

    pub(in crate::operators) fn remove(&mut self, value: f64) {
        let value = value + 0.0;
        let Some(at) = self.chunk_of(value) else {
            return;
        };
        let chunk = &mut self.chunks[at];
        let place = chunk.partition_point(|x| *x < value);
        if chunk.get(place) == Some(&value) {
            chunk.remove(place);
            self.count -= 1;
        }
        if chunk.is_empty() {
            self.chunks.remove(at);
        }
    }

    pub(in crate::operators) fn quantile(&self, q: f64) -> Option<f64> {
        interpolated(self.count, q, |rank| self.at(rank))
    }

    fn at(&self, mut rank: usize) -> Option<f64> {
        for chunk in &self.chunks {
            if let Some(value) = chunk.get(rank) {
                return Some(*value);
            }
            rank -= chunk.len();
        }
        None
    }

    /// The first chunk that ends at or above the value, else the last.
    fn chunk_of(&self, value: f64) -> Option<usize> {
        let last = self.chunks.len().checked_sub(1)?;
        let at = self
            .chunks
            .partition_point(|chunk| chunk.last().is_some_and(|end| *end < value));
        Some(at.min(last))
    }

    pub(in crate::operators) fn heap_bytes(&self) -> usize {
        let values: usize = self.chunks.iter().map(Vec::capacity).sum();
        values * size_of::<f64>() + self.chunks.capacity() * size_of::<Vec<f64>>()
    }
}
