//! How soon records flow again after a panic that no smaller cure holds: in a task, a sink, the committer,
//! the producer. Card-fraud on the embedded log; what flows are the records of one source partition.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actors::log::embedded::{EmbeddedLog, EmbeddedOptions};
use actors::nodes::faults::Faults;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::card_fraud;
use crate::inside::{self, Running};

/// Where it panics beside the tasks. Each life of a daemon has one panic of each task and one of these, in
/// turn, so that no restart waits for a backoff: the first one of whoever is to blame is at once.
const OTHERS: [&str; 4] = ["session-host", "sink", "committer", "producer"];
const TASKS: u32 = 4;
const PATIENCE: Duration = Duration::from_secs(60);

/// A panic, and how long it took until the partition's records were decoded again.
#[derive(Debug, Clone, Copy)]
pub struct Restart {
    /// Where it panicked: a hook's name.
    pub place: &'static str,
    /// From the panic to the first record.
    pub took: Duration,
}

/// Makes what it is armed for panic once, and sees when records flow again.
struct Trigger {
    zero: Instant,
    opened: Mutex<Option<watch::Receiver<u64>>>,
    armed: Mutex<Option<Armed>>,
    panicked: AtomicU64,
    resumed: AtomicU64,
}

/// The next panic.
#[derive(Clone)]
struct Armed {
    place: &'static str,
    /// Thread of the partition that is looked at, which bears its task's name.
    thread: String,
    /// How often the intake had opened before.
    opened: u64,
}

impl Trigger {
    fn hit(&self, kind: &str) {
        let Some(wanted) = self.armed.lock().clone() else {
            return;
        };
        let is_of_task = matches!(wanted.place, "partition" | "session-host");
        if wanted.place != kind || (is_of_task && !is_here(&wanted.thread)) {
            return;
        }
        let now = self.now();
        let (once, seen) = (Ordering::SeqCst, Ordering::Relaxed);
        if self.panicked.compare_exchange(0, now, once, seen).is_err() {
            return;
        }
        // As a panic, without its text on standard error.
        std::panic::resume_unwind(Box::new("injected"));
    }

    /// A record is decoded.
    fn decoded(&self) {
        if self.panicked.load(Ordering::SeqCst) == 0 || self.resumed.load(Ordering::SeqCst) != 0 {
            return;
        }
        let Some(armed) = self.armed.lock().clone() else {
            return;
        };
        let opened = self
            .opened
            .lock()
            .as_ref()
            .map_or(0, |opened| *opened.borrow());
        if opened > armed.opened && is_here(&armed.thread) {
            self.resumed.store(self.now(), Ordering::SeqCst);
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.zero.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Lets it panic, and waits until records flow again.
    async fn pull(&self, place: &'static str, partition: u32) -> Restart {
        self.resumed.store(0, Ordering::SeqCst);
        self.panicked.store(0, Ordering::SeqCst);
        let opened = self
            .opened
            .lock()
            .as_ref()
            .map_or(0, |opened| *opened.borrow());
        *self.armed.lock() = Some(Armed {
            place,
            thread: format!("transactions-{partition}"),
            opened,
        });
        let began = Instant::now();
        while self.resumed.load(Ordering::SeqCst) == 0 {
            assert!(
                began.elapsed() < PATIENCE,
                "nothing flows after a panic in {place}"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        *self.armed.lock() = None;
        let nanos = self.resumed.load(Ordering::SeqCst) - self.panicked.load(Ordering::SeqCst);
        Restart {
            place,
            took: Duration::from_nanos(nanos),
        }
    }
}

fn is_here(thread: &str) -> bool {
    std::thread::current().name() == Some(thread)
}

/// At least so many panics, one `every` so often, in as many lives of a daemon as it takes.
///
/// # Panics
/// If records do not flow again.
#[must_use]
pub fn restarts(panics: usize, every: Duration) -> Vec<Restart> {
    let mut all = Vec::new();
    for other in OTHERS.into_iter().cycle() {
        if all.len() >= panics {
            break;
        }
        let dir = tempfile::tempdir().expect("a temporary folder");
        all.extend(inside::block_on(life(dir.path(), every, other)));
    }
    all
}

/// A daemon in which each task of the source panics once, then something else.
async fn life(dir: &Path, every: Duration, other: &'static str) -> Vec<Restart> {
    let log = EmbeddedLog::open(&dir.join("log"), EmbeddedOptions::default()).expect("a new log");
    let trigger = Arc::new(Trigger {
        zero: Instant::now(),
        opened: Mutex::new(None),
        armed: Mutex::new(None),
        panicked: AtomicU64::new(0),
        resumed: AtomicU64::new(0),
    });
    let (decodes, hits) = (Arc::clone(&trigger), Arc::clone(&trigger));
    let faults = Faults::by_content(Arc::new(move |stage: &str, _: &[u8]| {
        if stage == "codec" {
            decodes.decoded();
        }
    }));
    let faults = faults.and(Arc::new(move |kind: &str| hits.hit(kind)));
    let running = Running::start(card_fraud(&[]), Arc::new(log), dir, faults).await;
    *trigger.opened.lock() = Some(running.daemon.context.wiring.attached());
    let mut restarts = Vec::new();
    let tasks = (0..TASKS).map(|partition| ("partition", partition));
    for (place, partition) in tasks.chain([(other, 0)]) {
        tokio::time::sleep(every).await;
        restarts.push(trigger.pull(place, partition).await);
    }
    running.stop().await;
    restarts
}
