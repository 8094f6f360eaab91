//! The log in this process: records appended in epochs and read back, per CPU-second; sizes on disk.
//!
//! `cargo bench -p thalweg-benches --bench log [-- section…]`; without names all sections run. CPU
//! time is that of all threads, sled's own among them.

#![expect(clippy::print_stdout, reason = "a benchmark's output is its purpose")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark ends when its ground gives way"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use actors::log::embedded::{EmbeddedLog, EmbeddedOptions};
use actors::log::memory::MemoryLog;
use actors::log::{ConsumerSettings, Log, LogRecord, Polled, TopicPartition, TopicSpec};
use bytes::Bytes;
use config::{Start, TopicName};

const PARTITIONS: u32 = 4;
const EPOCH_RECORDS: usize = 10_000;
const RECORD_BYTES: usize = 200;
const MIB: u64 = 1024 * 1024;

/// Time and CPU time since a moment.
struct Meter(Instant, f64);

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let sections: [(&str, fn()); 5] = [
        ("embedded", embedded),
        ("small", small_epochs),
        ("retention", retention),
        ("open", opening),
        // Last: what it leaves with the allocator would count as the others' memory.
        ("memory", memory),
    ];
    for (name, section) in sections {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            println!("{name}");
            section();
        }
    }
}

fn memory() {
    let log = MemoryLog::new();
    append_and_read(&log, 500);
}

fn embedded() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path(), EmbeddedOptions::default()).unwrap();
    append_and_read(&log, 300);
    let meter = Meter::start();
    let read = drain(&log, "cold", u64::MAX);
    meter.report("read from disk", read);
    report_space(dir.path());
}

/// Appends epochs and reads them back while they are new.
fn append_and_read(log: &dyn Log, epochs: usize) {
    let topic = create_topic(log, None);
    let records = epoch_records();
    let mut producer = log.producer("bench").unwrap();
    let mut consumer = log.consumer(&settings("live")).unwrap();
    let (mut appending, mut reading) = ((0.0, 0.0), (0.0, 0.0));
    let mut read = 0;
    // Ten epochs are 20 MB: the cache has them when they are read.
    for _ in 0..epochs / 10 {
        let meter = Meter::start();
        for _ in 0..10 {
            append_epoch(&mut *producer, &topic, &records);
        }
        meter.add_to(&mut appending);
        let meter = Meter::start();
        while let Polled::Records(_, fetched) = poll(&mut *consumer) {
            read += fetched.records.len();
            std::hint::black_box(&fetched);
        }
        meter.add_to(&mut reading);
    }
    assert_eq!(read, epochs * EPOCH_RECORDS);
    report("append", read, appending);
    report("read back", read, reading);
}

/// 20 records an epoch, as a quiet topology has them.
fn small_epochs() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path(), EmbeddedOptions::default()).unwrap();
    let topic = create_topic(&log, None);
    let records: Vec<_> = epoch_records()
        .into_iter()
        .map(|mut r| r.split_off(r.len() - 5))
        .collect();
    let mut producer = log.producer("bench").unwrap();
    let meter = Meter::start();
    for epoch in 0..3_000 {
        append_epoch(&mut *producer, &topic, &records);
        if epoch % 50 == 0 {
            maintain(&log);
        }
    }
    meter.report("append, epochs of 20", 60_000);
    report_space(dir.path());
}

/// 2 GB through a topic that keeps 64 MB.
fn retention() {
    let dir = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(dir.path(), EmbeddedOptions::default()).unwrap();
    let topic = create_topic(&log, Some(64 * MIB / u64::from(PARTITIONS)));
    let records = epoch_records();
    let mut producer = log.producer("bench").unwrap();
    let meter = Meter::start();
    for epoch in 1..=1_000 {
        append_epoch(&mut *producer, &topic, &records);
        if epoch % 20 == 0 {
            maintain(&log);
        }
        if epoch % 200 == 0 {
            report_space(dir.path());
        }
    }
    meter.report("append with retention", 1_000 * EPOCH_RECORDS);
}

/// Opens a log of 1 GB.
fn opening() {
    let dir = tempfile::tempdir().unwrap();
    {
        let log = EmbeddedLog::open(dir.path(), EmbeddedOptions::default()).unwrap();
        let topic = create_topic(&log, None);
        let records = epoch_records();
        let mut producer = log.producer("bench").unwrap();
        for _ in 0..500 {
            append_epoch(&mut *producer, &topic, &records);
        }
        report_space(dir.path());
        // Not closed: as after kill -9, nothing is written at the end.
        let copy = tempfile::tempdir().unwrap();
        copy_dir(dir.path(), copy.path());
        let meter = Meter::start();
        let log = EmbeddedLog::open(copy.path(), EmbeddedOptions::default()).unwrap();
        meter.report("open 1 GB after an unclean end", 1);
        let meter = Meter::start();
        drop(log);
        meter.report("close", 1);
        let meter = Meter::start();
        let log = EmbeddedLog::open(copy.path(), EmbeddedOptions::default()).unwrap();
        meter.report("open it again", 1);
        let meter = Meter::start();
        let read = drain(&log, "all", u64::MAX);
        meter.report("read from disk", read);
    }
}

