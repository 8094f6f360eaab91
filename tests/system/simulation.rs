//! A few seeds of the simulation; `simulate` runs as many as are wanted.

use tests::simulation::{How, simulate};

#[test]
fn outputs_and_state_are_those_of_a_run_without_faults_whatever_fails() {
    for seed in 0..60 {
        let run = simulate(seed, How::default());
        if let Some(failed) = run.failed {
            panic!("{failed}\n  again: {} --trace", command(seed));
        }
    }
}

#[test]
fn one_seed_is_one_run_call_by_call() {
    for seed in 1_000..1_012 {
        let [one, other] = [0, 1].map(|_| simulate(seed, How::default()));
        assert_eq!(
            (one.trace, one.calls),
            (other.trace, other.calls),
            "seed {seed}"
        );
        assert!(one.calls > 20, "seed {seed} did something");
    }
}

fn command(seed: u64) -> String {
    format!("cargo run -p thalweg-tests --bin simulate -- --seed {seed}")
}
