//! The crash experiment: a topology run over a fixed input, killed with SIGKILL at random moments
//! and started again, must leave the same outputs as a run that was never killed.
//!
//! It knows the daemon only as a process and the outputs only as topics. `bin/crash.rs` runs it in
//! full, `system/crash.rs` in small.

mod process;
mod compare;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use compare::{Topic, compare, read_topic};
pub use process::{Ended, binary, run};

/// What is run.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// The daemon's binary.
    pub binary: PathBuf,
    /// The topology file.
    pub topology: PathBuf,
    /// `--set` overrides.
    pub set: Vec<String>,
    /// Output topics to compare.
    pub outputs: Vec<String>,
    /// Name of the topology, which is also its consumer group.
    pub group: String,
}

/// How one killed run went.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    /// How often it was killed.
    pub kills: usize,
    /// Whether the state folder was deleted in between.
    pub wiped: bool,
    /// Records compared.
    pub records: usize,
}

/// A run that is never killed may take this long.
const RUN_WITHIN: Duration = Duration::from_secs(600);

impl Experiment {
    /// The card-fraud example over so many generated records, spread over four seconds so that the
    /// moments of the kills fall into the stream on a fast machine too.
    #[must_use]
    pub fn card_fraud(binary: PathBuf, records: u64) -> Self {
        let examples = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples"));
        let feed = format!(
            "source.transactions.feed={{ kind = \"generator\", profile = \"card-fraud\", seed = 7, records = {records}, rate = {} }}",
            (records / 4).max(1)
        );
        Self {
            binary,
            topology: examples.join("card-fraud/topology.toml"),
            set: vec![feed],
            outputs: ["scored", "blocked", "review"].map(String::from).to_vec(),
            group: "card-fraud".to_owned(),
        }
    }

    /// Runs once without a kill; gives the outputs and how long it took.
    ///
    /// # Errors
    /// If the daemon fails or its outputs cannot be read.
    pub fn undisturbed(&self, dir: &Path) -> Result<(Vec<Topic>, Duration), String> {
        let began = Instant::now();
        let ended = run(self, dir, RUN_WITHIN)?;
        if ended != Ended::Itself(0) {
            return Err(format!("the undisturbed run ended with {ended:?}"));
        }
        Ok((self.read(dir)?, began.elapsed()))
    }

    fn read(&self, dir: &Path) -> Result<Vec<Topic>, String> {
        self.outputs
            .iter()
            .map(|topic| read_topic(dir, topic))
            .collect()
    }

    /// Runs with 1 to 5 kills at random moments of a run that takes about `length`, then to its
    /// end, and compares the outputs with `expected`. In a third of the runs the state folder is
    /// deleted after a kill.
    ///
    /// # Errors
    /// What differs, or what failed.
    pub fn killed(
        &self,
        dir: &Path,
        seed: u64,
        length: Duration,
        expected: &[Topic],
    ) -> Result<Report, String> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let wished = random.random_range(1..=5usize);
        let mut report = Report {
            kills: 0,
            wiped: false,
            records: 0,
        };
        for _ in 0..wished {
            // Early moments hit the start and the restore, late ones the stream.
            let share: f64 = random.random_range(0.05..0.9);
            let ended = run(
                self,
                dir,
                length.mul_f64(share) / u32::try_from(wished).unwrap_or(1),
            )?;
            match ended {
                Ended::Killed => report.kills += 1,
                Ended::Itself(0) => break,
                Ended::Itself(code) => return Err(format!("the daemon ended with {code}")),
            }
            if !report.wiped && random.random_bool(1.0 / 3.0) {
                let state = dir.join("state");
                if state.exists() {
                    std::fs::remove_dir_all(&state).map_err(|e| e.to_string())?;
                    report.wiped = true;
                }
            }
        }
        let ended = run(self, dir, RUN_WITHIN)?;
        if ended != Ended::Itself(0) {
            return Err(format!("the last run ended with {ended:?}"));
        }
        if report.kills == 0 {
            return Err("the run was never killed: it proves nothing".to_owned());
        }
        let outputs = self.read(dir)?;
        for (expected, found) in expected.iter().zip(&outputs) {
            report.records += compare(expected, found)?;
        }
        compare::offsets_at_end(dir, &self.group)?;
        Ok(report)
    }
}
