//! Keys that fail again and again: after three failures within a minute the key's records are set
//! aside (*held*) in their order, until somebody has them run again, skips them, or lets the key go on.
//!
//! A quarantine is state: it is written to the operator's changelog in the epoch that made or changed
//! it, under the session's key behind a byte that no key begins with, so that it is there again after
//! a restart, on whatever machine, and never without the rows that were held. Pure; the session host
//! keeps one [`Quarantine`] an operator.

use std::collections::{BTreeSet, HashMap};

use bytes::{BufMut, Bytes, BytesMut};

use crate::state::envelope;
use crate::state::store::{Entry, Space};

/// Failures within [`WITHIN_MS`] that quarantine a key.
pub const FAILURES: usize = 3;
/// The window in which they count, in milliseconds.
pub const WITHIN_MS: i64 = 60_000;
/// Failing keys that are counted at a time, in one host and operator; beyond it the one that failed
/// longest ago is forgotten.
const FAILING_MAX: usize = 1_024;
/// Keys in quarantine, in one host and operator; beyond it, a failing key's rows go to the dead letters
/// one by one, and the others are taken.
const QUARANTINED_MAX: usize = 10_000;
/// Reasons are kept to so many bytes.
const REASON_BYTES_MAX: usize = 300;
/// Begins the key of a quarantine's entry. Key texts are UTF-8, which has no such byte.
const RESERVED: u8 = 0xff;
/// Version of the sealed payload, apart from those of sessions.
const VERSION: u16 = 0x5101;

/// A key in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Since when: milliseconds since 1970-01-01 UTC. With the key it names the quarantine.
    pub since_ms: i64,
    /// Rows held so far; each bears the number it has in this count, from 0.
    pub held: u64,
    /// Failures that led to it.
    pub failures: u32,
    /// The last of them.
    pub reason: String,
}

/// Failing and quarantined keys of one operator in one host.
#[derive(Debug, Default)]
pub struct Quarantine {
    /// When each failed lately.
    failing: HashMap<Bytes, Vec<i64>>,
    keys: HashMap<Bytes, Quarantined>,
    changed: BTreeSet<Bytes>,
    full: bool,
}

/// Bytes are no quarantine's entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a quarantine's entry cannot be read: {0}")]
pub struct UnreadableError(String);

/// The key under which a key's quarantine is kept.
#[must_use]
pub fn entry_key(key: &[u8]) -> Bytes {
    let mut entry = BytesMut::with_capacity(key.len() + 1);
    entry.put_u8(RESERVED);
    entry.put_slice(key);
    entry.freeze()
}

/// The key whose quarantine this entry's key is of; `None` if it is a session's.
#[must_use]
pub fn key_of_entry(entry: &[u8]) -> Option<&[u8]> {
    entry.strip_prefix(&[RESERVED])
}

impl Quarantined {
    /// As it is kept: in the envelope's place of a timer since when, so that who looks for timers finds
    /// it too; then held and failures (little-endian) and the reason.
    #[must_use]
    pub fn seal(&self) -> Bytes {
        let mut payload = Vec::new();
        payload.put_u64_le(self.held);
        payload.put_u32_le(self.failures);
        payload.put_slice(self.reason.as_bytes());
        envelope::seal(VERSION, Some(self.since_ms), &payload, &mut BytesMut::new())
    }

    /// Reads what [`Quarantined::seal`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged or something else.
    pub fn open(sealed: &Bytes) -> Result<Self, UnreadableError> {
        let opened = envelope::open(sealed).map_err(|e| UnreadableError(e.to_string()))?;
        let wrong = || UnreadableError(format!("schema version {}", opened.schema_version));
        let (VERSION, Some(since_ms)) = (opened.schema_version, opened.timer) else {
            return Err(wrong());
        };
        let (held, rest) = opened.payload.split_first_chunk().ok_or_else(wrong)?;
        let (failures, reason) = rest.split_first_chunk().ok_or_else(wrong)?;
        Ok(Self {
            since_ms,
            held: u64::from_le_bytes(*held),
            failures: u32::from_le_bytes(*failures),
            reason: String::from_utf8_lossy(reason).into_owned(),
        })
    }
}

