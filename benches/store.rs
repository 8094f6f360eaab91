//! What the state store costs per key: `put_epoch` and `load_many` by number of keys, with values
//! of 200 bytes, in CPU time of the whole process (sled works on threads of its own) and wall time,
//! and what it takes on disk and in memory (of the process; up to 40 MiB of it are the epoch to write).
//!
//! `cargo bench -p thalweg-benches --bench store`

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::path::Path;
use std::time::Instant;

use actors::state::{Entry, Marker, SledStore, StateStore};
use bytes::Bytes;

const VALUE_BYTES: usize = 200;
/// Keys of one epoch, at most.
const BATCH: usize = 100_000;
/// Keys of one load, at most: a sub-batch of a partition.
const LOAD_BATCH: usize = 1_000;
/// Sizes of a store, in keys.
const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];
/// A store of a million keys of which an epoch touches few: every page rewritten for little.
const SPARSE: usize = 1_000;

fn main() {
    println!(
        "values of {VALUE_BYTES} bytes, epochs of at most {BATCH} keys, loads of {LOAD_BATCH}"
    );
    println!(
        "{:>9} {:<26} {:>9} {:>9} {:>9} {:>9}",
        "keys", "what", "cpu us", "wall us", "disk MiB", "RSS MiB"
    );
    for keys in SIZES {
        let folder = tempfile::tempdir().expect("a temporary folder");
        measure(folder.path(), keys);
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one table, measured from top to bottom"
)]
fn measure(dir: &Path, keys: usize) {
    let store = SledStore::open(dir).expect("a new store");
    let mut epoch = 0;
    let mut put = |entries: &[Entry]| {
        epoch += 1;
        let marker = Marker {
            epoch,
            ..Marker::default()
        };
        store.put_epoch(entries, &marker).expect("written");
    };
    let all: Vec<usize> = (0..keys).collect();
    let spread: Vec<usize> = (0..keys).map(|i| i * 7_919 % keys).collect();

    let report = |what: &str, cost: Cost| {
        let disk = store.stats().expect("stats").bytes_on_disk;
        let (cpu, wall) = cost.per_key();
        let mib = disk as f64 / f64::from(1 << 20);
        let rss = rss_mib();
        println!("{keys:>9} {what:<26} {cpu:>9.2} {wall:>9.2} {mib:>9.1} {rss:>9.1}");
    };
    let rounds = (200_000 / keys).max(1);
    report(
        "put, new keys",
        timed(keys, || {
            for batch in all.chunks(BATCH) {
                put(&entries(batch, 0));
            }
        }),
    );
    report(
        "put, all keys again",
        timed(keys * rounds, || {
            for round in 0..rounds {
                for batch in spread.chunks(BATCH) {
                    put(&entries(batch, round + 1));
                }
            }
        }),
    );
    let few = |round: usize| -> Vec<usize> {
        (0..SPARSE)
            .map(|i| (i * 104_729 + round * 31) % keys)
            .collect()
    };
    report(
        "put, 1,000 keys, 20 times",
        timed(SPARSE * 20, || {
            for round in 0..20 {
                put(&entries(&few(round), round));
            }
        }),
    );
    report(
        "load, all keys",
        timed(keys * rounds, || {
            for _ in 0..rounds {
                for batch in spread.chunks(LOAD_BATCH) {
                    load(&store, batch);
                }
            }
        }),
    );
    report(
        "load, 1,000 keys, 20 times",
        timed(SPARSE * 20, || {
            for round in 0..20 {
                load(&store, &few(round));
            }
        }),
    );
    report(
        "scan",
        timed(keys, || {
            let mut seen = 0;
            let count = &mut |_: &[u8], _: &Bytes| {
                seen += 1;
                true
            };
            store.scan(0, count).expect("scanned");
            assert_eq!(seen, keys);
        }),
    );
    drop(store);
    let reopened = timed(keys, || {
        SledStore::open(dir).expect("reopened");
    });
    let (cpu, wall) = reopened.per_key();
    println!("{keys:>9} {:<26} {cpu:>9.3} {wall:>9.3}", "open, per key");
}

fn key(i: usize) -> Bytes {
    Bytes::from(format!("customer-{i:09}"))
}

fn entries(keys: &[usize], round: usize) -> Vec<Entry> {
    let entry = |i: &usize| {
        let mut value = vec![0; VALUE_BYTES];
        // Not compressible to nothing, and other bytes each round.
        for (at, byte) in value.iter_mut().enumerate() {
            *byte = (i.wrapping_mul(31) ^ at.wrapping_mul(round + 7)).to_le_bytes()[0];
        }
        Entry {
            space: 0,
            key: key(*i),
            value: Some(value.into()),
        }
    };
    keys.iter().map(entry).collect()
}

fn load(store: &SledStore, keys: &[usize]) {
    let keys: Vec<Bytes> = keys.iter().map(|i| key(*i)).collect();
    let values = store.load_many(0, &keys).expect("loaded");
    assert!(
        values
            .iter()
            .all(|value| value.as_ref().is_some_and(|v| v.len() == VALUE_BYTES))
    );
}

struct Cost {
    keys: usize,
    cpu_us: f64,
    wall_us: f64,
}

impl Cost {
    fn per_key(&self) -> (f64, f64) {
        let keys = self.keys as f64;
        (self.cpu_us / keys, self.wall_us / keys)
    }
}

fn timed(keys: usize, work: impl FnOnce()) -> Cost {
    let (cpu, wall) = (cpu_us(), Instant::now());
    work();
    Cost {
        keys,
        cpu_us: cpu_us() - cpu,
        wall_us: wall.elapsed().as_secs_f64() * 1e6,
    }
}

/// CPU time of this process, from the kernel's clock ticks of 10 ms.
fn cpu_us() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    // Fields 14 and 15 of proc(5); the name was field 2.
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        * 10_000.0
}

/// Memory of this process that is in RAM, from proc(5)'s `status`.
fn rss_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    kib.and_then(|kib| kib.parse::<f64>().ok())
        .map_or(0.0, |kib| kib / 1024.0)
}
