//! Throughput of the whole daemon on Kafka, in records per CPU-second of its process alone, and the
//! latency from produced to visible.
//!
//! `THALWEG_TEST_BROKERS=HOST:PORT cargo run --release -p thalweg-benches --bin kafka -- [filter|count|rolling|card-fraud|pixels|all|latency|restart|failover|idle] [RECORDS] [EPOCH]`
//!
//! Topics are filled beforehand; the daemon (`THALWEG_BIN`, or the one built beside this program)
//! drains them in epochs of 100 ms with `--until-caught-up`. Starting and stopping are taken off by a
//! run over nothing. `latency` writes RECORDS at 5,000 a second at their intended times, whatever
//! comes back, and reads the decisions as they become visible, in epochs of 50 ms. `restart` builds a
//! state of RECORDS keys, kills the daemon (SIGKILL) under 1,000 records a second, and takes the time
//! until a started one has committed again; then the same with its folder of state deleted. `failover` kills
//! one of two daemons RECORDS times (SIGKILL) under 10,000 records a second, and takes the time until
//! every partition has committed again. EPOCH are further lines of `[epoch]`, such as `'records = 10_000'`.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

mod failover;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use actors::log::kafka::{KafkaLog, NodeIdentity};
use actors::log::{Log, LogRecord, TopicPartition, partition_for_key};
use bytes::Bytes;
use config::{KafkaSettings, TopicName};
use hdrhistogram::Histogram;
use thalweg_benches::workloads::{Figures, PARTITIONS, Workload, drain, fill, workloads};
use thalweg_benches::{Failure, cpu_seconds, daemon, memory_mib};

/// Records a second of the latency measurement.
const RATE: u64 = 5_000;
/// How long an idle daemon is watched.
const IDLE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let only = arguments.first().map_or("all", String::as_str);
    let records = arguments
        .get(1)
        .map_or(Ok(1_000_000), |text| text.parse())?;
    let brokers = std::env::var("THALWEG_TEST_BROKERS")
        .map_err(|_| "THALWEG_TEST_BROKERS names no cluster: see tests/kafka/broker")?;
    let epoch = arguments.get(2).cloned().unwrap_or_default();
    let bench = Bench { brokers, epoch };
    let all = workloads();
    let named = |name: &str| all.iter().find(|workload| workload.name == name);
    match only {
        "latency" => return bench.latency(named("filter").ok_or("no workload")?, records),
        "restart" => return bench.restart(named("million").ok_or("no workload")?, records),
        "failover" => {
            return failover::run(&bench, named("rolling").ok_or("no workload")?, records);
        }
        "idle" => return bench.idle(named("filter").ok_or("no workload")?),
        _ => {}
    }
    println!(
        "{:<12} {:>10} {:>8} {:>8} {:>12} {:>10}",
        "workload", "records", "wall s", "CPU s", "records/CPU-s", "RSS MiB"
    );
    for workload in &all {
        if workload.name == "million" || only != "all" && only != workload.name {
            continue;
        }
        let idle = bench.drain(workload, 0)?;
        let full = bench.drain(workload, records)?;
        let cpu = full.cpu - idle.cpu;
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = records as f64 / cpu;
        println!(
            "{:<12} {records:>10} {:>8.2} {cpu:>8.2} {rate:>12.0} {:>10}   (start and stop: {:.2} CPU s)",
            workload.name, full.wall, full.rss_mib, idle.cpu
        );
    }
    Ok(())
}

struct Bench {
    brokers: String,
    /// Lines of `[epoch]` beside the interval.
    epoch: String,
}

impl Bench {
    fn log(&self) -> Result<KafkaLog, Failure> {
        let brokers = self.brokers.split(',').map(str::to_owned).collect();
        let node = NodeIdentity {
            id: "bench".into(),
            static_membership: false,
        };
        Ok(KafkaLog::connect(&KafkaSettings::of(brokers), node)?)
    }

    /// Names of this run's topology and topics: nobody else's.
    fn name(&self, workload: &Workload, records: u64) -> String {
        format!("bench-{}-{}-{records}", workload.name, std::process::id())
    }

    /// A workload's topology on the brokers, under a name.
    fn topology(&self, workload: &Workload, name: &str, interval: &str) -> String {
        let list: Vec<String> = self
            .brokers
            .split(',')
            .map(|b| format!("\"{b}\""))
            .collect();
        let log = format!(
            "[log]\nkind = \"kafka\"\nbrokers = [{}]\n[epoch]\ninterval = \"{interval}\"\n{}\n",
            list.join(", "),
            self.epoch
        );
        let text = workload
            .topology
            .replace("topic = \"", &format!("topic = \"{name}."));
        let mut lines = text.lines().map(|line| match line.starts_with("name = ") {
            true => format!("name = \"{name}\"\n{log}"),
            false => format!("{line}\n"),
        });
        let whole: String = lines.by_ref().collect();
        whole
    }

