//! kill -9: this test binary runs itself as a child that appends epochs, kills it at random moments,
//! and looks at what is left.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use config::TopicName;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Durability, EmbeddedLog, EmbeddedOptions};
use crate::log::{Log, LogRecord, OffsetCommit, TopicPartition, TopicSpec};

const CHILD: &str = "log::embedded::crash_tests::child_that_appends_until_it_is_killed";
const DIR: &str = "THALWEG_TEST_CRASH_DIR";
const DURABILITY: &str = "THALWEG_TEST_CRASH_POWER";
const PARTITIONS: u32 = 3;
const KEYS: i64 = 10;

#[test]
fn twenty_kills_leave_every_epoch_whole_or_absent_and_lose_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = ChaCha8Rng::seed_from_u64(20);
    let mut last = 0;
    for round in 0..20 {
        let acknowledged = run_and_kill(dir.path(), &mut dice, round % 4 == 3);
        let log = open(dir.path(), Durability::Process);
        let epoch = check(&log);
        assert!(
            epoch >= acknowledged,
            "round {round}: {acknowledged} was lost, {epoch} is there"
        );
        assert!(epoch >= last, "round {round}");
        last = epoch;
    }
    assert!(last > 100, "only {last} epochs in all");
}

/// Starts the child, waits for a random number of acknowledged epochs and a random moment more, kills
/// it. Returns the last epoch acknowledged.
fn run_and_kill(dir: &Path, dice: &mut ChaCha8Rng, power: bool) -> i64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(DURABILITY, if power { "1" } else { "" })
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut epochs = lines.filter_map(|line| line.unwrap().strip_prefix("epoch ")?.parse().ok());
    let mut acknowledged = 0;
    for _ in 0..dice.random_range(1..40) {
        acknowledged = epochs.next().expect("the child appends until it is killed");
    }
    let moment = Instant::now() + Duration::from_micros(dice.random_range(0..10_000));
    while Instant::now() < moment {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it acknowledged before the kill but after our last look counts as well.
    epochs.last().unwrap_or(acknowledged)
}

#[test]
fn child_that_appends_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let power = std::env::var(DURABILITY).is_ok_and(|power| !power.is_empty());
    let durability = if power {
        Durability::Power
    } else {
        Durability::Process
    };
    let log = open(Path::new(&dir), durability);
    let mut producer = log.producer("p").unwrap();
    for epoch in committed_epoch(&log) + 1.. {
        producer.begin().unwrap();
        for partition in 0..PARTITIONS {
            let records = (0..size_of(epoch, partition)).map(|_| record(epoch, 0));
            producer
                .send(&at("plain", partition), records.collect())
                .unwrap();
        }
        producer
            .send(
                &at("short", 0),
                (0..KEYS).map(|key| record(epoch, key)).collect(),
            )
            .unwrap();
        let last_of_keys = (0..KEYS).map(|key| record(epoch, key));
        producer
            .send(&at("compacted", 0), last_of_keys.collect())
            .unwrap();
        let offsets = [OffsetCommit {
            at: at("plain", 0),
            offset: epoch,
            metadata: format!("epoch {epoch}"),
        }];
        producer.send_offsets("g", &offsets, None).unwrap();
        producer.commit().unwrap();
        // Not println: the test harness must not gather it.
        writeln!(std::io::stdout(), "epoch {epoch}").unwrap();
        if epoch % 5 == 0 {
            log.maintain().unwrap();
        }
    }
}

/// Checks that there are whole epochs only; returns the last.
fn check(log: &EmbeddedLog) -> i64 {
    let epoch = committed_epoch(log);
    for partition in 0..PARTITIONS {
        let mut found: BTreeMap<i64, usize> = BTreeMap::new();
        for (offset, record) in (0..).zip(read_all(log, &at("plain", partition))) {
            assert_eq!(record.offset, offset);
            *found.entry(record.timestamp).or_default() += 1;
        }
        let whole = (1..=epoch).map(|epoch| (epoch, size_of(epoch, partition)));
        let whole: BTreeMap<_, _> = whole.filter(|(_, size)| *size > 0).collect();
        assert!(
            found == whole,
            "partition {partition} up to epoch {epoch}: {found:?}"
        );
    }
    let kept = read_all(log, &at("short", 0));
    assert!(
        (kept.len() as i64) < 1_000,
        "retention keeps {} records",
        kept.len()
    );
    for (record, offset) in kept.iter().rev().zip((0..epoch * KEYS).rev()) {
        assert_eq!(
            (record.offset, record.timestamp),
            (offset, offset / KEYS + 1)
        );
    }
    let mut newest: BTreeMap<Bytes, i64> = BTreeMap::new();
    for record in read_all(log, &at("compacted", 0)) {
        newest.insert(record.key.unwrap(), record.timestamp);
    }
    if epoch > 0 {
        assert_eq!(newest.len() as i64, KEYS);
        assert!(
            newest.values().all(|of| *of == epoch),
            "{newest:?}, not {epoch}"
        );
    }
    epoch
}

/// Records of an epoch in a partition: often few, sometimes none, sometimes several chunks.
fn size_of(epoch: i64, partition: u32) -> usize {
    let hash = (epoch * 31 + i64::from(partition) * 17) % 23;
    let small = usize::try_from(hash).unwrap_or(0);
    if small == 22 { 1_500 } else { small }
}

fn record(epoch: i64, key: i64) -> LogRecord {
    let value = Bytes::from(format!("{epoch:0>100}"));
    LogRecord::new(Some(Bytes::from(key.to_string())), Some(value), epoch)
}

fn committed_epoch(log: &EmbeddedLog) -> i64 {
    let committed = log.committed("g", &[at("plain", 0)]).unwrap();
    let committed = committed[0].as_ref();
    if let Some(committed) = committed {
        assert_eq!(committed.metadata, format!("epoch {}", committed.offset));
    }
    committed.map_or(0, |committed| committed.offset)
}

fn read_all(log: &EmbeddedLog, at: &TopicPartition) -> Vec<LogRecord> {
    log.read(at, 0, usize::MAX, usize::MAX).unwrap().records
}

fn open(dir: &Path, durability: Durability) -> EmbeddedLog {
    let options = EmbeddedOptions {
        durability,
        ..EmbeddedOptions::default()
    };
    let log = EmbeddedLog::open(dir, options).unwrap();
    let spec = |topic, partitions| TopicSpec {
        name: TopicName::parse(topic).unwrap(),
        partitions,
        compacted: topic == "compacted",
        retention_ms: None,
        retention_bytes: (topic == "short").then_some(50_000),
    };
    for (topic, partitions) in [("plain", PARTITIONS), ("compacted", 1), ("short", 1)] {
        log.ensure_topic(&spec(topic, partitions)).unwrap();
    }
    log
}

fn at(topic: &str, partition: u32) -> TopicPartition {
    TopicPartition::new(TopicName::parse(topic).unwrap(), partition)
}
