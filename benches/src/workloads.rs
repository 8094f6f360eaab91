//! What the whole daemon is measured on: topologies, and the records that fill their topics.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use actors::log::{Log, LogRecord, TopicPartition, TopicSpec, partition_for_key};
use bytes::Bytes;
use config::TopicName;

use crate::{Failure, children_cpu_seconds, daemon, memory_mib};

/// Partitions of the input topics, as in the examples.
pub const PARTITIONS: u32 = 4;

/// A topology with its input.
pub struct Workload {
    /// Name on the command line.
    pub name: &'static str,
    /// What is filled.
    pub topic: &'static str,
    /// The file's text.
    pub topology: String,
    /// Writes a record's value by its number; gives its key.
    pub record: fn(u64, &mut String) -> String,
}

/// What a run took.
pub struct Figures {
    /// Seconds.
    pub wall: f64,
    /// User and system seconds.
    pub cpu: f64,
    /// Most memory seen.
    pub rss_mib: u64,
}

/// The example without its feed, and without what makes its model learn: scoring is measured here.
fn card_fraud() -> String {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/card-fraud");
    let text = std::fs::read_to_string(format!("{examples}/topology.toml")).unwrap_or_default();
    let scores = text.find("# How the model learns.").unwrap_or(text.len());
    text[..scores]
        .lines()
        .filter(|line| !line.starts_with("feed ="))
        .flat_map(|line| [line, "\n"])
        .collect::<String>()
        .replace("\"models/fraud\"", &format!("\"{examples}/models/fraud\""))
}

/// All of them.
#[must_use]
pub fn workloads() -> Vec<Workload> {
    let source = r#"version = 1
name = "bench"
[[source]]
id = "events"
topic = "events"
format = "json"
key = "user"
partitions = 4
time = { column = "ts", unit = "ms" }
[source.schema]
id = "int64"
ts = "timestamp"
user = "string"
country = "string"
amount = "float64"
"#;
    let sink = "[[sink]]\nid = \"out\"\ninput = \"last\"\ntopic = \"out\"\nformat = \"json\"\nkey = \"user\"\n";
    let filter = "[[operator]]\nid = \"half\"\nkind = \"filter\"\ninput = \"events\"\nwhere = \"amount >= 50 and country <> 'XX'\"\n\
        [[operator]]\nid = \"last\"\nkind = \"select\"\ninput = \"half\"\nkeep = [\"id\", \"user\", \"country\"]\ncolumns = { log_amount = \"ln(1 + amount)\" }\n";
    let count = "[[operator]]\nid = \"last\"\nkind = \"window\"\ninput = \"events\"\n\
        window = { kind = \"tumbling\", size = \"1min\" }\ncolumns = { n = { fn = \"count\" } }\n";
    let counts = sink;
    let rolling = "[[operator]]\nid = \"last\"\nkind = \"rolling\"\ninput = \"events\"\n[operator.columns]\n\
        n = { fn = \"count\", over = \"1h\" }\nmean = { fn = \"avg\", of = \"amount\", over = \"1h\" }\n\
        high = { fn = \"max\", of = \"amount\", over = \"1h\" }\nspread = { fn = \"stddev\", of = \"amount\", over = \"1h\" }\n";
    let card_fraud = card_fraud();
    let million = format!("{source}[state]\nmemory = \"256MiB\"\n{rolling}{sink}");
    let mut all = vec![
        Workload {
            name: "million",
            topic: "events",
            topology: million,
            record: event_of_a_million,
        },
        Workload {
            name: "filter",
            topic: "events",
            topology: format!("{source}{filter}{sink}"),
            record: event,
        },
        Workload {
            name: "count",
            topic: "events",
            topology: format!("{source}{count}{counts}"),
            record: event,
        },
        Workload {
            name: "rolling",
            topic: "events",
            topology: format!("{source}{rolling}{sink}"),
            record: event,
        },
        Workload {
            name: "card-fraud",
            topic: "transactions",
            topology: card_fraud,
            record: payment,
        },
    ];
    all.extend(pixels());
    all
}

/// 784 floats in, a small network, ten scores out (the Crayfish workload: Horchidan et al., EDBT 2024);
/// its model lies beside the repository on the machines where it is measured.
fn pixels() -> Option<Workload> {
    let shared = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/onnx/models");
    let model = std::fs::read(format!("{shared}/bench_ffnn_784/model.onnx")).ok()?;
    // Stays behind: the daemon reads it while it runs.
    let folder = tempfile::tempdir().ok()?.keep();
    std::fs::create_dir_all(folder.join("1")).ok()?;
    std::fs::write(folder.join("1/model.onnx"), model).ok()?;
    let topology = format!(
        r#"version = 1
name = "bench"
[[source]]
id = "images"
topic = "images"
format = "json"
key = "id"
partitions = 4
[source.schema]
id = "int64"
created = "int64"
pixels = "float32[784]"
[[operator]]
id = "classify"
kind = "infer"
input = "images"
model = "ffnn"
features = ["pixels"]
outputs = {{ scores = "a4" }}
[[model]]
id = "ffnn"
path = "{}"
batch = {{ size = 256, delay = "1ms" }}
[[sink]]
id = "out"
input = "classify"
topic = "out"
format = "json"
key = "id"
columns = ["id", "created", "scores"]
"#,
        folder.display()
    );
    Some(Workload {
        name: "pixels",
        topic: "images",
        topology,
        record: image,
    })
}

