//! An actor or a thread that hangs: how soon it is found and healed, and what comes out all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use actors::clock::{Clock, SystemClock};
use actors::log::Log;
use actors::log::memory::MemoryLog;
use actors::nodes::events::{Event, Happened};
use actors::nodes::faults::Faults;
use config::Topology;
use supervisors::ChildState;

use super::card_fraud;
use crate::inside::{self, Running};

/// A place at which to hang.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The hook's name.
    pub hook: &'static str,
    /// The hook's call at which it hangs: in the middle of the stream.
    pub call: u64,
    /// Part of the name of who is replaced.
    pub replaced: &'static str,
    /// Which sessions the keyed operators have.
    pub sessions: &'static str,
}

/// One in each kind of actor and thread that works.
pub const PLACES: [Place; 11] = [
    Place::of("partition", 60, "-"),
    Place::of("session-host", 60, "-"),
    Place {
        sessions: "{ hosting = \"dedicated\", max = 300 }",
        ..Place::of("session", 300, "-")
    },
    Place::of("consumer-thread", 20, "consumer"),
    Place::of("inference", 3, "inference-fraud"),
    Place::of("sink", 12, "sink-"),
    Place::of("committer", 6, "committer"),
    Place::of("producer", 4, "committer"),
    Place::of("feed-thread", 2, "feed-"),
    Place::of("feed", 1, "feed-"),
    Place::of("housekeeping", 1, "store"),
];

impl Place {
    const fn of(hook: &'static str, call: u64, replaced: &'static str) -> Self {
        Self {
            hook,
            call,
            replaced,
            sessions: "{ hosting = \"hosted\" }",
        }
    }
}

/// How it hangs.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// In an endless loop, or asleep.
    pub computes: bool,
    /// What was left behind goes on as soon as it is found, or only after all is done.
    pub ends_early: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Figures {
    /// Who was replaced.
    pub replaced: String,
    /// For how long it had made no progress when it was found, by its own time.
    pub stuck: Duration,
    /// From the hang's begin until it was found, by the clock: longer where CPUs are short.
    pub found: Duration,
    /// The same until every actor ran again.
    pub healed: Duration,
    /// What came out, by topic and partition.
    pub outputs: Vec<Vec<Vec<String>>>,
}

/// One hang.
#[derive(Default)]
struct Hang {
    calls: AtomicU64,
    /// When it began.
    since_ms: AtomicI64,
    released: AtomicBool,
}

impl Hang {
    fn hit(&self, place: Place, computes: bool, hook: &str) {
        if hook != place.hook || self.calls.fetch_add(1, Ordering::SeqCst) + 1 != place.call {
            return;
        }
        self.since_ms.store(SystemClock.now_ms(), Ordering::SeqCst);
        while !self.released.load(Ordering::SeqCst) {
            match computes {
                true => std::hint::spin_loop(),
                false => std::thread::park_timeout(Duration::from_millis(10)),
            }
        }
    }

    fn until(&self, at_ms: i64) -> Duration {
        let ms = at_ms - self.since_ms.load(Ordering::SeqCst);
        Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }
}

/// 12,000 payments and small epochs.
fn topology(sessions: &str) -> Topology {
    let epochs = "version = 1\nepoch = { interval = \"20ms\", records = 1000 }\n";
    let rolling = format!("kind = \"rolling\"\nsessions = {sessions}");
    card_fraud(&[
        ("rate = 5000", "records = 12000"),
        ("version = 1\n", epochs),
        ("kind = \"rolling\"", &rolling),
    ])
}

fn outputs(log: &dyn Log) -> Vec<Vec<Vec<String>>> {
    let topics = ["scored", "blocked", "review"];
    topics.map(|topic| inside::values(log, topic)).into()
}

/// What comes out if nothing hangs.
///
/// # Panics
/// If it does not come to its end.
#[must_use]
pub fn undisturbed() -> Vec<Vec<Vec<String>>> {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let dir = tempfile::tempdir().expect("a temporary folder");
    let topology = topology(PLACES[0].sessions);
    inside::run(topology, Arc::clone(&log), dir.path(), Faults::default());
    outputs(&*log)
}

/// Runs it all with a hang.
///
/// # Panics
/// If it is not found, somebody else is replaced, or it does not come to its end.
#[must_use]
pub fn hang(place: Place, way: Way) -> Figures {
    inside::block_on(run(place, way))
}

async fn run(place: Place, way: Way) -> Figures {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let dir = tempfile::tempdir().expect("a temporary folder");
    let hang = Arc::new(Hang::default());
    let hangs = Arc::clone(&hang);
    let hook = move |hook: &str| hangs.hit(place, way.computes, hook);
    let (topology, faults) = (topology(place.sessions), Faults::new(Arc::new(hook)));
    let running = Running::start(topology, Arc::clone(&log), dir.path(), faults).await;
    let event = running
        .until("the hang to be found", || hung(&running))
        .await;
    let Happened::Hung {
        actor: replaced,
        stuck_ms,
        ..
    } = event.happened
    else {
        unreachable!("only hangs were looked for");
    };
    assert!(
        replaced.contains(place.replaced),
        "{place:?}: {replaced} is replaced"
    );
    hang.released.store(way.ends_early, Ordering::SeqCst);
    running
        .until("all actors to run again", || healed(&running))
        .await;
    let healed = hang.until(SystemClock.now_ms());
    running.caught_up().await;
    running.stop().await;
    hang.released.store(true, Ordering::SeqCst);
    Figures {
        replaced,
        stuck: Duration::from_millis(u64::try_from(stuck_ms).unwrap_or(0)),
        found: hang.until(event.at_ms),
        healed,
        outputs: outputs(&*log),
    }
}

fn hung(running: &Running) -> Option<Event> {
    let events = running.control.events(0).into_iter();
    let mut hung = events.filter(|event| matches!(event.happened, Happened::Hung { .. }));
    hung.next()
}

/// Some actor was started again, and all of them run.
fn healed(running: &Running) -> Option<()> {
    let tree = running.daemon.tree.view();
    let runs = |state| matches!(state, ChildState::Running | ChildState::Ended);
    let again = tree.walk().any(|actor| actor.generation > Some(0));
    (again && tree.walk().all(|actor| runs(actor.state))).then_some(())
}
