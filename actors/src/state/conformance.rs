//! What every store must do: one suite for all of them.

use std::collections::HashMap;

use bytes::Bytes;

use super::{Entry, Marker, MemoryStore, SledStore, Space, StateStore, StoreStats};

type Case = (&'static str, fn(&dyn StateStore));

const CASES: [Case; 10] = [
    ("a new store is empty and has no marker", new_is_empty),
    ("values come back in the order of the keys", loads_in_order),
    (
        "a later write replaces, a delete removes",
        replaces_and_deletes,
    ),
    (
        "of several writes of a key in an epoch the last counts",
        last_write_counts,
    ),
    ("spaces do not see each other", spaces_are_apart),
    ("empty, binary and equal-prefix keys are keys", any_key),
    ("values from nothing to 1 MiB come back", any_value),
    ("many keys survive growing and shrinking", many_keys),
    ("the marker is the last one written", keeps_marker),
    ("a wiped store is new", wipes),
];

#[test]
fn memory_store_conforms() {
    for (name, case) in CASES {
        eprintln!("{name}");
        case(&MemoryStore::new());
    }
}

#[test]
fn sled_store_conforms() {
    for (name, case) in CASES {
        eprintln!("{name}");
        let dir = tempfile::tempdir().unwrap();
        case(&SledStore::open(dir.path()).unwrap());
    }
}

#[test]
fn sled_store_conforms_when_it_is_opened_again() {
    for (name, case) in CASES {
        eprintln!("{name}");
        let dir = tempfile::tempdir().unwrap();
        let store = SledStore::open(dir.path()).unwrap();
        case(&store);
        let (before, marker) = (content(&store), store.marker().unwrap());
        drop(store);
        let store = SledStore::open(dir.path()).unwrap();
        assert_eq!(content(&store), before);
        assert_eq!(store.marker().unwrap(), marker);
    }
}

/// An entry; `None` deletes.
pub(super) fn entry(space: Space, key: &[u8], value: Option<&[u8]>) -> Entry {
    Entry {
        space,
        key: Bytes::copy_from_slice(key),
        value: value.map(Bytes::copy_from_slice),
    }
}

/// A marker that is not like another epoch's.
pub(super) fn marker(epoch: u64) -> Marker {
    Marker {
        epoch,
        topology_hash: 0x0123_4567_89ab_cdef,
        codec: 1,
        written_ms: 1_700_000_000_000,
        changelog: vec![i64::try_from(epoch).unwrap() * 10, 7],
        inputs: vec![("payments-0".into(), 5), ("ä-1".into(), -1)],
    }
}

/// Everything in the first four spaces.
pub(super) fn content(store: &dyn StateStore) -> HashMap<(Space, Vec<u8>), Vec<u8>> {
    let mut content = HashMap::new();
    for space in 0..4 {
        let mut visit = |key: &[u8], value: &Bytes| {
            let twice = content.insert((space, key.to_vec()), value.to_vec());
            assert!(twice.is_none(), "a key is visited once");
            true
        };
        store.scan(space, &mut visit).unwrap();
    }
    content
}

fn load(store: &dyn StateStore, space: Space, keys: &[&[u8]]) -> Vec<Option<Bytes>> {
    let keys: Vec<Bytes> = keys.iter().map(|key| Bytes::copy_from_slice(key)).collect();
    store.load_many(space, &keys).unwrap()
}

fn new_is_empty(store: &dyn StateStore) {
    assert_eq!(store.marker().unwrap(), None);
    assert_eq!(load(store, 0, &[b"a", b""]), [None, None]);
    assert!(content(store).is_empty());
    assert_eq!(store.stats().unwrap().entries, 0);
}

fn loads_in_order(store: &dyn StateStore) {
    let entries = [entry(0, b"a", Some(b"1")), entry(0, b"b", Some(b"2"))];
    store.put_epoch(&entries, &marker(1)).unwrap();
    let [one, two] = [Bytes::from_static(b"1"), Bytes::from_static(b"2")];
    let loaded = load(store, 0, &[b"b", b"x", b"a", b"b"]);
    assert_eq!(loaded, [Some(two.clone()), None, Some(one), Some(two)]);
    assert_eq!(load(store, 0, &[]), []);
}

fn replaces_and_deletes(store: &dyn StateStore) {
    let first = [entry(0, b"a", Some(b"1")), entry(0, b"b", Some(b"2"))];
    store.put_epoch(&first, &marker(1)).unwrap();
    let second = [
        entry(0, b"a", Some(b"longer than before")),
        entry(0, b"b", None),
        entry(0, b"never there", None),
    ];
    store.put_epoch(&second, &marker(2)).unwrap();
    let a = Bytes::from_static(b"longer than before");
    assert_eq!(load(store, 0, &[b"a", b"b"]), [Some(a), None]);
    assert_eq!(store.stats().unwrap().entries, 1);
}

fn last_write_counts(store: &dyn StateStore) {
    let entries = [
        entry(0, b"a", Some(b"1")),
        entry(0, b"b", Some(b"1")),
        entry(0, b"a", None),
        entry(0, b"b", None),
        entry(0, b"b", Some(b"3")),
    ];
    store.put_epoch(&entries, &marker(1)).unwrap();
    assert_eq!(
        load(store, 0, &[b"a", b"b"]),
        [None, Some(Bytes::from_static(b"3"))]
    );
}

fn spaces_are_apart(store: &dyn StateStore) {
    let entries = [
        entry(0, b"k", Some(b"0")),
        entry(1, b"k", Some(b"1")),
        entry(3, b"k", Some(b"3")),
        entry(1, b"only here", Some(b"")),
    ];
    store.put_epoch(&entries, &marker(1)).unwrap();
    store
        .put_epoch(&[entry(1, b"k", None)], &marker(2))
        .unwrap();
    let value = |v: &'static [u8]| Some(Bytes::from_static(v));
    assert_eq!(load(store, 0, &[b"k", b"only here"]), [value(b"0"), None]);
    assert_eq!(load(store, 1, &[b"k", b"only here"]), [None, value(b"")]);
    assert_eq!(load(store, 2, &[b"k", b"only here"]), [None, None]);
    assert_eq!(load(store, 3, &[b"k", b"only here"]), [value(b"3"), None]);
}

fn any_key(store: &dyn StateStore) {
    let long = [b'x'; 10_000];
    let keys: [&[u8]; 8] = [
        b"",
        b"\0",
        b"\0\0",
        b"\xff",
        b"\xff\xff\0",
        b"a",
        b"a\0",
        &long,
    ];
    let entries: Vec<Entry> = keys.iter().map(|key| entry(0, key, Some(key))).collect();
    store.put_epoch(&entries, &marker(1)).unwrap();
    for key in keys {
        assert_eq!(load(store, 0, &[key]), [Some(Bytes::copy_from_slice(key))]);
    }
    assert_eq!(content(store).len(), keys.len());
}

fn any_value(store: &dyn StateStore) {
    let sizes = [
        0,
        1,
        100,
        24 << 10,
        48 << 10,
        (48 << 10) + 1,
        200_000,
        1 << 20,
    ];
    let value = |size: usize| -> Vec<u8> { (0..size).map(|i| (i % 251) as u8).collect() };
    let entries: Vec<Entry> = sizes
        .iter()
        .map(|size| entry(0, size.to_string().as_bytes(), Some(&value(*size))))
        .collect();
    store.put_epoch(&entries, &marker(1)).unwrap();
    for size in sizes {
        let loaded = load(store, 0, &[size.to_string().as_bytes()]);
        assert!(loaded == [Some(Bytes::from(value(size)))], "{size} bytes");
    }
    store
        .put_epoch(&[entry(0, b"1048576", Some(b"small"))], &marker(2))
        .unwrap();
    assert_eq!(
        load(store, 0, &[b"1048576"]),
        [Some(Bytes::from_static(b"small"))]
    );
}

fn many_keys(store: &dyn StateStore) {
    let key = |i: usize| format!("key {i}").into_bytes();
    let mut model = HashMap::new();
    for round in 0..6 {
        // Grows in the first rounds, then loses all but every 50th key.
        let step = if round < 4 { 2 + round } else { 1 };
        let mut entries = Vec::new();
        for i in (0..5_000).step_by(step) {
            let value = vec![round as u8; 10 + i % 200];
            let value = (round < 4 || i % 50 == 0).then_some(value);
            entries.push(entry(0, &key(i), value.as_deref()));
            match value {
                Some(value) => model.insert((0, key(i)), value),
                None => model.remove(&(0, key(i))),
            };
        }
        store.put_epoch(&entries, &marker(round as u64)).unwrap();
        assert_eq!(content(store), model);
        assert_eq!(store.stats().unwrap().entries, model.len() as u64);
    }
    let mut seen = 0;
    let mut visit = |_: &[u8], _: &Bytes| {
        seen += 1;
        seen < 10
    };
    store.scan(0, &mut visit).unwrap();
    assert_eq!(seen, 10, "false ends the scan");
}

fn keeps_marker(store: &dyn StateStore) {
    for epoch in 1..=5 {
        store.put_epoch(&[], &marker(epoch)).unwrap();
        assert_eq!(store.marker().unwrap(), Some(marker(epoch)));
    }
}

fn wipes(store: &dyn StateStore) {
    for round in 1..=2 {
        let entries = [entry(0, b"a", Some(b"1")), entry(1, b"b", Some(b"2"))];
        store.put_epoch(&entries, &marker(round)).unwrap();
        store.wipe().unwrap();
        assert_eq!(store.marker().unwrap(), None);
        assert!(content(store).is_empty());
        let StoreStats { entries, .. } = store.stats().unwrap();
        assert_eq!(entries, 0);
    }
}
