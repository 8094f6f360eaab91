//! The chaos experiment in small; `bin/chaos.rs` is the full count.

use std::sync::Arc;
use std::time::Duration;

use tests::chaos::{Brokers, Chaos, Network, Report};

use super::brokers;

/// Longer than a session of 6 s: the others have taken over when the daemon wakes up.
const PAUSE: Duration = Duration::from_secs(8);

/// What is fed, and disturbed by a kill, a pause and a stop.
fn chaos(bootstrap: String, name: &str) -> Chaos {
    Chaos {
        bootstrap,
        brokers: None,
        network: None,
        delivery: "exactly-once",
        name: format!("chaos-{name}-{}", std::process::id()),
        protocol: "classic",
        records: 10_000,
        keys: 500,
        partitions: 4,
        nodes: 2,
        faults: 3,
        seed: 7,
        pause: PAUSE,
    }
}

fn run(chaos: &Chaos) -> Report {
    let dir = tempfile::tempdir().expect("a folder");
    let report = chaos
        .run(dir.path())
        .expect("nothing lost, doubled or reordered");
    assert_eq!(report.outputs, 9_980, "{report:?}");
    assert_eq!(report.dead_letters, 20, "{report:?}");
    report
}

#[test]
fn daemons_that_are_killed_paused_and_stopped_lose_double_and_reorder_nothing() {
    let Some(bootstrap) = brokers() else { return };
    for protocol in ["classic", "consumer"] {
        run(&Chaos {
            protocol,
            ..chaos(bootstrap.clone(), protocol)
        });
    }
}

#[test]
fn where_outputs_may_come_again_none_is_lost_or_wrong_and_the_first_of_each_is_in_order() {
    let Some(bootstrap) = brokers() else { return };
    run(&Chaos {
        delivery: "at-least-once",
        ..chaos(bootstrap, "again")
    });
}

#[test]
fn daemons_that_are_cut_off_from_the_network_lose_double_and_reorder_nothing() {
    if brokers().is_none() {
        return;
    }
    let network = match Network::new(2) {
        Ok(network) => network,
        Err(reason) => {
            eprintln!("SKIPPED: no network can be made to cut: {reason} (it needs root)");
            return;
        }
    };
    let dir = tempfile::tempdir().expect("a folder");
    let started = Brokers::start(dir.path().join("brokers"), 1, Some(network.host()));
    let (brokers, bootstrap) = match started {
        Ok(started) => started,
        Err(reason) => {
            eprintln!("SKIPPED: no broker on that network: {reason}");
            return;
        }
    };
    let report = run(&Chaos {
        network: Some(Arc::new(network)),
        // Two cuts, of 1.7 s and of 11 s: the second outlasts a session.
        faults: 2,
        seed: 449,
        ..chaos(bootstrap, "cut")
    });
    brokers.stop().expect("stopped");
    assert!(report.cuts == 2, "{report:?}");
}
