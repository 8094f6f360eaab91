//! Death by SIGKILL: this test binary runs itself as a child that writes epochs, kills it at random
//! moments, and compares what is found with what the marker says.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::SledStore;
use super::model::{Model, apply, epoch_entries};
use crate::state::StateStore;
use crate::state::conformance::{content, marker};

/// Names the child's folder.
const FOLDER: &str = "THALWEG_TEST_STORE_FOLDER";
const CHILD: &str = "state::sled_store::tests::kill::child_writes_epochs_until_it_is_killed";
const KILLS: usize = 20;
/// Of each of the two spaces.
const KEYS: u32 = 2_000;
const ENTRIES: usize = 200;

#[test]
fn after_sigkill_the_store_holds_exactly_what_its_marker_says() {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut model = Model::new();
    let mut epoch = 0;
    for kill in 0..KILLS {
        let acknowledged = run_and_kill(
            dir.path(),
            rng.random_range(0..12),
            rng.random_range(0..20_000),
        );
        let store = SledStore::open(dir.path()).unwrap();
        let found = store.marker().unwrap().map_or(0, |marker| marker.epoch);
        assert!(
            (epoch.max(acknowledged)..=epoch.max(acknowledged) + 1).contains(&found),
            "kill {kill}: epoch {found} found, {epoch} before, {acknowledged} acknowledged"
        );
        for epoch in epoch + 1..=found {
            apply(&mut model, &epoch_entries(epoch, KEYS, ENTRIES));
        }
        epoch = found;
        assert!(
            content(&store) == model,
            "kill {kill}: not the content of epoch {epoch}"
        );
    }
    assert!(epoch > 20, "the children wrote {epoch} epochs");
}

/// Lets a child write some epochs and kills it some microseconds later. Returns the last epoch that
/// it said was written.
fn run_and_kill(dir: &Path, epochs: usize, then_us: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--nocapture", "--test-threads=1"])
        .env(FOLDER, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map(KillOnDrop)
        .unwrap();
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let mut last = 0;
    let mut heard = 0;
    for line in lines.by_ref() {
        last = written(&line.unwrap())
            .inspect(|_| heard += 1)
            .unwrap_or(last);
        if heard > epochs {
            break;
        }
    }
    assert!(heard > epochs, "the child died by itself");
    // The moment is what is random here; nothing is waited for.
    let moment = Instant::now() + Duration::from_micros(then_us);
    while Instant::now() < moment {
        std::hint::spin_loop();
    }
    child.0.kill().unwrap();
    child.0.wait().unwrap();
    // What it said between our last look and its death.
    let rest = lines
        .map_while(Result::ok)
        .filter_map(|line| written(&line));
    rest.last().unwrap_or(last)
}

fn written(line: &str) -> Option<u64> {
    line.split("epoch ").nth(1)?.strip_suffix('.')?.parse().ok()
}

struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // It may be dead already, which is what is wanted.
        let _dead = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Does nothing in an ordinary run; the test above runs it with a folder.
#[test]
fn child_writes_epochs_until_it_is_killed() {
    let Some(dir) = std::env::var_os(FOLDER) else {
        return;
    };
    let store = SledStore::open(Path::new(&dir)).unwrap();
    let first = store.marker().unwrap().map_or(1, |marker| marker.epoch + 1);
    let mut out = std::io::stdout();
    for epoch in first.. {
        store
            .put_epoch(&epoch_entries(epoch, KEYS, ENTRIES), &marker(epoch))
            .unwrap();
        // With the full stop, so that a half line is not taken for another number.
        writeln!(out, "\nepoch {epoch}.").unwrap();
    }
}
