//! The chaos experiment in full: `cargo run --release -p thalweg-tests --bin chaos -- [FAULTS] [RECORDS] [SEED] [consumer] [at-least-once]`.
//!
//! Starts three brokers and three daemons, each of which has a network of its own and can be cut off;
//! needs Java and Maven, and root for the networks (without, it says so and cuts nobody off). With
//! `THALWEG_TEST_BROKERS` it uses that cluster and leaves its brokers and their network alone. Builds nothing: build the daemon
//! first (`cargo build --release`).

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tests::chaos::{Brokers, Chaos, Network};

/// Daemons.
const NODES: usize = 3;

fn main() -> ExitCode {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let (faults, records, seed) = (
        numbers.first().copied().unwrap_or(100),
        numbers.get(1).copied().unwrap_or(1_000_000),
        numbers.get(2).copied().unwrap_or(1),
    );
    match experiment(faults, records, seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("FAILED: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn experiment(faults: u64, records: u64, seed: u64) -> Result<(), String> {
    let has = |word: &str| std::env::args().any(|argument| argument == word);
    // KIP-848's protocol if the word is there.
    let protocol = if has("consumer") {
        "consumer"
    } else {
        "classic"
    };
    let delivery = match has("at-least-once") {
        true => "at-least-once",
        false => "exactly-once",
    };
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let (brokers, network, bootstrap) = match std::env::var("THALWEG_TEST_BROKERS") {
        Ok(bootstrap) => (None, None, bootstrap),
        Err(_) => {
            let network = Network::new(NODES)
                .inspect_err(|reason| println!("SKIPPED: nobody is cut off: {reason}"))
                .ok();
            let host = network.as_ref().map(Network::host);
            let (brokers, bootstrap) = Brokers::start(dir.path().join("brokers"), 3, host)?;
            (Some(brokers), network.map(Arc::new), bootstrap)
        }
    };
    let chaos = Chaos {
        bootstrap,
        brokers: brokers.clone(),
        network,
        delivery,
        name: format!("chaos-{seed}-{}", std::process::id()),
        protocol,
        records,
        keys: 20_000,
        partitions: 8,
        nodes: NODES,
        faults: usize::try_from(faults).map_err(|e| e.to_string())?,
        seed,
        pause: Duration::from_secs(15),
    };
    let began = Instant::now();
    let outcome = chaos.run(dir.path());
    if let Some(brokers) = brokers {
        brokers.stop()?;
    }
    if outcome.is_err() {
        // What the daemons said is worth reading then.
        println!("logs are kept in {}", dir.keep().display());
    }
    println!("{:?} in {:.0?}", outcome?, began.elapsed());
    Ok(())
}
