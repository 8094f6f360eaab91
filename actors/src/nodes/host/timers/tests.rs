//! Buckets against the plain thing: a set of (time, key) that holds exactly the timers.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// Keys that differ early, late, in length alone, and behind what [`prefix`] sees.
const KEYS: [&[u8]; 6] = [
    b"",
    b"\0",
    b"a",
    b"a\0",
    b"a-key-longer-than-sixteen-1",
    b"a-key-longer-than-sixteen-0",
];

#[derive(Debug, Clone)]
enum Step {
    /// A key's timer goes to a time behind the watermark.
    Move(usize, i64),
    /// The watermark moves on; every timer that fires goes on by so much, or away at 0.
    Fire(i64, i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..KEYS.len(), 1i64..20).prop_map(|(key, ahead)| Step::Move(key, ahead)),
        1 => (1i64..12, 0i64..4).prop_map(|(by, again)| Step::Fire(by, again)),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    #[test]
    fn every_timer_fires_once_in_the_order_of_time_and_key_however_it_moved(steps in steps()) {
        let mut timers = Timers::default();
        let mut at: BTreeMap<&[u8], i64> = BTreeMap::new();
        let mut plain: BTreeSet<(i64, &[u8])> = BTreeSet::new();
        let mut watermark = 0;
        for step in steps {
            match step {
                Step::Move(key, ahead) => {
                    let (key, after) = (KEYS[key], watermark + ahead);
                    let before = at.insert(key, after);
                    timers.shift(key, before, Some(after));
                    if let Some(before) = before {
                        plain.remove(&(before, key));
                    }
                    plain.insert((after, key));
                }
                Step::Fire(by, again) => {
                    watermark += by;
                    let mut fired = Vec::new();
                    while let Some(due) = timers.due(watermark) {
                        for key in due.keys() {
                            match at.get(key).copied() {
                                Some(actual) if actual <= due.at => {
                                    fired.push((due.at, key.to_vec()));
                                    at.remove(key);
                                    if again > 0 {
                                        at.insert(KEYS[index(key)], due.at + again);
                                        timers.insert(due.at + again, key);
                                    }
                                }
                                Some(later) => timers.insert(later, key),
                                None => {}
                            }
                        }
                    }
                    let mut expected = Vec::new();
                    while let Some((at, key)) = plain.first().copied().filter(|(at, _)| *at <= watermark) {
                        plain.remove(&(at, key));
                        expected.push((at, key.to_vec()));
                        if again > 0 {
                            plain.insert((at + again, key));
                        }
                    }
                    prop_assert_eq!(fired, expected);
                }
            }
        }
    }
}

fn index(key: &[u8]) -> usize {
    KEYS.iter().position(|other| *other == key).unwrap_or(0)
}

#[test]
fn a_timer_that_only_moves_away_keeps_one_entry() {
    let mut timers = Timers::default();
    timers.shift(b"key", None, Some(10));
    for at in 10..1_000 {
        timers.shift(b"key", Some(at), Some(at + 1));
    }
    let entries: usize = timers
        .buckets
        .values()
        .map(|bucket| bucket.ends.len())
        .sum();
    assert_eq!(entries, 1);
}

#[test]
fn a_withheld_key_is_woken_by_what_it_brings_when_it_comes_back_and_not_before() {
    let mut timers = Timers::default();
    timers.insert(10, b"gone");
    timers.insert(10, b"here");
    timers.insert(30, b"gone");
    timers.withhold(b"gone");
    let due = timers.due(20).expect("a time");
    assert_eq!((due.at, due.keys()), (10, vec![&b"here"[..]]));
    timers.resume(b"gone", Some(25));
    let due = timers.due(30).expect("its own");
    assert_eq!((due.at, due.keys()), (25, vec![&b"gone"[..]]));
}
