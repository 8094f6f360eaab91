//! Files cut short or with flipped bits: the store says so, is empty, or holds the right values of
//! some epoch; it never holds wrong ones, never panics, and always comes up.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::{Live, SledStore};
use super::model::{Model, apply, epoch_entries};
use crate::state::conformance::{entry, marker};
use crate::state::{StateStore, StoreError};

/// Damages that are tried; `THALWEG_DAMAGES` says another number.
const DAMAGES: u64 = 50;
const EPOCHS: u64 = 12;
const KEYS: u32 = 1_000;

#[test]
fn a_damaged_store_comes_up_and_never_gives_wrong_values() {
    let whole = tempfile::tempdir().unwrap();
    let models = write_epochs(whole.path());
    let (mut intact, mut emptied, mut refused) = (0, 0, 0);
    let damages = std::env::var("THALWEG_DAMAGES")
        .ok()
        .and_then(|text| text.parse().ok());
    for seed in 0..damages.unwrap_or(DAMAGES) {
        let dir = tempfile::tempdir().unwrap();
        copy(whole.path(), dir.path());
        let what = damage(dir.path(), &mut ChaCha8Rng::seed_from_u64(seed));
        let store = SledStore::open(dir.path());
        let store = store.unwrap_or_else(|e| panic!("seed {seed}, {what}: does not come up: {e}"));
        let found = store.marker().unwrap();
        match &found {
            Some(marker) => match check(&store, &models[usize::try_from(marker.epoch).unwrap()]) {
                Ok(()) => intact += 1,
                Err(_) => refused += 1,
            },
            None => {
                check(&store, &Model::new()).unwrap_or_else(|e| panic!("seed {seed}, {what}: {e}"));
                emptied += 1;
            }
        }
        go_on(&store, &models, found.map_or(0, |marker| marker.epoch));
    }
    eprintln!("{intact} intact, {emptied} wiped at opening, {refused} refused when read");
    assert!(
        intact > 0 && emptied > 0,
        "the damages are of several kinds"
    );
}

#[test]
fn a_page_that_is_not_what_was_written_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let store = SledStore::open(dir.path()).unwrap();
    let key = Bytes::from_static(b"key");
    let put = |epoch, value: &[u8]| {
        let entries = [entry(0, &key, Some(value))];
        store.put_epoch(&entries, &marker(epoch)).unwrap();
        let live = store.live.read().clone();
        let (_, page) = live.table.first_from(0, 0).unwrap();
        (live.file.read(&page).unwrap(), page)
    };
    let (past, _) = put(1, b"the first value");
    let (whole, page) = put(2, b"another value, 2");
    let file = store.live.read().file.clone();
    let check = |bytes: &[u8], what: &str| {
        let mut written = bytes.to_vec();
        written.resize(whole.len(), 0);
        file.write(&page, &written).unwrap();
        let loaded = store.load_many(0, std::slice::from_ref(&key));
        assert!(matches!(loaded, Err(StoreError::Corrupt { .. })), "{what}");
        let scanned = store.scan(0, &mut |_, _| true);
        assert!(matches!(scanned, Err(StoreError::Corrupt { .. })), "{what}");
    };
    check(&past, "from the past");
    for at in 0..whole.len() {
        // The rest is zeros, as in a file that was extended and never written.
        if whole[at..].iter().any(|byte| *byte != 0) {
            check(&whole[..at], "cut");
        }
        let mut flipped = whole.to_vec();
        flipped[at] ^= 1;
        check(&flipped, "changed");
    }
}

#[test]
fn damage_that_a_read_or_a_write_finds_makes_the_next_restore_wipe_the_store() {
    for write in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let store = SledStore::open(dir.path()).unwrap();
        let key = Bytes::from_static(b"key");
        let entries = [entry(0, &key, Some(b"value"))];
        store.put_epoch(&entries, &marker(1)).unwrap();
        let Live { file, table, .. } = store.live.read().clone();
        let (_, page) = table.first_from(0, 0).unwrap();
        file.write(&page, b"other").unwrap();
        assert_eq!(store.marker().unwrap(), Some(marker(1)), "nobody looked");
        let found = if write {
            store.put_epoch(&entries, &marker(2))
        } else {
            store.load_many(0, std::slice::from_ref(&key)).map(drop)
        };
        assert!(matches!(found, Err(StoreError::Corrupt { .. })));
        assert!(matches!(store.marker(), Err(StoreError::Corrupt { .. })));
        store.wipe().unwrap();
        assert_eq!(store.marker().unwrap(), None);
        store.put_epoch(&entries, &marker(3)).unwrap();
        assert_eq!(store.marker().unwrap(), Some(marker(3)));
    }
}