/// An image of 784 values in about 5.5 KB of JSON.
fn image(nth: u64, out: &mut String) -> String {
    let _ = write!(out, "{{\"id\":{nth},\"created\":{nth},\"pixels\":[");
    for pixel in 0..784u64 {
        let comma = if pixel == 0 { "" } else { "," };
        let value = nth.wrapping_mul(31).wrapping_add(pixel * 97) % 10_000;
        let _ = write!(out, "{comma}0.{value:04}");
    }
    out.push_str("]}");
    nth.to_string()
}

/// About 200 bytes of JSON, 100,000 users, a millisecond apart. Gives the key.
fn event(nth: u64, out: &mut String) -> String {
    event_of(100_000, nth, out)
}

/// The same of a million users, each of them once in a million records: the most that a state of
/// 256 MiB can be made to turn over.
fn event_of_a_million(nth: u64, out: &mut String) -> String {
    event_of(1_000_000, nth, out)
}

fn event_of(users: u64, nth: u64, out: &mut String) -> String {
    let mixed = nth
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(23)
        .wrapping_mul(0xff51_afd7_ed55_8ccd);
    // A million: every user in turn, so that there are really so many.
    let user = if users > 100_000 {
        nth * 611_953 % users
    } else {
        (mixed >> 16) % users
    };
    let user = format!("user-{user:06}");
    let country = ["DE", "FR", "NL", "XX", "SE"][(mixed % 5) as usize];
    let (ts, amount) = (1_700_000_000_000 + nth, (mixed >> 40) % 10_000);
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "{{\"id\":{nth},\"ts\":{ts},\"user\":\"{user}\",\"country\":\"{country}\",\"amount\":{}.{:02},\"channel\":\"web\",\"session\":\"{mixed:016x}\",\"agent\":\"Mozilla/5.0 (X11; Linux x86_64)\"}}",
        amount / 100,
        amount % 100
    );
    user
}

/// A card payment: 5,000 customers, 10,000 terminals, 8 seconds apart.
fn payment(nth: u64, out: &mut String) -> String {
    let mixed = nth
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(23)
        .wrapping_mul(0xff51_afd7_ed55_8ccd);
    let customer = ((mixed >> 16) % 5_000).to_string();
    let terminal = (mixed >> 32) % 10_000;
    let (ts, amount) = (
        1_700_000_000_000 + nth * 8_000,
        100 + (mixed >> 40) % 20_000,
    );
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "{{\"tx_id\":{nth},\"ts\":{ts},\"customer_id\":\"{customer}\",\"terminal_id\":\"{terminal}\",\"amount\":{}.{:02}}}",
        amount / 100,
        amount % 100
    );
    customer
}

/// Runs the daemon on a topology until it has caught up.
///
/// # Errors
/// If it cannot be run or fails.
pub fn drain(topology: &Path, data: &Path) -> Result<Figures, Failure> {
    let before = children_cpu_seconds()?;
    let began = Instant::now();
    let mut child = Command::new(daemon()?)
        .arg("run")
        .arg(topology)
        .arg("--data-dir")
        .arg(data)
        .args(["--until-caught-up", "--listen", "none"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut rss_mib = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        rss_mib = rss_mib.max(memory_mib(child.id(), "VmRSS"));
        std::thread::park_timeout(Duration::from_millis(20));
    };
    if !status.success() {
        return Err(format!("the daemon ended with {status}").into());
    }
    Ok(Figures {
        wall: began.elapsed().as_secs_f64(),
        cpu: children_cpu_seconds()? - before,
        rss_mib,
    })
}

/// Writes a workload's records to a topic, which it creates.
///
/// # Errors
/// If the log refuses.
pub fn fill(log: &dyn Log, topic: &str, workload: &Workload, records: u64) -> Result<(), Failure> {
    let name = TopicName::parse(topic)?;
    log.ensure_topic(&TopicSpec {
        name: name.clone(),
        partitions: PARTITIONS,
        compacted: false,
        retention_ms: None,
        retention_bytes: None,
    })?;
    let mut producer = log.producer(&format!("fill.{topic}"))?;
    let mut nth = 0;
    while nth < records {
        let mut by_partition = vec![Vec::new(); PARTITIONS as usize];
        let end = (nth + 20_000).min(records);
        for nth in nth..end {
            let mut value = String::new();
            let key = (workload.record)(nth, &mut value);
            let partition = partition_for_key(key.as_bytes(), PARTITIONS);
            let record = LogRecord::new(
                Some(Bytes::from(key)),
                Some(Bytes::from(value)),
                1_700_000_000_000,
            );
            by_partition[partition as usize].push(record);
        }
        producer.begin()?;
        for (partition, records) in (0..).zip(by_partition) {
            producer.send(&TopicPartition::new(name.clone(), partition), records)?;
        }
        producer.commit()?;
        nth = end;
    }
    Ok(())
}
