//! Pages: they split, join, hold keys of one hash, and change under a scan.

use std::collections::HashMap;

use bytes::Bytes;

use super::super::{SledStore, hash};
use super::model::{Model, apply, numbered};
use crate::state::conformance::{content, entry, marker};
use crate::state::{Entry, Space, StateStore, StoreError};

fn pages(store: &SledStore, space: Space) -> usize {
    let table = store.live.read().table.clone();
    let mut starts = Vec::new();
    while let Some((start, _)) =
        table.first_from(space, starts.last().map_or(0, |last: &u64| last + 1))
    {
        starts.push(start);
    }
    starts.len()
}

#[test]
fn a_wiped_store_is_new_when_it_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = SledStore::open(dir.path()).unwrap();
    store
        .put_epoch(&numbered(0..100, Some(b"x")), &marker(1))
        .unwrap();
    store.wipe().unwrap();
    drop(store);
    let store = SledStore::open(dir.path()).unwrap();
    assert_eq!(store.marker().unwrap(), None);
    assert!(content(&store).is_empty());
    let folders = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(folders, 1, "the wiped database is gone");
}

#[test]
fn a_second_opening_is_told_that_the_store_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let store = SledStore::open(dir.path()).unwrap();
    store
        .put_epoch(&numbered(0..10, Some(b"x")), &marker(1))
        .unwrap();
    let second = SledStore::open(dir.path());
    assert!(matches!(second, Err(StoreError::Locked(_))));
    drop(store);
    let store = SledStore::open(dir.path()).unwrap();
    assert_eq!(store.marker().unwrap(), Some(marker(1)));
}

#[test]
fn growing_splits_pages_and_deletes_join_them_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = SledStore::open(dir.path()).unwrap();
    let value = [7; 100];
    store
        .put_epoch(&numbered(0..20_000, Some(&value)), &marker(1))
        .unwrap();
    let full = pages(&store, 0);
    // 20,000 bodies of at least 105 bytes, at most 16 KiB a page.
    assert!(full > 120, "{full} pages");
    assert_eq!(content(&store).len(), 20_000);

    store
        .put_epoch(&numbered(100..20_000, None), &marker(2))
        .unwrap();
    assert_eq!(content(&store).len(), 100);
    let few = pages(&store, 0);
    assert!(few <= 7, "{few} pages are left for 100 keys");
    drop(store);

    let store = SledStore::open(dir.path()).unwrap();
    let left: Vec<Bytes> = numbered(0..101, None).into_iter().map(|e| e.key).collect();
    let values = store.load_many(0, &left).unwrap();
    assert!(
        values[..100]
            .iter()
            .all(|v| v.as_deref() == Some(&value[..]))
    );
    assert_eq!(values[100], None);
}

/// Keys of 16 bytes with one hash: each word of the hash can be undone by the next.
fn colliding(count: u64) -> Vec<[u8; 16]> {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    let seed = 16_u64.wrapping_mul(MULTIPLIER).rotate_left(23);
    let after_first = |first: u64| (seed ^ first).wrapping_mul(MULTIPLIER).rotate_left(23);
    let key = |first: u64| {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&first.to_le_bytes());
        key[8..].copy_from_slice(&after_first(first).to_le_bytes());
        key
    };
    (0..count).map(key).collect()
}

#[test]
fn keys_of_one_hash_are_different_keys_even_beyond_a_page() {
    let keys = colliding(2_000);
    assert!(keys.iter().all(|key| hash::of(key) == hash::of(&keys[0])));
    let dir = tempfile::tempdir().unwrap();
    let store = SledStore::open(dir.path()).unwrap();
    let mut model = Model::new();
    let mut put = |epoch: u64, entries: &[Entry]| {
        store.put_epoch(entries, &marker(epoch)).unwrap();
        apply(&mut model, entries);
        assert_eq!(content(&store), model, "epoch {epoch}");
    };
    let mut entries: Vec<Entry> = keys
        .iter()
        .map(|key| entry(0, key, Some(&[3; 100])))
        .collect();
    entries.extend(numbered(0..2_000, Some(&[4; 100])));
    put(1, &entries);
    let deletes = keys.iter().skip(1).step_by(2);
    put(
        2,
        &deletes.map(|key| entry(0, key, None)).collect::<Vec<_>>(),
    );
    put(
        3,
        &[
            entry(0, &keys[0], Some(b"new")),
            entry(0, &keys[1], Some(b"back")),
        ],
    );

    let keys: Vec<Bytes> = keys.iter().map(|key| Bytes::copy_from_slice(key)).collect();
    for (key, loaded) in keys.iter().zip(store.load_many(0, &keys).unwrap()) {
        assert_eq!(
            loaded.as_deref(),
            model.get(&(0, key.to_vec())).map(Vec::as_slice)
        );
    }
}

