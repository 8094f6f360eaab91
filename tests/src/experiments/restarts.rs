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
    /// Records decoded so far, in all partitions.
    decoded: AtomicU64,
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
        self.decoded.fetch_add(1, Ordering::Relaxed);
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

    /// Lets it panic when so many records more have come, and waits until they flow again.
    async fn pull(
        &self,
        running: &Running,
        settled: u64,
        (place, partition): (&'static str, u32),
    ) -> Restart {
        let records = || self.decoded.load(Ordering::Relaxed);
        let enough = records() + settled;
        running
            .until("records", || (records() >= enough).then_some(()))
            .await;
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
        let flows = || self.resumed.load(Ordering::SeqCst) != 0;
        let what = format!("records after a panic in {place}");
        running.until(&what, || flows().then_some(())).await;
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

/// At least so many panics, each when `settled` records have come since the one before, in as many lives of a
/// daemon as it takes.
///
/// # Panics
/// If records do not flow again.
#[must_use]
pub fn restarts(panics: usize, settled: u64) -> Vec<Restart> {
    let mut all = Vec::new();
    for other in OTHERS.into_iter().cycle() {
        if all.len() >= panics {
            break;
        }
        let dir = tempfile::tempdir().expect("a temporary folder");
        all.extend(inside::block_on(life(dir.path(), settled, other)));
    }
    all
}

/// A daemon in which each task of the source panics once, then something else.
async fn life(dir: &Path, settled: u64, other: &'static str) -> Vec<Restart> {
    let log = EmbeddedLog::open(&dir.join("log"), EmbeddedOptions::default()).expect("a new log");
    let trigger = Arc::new(Trigger {
        zero: Instant::now(),
        opened: Mutex::new(None),
        armed: Mutex::new(None),
        panicked: AtomicU64::new(0),
        resumed: AtomicU64::new(0),
        decoded: AtomicU64::new(0),
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
    for panic in tasks.chain([(other, 0)]) {
        restarts.push(trigger.pull(&running, settled, panic).await);
    }
    running.stop().await;
    restarts
}
