//! One of two daemons is killed: how long does each partition stand still?

use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use actors::log::{Log, partition_for_key};
use config::TopicName;
use thalweg_benches::workloads::{PARTITIONS, Workload, fill};
use thalweg_benches::{Failure, daemon};

use super::{Bench, Writer, pass};

/// Records a second.
const RATE: u64 = 10_000;
/// Between two kills: the killed one is back and has its partitions again.
const SETTLED: Duration = Duration::from_secs(12);
/// A partition that stands still for longer is a failure.
const WITHIN: Duration = Duration::from_secs(90);

/// Kills a daemon so many times, each in turn.
pub(super) fn run(bench: &Bench, workload: &Workload, kills: u64) -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let name = bench.name(workload, 0);
    let topic = format!("{name}.{}", workload.topic);
    let log = bench.log()?;
    fill(&log, &topic, workload, 0)?;
    let file = dir.path().join("topology.toml");
    std::fs::write(&file, bench.topology(workload, &name, "20ms"))?;
    let mut nodes = [0, 1].map(|node| Node::new(&file, dir.path(), node));
    for node in &mut nodes {
        node.start()?;
    }
    pass(SETTLED);
    let began = Instant::now();
    let writer = Writer {
        log: bench.log()?,
        topic: TopicName::parse(&topic)?,
        began,
        // Enough for the whole measurement; it ends with the process.
        records: u64::MAX,
        record: workload.record,
        rate: RATE,
    };
    std::thread::spawn(move || writer.run().map_err(|error| error.to_string()));
    let mut reader = Reader::new(TopicName::parse(&format!("{name}.out"))?);
    for kill in 0..kills {
        let until = Instant::now() + SETTLED;
        while Instant::now() < until {
            reader.round(&log)?;
        }
        let node = &mut nodes[usize::try_from(kill % 2)?];
        // Not always at the same moment of an epoch.
        pass(Duration::from_millis(kill * 7 % 20));
        node.kill()?;
        let killed = Instant::now();
        let since = u64::try_from((killed - began).as_millis())?;
        let gaps = reader.stand_still(&log, (killed, since))?;
        let texts: Vec<String> = gaps.iter().map(|gap| format!("{gap:.2}")).collect();
        println!("killed: partitions stood still for {} s", texts.join(", "));
        node.start()?;
    }
    Ok(())
}

/// A daemon with a place of its own.
struct Node {
    file: std::path::PathBuf,
    data: std::path::PathBuf,
    id: String,
    child: Option<Child>,
}

impl Node {
    fn new(file: &Path, dir: &Path, node: usize) -> Self {
        Self {
            file: file.to_owned(),
            data: dir.join(format!("node-{node}")),
            id: format!("node-{node}"),
            child: None,
        }
    }

    fn start(&mut self) -> Result<(), Failure> {
        let child = Command::new(daemon()?)
            .arg("run")
            .arg(&self.file)
            .arg("--data-dir")
            .arg(&self.data)
            .args(["--listen", "none", "--node-id", &self.id])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        self.child = Some(child);
        Ok(())
    }

    fn kill(&mut self) -> Result<(), Failure> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.kill());
    }
}

/// Reads what becomes visible, and knows which input partition it came from.
struct Reader {
    out: TopicName,
    positions: Vec<i64>,
}

impl Reader {
    fn new(out: TopicName) -> Self {
        let positions = vec![0; PARTITIONS as usize];
        Self { out, positions }
    }

    /// The newest record of each input partition that has become visible, by its number.
    fn round(&mut self, log: &dyn Log) -> Result<HashMap<u32, u64>, Failure> {
        let mut newest = HashMap::new();
        for (partition, position) in (0..).zip(&mut self.positions) {
            let at = actors::log::TopicPartition::new(self.out.clone(), partition);
            let fetched = log.read(&at, *position, 10_000, 8 << 20)?;
            for record in &fetched.records {
                let value: serde_json::Value =
                    serde_json::from_slice(record.value.as_deref().unwrap_or_default())?;
                let nth = value["id"].as_u64().ok_or("a decision without id")?;
                let key = record.key.as_deref().unwrap_or_default();
                let newest = newest
                    .entry(partition_for_key(key, PARTITIONS))
                    .or_insert(0);
                *newest = nth.max(*newest);
            }
            *position = fetched.next_offset.max(*position);
        }
        Ok(newest)
    }

    /// Seconds until each input partition has brought a record that was meant for after the kill.
    fn stand_still(
        &mut self,
        log: &dyn Log,
        (killed, since_ms): (Instant, u64),
    ) -> Result<Vec<f64>, Failure> {
        let mut gaps: HashMap<u32, f64> = HashMap::new();
        while gaps.len() < PARTITIONS as usize {
            if killed.elapsed() > WITHIN {
                return Err("a partition stands still".into());
            }
            for (partition, nth) in self.round(log)? {
                if nth * 1_000 / RATE >= since_ms {
                    let gap = killed.elapsed().as_secs_f64();
                    gaps.entry(partition).or_insert(gap);
                }
            }
        }
        let mut all: Vec<f64> = gaps.into_values().collect();
        all.sort_by(f64::total_cmp);
        Ok(all)
    }
}
