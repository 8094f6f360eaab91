//! The disk below the state: full, read-only, failing, damaged. State is a cache of the changelog, so
//! it is rebuilt; no row is ever wrong, and nothing is lost.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use actors::clock::SystemClock;
use actors::log::memory::MemoryLog;
use actors::nodes::context::{ShardContext, ShardSettings};
use actors::nodes::faults::Faults;
use actors::nodes::threads::Threads;
use actors::state::sled_store;
use actors::state::store::{Entry, Marker, OpenStore, Space, StateStore, StoreError, StoreStats};
use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tests::counting::{Counting, Settings};

const PATIENCE: Duration = Duration::from_secs(120);
const KEYS: u32 = 4_000;

/// Few sessions in memory and little before the store, so that the store is asked and written.
fn settings() -> Settings {
    Settings {
        memory: "1MiB".into(),
        sessions: "{ hosting = \"hosted\", max = 50 }".into(),
        ..Settings::of(KEYS)
    }
}

/// Two records for each key, and what must come of them.
fn feed(counting: &mut Counting) {
    for _ in 0..2 {
        counting.append(0..KEYS, "");
    }
}

/// What fails, and how often still.
struct Disk {
    /// Calls that go well before the first that fails.
    loads: AtomicI64,
    writes: AtomicI64,
    /// Calls that fail, from then on.
    failures: AtomicI64,
    /// The operating system's number of the error.
    errno: i32,
    failed: AtomicUsize,
}

/// A store on that disk.
struct OnDisk {
    store: Arc<dyn StateStore>,
    disk: Arc<Disk>,
}

impl Disk {
    fn call(&self, left: &AtomicI64) -> Result<(), StoreError> {
        let due = left.fetch_sub(1, Ordering::SeqCst) <= 0;
        if due && self.failures.fetch_sub(1, Ordering::SeqCst) > 0 {
            self.failed.fetch_add(1, Ordering::SeqCst);
            let source = std::io::Error::from_raw_os_error(self.errno);
            let path = PathBuf::from("state");
            return Err(StoreError::Io { path, source });
        }
        Ok(())
    }
}

impl StateStore for OnDisk {
    fn load_many(&self, space: Space, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.disk.call(&self.disk.loads)?;
        self.store.load_many(space, keys)
    }

    fn put_epoch(&self, entries: &[Entry], marker: &Marker) -> Result<(), StoreError> {
        self.disk.call(&self.disk.writes)?;
        self.store.put_epoch(entries, marker)
    }

    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        self.store.marker()
    }

    fn scan(
        &self,
        space: Space,
        visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
    ) -> Result<(), StoreError> {
        self.store.scan(space, visit)
    }

    fn wipe(&self) -> Result<(), StoreError> {
        self.disk.call(&self.disk.writes)?;
        self.store.wipe()
    }

    fn stats(&self) -> Result<StoreStats, StoreError> {
        self.store.stats()
    }
}

/// A topology over stores of one's own.
fn start(stores: OpenStore) -> Counting {
    let context = move |topology, log| {
        ShardContext::new(ShardSettings {
            topology: Arc::new(topology),
            log,
            clock: Arc::new(SystemClock),
            seed: 1,
            stores: Arc::clone(&stores),
            models_dir: None,
            faults: Faults::default(),
            threads: Threads::Own,
            node: "test".into(),
        })
    };
    Counting::start_in(settings(), Arc::new(MemoryLog::new()), Box::new(context))
}

#[test]
fn a_store_that_fails_for_a_while_is_rebuilt_and_no_row_is_wrong() {
    const EIO: i32 = 5;
    const ENOSPC: i32 = 28;
    const NEVER: i64 = i64::MAX;
    for (loads, writes, failures, errno) in [
        // The four tasks load once each when the keys come for the first time.
        (2, NEVER, 1, EIO),
        (2, NEVER, 2, EIO),
        (NEVER, 5, 1, EIO),
        (NEVER, 5, 1, ENOSPC),
    ] {
        let disk = Arc::new(Disk {
            loads: loads.into(),
            writes: writes.into(),
            failures: failures.into(),
            errno,
            failed: AtomicUsize::new(0),
        });
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (inner, shared) = (sled_store::stores(dir.path().to_owned()), Arc::clone(&disk));
        let mut counting = start(Arc::new(move |name| {
            let (store, disk) = (inner(name)?, Arc::clone(&shared));
            Ok(Arc::new(OnDisk { store, disk }))
        }));
        let mut rows = 0;
        while disk.failed.load(Ordering::SeqCst) < usize::try_from(failures).expect("few") {
            feed(&mut counting);
            rows += 2 * u64::from(KEYS);
            counting.until_rows(rows, PATIENCE);
            assert!(
                rows < 100 * 2 * u64::from(KEYS),
                "the store is never asked: {errno}"
            );
        }
        feed(&mut counting);
        counting.until_rows(rows + 2 * u64::from(KEYS), PATIENCE);
        counting.assert_whole();
        counting.stop();
    }
}

