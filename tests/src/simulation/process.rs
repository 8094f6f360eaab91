//! One life of a process: from its start until it stops, dies, or gives up.
//!
//! A process is dead when nothing it does reaches the log or a store any more. Its actors may go on for
//! a while, as a machine may that is cut off; nobody can tell.

#![expect(clippy::panic, reason = "panics are what it injects")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actors::log::LogError;
use actors::nodes::faults::Faults;
use actors::state::store::Space;
use config::TopicName;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::disk::Disk;
use super::world::World;

/// Most that a slow place takes.
const SLOW_MS: usize = 300;
/// How long a place hangs: longer than every interval, shorter than what counts as dead.
const HANG: Duration = Duration::from_secs(20);
/// How long a slow sink takes for a message.
const SLOW_SINK: Duration = Duration::from_millis(100);
/// Places between a token and the offsets that go with it.
const PRODUCING: [&str; 5] = [
    "producer",
    "before-begin",
    "after-begin",
    "after-produce",
    "before-offsets",
];

/// A life.
pub(super) struct Process {
    pub(super) world: Arc<World>,
    /// The node's name.
    pub(super) node: String,
    /// Its stores, which outlive it.
    pub(super) disk: Arc<Disk>,
    /// Which store and space a changelog is of, by sub-topology; for a deliberate error.
    pub(super) changelogs: BTreeMap<TopicName, (String, Space)>,
    dead: AtomicBool,
    died: Notify,
    /// Rows on which a session has panicked: it does so once.
    panicked: Mutex<BTreeSet<Vec<u8>>>,
    /// Time that the producer has taken since a token was given.
    producing: Mutex<Duration>,
    /// The group's generation when the committer began its last work.
    pub(super) generation: Mutex<Option<u64>>,
    group: String,
}

impl Process {
    /// A process that begins to live.
    pub(super) fn new(
        world: &Arc<World>,
        node: &str,
        disk: &Arc<Disk>,
        (group, changelogs): (&str, BTreeMap<TopicName, (String, Space)>),
    ) -> Arc<Self> {
        world.note(format_args!("{node} starts"));
        Arc::new(Self {
            world: Arc::clone(world),
            node: node.to_owned(),
            disk: Arc::clone(disk),
            changelogs,
            dead: AtomicBool::new(false),
            died: Notify::new(),
            panicked: Mutex::default(),
            producing: Mutex::default(),
            generation: Mutex::default(),
            group: group.to_owned(),
        })
    }

    /// Nothing it does counts from here on.
    pub(super) fn die(&self) {
        if !self.dead.swap(true, Ordering::Relaxed) {
            self.world.note(format_args!("{} dies", self.node));
            self.disk.crash(&self.world);
            self.died.notify_one();
        }
    }

    /// Ends its effects without a crash: what it wrote stays.
    pub(super) fn end(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// Resolves when it has died.
    pub(super) async fn died(&self) {
        self.died.notified().await;
    }

    /// Whether the log still hears it.
    pub(super) fn check(&self) -> Result<(), LogError> {
        match self.is_dead() {
            true => Err(LogError::Unavailable("the process is dead".to_owned())),
            false => Ok(()),
        }
    }

    /// What happens to its actors.
    pub(super) fn faults(self: &Arc<Self>) -> Faults {
        let (hit, content, delay) = (Arc::clone(self), Arc::clone(self), Arc::clone(self));
        Faults::by_content(Arc::new(move |stage, bytes| content.row(stage, bytes)))
            .and(Arc::new(move |place| hit.reached(place)))
            .delayed(Arc::new(move |place| delay.takes(place)))
    }

    /// A token is given: returns the time that the producer takes from here on to zero.
    pub(super) fn token_given(&self) {
        *self.producing.lock() = Duration::ZERO;
    }

    /// How long the producer has taken since.
    pub(super) fn producing(&self) -> Duration {
        *self.producing.lock()
    }

    fn reached(&self, place: &str) {
        if self.is_dead() {
            return;
        }
        let world = &self.world;
        if place == "committer" {
            let generation = world.cluster.lock().group(&self.group).generation;
            *self.generation.lock() = Some(generation);
        }
        if world.strikes(world.chances.dies) {
            self.die();
        } else if world.strikes(world.chances.actor_panics) {
            world.note(format_args!("{} {place} panics", self.node));
            panic!("injected into {place}");
        }
    }

    fn row(&self, stage: &str, bytes: &[u8]) {
        let world = &self.world;
        let is_session = matches!(stage, "session" | "session-end" | "timer");
        if is_session
            && world.strikes(world.chances.row_panics)
            && self.panicked.lock().insert(bytes.to_vec())
        {
            world.note(format_args!("{} {stage} panics", self.node));
            panic!("injected into a {stage}");
        }
    }

    fn takes(&self, place: &str) -> Duration {
        let (world, chances) = (&self.world, &self.world.chances);
        let takes = if world.strikes(chances.hangs) {
            HANG
        } else if place == "sink" && world.strikes(chances.slow_sink) {
            SLOW_SINK
        } else if world.strikes(chances.slow) {
            Duration::from_millis(world.draw(1..SLOW_MS) as u64)
        } else {
            return Duration::ZERO;
        };
        world.note(format_args!("{} {place} takes {takes:?}", self.node));
        if PRODUCING.contains(&place) {
            *self.producing.lock() += takes;
        }
        takes
    }
}