    fn drain(&self, workload: &Workload, records: u64) -> Result<Figures, Failure> {
        let dir = tempfile::tempdir()?;
        let name = self.name(workload, records);
        let topic = format!("{name}.{}", workload.topic);
        fill(&self.log()?, &topic, workload, records)?;
        let file = dir.path().join("topology.toml");
        std::fs::write(&file, self.topology(workload, &name, "100ms"))?;
        drain(&file, &dir.path().join("data"))
    }

    fn latency(&self, workload: &Workload, records: u64) -> Result<(), Failure> {
        let dir = tempfile::tempdir()?;
        let name = self.name(workload, records);
        let topic = TopicName::parse(&format!("{name}.{}", workload.topic))?;
        let log = self.log()?;
        fill(&log, topic.as_str(), workload, 0)?;
        let file = dir.path().join("topology.toml");
        std::fs::write(&file, self.topology(workload, &name, "50ms"))?;
        let daemon = Daemon::start(&file, &dir.path().join("data"))?;
        let out = TopicName::parse(&format!("{name}.out"))?;
        let began = Instant::now();
        let writer = Writer {
            log: self.log()?,
            topic,
            began,
            records,
            record: workload.record,
            rate: RATE,
        };
        let writing = std::thread::spawn(move || writer.run().map_err(|error| error.to_string()));
        let histogram = read_visible(&log, &out, began, Duration::from_secs(records / RATE + 5))?;
        writing.join().map_err(|_| "the writer panicked")??;
        let quantile = |q| histogram.value_at_quantile(q);
        println!(
            "produced to visible, {RATE} records/s, epochs of 50 ms: p50 {} ms, p99 {} ms, p99.9 {} ms, max {} ms over {} records; {:.2} CPU s, {} MiB",
            quantile(0.5),
            quantile(0.99),
            quantile(0.999),
            histogram.max(),
            histogram.len(),
            cpu_seconds(daemon.0.id())?,
            memory_mib(daemon.0.id(), "VmRSS"),
        );
        Ok(())
    }

    fn restart(&self, workload: &Workload, keys: u64) -> Result<(), Failure> {
        let dir = tempfile::tempdir()?;
        let data = dir.path().join("data");
        let name = self.name(workload, keys);
        let topic = format!("{name}.{}", workload.topic);
        let log = self.log()?;
        fill(&log, &topic, workload, keys)?;
        let file = dir.path().join("topology.toml");
        std::fs::write(&file, self.topology(workload, &name, "100ms"))?;
        let built = drain(&file, &data)?;
        println!("state of {keys} keys built in {:.1} s", built.wall);
        let out = TopicName::parse(&format!("{name}.out"))?;
        let writer = Writer {
            log: self.log()?,
            topic: TopicName::parse(&topic)?,
            began: Instant::now(),
            // Enough for the whole measurement; it ends with the process.
            records: keys,
            record: workload.record,
            rate: 1_000,
        };
        std::thread::spawn(move || writer.run().map_err(|error| error.to_string()));
        for wiped in [false, true] {
            let daemon = Daemon::start(&file, &data)?;
            await_commit(&log, &out, &ends(&log, &out)?)?;
            pass(Duration::from_secs(10));
            drop(daemon);
            if wiped {
                std::fs::remove_dir_all(data.join("state"))?;
            }
            let before = ends(&log, &out)?;
            let began = Instant::now();
            let daemon = Daemon::spawn(&file, &data)?;
            await_commit(&log, &out, &before)?;
            println!(
                "killed and started again{}: first commit after {:.2} s",
                if wiped { ", its state deleted" } else { "" },
                began.elapsed().as_secs_f64()
            );
            drop(daemon);
        }
        Ok(())
    }

    fn idle(&self, workload: &Workload) -> Result<(), Failure> {
        let dir = tempfile::tempdir()?;
        let name = self.name(workload, 0);
        let file = dir.path().join("topology.toml");
        fill(
            &self.log()?,
            &format!("{name}.{}", workload.topic),
            workload,
            0,
        )?;
        std::fs::write(&file, self.topology(workload, &name, "100ms"))?;
        let daemon = Daemon::start(&file, &dir.path().join("data"))?;
        pass(Duration::from_secs(5));
        let before = cpu_seconds(daemon.0.id())?;
        pass(IDLE);
        let spent = cpu_seconds(daemon.0.id())? - before;
        println!(
            "idle on Kafka: {:.2} % of a core, {} MiB",
            100.0 * spent / IDLE.as_secs_f64(),
            memory_mib(daemon.0.id(), "VmRSS")
        );
        Ok(())
    }
}