/// Entries around the sizes where a page splits and where it joins its neighbour.
#[test]
fn pages_of_every_size_around_their_bounds_hold_what_was_put() {
    for page_bytes in [2 << 10, 8 << 10, 16 << 10] {
        for off in -20_i32..=20 {
            let dir = tempfile::tempdir().unwrap();
            let store = SledStore::open(dir.path()).unwrap();
            // One entry beside 10 others of 16 + len("key 10") bytes makes the page just so large.
            let mut entries = numbered(10..20, Some(&[1; 100]));
            let rest = 4 + 11 * (12 + 4) + 10 * 106 + 4;
            let fill = usize::try_from(page_bytes - rest + off).unwrap();
            entries.push(entry(0, b"fill", Some(&vec![9; fill])));
            let mut model = Model::new();
            apply(&mut model, &entries);
            store.put_epoch(&entries, &marker(1)).unwrap();
            assert_eq!(content(&store), model, "{page_bytes} + {off}");
        }
    }
}

#[test]
fn a_scan_visits_each_key_once_while_epochs_split_and_join_pages() {
    let dir = tempfile::tempdir().unwrap();
    let store = SledStore::open(dir.path()).unwrap();
    store
        .put_epoch(&numbered(0..5_000, Some(&[5; 100])), &marker(1))
        .unwrap();
    let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
    let mut visits = 0;
    let mut epoch = 1;
    let mut visit = |key: &[u8], _: &Bytes| {
        if key.starts_with(b"key") {
            *seen.entry(key.to_vec()).or_default() += 1;
        }
        visits += 1;
        if visits % 300 == 0 {
            // Guests come (pages split) and go (pages join) between two visits.
            epoch += 1;
            let value = (epoch % 2 == 0).then_some([6; 400]);
            let guests = (0..4_000).map(|i| {
                entry(
                    0,
                    format!("guest {i}").as_bytes(),
                    value.as_ref().map(<[u8; 400]>::as_slice),
                )
            });
            store
                .put_epoch(&guests.collect::<Vec<_>>(), &marker(epoch))
                .unwrap();
        }
        true
    };
    store.scan(0, &mut visit).unwrap();
    assert!(epoch > 10, "epochs were written meanwhile");
    assert_eq!(seen.len(), 5_000, "no key is missed");
    assert!(
        seen.values().all(|times| *times == 1),
        "no key is visited twice"
    );
}

#[test]
fn readers_beside_a_writer_see_each_key_before_or_after_an_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let store = SledStore::open(dir.path()).unwrap();
    let value = |epoch: u64| vec![u8::try_from(epoch).unwrap(); 300];
    store
        .put_epoch(&numbered(0..1_000, Some(&value(1))), &marker(1))
        .unwrap();
    let keys: Vec<Bytes> = numbered(0..1_000, None)
        .into_iter()
        .map(|e| e.key)
        .collect();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for epoch in 2..=60 {
                store
                    .put_epoch(&numbered(0..1_000, Some(&value(epoch))), &marker(epoch))
                    .unwrap();
            }
        });
        while !writer.is_finished() {
            let before = store.marker().unwrap().unwrap().epoch;
            let values = store.load_many(0, &keys).unwrap();
            let after = store.marker().unwrap().unwrap().epoch;
            for loaded in values {
                let loaded = loaded.unwrap();
                assert_eq!(loaded.len(), 300);
                assert!(loaded.iter().all(|byte| *byte == loaded[0]), "no mixture");
                assert!((before..=after + 1).contains(&u64::from(loaded[0])));
            }
        }
    });
}
