//! What the store on disk promises beyond the suite that both stores pass: pages that split and
//! shrink, and damaged files that are an error or nothing, never another value. Pages in detail: [`pages`]; death of the process: [`kill`]; every file
//! damaged, and going on behind it: [`damage`].

mod model;
mod pages;
mod kill;
mod damage;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use proptest::prelude::*;

use super::SledStore;
use crate::state::store::{Entry, Marker, StateStore};

fn entry(key: u32, value: Option<&[u8]>) -> Entry {
    let key = Bytes::from(format!("key-{key}"));
    Entry {
        space: 0,
        key,
        value: value.map(Bytes::copy_from_slice),
    }
}

fn marker(epoch: u64) -> Marker {
    Marker {
        epoch,
        changelog: vec![i64::try_from(epoch).expect("small")],
        ..Marker::default()
    }
}

fn content(store: &SledStore) -> HashMap<Vec<u8>, Vec<u8>> {
    let mut found = HashMap::new();
    store
        .scan(0, &mut |key, value| {
            assert!(
                found.insert(key.to_vec(), value.to_vec()).is_none(),
                "each key once"
            );
            true
        })
        .expect("readable");
    found
}

#[test]
fn a_hundred_thousand_keys_are_found_again_by_key_by_scan_and_after_reopening() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let store = SledStore::open(dir.path()).expect("a new store");
    let value = |key: u32| format!("{key}").repeat(1 + key as usize % 40).into_bytes();
    for part in 0..10u32 {
        let keys = part * 10_000..(part + 1) * 10_000;
        let entries: Vec<Entry> = keys.map(|key| entry(key, Some(&value(key)))).collect();
        store
            .put_epoch(&entries, &marker(u64::from(part) + 1))
            .expect("written");
    }
    drop(store);
    let store = SledStore::open(dir.path()).expect("opened again");
    assert_eq!(store.marker().expect("readable"), Some(marker(10)));
    assert_eq!(store.stats().expect("readable").entries, 100_000);
    let keys: Vec<Bytes> = (0..100_000u32)
        .step_by(97)
        .map(|key| entry(key, None).key)
        .collect();
    let found = store.load_many(0, &keys).expect("readable");
    for (key, found) in (0..100_000u32).step_by(97).zip(found) {
        assert_eq!(found.expect("there"), value(key));
    }
    assert_eq!(content(&store).len(), 100_000);
}

/// Files of the database, largest first.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push(path)
            }
        }
    }
    files.sort_by_key(|file| std::cmp::Reverse(file.metadata().map_or(0, |m| m.len())));
    files
}

#[test]
fn damaged_files_give_what_was_written_or_nothing_and_never_a_panic() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let original = dir.path().join("original");
    let value = |key: u32| vec![u8::try_from(key % 251).expect("a byte"); 200];
    {
        let store = SledStore::open(&original).expect("a new store");
        let entries: Vec<Entry> = (0..2_000)
            .map(|key| entry(key, Some(&value(key))))
            .collect();
        store.put_epoch(&entries, &marker(1)).expect("written");
    }
    let (mut whole, mut refused) = (0, 0);
    for place in 0..50usize {
        let copy = dir.path().join(place.to_string());
        copy_folder(&original, &copy);
        let database = files(&copy).into_iter().next().expect("a file");
        let mut bytes = std::fs::read(&database).expect("readable");
        let written = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .expect("something");
        let at = place * 7919 * 13 % written;
        match place {
            // The first is left as it is: it must open whole.
            0 => {}
            _ if place % 5 == 4 => bytes.truncate(at),
            _ => bytes[at] ^= 1 << (place % 8),
        }
        std::fs::write(&database, &bytes).expect("written");
        let Ok(store) = SledStore::open(&copy) else {
            refused += 1;
            continue;
        };
        let keys: Vec<Bytes> = (0..2_000).map(|key| entry(key, None).key).collect();
        if store.marker().is_ok_and(|marker| marker.is_none()) {
            // Wiped at opening: a new store, which the changelog fills again.
            refused += 1;
            let found = store
                .load_many(0, &keys)
                .expect("an empty store is readable");
            assert!(found.iter().all(Option::is_none), "no marker, no values");
        } else {
            let Ok(found) = store.load_many(0, &keys) else {
                refused += 1;
                continue;
            };
            whole += 1;
            for (key, found) in (0..2_000).zip(found) {
                assert_eq!(found.as_deref(), Some(&value(key)[..]), "damage at {at}");
            }
        }
    }
    assert!(whole > 0 && refused > 0, "{whole} whole, {refused} refused");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("copied")),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_store_holds_what_a_map_would_over_epochs_and_reopenings(
        epochs in prop::collection::vec(
            (prop::collection::vec((0u32..400, prop::option::of(0usize..3_000)), 0..200), any::<bool>()),
            1..8,
        )
    ) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut store = SledStore::open(dir.path()).expect("a new store");
        let mut model: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
        for (number, (writes, reopen)) in (1u64..).zip(epochs) {
            // One write a key and epoch, as the overlay gives them.
            let last: HashMap<u32, Option<usize>> = writes.into_iter().collect();
            let bytes = |length: usize| vec![u8::try_from(number).expect("few"); length];
            let entries: Vec<Entry> =
                last.iter().map(|(key, length)| entry(*key, length.map(bytes).as_deref())).collect();
            for one in &entries {
                match &one.value {
                    Some(value) => drop(model.insert(one.key.to_vec(), value.to_vec())),
                    None => drop(model.remove(&one.key[..])),
                }
            }
            store.put_epoch(&entries, &marker(number)).expect("written");
            if reopen {
                drop(store);
                store = SledStore::open(dir.path()).expect("opened again");
            }
            prop_assert_eq!(store.marker().expect("readable"), Some(marker(number)));
            prop_assert_eq!(content(&store), model.clone());
        }
    }
}