/// A daemon that runs until it is dropped.
struct Daemon(Child);

impl Daemon {
    fn start(topology: &Path, data: &Path) -> Result<Self, Failure> {
        let daemon = Self::spawn(topology, data)?;
        // Joining the group takes about two seconds.
        pass(Duration::from_secs(4));
        Ok(daemon)
    }

    fn spawn(topology: &Path, data: &Path) -> Result<Self, Failure> {
        let child = Command::new(daemon()?)
            .arg("run")
            .arg(topology)
            .arg("--data-dir")
            .arg(data)
            .args(["--listen", "none"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Writes records at their intended times: an open loop.
struct Writer {
    log: KafkaLog,
    topic: TopicName,
    began: Instant,
    records: u64,
    record: fn(u64, &mut String) -> String,
    rate: u64,
}

impl Writer {
    fn run(self) -> Result<(), Failure> {
        let mut producer = self.log.producer(&format!("write.{}", self.topic))?;
        let mut nth = 0;
        while nth < self.records {
            let due = u64::try_from(self.began.elapsed().as_millis())? * self.rate / 1_000;
            let mut by_partition = vec![Vec::new(); PARTITIONS as usize];
            for nth in nth..due.min(self.records) {
                let mut value = String::new();
                let key = (self.record)(nth, &mut value);
                let partition = partition_for_key(key.as_bytes(), PARTITIONS);
                // The intended time, from the beginning, travels as the timestamp.
                let intended = i64::try_from(nth * 1_000 / self.rate)?;
                let (key, value) = (Some(Bytes::from(key)), Some(Bytes::from(value)));
                by_partition[partition as usize].push(LogRecord::new(key, value, intended));
            }
            nth = nth.max(due.min(self.records));
            producer.begin()?;
            for (partition, records) in (0..).zip(by_partition) {
                let at = TopicPartition::new(self.topic.clone(), partition);
                producer.send(&at, records)?;
            }
            producer.commit()?;
            pass(Duration::from_millis(5));
        }
        Ok(())
    }
}

/// Ends of a topic's partitions.
fn ends(log: &dyn Log, topic: &TopicName) -> Result<Vec<i64>, Failure> {
    let info = log.topic(topic)?.ok_or("the topic is not there")?;
    Ok(info.ranges.iter().map(|range| range.end).collect())
}

/// Waits until a record is visible behind these ends: an end alone moves by an abort too.
fn await_commit(log: &dyn Log, topic: &TopicName, ends: &[i64]) -> Result<(), Failure> {
    let deadline = Instant::now() + Duration::from_secs(120);
    while Instant::now() < deadline {
        for (partition, end) in (0..).zip(ends) {
            let at = TopicPartition::new(topic.clone(), partition);
            if !log.read(&at, *end, 1, 1)?.records.is_empty() {
                return Ok(());
            }
        }
    }
    Err("nothing was committed within two minutes".into())
}

/// Reads what becomes visible and notes how long after its record's intended time.
fn read_visible(
    log: &dyn Log,
    out: &TopicName,
    began: Instant,
    within: Duration,
) -> Result<Histogram<u64>, Failure> {
    let mut histogram = Histogram::new_with_bounds(1, 600_000, 3)?;
    let mut positions = vec![0i64; PARTITIONS as usize];
    while began.elapsed() < within {
        for (partition, position) in (0..).zip(&mut positions) {
            let at = TopicPartition::new(out.clone(), partition);
            let fetched = log.read(&at, *position, 10_000, 8 << 20)?;
            let now = u64::try_from(began.elapsed().as_millis())?;
            for record in &fetched.records {
                let value: serde_json::Value =
                    serde_json::from_slice(record.value.as_deref().unwrap_or_default())?;
                let nth = value["id"].as_u64().ok_or("a decision without id")?;
                histogram.saturating_record(now.saturating_sub(nth * 1_000 / RATE).max(1));
            }
            *position = fetched.next_offset.max(*position);
        }
    }
    Ok(histogram)
}

/// Time is what is measured here: it passes.
fn pass(time: Duration) {
    let until = Instant::now() + time;
    while let Some(left) = until
        .checked_duration_since(Instant::now())
        .filter(|t| !t.is_zero())
    {
        std::thread::park_timeout(left);
    }
}