/// sled checks its files itself, so that damage on disk seldom comes as far as our checksums. They
/// are for what sled itself gets wrong: tables that are lost, cut, changed or from the past.
#[test]
fn a_table_that_sled_gives_back_otherwise_than_it_was_written_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let store = SledStore::open(dir.path()).unwrap();
    let put = |epoch, keys| {
        let entries = epoch_entries(epoch, keys, 3_000);
        store.put_epoch(&entries, &marker(epoch)).unwrap();
        let Live { table, root, .. } = store.live.read().clone();
        (table.encode(), root)
    };
    let (past, _) = put(1, 1_000);
    let (whole, root) = put(2, 1_000);
    let (slot, sum) = (root.slot(), root.table.unwrap());
    let engine = store.live.read().engine.clone();
    assert_eq!(engine.read_table(slot, sum).unwrap(), whole);
    let check = |bytes: &[u8], what: &str| {
        engine.write_table(slot, bytes).unwrap();
        let read = engine.read_table(slot, sum);
        assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{what}");
    };
    check(b"", "lost");
    check(&past, "from the past");
    for at in (0..whole.len()).step_by(97) {
        check(&whole[..at], "cut");
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        check(&flipped, "changed");
    }
    engine.write_table(slot, &whole).unwrap();
    drop((store, engine));
    let store = SledStore::open(dir.path()).unwrap();
    assert_eq!(store.marker().unwrap(), Some(marker(2)));
}

/// Writes the store to be damaged; the model of each epoch, with an empty one in front.
fn write_epochs(dir: &Path) -> Vec<Model> {
    let store = SledStore::open(dir).unwrap();
    let mut models = vec![Model::new()];
    for epoch in 1..=EPOCHS {
        let entries = epoch_entries(epoch, KEYS, 300);
        store.put_epoch(&entries, &marker(epoch)).unwrap();
        let mut model = models.last().unwrap().clone();
        apply(&mut model, &entries);
        models.push(model);
    }
    models
}

/// Every value that can be read must be the model's.
fn check(store: &SledStore, model: &Model) -> Result<(), StoreError> {
    for space in 0..2 {
        let keys: Vec<Bytes> = (0..KEYS).map(|i| format!("key {i}").into()).collect();
        // One by one, so that what is beside a damaged page is looked at too.
        let mut error = None;
        for key in &keys {
            match store.load_many(space, std::slice::from_ref(key)) {
                Ok(loaded) => {
                    let right = model.get(&(space, key.to_vec())).map(Vec::as_slice);
                    assert_eq!(loaded[0].as_deref(), right, "{space} {key:?}");
                }
                Err(failed) => error = Some(failed),
            }
        }
        let mut seen = 0;
        let scanned = store.scan(space, &mut |key, value| {
            assert_eq!(Some(&value.to_vec()), model.get(&(space, key.to_vec())));
            seen += 1;
            true
        });
        if let Some(failed) = error.or(scanned.err()) {
            return Err(failed);
        }
        assert_eq!(seen, model.keys().filter(|(s, _)| *s == space).count());
    }
    Ok(())
}

/// Writes on, as a task would that has met nothing wrong yet; then the cure for everything.
fn go_on(store: &SledStore, models: &[Model], epoch: u64) {
    let mut model = models[usize::try_from(epoch).unwrap()].clone();
    let entries = epoch_entries(99, KEYS, 300);
    if store.put_epoch(&entries, &marker(99)).is_ok() {
        apply(&mut model, &entries);
    }
    // Either way no value may be wrong; an error is an answer.
    let _answer = check(store, &model);
    store.wipe().unwrap();
    check(store, &Model::new()).unwrap();
    let entries = epoch_entries(1, KEYS, 300);
    store.put_epoch(&entries, &marker(1)).unwrap();
    check(store, &models[1]).unwrap();
}

/// Cuts a file or flips bits in it; says what it did.
fn damage(dir: &Path, rng: &mut ChaCha8Rng) -> String {
    let mut files = files(dir);
    files.sort();
    let path = &files[rng.random_range(0..files.len())];
    let mut bytes = std::fs::read(path).unwrap();
    let name = path.file_name().unwrap().display();
    let what = if bytes.is_empty() || rng.random_bool(0.3) {
        let length = rng.random_range(0..=bytes.len());
        bytes.truncate(length);
        format!("\"{name}\" cut to {length} bytes")
    } else {
        let flips = rng.random_range(1..=8);
        for _ in 0..flips {
            let at = rng.random_range(0..bytes.len());
            bytes[at] ^= 1 << rng.random_range(0..8);
        }
        format!("\"{name}\" with {flips} flipped bits")
    };
    std::fs::write(path, bytes).unwrap();
    what
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(file, target).unwrap();
    }
}
