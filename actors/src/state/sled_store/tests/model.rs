//! What the tests of the disk store share: the oracle, and epochs that can be made again.

use std::collections::HashMap;
use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::state::conformance::entry;
use crate::state::{Entry, Space};

/// The oracle: what a store must hold.
pub(super) type Model = HashMap<(Space, Vec<u8>), Vec<u8>>;

/// What an epoch makes of it.
pub(super) fn apply(model: &mut Model, entries: &[Entry]) {
    for Entry { space, key, value } in entries {
        match value {
            Some(value) => model.insert((*space, key.to_vec()), value.to_vec()),
            None => model.remove(&(*space, key.to_vec())),
        };
    }
}

/// An epoch that can be made again from its number alone, in two spaces, a fifth of it deletes.
pub(super) fn epoch_entries(epoch: u64, keys: u32, count: usize) -> Vec<Entry> {
    let mut rng = ChaCha8Rng::seed_from_u64(epoch);
    let one = |_| {
        let space = rng.random_range(0..2);
        let key = format!("key {}", rng.random_range(0..keys));
        let mut value = vec![0; rng.random_range(0..600)];
        rng.fill(&mut value[..]);
        let value = rng.random_bool(0.8).then_some(value);
        entry(space, key.as_bytes(), value.as_deref())
    };
    (0..count).map(one).collect()
}

/// `key 0`, `key 1`, … of the first space, all with one value.
pub(super) fn numbered(range: Range<u32>, value: Option<&[u8]>) -> Vec<Entry> {
    let one = |i| entry(0, format!("key {i}").as_bytes(), value);
    range.map(one).collect()
}
