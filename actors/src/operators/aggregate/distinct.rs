//! Number of distinct values.

use datasketches::hll::{HllSketch, HllType, HllUnion};
use hashbrown::HashMap;

use crate::operators::expression::xxh64;
use crate::operators::keyed::StateDecodeError;
use crate::operators::keyed::{Reader, Value, write_bytes, write_u64};

/// So many distinct values are counted exactly.
const EXACT: usize = 256;
/// 2^12 registers: standard error 1.04 / 64, 1.6 %.
const LG_REGISTERS: u8 = 12;
const EXACT_FORM: u8 = 0;
const SKETCH_FORM: u8 = 1;

/// What stands for a value where only equality matters. Texts by their XXH64: among 256 of them two
/// fall together once in 10^15.
pub(in crate::operators) fn word(value: Value<'_>) -> u64 {
    match value {
        Value::Int(value) => value.cast_unsigned(),
        // Both zeros are one value.
        Value::Float(value) => (value + 0.0).to_bits(),
        Value::Bytes(bytes) => xxh64(bytes, 0),
    }
}

/// Distinct values of a set that only grows.
#[derive(Debug, Clone)]
pub(in crate::operators) enum Distinct {
    /// Sorted.
    Exact(Vec<u64>),
    /// HyperLogLog (Flajolet et al. 2007; Apache DataSketches' form of it).
    Sketch(HllSketch),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

impl Distinct {
    pub(in crate::operators) fn add(&mut self, word: u64) {
        match self {
            Self::Sketch(sketch) => sketch.update(word),
            Self::Exact(words) => {
                let Err(at) = words.binary_search(&word) else {
                    return;
                };
                words.insert(at, word);
                if words.len() > EXACT {
                    *self = sketch_of(words).map_or_else(|| Self::Exact(Vec::new()), Self::Sketch);
                }
            }
        }
    }

    pub(in crate::operators) fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::Exact(words)) => words.iter().for_each(|word| self.add(*word)),
            (Self::Exact(words), Self::Sketch(sketch)) => {
                let mut sketch = sketch.clone();
                words.iter().for_each(|word| sketch.update(word));
                *self = Self::Sketch(sketch);
            }
            (Self::Sketch(mine), Self::Sketch(theirs)) => {
                // The constructor refuses only other sizes than sketches may have.
                let Ok(mut union) = HllUnion::new(LG_REGISTERS) else {
                    return;
                };
                union.update(mine);
                union.update(theirs);
                *mine = union.to_sketch(HllType::Hll8);
            }
        }
    }

    pub(in crate::operators) fn count(&self) -> u64 {
        match self {
            Self::Exact(words) => words.len() as u64,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an estimate is a number of things: not negative, far below 2^64"
            )]
            Self::Sketch(sketch) => sketch.estimate().round() as u64,
        }
    }

    pub(in crate::operators) fn heap_bytes(&self) -> usize {
        match self {
            Self::Exact(words) => words.capacity() * size_of::<u64>(),
            Self::Sketch(sketch) => sketch.estimated_size(),
        }
    }

    pub(in crate::operators) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Exact(words) => {
                out.push(EXACT_FORM);
                write_u64(out, words.len() as u64);
                for word in words {
                    out.extend_from_slice(&word.to_le_bytes());
                }
            }
            Self::Sketch(sketch) => {
                out.push(SKETCH_FORM);
                write_bytes(out, &sketch.serialize());
            }
        }
    }

    pub(in crate::operators) fn decode(reader: &mut Reader<'_>) -> Result<Self, StateDecodeError> {
        match reader.byte()? {
            EXACT_FORM => {
                let count = reader.count()?;
                let words = (0..count)
                    .map(|_| Ok(u64::from_le_bytes(reader.array()?)))
                    .collect::<Result<Vec<u64>, StateDecodeError>>()?;
                if count > EXACT || !words.is_sorted_by(|a, b| a < b) {
                    return Err(StateDecodeError::Malformed("distinct values are not a set"));
                }
                Ok(Self::Exact(words))
            }
            SKETCH_FORM => HllSketch::deserialize(reader.bytes()?)
                .ok()
                .filter(|sketch| sketch.lg_config_k() == LG_REGISTERS)
                .map(Self::Sketch)
                .ok_or(StateDecodeError::Malformed("not a HyperLogLog sketch")),
            _ => Err(StateDecodeError::Malformed(
                "distinct values are of no known form",
            )),
        }
    }
}

/// `None` never: 12 is within the registers that a sketch may have.
fn sketch_of(words: &[u64]) -> Option<HllSketch> {
    let mut sketch = HllSketch::new(LG_REGISTERS, HllType::Hll8).ok()?;
    words.iter().for_each(|word| sketch.update(word));
    Some(sketch)
}

/// Distinct values of a window that moves: each with how often it is in it.
#[derive(Debug, Clone, Default)]
pub(in crate::operators) struct Multiset {
    counts: HashMap<u64, u32, foldhash::fast::FixedState>,
}

impl Multiset {
    pub(in crate::operators) fn add(&mut self, word: u64) {
        *self.counts.entry(word).or_default() += 1;
    }

    pub(in crate::operators) fn remove(&mut self, word: u64) {
        if let Some(count) = self.counts.get_mut(&word) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&word);
            }
        }
    }

    pub(in crate::operators) fn count(&self) -> u64 {
        self.counts.len() as u64
    }

    pub(in crate::operators) fn heap_bytes(&self) -> usize {
        self.counts.allocation_size()
    }
}