impl Quarantine {
    /// Takes over what is committed.
    pub fn insert(&mut self, key: Bytes, quarantined: Quarantined) {
        self.keys.insert(key, quarantined);
    }

    /// Takes over a quarantine that began elsewhere and has held so many rows there.
    pub fn adopt(&mut self, key: &Bytes, begun: &Quarantined, held: usize) {
        self.failing.remove(key);
        self.changed.insert(key.clone());
        let held = held as u64;
        let quarantined = Quarantined {
            held,
            ..begun.clone()
        };
        self.keys.insert(key.clone(), quarantined);
    }

    /// Whether one more key may come in.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.full && self.keys.len() < QUARANTINED_MAX
    }

    /// Says that no key may come in, whatever is here: where this is a part of a greater whole.
    pub fn set_room(&mut self, room: bool) {
        self.full = !room;
    }

    /// When a key has failed lately, for [`Self::set_failures`].
    #[must_use]
    pub fn failures(&self, key: &[u8]) -> Vec<i64> {
        self.failing.get(key).cloned().unwrap_or_default()
    }

    /// Counts failures of a key that were counted elsewhere.
    pub fn set_failures(&mut self, key: &Bytes, failures: Vec<i64>) {
        if !failures.is_empty() {
            self.failing.insert(key.clone(), failures);
        }
    }

    /// Whether no key is in quarantine.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys in quarantine, in no promised order.
    pub fn keys(&self) -> impl Iterator<Item = (&Bytes, &Quarantined)> {
        self.keys.iter()
    }

    /// Keys that have failed within the last minute and are not in quarantine, with how often.
    pub fn failing(&self, now_ms: i64) -> impl Iterator<Item = (&Bytes, usize)> {
        let recent =
            move |times: &[i64]| times.iter().filter(|at| now_ms - **at < WITHIN_MS).count();
        let counted = self
            .failing
            .iter()
            .map(move |(key, times)| (key, recent(times)));
        counted.filter(|(_, failures)| *failures > 0)
    }

    /// A key's quarantine.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&Quarantined> {
        self.keys.get(key)
    }

    /// A key has failed. At the third time within a minute it is in quarantine from now on: then its
    /// entry is given.
    pub fn failed(&mut self, key: &[u8], now_ms: i64, reason: &str) -> Option<&Quarantined> {
        let recent = |at: &i64| now_ms - at < WITHIN_MS;
        if !self.failing.contains_key(key) && self.failing.len() >= FAILING_MAX {
            self.forget_one();
        }
        let times = self.failing.entry(Bytes::copy_from_slice(key)).or_default();
        times.retain(recent);
        times.push(now_ms);
        if times.len() < FAILURES {
            return None;
        }
        self.failing.remove(key);
        self.begin(key, now_ms, FAILURES, reason)
    }

    /// Puts a key in quarantine at once; `None` if there is no room, or it is there already.
    pub fn begin(
        &mut self,
        key: &[u8],
        now_ms: i64,
        failures: usize,
        reason: &str,
    ) -> Option<&Quarantined> {
        if !self.has_room() || self.keys.contains_key(key) {
            return None;
        }
        let key = Bytes::copy_from_slice(key);
        self.changed.insert(key.clone());
        let end = reason.floor_char_boundary(REASON_BYTES_MAX);
        let quarantined = Quarantined {
            since_ms: now_ms,
            held: 0,
            failures: u32::try_from(failures).unwrap_or(u32::MAX),
            reason: reason.get(..end).unwrap_or_default().to_owned(),
        };
        Some(self.keys.entry(key).or_insert(quarantined))
    }

    /// A row of a key in quarantine is set aside: gives since when it is, and the row's number.
    pub fn hold(&mut self, key: &[u8]) -> Option<(i64, u64)> {
        let quarantined = self.keys.get_mut(key)?;
        let number = quarantined.held;
        quarantined.held += 1;
        let since = quarantined.since_ms;
        if !self.changed.contains(key) {
            self.changed.insert(Bytes::copy_from_slice(key));
        }
        Some((since, number))
    }

    /// Ends a key's quarantine; its failures are forgotten.
    pub fn release(&mut self, key: &[u8]) -> Option<Quarantined> {
        self.failing.remove(key);
        let (key, quarantined) = self.keys.remove_entry(key)?;
        self.changed.insert(key);
        Some(quarantined)
    }

    /// Entries of what has changed since the last call.
    pub fn entries(&mut self, space: Space, out: &mut Vec<Entry>) {
        for key in std::mem::take(&mut self.changed) {
            out.push(Entry {
                space,
                key: entry_key(&key),
                value: self.keys.get(&key).map(Quarantined::seal),
            });
        }
    }

    fn forget_one(&mut self) {
        let last = |times: &Vec<i64>| times.last().copied().unwrap_or(i64::MIN);
        let oldest = self.failing.iter().min_by_key(|(_, times)| last(times));
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.failing.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_failure_within_a_minute_quarantines_a_key_and_a_slow_one_does_not() {
        let mut quarantine = Quarantine::default();
        assert_eq!(quarantine.failed(b"fast", 0, "a"), None);
        assert_eq!(quarantine.failed(b"slow", 0, "a"), None);
        assert_eq!(quarantine.failed(b"fast", 59_000, "b"), None);
        let found = quarantine.failed(b"fast", 59_999, "c").cloned();
        let expected = Quarantined {
            since_ms: 59_999,
            held: 0,
            failures: 3,
            reason: "c".into(),
        };
        assert_eq!(found, Some(expected));
        assert_eq!(quarantine.failed(b"slow", 40_000, "b"), None);
        assert_eq!(
            quarantine.failed(b"slow", 60_000, "c"),
            None,
            "the first is a minute old"
        );
        assert!(quarantine.get(b"slow").is_none());
    }

    #[test]
    fn what_was_written_is_read_and_a_release_deletes_it() {
        let mut quarantine = Quarantine::default();
        (0..3).for_each(|at| {
            drop(
                quarantine
                    .failed(b"k", at, "ü".repeat(200).as_str())
                    .cloned(),
            )
        });
        assert_eq!(quarantine.hold(b"k"), Some((2, 0)));
        assert_eq!(quarantine.hold(b"k"), Some((2, 1)));
        assert_eq!(quarantine.hold(b"other"), None);
        let mut entries = Vec::new();
        quarantine.entries(4, &mut entries);
        assert_eq!((entries.len(), entries[0].space), (1, 4));
        assert_eq!(key_of_entry(&entries[0].key), Some(&b"k"[..]));
        let sealed = entries[0].value.clone().expect("sealed");
        assert_eq!(
            Quarantined::open(&sealed).as_ref(),
            Ok(&quarantine.keys[&b"k"[..]])
        );
        assert!(Quarantined::open(&sealed.slice(1..)).is_err());
        assert_eq!(quarantine.release(b"k").map(|q| q.held), Some(2));
        entries.clear();
        quarantine.entries(4, &mut entries);
        assert_eq!(entries[0].value, None);
        assert_eq!(
            quarantine.failed(b"k", 3, "again"),
            None,
            "failures are forgotten"
        );
    }

    #[test]
    fn no_flood_of_failing_keys_grows_without_bound() {
        let mut quarantine = Quarantine::default();
        for nth in 0..5_000i64 {
            let key = nth.to_string();
            for _ in 0..1 + nth % 3 {
                drop(quarantine.failed(key.as_bytes(), nth, "").cloned());
            }
        }
        assert!(quarantine.failing.len() <= FAILING_MAX);
        assert_eq!(quarantine.keys.len(), 5_000 / 3);
        (0..20_000)
            .for_each(|nth: i64| drop(quarantine.begin(&nth.to_le_bytes(), 0, 1, "").cloned()));
        assert_eq!(quarantine.keys.len(), QUARANTINED_MAX);
    }
}