/// A file system in memory, unmounted when it is dropped.
struct Mount(PathBuf);

impl Mount {
    /// `None`, told on stderr, where this process may not mount.
    #[expect(clippy::print_stderr, reason = "what is skipped is said aloud")]
    fn new(at: &Path, options: &str) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a folder");
        let mounted = mount(&["-t", "tmpfs", "-o", options, "tmpfs"], at);
        if !mounted {
            eprintln!("SKIPPED: no right to mount a file system that is full");
        }
        mounted.then(|| Self(at.to_owned()))
    }

    /// Fills it.
    fn fill(&self) {
        let full = std::fs::write(self.ballast(), vec![1; 32 << 20]);
        assert!(full.is_err(), "more than there is room for");
    }

    /// Makes room again.
    fn make_room(&self) {
        std::fs::remove_file(self.ballast()).expect("was written in part");
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

fn mount(options: &[&str], at: &Path) -> bool {
    let mounted = Command::new("mount").args(options).arg(at).output();
    mounted.is_ok_and(|output| output.status.success())
}

#[test]
fn a_disk_that_is_full_for_a_while_costs_time_and_no_row() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Some(mount) = Mount::new(&dir.path().join("state"), "size=16m") else {
        return;
    };
    let mut counting = start(sled_store::stores(dir.path().join("state")));
    feed(&mut counting);
    counting.until_rows(2 * u64::from(KEYS), PATIENCE);
    mount.fill();
    feed(&mut counting);
    // More than fits into memory before the store: it has to be written now.
    feed(&mut counting);
    let generation = |counting: &Counting| {
        let tree = counting.running().daemon.tree.view();
        tree.walk().filter_map(|actor| actor.generation).max()
    };
    counting.block_on(counting.running().until("a restart", || {
        generation(&counting).filter(|generation| *generation > 0)
    }));
    mount.make_room();
    counting.until_rows(6 * u64::from(KEYS), PATIENCE);
    counting.assert_whole();
    counting.stop();
}

#[test]
fn a_daemon_over_damaged_files_goes_on_with_the_right_state() {
    let full = std::env::var("THALWEG_DAMAGES")
        .ok()
        .and_then(|text| text.parse().ok());
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut counting = start(sled_store::stores(dir.path().to_owned()));
    let mut rows = 0;
    for seed in 0..full.unwrap_or(6) {
        feed(&mut counting);
        rows += 2 * u64::from(KEYS);
        counting.until_rows(rows, PATIENCE);
        counting.restart(|| damage(dir.path(), &mut ChaCha8Rng::seed_from_u64(seed)));
    }
    feed(&mut counting);
    counting.until_rows(rows + 2 * u64::from(KEYS), PATIENCE);
    counting.assert_whole();
    counting.stop();
}

/// Cuts one file of each task short, or flips a few of its bits.
fn damage(dir: &Path, dice: &mut ChaCha8Rng) {
    for task in std::fs::read_dir(dir).expect("tasks' folders") {
        let mut files = Vec::new();
        files_below(&task.expect("a folder").path(), &mut files);
        files.sort();
        let path = &files[dice.random_range(0..files.len())];
        let mut bytes = std::fs::read(path).expect("readable");
        if bytes.is_empty() || dice.random_bool(0.3) {
            let length = dice.random_range(0..=bytes.len());
            bytes.truncate(length);
        } else {
            for _ in 0..dice.random_range(1..=8) {
                let at = dice.random_range(0..bytes.len());
                bytes[at] ^= 1 << dice.random_range(0..8);
            }
        }
        std::fs::write(path, bytes).expect("writable");
    }
}

fn files_below(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => files_below(&path, found),
            false => found.push(path),
        }
    }
}
