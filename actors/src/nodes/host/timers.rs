//! When which session of an operator wants to be woken: keys by time, live or not.
//!
//! Windows of one size end at few times, so a time has a bucket: the keys one behind the other in one
//! buffer, sorted when the time has come. A bucket is only appended to. For each key that has a timer
//! there is an entry *at or before* it; whoever takes an entry asks the session, and puts it in again
//! at the later time if it came too early. A timer that moves back and forth has an entry for each
//! time that it moved forward, which are never more than its windows, and those that meet at one time
//! become one. Entries of a key that is *withheld* wake nobody.

use std::collections::{BTreeMap, HashSet};

/// The timers of one operator in one host.
#[derive(Debug, Default)]
pub(super) struct Timers {
    buckets: BTreeMap<i64, Bucket>,
    withheld: HashSet<Box<[u8]>>,
}

/// Keys of one time, in the order in which they came, some of them perhaps twice.
#[derive(Debug, Default)]
struct Bucket {
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// The keys of a time that has come.
#[derive(Debug)]
pub(super) struct Due {
    /// The time.
    pub(super) at: i64,
    bucket: Bucket,
}

impl Timers {
    /// Wakes a key at this time, or rather: has somebody look whether it wants to be.
    pub(super) fn insert(&mut self, at: i64, key: &[u8]) {
        self.buckets.entry(at).or_default().push(key);
    }

    /// A session's timer has moved.
    pub(super) fn shift(&mut self, key: &[u8], before: Option<i64>, after: Option<i64>) {
        if let Some(after) = after
            && before.is_none_or(|before| after < before)
        {
            self.insert(after, key);
        }
    }

    /// Somebody else watches over this key's timer from now on.
    pub(super) fn withhold(&mut self, key: &[u8]) {
        self.withheld.insert(key.into());
    }

    /// The key is here again; so is its timer, if it has one.
    pub(super) fn resume(&mut self, key: &[u8], timer: Option<i64>) {
        self.withheld.remove(key);
        if let Some(at) = timer {
            self.insert(at, key);
        }
    }

    /// Takes the first time that the watermark has reached, with its keys.
    pub(super) fn due(&mut self, watermark: i64) -> Option<Due> {
        let first = self.buckets.first_entry()?;
        if *first.key() > watermark {
            return None;
        }
        let (at, mut bucket) = first.remove_entry();
        if !self.withheld.is_empty() {
            let mut here = Bucket::default();
            let keys = bucket.keys().filter(|key| !self.withheld.contains(*key));
            keys.for_each(|key| here.push(key));
            bucket = here;
        }
        Some(Due { at, bucket })
    }
}

impl Bucket {
    fn push(&mut self, key: &[u8]) {
        self.text.extend_from_slice(key);
        self.ends.push(self.text.len());
    }

    fn keys(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let key = &self.text[start..*end];
            start = *end;
            key
        })
    }
}

impl Due {
    /// The keys in their order, each once.
    pub(super) fn keys(&self) -> Vec<&[u8]> {
        let keys = self.bucket.keys().map(|key| (prefix(key), key));
        let mut keys: Vec<(u128, &[u8])> = keys.collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().map(|(_, key)| key).collect()
    }
}

/// A key's first bytes as a number that sorts as they do: most comparisons look no further.
fn prefix(key: &[u8]) -> u128 {
    let mut first = [0; size_of::<u128>()];
    let length = key.len().min(first.len());
    first[..length].copy_from_slice(&key[..length]);
    u128::from_be_bytes(first)
}

#[cfg(test)]
mod tests;
