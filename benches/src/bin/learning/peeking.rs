//! The gate and the sequential test on models and arms that are equal: how often chance alone decides.

use models::gate::{
    Answers, Arm, Candidate, Difference, Holdout, Measure, Rules, SequentialTest, judge,
};

/// Rows of the holdout on which two equal models are compared.
const ROWS: usize = 500;
/// Observations of a rollout that is looked at after each of them.
const OBSERVATIONS: usize = 10_000;

pub(crate) fn measure() {
    println!("gate: promotions among 1,000 pairs of equally good models, alpha 0.05");
    for measure in [
        Measure::Accuracy,
        Measure::AveragePrecision,
        Measure::RocAuc,
        Measure::LogLoss,
    ] {
        let promoted = (0..1_000)
            .filter(|seed| is_promoted(measure, *seed))
            .count();
        println!("{} | {promoted}", measure.word());
    }
    println!(
        "sequential test: 10,000 rollouts of equal arms, alpha 0.05, looked at after every one of {OBSERVATIONS} observations"
    );
    for chance in [0.01, 0.1, 0.5] {
        let stopped = (0..10_000).filter(|seed| is_stopped(chance, *seed)).count();
        println!("outcomes of chance {chance} | {stopped} stopped");
    }
    for (champion, challenger) in [(0.01, 0.05), (0.1, 0.2), (0.1, 0.5)] {
        let mut needed: Vec<usize> = (0..100)
            .map(|seed| observations_until(champion, challenger, seed))
            .collect();
        needed.sort_unstable();
        println!(
            "errors {champion} and {challenger}, a quarter of the keys tried | told apart after {} observations (median)",
            needed[50]
        );
    }
}

/// Whether one of two models that see the truth through equal noise is promoted over the other.
fn is_promoted(measure: Measure, seed: u64) -> bool {
    let mut random = Random(seed);
    let truths: Vec<f32> = (0..ROWS).map(|_| f32::from(random.unit() < 0.2)).collect();
    let mut answers = || {
        let mut numbers = Vec::with_capacity(2 * ROWS);
        for truth in &truths {
            // A sum of uniforms for a normal.
            let noise: f64 = (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
            let logit = 2.0 * (f64::from(*truth) - 0.5) + noise - 0.5;
            let probability = (1.0 / (1.0 + (-logit).exp())) as f32;
            numbers.extend([1.0 - probability, probability]);
        }
        Answers { width: 2, numbers }
    };
    let (old, new) = (answers(), answers());
    let candidate = |answers| Candidate {
        name: "the other",
        signature: None,
        answers,
        latency: None,
    };
    let holdout = Holdout {
        truths: &truths,
        slices: &[],
    };
    let rules = Rules {
        replicates: 200,
        seed,
        ..Rules::of(measure)
    };
    judge(&candidate(&old), &candidate(&new), &holdout, &rules).promoted
}

/// Whether equal arms are ever told apart.
fn is_stopped(chance: f64, seed: u64) -> bool {
    observations_until(chance, chance, seed) < OBSERVATIONS
}

/// Observations until the arms are told apart, at most [`OBSERVATIONS`].
fn observations_until(champion: f64, challenger: f64, seed: u64) -> usize {
    let mut random = Random(seed);
    let mut test = SequentialTest::new(0.05);
    for seen in 0..OBSERVATIONS {
        let (arm, chance) = if random.unit() < 0.25 {
            (Arm::Challenger, challenger)
        } else {
            (Arm::Champion, champion)
        };
        test.observe(arm, f64::from(random.unit() < chance));
        if test.difference() != Difference::Open {
            return seen;
        }
    }
    OBSERVATIONS
}

/// SplitMix64.
struct Random(u64);

impl Random {
    /// Uniform in [0, 1).
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
