//! The chaos experiment in small; `bin/chaos.rs` is the full count.

use std::time::Duration;

use tests::chaos::Chaos;

use super::brokers;

/// Longer than a session of 6 s: the others have taken over when the daemon wakes up.
const PAUSE: Duration = Duration::from_secs(8);

#[test]
fn daemons_that_are_killed_paused_and_stopped_lose_double_and_reorder_nothing() {
    let Some(bootstrap) = brokers() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    for protocol in ["classic", "consumer"] {
        let folder = dir.path().join(protocol);
        std::fs::create_dir(&folder).expect("a folder");
        let chaos = Chaos {
            bootstrap: bootstrap.clone(),
            brokers: None,
            name: format!("chaos-{protocol}-{}", std::process::id()),
            protocol,
            records: 10_000,
            keys: 500,
            partitions: 4,
            nodes: 2,
            faults: 3,
            // A kill, a pause and a stop.
            seed: 7,
            pause: PAUSE,
        };
        let report = chaos
            .run(&folder)
            .expect("nothing lost, doubled or reordered");
        assert_eq!(report.outputs, 9_980, "{report:?}");
        assert_eq!(report.dead_letters, 20, "{report:?}");
    }
}
