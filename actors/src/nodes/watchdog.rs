//! The watchdog: a thread that looks ten times a second whether what is at work makes progress, and replaces
//! what does not.
//!
//! What is stuck is told, given up, and left behind with its thread; the supervision tree starts its
//! successor on another. `pulse` says what is at work, [`stopwatch`] how long it has been stuck by its
//! own time. Threads left behind are counted: when they are too many the tree ends, with the reason, and the
//! service manager starts the process again. `docs/failure.md` says what this cures and what not.

mod stopwatch;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use supervisors::{ChildKind, Errand, Exit};
use tokio::time::Instant;

use super::context::ShardContext;
use super::events::Happened;
use super::metrics;
use super::pulse::{Beat, Place, Stage};
use stopwatch::{Look, Sample, sample};

/// How often is looked. A tenth of the time within which a hang is to be found leaves room for it.
const EVERY: Duration = Duration::from_millis(100);
/// A look that comes later than this has waited for a CPU itself.
const LATE: Duration = Duration::from_millis(200);
/// Threads that may be left behind, still held: each costs its memory, and perhaps a CPU.
const LOST_MAX: usize = 8;

/// A watchdog that runs; it ends when this is dropped.
#[derive(Debug)]
pub struct Watchdog {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watchdog {
    /// Watches over the actors of a shard.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn start(context: Arc<ShardContext>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let watch = Watch {
            context,
            seen: HashMap::new(),
            lost: Vec::new(),
        };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("watchdog".into());
        let thread = thread.spawn(move || watch.run(&stopped))?;
        Ok(Self { stop, thread })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
    }
}

struct Watch {
    context: Arc<ShardContext>,
    /// By number of the beat.
    seen: HashMap<u64, Seen>,
    /// Those given up whose threads are still held.
    lost: Vec<Arc<Beat>>,
}

/// What is known of one that gives no beat.
#[derive(Debug, Clone, Copy)]
struct Seen {
    turns: u64,
    stuck: Duration,
    sample: Option<Sample>,
}

/// One that has given no beat since the last look.
struct Silent {
    beat: Arc<Beat>,
    place: Place,
    stuck: Duration,
    look: Look,
}

impl Watch {
    fn run(mut self, stop: &AtomicBool) {
        let mut last = Instant::now();
        while !stop.load(Ordering::Acquire) {
            std::thread::park_timeout(EVERY);
            let now = Instant::now();
            let elapsed = now - last;
            last = now;
            self.look(elapsed);
        }
    }

    fn look(&mut self, elapsed: Duration) {
        let late = elapsed > LATE;
        let silent = self.silent(elapsed.min(LATE));
        let starved = late || silent.iter().any(|silent| silent.look.is_starved());
        for Silent {
            beat,
            place,
            stuck,
            look,
        } in silent
        {
            let stuck = stuck + Look { starved, ..look }.own_time();
            let seen = Seen {
                turns: beat.turns(),
                stuck,
                sample: look.now,
            };
            self.seen.insert(beat.number, seen);
            if stuck >= self.limit(place.stage) {
                self.cure(&beat, place, &seen);
            }
        }
    }

    /// Those at work that have given no beat since the last look; the others begin anew.
    fn silent(&mut self, elapsed: Duration) -> Vec<Silent> {
        let mut silent = Vec::new();
        let mut seen = HashMap::new();
        for beat in self.context.pulses.live() {
            let (turns, place) = (beat.turns(), beat.place());
            if place.stage == Stage::Rest || beat.is_given_up() {
                continue;
            }
            let before = self.seen.get(&beat.number).copied();
            let Some(before) = before.filter(|seen| seen.turns == turns) else {
                let begin = Seen {
                    turns,
                    stuck: Duration::ZERO,
                    sample: None,
                };
                seen.insert(beat.number, begin);
                continue;
            };
            let look = Look {
                elapsed,
                before: before.sample,
                now: sample(beat.thread()),
                starved: false,
            };
            silent.push(Silent {
                beat,
                place,
                stuck: before.stuck,
                look,
            });
        }
        self.seen = seen;
        silent
    }

    fn limit(&self, stage: Stage) -> Duration {
        let settings = &self.context.topology.supervision;
        let limit = match stage.is_call() {
            true => settings.stuck_call_after,
            false => settings.stuck_after,
        };
        limit.duration()
    }

    /// Tells of it, gives it up and lets its successor start; or ends everything, if that has been done too
    /// often.
    fn cure(&mut self, beat: &Arc<Beat>, place: Place, seen: &Seen) {
        let context = Arc::clone(&self.context);
        self.lost.retain(|beat| beat.place().stage != Stage::Rest);
        for other in context.pulses.live() {
            if other.owner == beat.owner {
                other.give_up();
            }
        }
        self.lost.push(Arc::clone(beat));
        let stuck_ms = i64::try_from(seen.stuck.as_millis()).unwrap_or(i64::MAX);
        let thread = match seen.sample.map(|sample| sample.state) {
            Some('R') => "computing",
            Some('S') => "sleeping",
            Some(_) | None => "unknown",
        };
        metrics::hang(beat.owner.label());
        let hung = Happened::Hung {
            actor: owner_name(&context, &beat.owner),
            at: place.who,
            stage: place.stage.label(),
            thread,
            stuck_ms,
            lost: self.lost.len(),
        };
        context.events.tell(context.clock.now_ms(), hung);
        let reason = format!(
            "no progress for {stuck_ms} ms: {} {}, its thread {thread}",
            place.who,
            place.stage.label()
        );
        if self.lost.len() > LOST_MAX {
            let exit = Exit::Error {
                reason: format!("{} threads hang; the last: {reason}", self.lost.len()),
                remedy: Some("the process must be started again".into()),
            };
            return context.ask_tree(&ChildKind::Root, Errand::GiveUp(exit));
        }
        if let ChildKind::PartitionTree { task } = beat.owner {
            context.suspects.hung(task, &reason);
            context.states.distrust(task);
        }
        context.lanes.abandon(&beat.owner);
        let exit = Exit::Error {
            reason,
            remedy: None,
        };
        context.ask_tree(&beat.owner, Errand::GiveUp(exit));
    }
}

/// What people call an owner of a thread.
fn owner_name(context: &ShardContext, owner: &ChildKind) -> String {
    match owner {
        ChildKind::PartitionTree { task } => context.task_name(*task),
        ChildKind::Inference { model } => format!("inference-{model}"),
        ChildKind::Director { model } => format!("director-{model}"),
        ChildKind::Sink { sink } => format!("sink-{sink}"),
        ChildKind::Feed { source } => format!("feed-{source}"),
        ChildKind::Webhook { webhook } => format!("webhook-{webhook}"),
        ChildKind::Root
        | ChildKind::Store
        | ChildKind::Models
        | ChildKind::Topology
        | ChildKind::Shard { .. }
        | ChildKind::Tasks
        | ChildKind::Committer
        | ChildKind::Partition { .. }
        | ChildKind::SessionHost { .. }
        | ChildKind::Consumer
        | ChildKind::Intake
        | ChildKind::Feeds
        | ChildKind::Admin => owner.label().to_owned(),
    }
}
