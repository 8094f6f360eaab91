//! Memory of the whole daemon: with very many keys, and idle in a directory that was used before.
//!
//! `cargo run --release -p thalweg-benches --bin memory -- keys [MEMORY] [KEYS]`: a file of two records
//! for each of KEYS (1,000,000) keys goes through four rolling aggregates over 4 partitions with
//! `[state] memory = MEMORY` (512MiB); every key comes back after all others have been there, so that
//! sessions are passivated and loaded all the time.
//!
//! `cargo run --release -p thalweg-benches --bin memory -- idle [PAYMENTS]`: card-fraud takes PAYMENTS
//! (1,000,000), ends, is started again, and is watched for a minute.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use thalweg_benches::{Failure, cpu_seconds, daemon, memory_mib};

/// How often a process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What a start leaves to do is done by then.
const WARM_UP: Duration = Duration::from_secs(15);
/// How long an idle daemon is watched.
const WATCHED: Duration = Duration::from_secs(60);

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize, default: &str| {
        let given = arguments.get(at).map(String::as_str);
        given.unwrap_or(default).to_owned()
    };
    match argument(0, "keys").as_str() {
        "keys" => keys(&argument(1, "512MiB"), argument(2, "1000000").parse()?),
        "idle" => idle(argument(1, "1000000").parse()?),
        other => Err(format!("no such measurement: {other}; there are keys and idle").into()),
    }
}

/// What a state that is larger than its memory makes of the process.
fn keys(memory: &str, keys: u64) -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let events = dir.path().join("events.ndjson");
    write_events(&events, keys)?;
    let topology = dir.path().join("topology.toml");
    std::fs::write(&topology, many_keys(&events, memory))?;
    let data = dir.path().join("data");
    let began = Instant::now();
    let mut child = start(&topology, &data, &["--until-caught-up"])?;
    let (mut peak, mut cpu) = (0, 0.0);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak = peak.max(memory_mib(child.id(), "VmHWM"));
        cpu = cpu_seconds(child.id()).unwrap_or(cpu);
        std::thread::park_timeout(LOOK_EVERY);
    };
    if !status.success() {
        return Err(format!("the daemon ended with {status}").into());
    }
    let wall = began.elapsed().as_secs_f64();
    println!("{keys} keys, memory = \"{memory}\": {peak} MiB at most, {cpu:.1} CPU s, {wall:.1} s");
    Ok(())
}

/// Two rounds over all keys, a millisecond apart, 170 bytes each.
fn write_events(path: &Path, keys: u64) -> Result<(), Failure> {
    let mut file = BufWriter::new(File::create(path)?);
    for nth in 0..2 * keys {
        let user = nth.wrapping_mul(611_953) % keys;
        let mixed = nth.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (ts, amount) = (1_700_000_000_000 + nth, mixed >> 51);
        writeln!(
            file,
            r#"{{"id":{nth},"ts":{ts},"user":"user-{user:07}","country":"DE","amount":{amount}.5,"channel":"web","session":"{mixed:016x}","agent":"Mozilla/5.0 (X11; Linux x86_64)"}}"#
        )?;
    }
    Ok(file.flush()?)
}

fn many_keys(events: &Path, memory: &str) -> String {
    format!(
        r#"version = 1
name = "many-keys"
[state]
memory = "{memory}"
[[source]]
id = "events"
topic = "events"
format = "json"
key = "user"
partitions = 4
time = {{ column = "ts", unit = "ms" }}
feed = {{ kind = "file", path = "{}" }}
[source.schema]
id = "int64"
ts = "timestamp"
user = "string"
country = "string"
amount = "float64"
[[operator]]
id = "history"
kind = "rolling"
input = "events"
[operator.columns]
n = {{ fn = "count", over = "1h" }}
mean = {{ fn = "avg", of = "amount", over = "1h" }}
high = {{ fn = "max", of = "amount", over = "1h" }}
spread = {{ fn = "stddev", of = "amount", over = "1h" }}
[[sink]]
id = "out"
input = "history"
topic = "out"
format = "json"
key = "user"
"#,
        events.display()
    )
}

/// What the daemon costs when there is nothing to do, but was.
fn idle(payments: u64) -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/card-fraud");
    let topology = std::fs::read_to_string(format!("{example}/topology.toml"))?
        .replace("rate = 5000", &format!("records = {payments}"))
        .replace("\"models/fraud\"", &format!("\"{example}/models/fraud\""));
    let learns = topology.find("# How the model learns.");
    let topology = &topology[..learns.unwrap_or(topology.len())];
    let file = dir.path().join("topology.toml");
    std::fs::write(&file, topology)?;
    let data = dir.path().join("data");
    let status = start(&file, &data, &["--until-caught-up"])?.wait()?;
    if !status.success() {
        return Err(format!("the daemon ended with {status}").into());
    }
    let mut child = start(&file, &data, &[])?;
    let watched = watch(&child);
    child.kill()?;
    child.wait()?;
    let (share, mib) = watched?;
    println!("idle after {payments} payments: {mib} MiB, {share:.2} % of a core");
    Ok(())
}

/// Percent of a core over a minute, and MiB at its end.
fn watch(child: &Child) -> Result<(f64, u64), Failure> {
    std::thread::park_timeout(WARM_UP);
    let before = cpu_seconds(child.id())?;
    std::thread::park_timeout(WATCHED);
    let share = 100.0 * (cpu_seconds(child.id())? - before) / WATCHED.as_secs_f64();
    Ok((share, memory_mib(child.id(), "VmRSS")))
}

fn start(topology: &Path, data: &Path, more: &[&str]) -> Result<Child, Failure> {
    let mut command = Command::new(daemon()?);
    command.arg("run").arg(topology).arg("--data-dir").arg(data);
    command.args(["--listen", "none"]).args(more);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    Ok(command.spawn()?)
}