fn create_topic(log: &dyn Log, retention_bytes: Option<u64>) -> TopicName {
    let name = TopicName::parse("transactions").unwrap();
    log.ensure_topic(&TopicSpec {
        name: name.clone(),
        partitions: PARTITIONS,
        compacted: false,
        retention_ms: None,
        retention_bytes,
    })
    .unwrap();
    name
}

/// Records of one epoch by partition.
fn epoch_records() -> Vec<Vec<LogRecord>> {
    let per_partition = EPOCH_RECORDS / PARTITIONS as usize;
    let record = |partition: usize, i: usize| {
        let key = format!("{:016}", partition * per_partition + i);
        let mut value = format!("{{\"id\":{i},\"note\":\"");
        let mut state = (i * 7919 + partition) as u64;
        while value.len() < RECORD_BYTES - 18 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            value.push(char::from(b'a' + (state >> 59) as u8 % 26));
        }
        value.push_str("\"}");
        LogRecord::new(Some(key.into()), Some(Bytes::from(value)), i as i64)
    };
    let partition = |p| (0..per_partition).map(|i| record(p, i)).collect();
    (0..PARTITIONS as usize).map(partition).collect()
}

fn append_epoch(
    producer: &mut dyn actors::log::Producer,
    topic: &TopicName,
    records: &[Vec<LogRecord>],
) {
    producer.begin().unwrap();
    for (partition, records) in (0..).zip(records) {
        let at = TopicPartition::new(topic.clone(), partition);
        producer.send(&at, records.clone()).unwrap();
    }
    producer.commit().unwrap();
}

fn drain(log: &dyn Log, group: &str, most: u64) -> usize {
    let mut consumer = log.consumer(&settings(group)).unwrap();
    let mut read = 0;
    while (read as u64) < most {
        match poll(&mut *consumer) {
            Polled::Records(_, fetched) => read += fetched.records.len(),
            Polled::Nothing => break,
            Polled::Assigned(_) | Polled::Revoked { .. } => {}
        }
    }
    read
}

fn poll(consumer: &mut dyn actors::log::Consumer) -> Polled {
    loop {
        match consumer.poll(Duration::ZERO).unwrap() {
            Polled::Assigned(_) => {}
            polled => return polled,
        }
    }
}

fn settings(group: &str) -> ConsumerSettings {
    ConsumerSettings {
        group: group.to_owned(),
        topics: vec![(TopicName::parse("transactions").unwrap(), Start::Earliest)],
        max_records: 10_000,
        max_bytes: MIB as usize,
        together: false,
    }
}

fn maintain(log: &EmbeddedLog) {
    while log.maintain().unwrap().more {}
}

impl Meter {
    fn start() -> Self {
        Self(Instant::now(), cpu_seconds())
    }

    fn add_to(&self, sum: &mut (f64, f64)) {
        sum.0 += self.0.elapsed().as_secs_f64();
        sum.1 += cpu_seconds() - self.1;
    }

    fn report(&self, what: &str, count: usize) {
        let mut sum = (0.0, 0.0);
        self.add_to(&mut sum);
        report(what, count, sum);
    }
}

fn report(what: &str, count: usize, (wall, cpu): (f64, f64)) {
    let rate = count as f64 / cpu.max(1e-3);
    println!("  {what}: {count} in {wall:.2} s, {cpu:.2} CPU-s: {rate:.0} per CPU-s");
}

fn report_space(dir: &Path) {
    let (disk, resident) = (dir_bytes(dir) / MIB, resident_bytes() / MIB);
    println!("  on disk {disk} MiB, resident {resident} MiB");
}

/// CPU seconds of this process, its ended threads among them, in clock ticks of 10 ms.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The second field, the name in brackets, may hold spaces; user and system time are 14 and 15.
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks: u64 = fields[11..13]
        .iter()
        .map(|ticks| ticks.parse::<u64>().unwrap())
        .sum();
    ticks as f64 / 100.0
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

fn dir_bytes(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => dir_bytes(&entry.path()),
        Ok(meta) => meta.blocks() * 512,
        Err(_) => 0,
    });
    sizes.sum()
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.metadata().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
