//! Killed with SIGKILL at random moments and started again, a topology leaves the same outputs.

use std::time::Duration;

use tests::crash::{Experiment, binary};

#[test]
fn outputs_of_a_killed_run_equal_those_of_an_undisturbed_one() {
    let experiment = Experiment::card_fraud(binary().expect("the daemon is built"), 20_000);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (expected, length) = experiment
        .undisturbed(&dir.path().join("undisturbed"))
        .expect("the undisturbed run");
    let scored: usize = expected[0].partitions.iter().map(Vec::len).sum();
    assert!(
        scored > 19_000,
        "nearly every record is scored, but {scored} were"
    );
    for seed in 1..=3 {
        let length = length.max(Duration::from_millis(300));
        let report = experiment.killed(&dir.path().join(seed.to_string()), seed, length, &expected);
        let report = report.unwrap_or_else(|reason| panic!("seed {seed}: {reason}"));
        println!("seed {seed}: {report:?}");
    }
}
