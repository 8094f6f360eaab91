//! The sessions of one keyed operator in one task, whatever hosts them: the contract.
//!
//! - A batch goes in; what comes out is in the order of its rows, then of the timers that it made due,
//!   by (time, key). Each key's rows are taken in their order, by one session.
//! - At the barrier come the snapshots of all sessions that the epoch has touched.
//! - A session leaves memory only when what it knows is committed, or kept by its host; its key finds
//!   it again as it was.
//! - A panic costs the row or the timer that made it, tried twice; the session is as if that had never
//!   come ([`super::work`], [`super::journal`]). Three within a minute, and the key is in quarantine.
//!
//! What comes out, states and snapshots do not depend on the hosting, nor on when it changes.

use std::sync::Arc;

use arrow_schema::ArrowError;
use bytes::Bytes;
use config::Hosting;
use hashbrown::HashMap;
use ractor::ActorCell;

use super::HeldRow;
use super::Worked;
use super::cuts::{Cuts, Part, merge};
use super::dedicated::{Dedicated, Job, Task};
use super::hosted::Hosted;
use super::journal::ReplayError;
use super::keys::KeyBuffer;
use super::top::Top;
use super::work::Work;
use crate::batch::Batch;
use crate::nodes::faults::Faults;
use crate::nodes::quarantine::{Quarantine, Quarantined, UnreadableError};
use crate::nodes::sessions::{Room, SnapshotError};
use crate::operators::OperatorError;
use crate::operators::keyed::KeyedOperator;
use crate::state::envelope::EnvelopeError;
use crate::state::overlay::TaskState;
use crate::state::store::{Entry, Space, StoreError};

/// What all sessions of an operator in a task share.
pub(super) struct Kernel {
    pub(super) operator: Arc<dyn KeyedOperator>,
    pub(super) space: Space,
    /// Whether it has timers.
    pub(super) fires: bool,
    pub(super) committed: Arc<TaskState>,
    pub(super) faults: Faults,
}

/// When something is done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) epoch: u64,
    pub(super) now_ms: i64,
}

/// A batch could not be worked on, for a reason that lies in no row. The cure is the shard's restart.
#[derive(Debug, thiserror::Error)]
pub(super) enum HostingError {
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error(transparent)]
    Operator(#[from] OperatorError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error(transparent)]
    Quarantine(#[from] UnreadableError),
    #[error(transparent)]
    Rows(#[from] ArrowError),
    /// A dedicated session has ended.
    #[error("a dedicated session: {0}")]
    Lost(String),
}

/// All sessions of an operator in a task.
pub(super) struct OperatorSessions {
    kernel: Arc<Kernel>,
    hosted: Hosted,
    dedicated: Option<Dedicated>,
    /// Whether sessions beyond the dedicated ones are hosted; otherwise they wait for their turn.
    overflows: bool,
    hosted_max: usize,
    keys: KeyBuffer,
}

/// A batch's rows by who takes them.
#[derive(Default)]
struct Shares {
    jobs: Vec<Job>,
    hosted: Vec<u32>,
    held: Vec<HeldRow>,
}

impl Kernel {
    pub(super) fn work(&self, Moment { epoch, now_ms }: Moment) -> Work<'_> {
        Work {
            operator: &*self.operator,
            committed: &self.committed,
            faults: &self.faults,
            epoch,
            now_ms,
        }
    }
}

impl OperatorSessions {
    /// As committed state has them. Dedicated sessions are children of `supervisor`.
    pub(super) fn open(
        kernel: Kernel,
        hosting: Hosting,
        supervisor: ActorCell,
    ) -> Result<Self, HostingError> {
        let kernel = Arc::new(kernel);
        let dedicated = |max| Some(Dedicated::new(&kernel, supervisor, max));
        let (dedicated, overflows, hosted_max) = match hosting {
            Hosting::Hosted { max } => (None, true, max),
            Hosting::Dedicated { max } => (dedicated(max), false, None),
            Hosting::Auto { max } => (dedicated(max), true, None),
        };
        Ok(Self {
            hosted: Hosted::open(&kernel)?,
            kernel,
            dedicated,
            overflows,
            hosted_max: hosted_max.map_or(usize::MAX, |max| max as usize),
            keys: KeyBuffer::default(),
        })
    }

    /// The keys that fail, and those in quarantine.
    pub(super) fn quarantine(&self) -> &Quarantine {
        &self.hosted.quarantine
    }

    /// Sessions in memory.
    pub(super) fn live(&self) -> usize {
        self.hosted.sessions.live() + self.dedicated.as_ref().map_or(0, Dedicated::live)
    }

    /// About their bytes.
    pub(super) fn bytes(&self) -> usize {
        self.hosted.sessions.bytes() + self.dedicated.as_ref().map_or(0, Dedicated::bytes)
    }

    /// Runs rows in order, then due timers in the order of (time, key). `keys` is the column of keys.
    pub(super) async fn run(
        &mut self,
        batch: Batch,
        keys: usize,
        watermark: i64,
        moment: Moment,
    ) -> Result<Worked, HostingError> {
        self.keys
            .fill(batch.columns.column(keys).as_ref(), batch.len());
        let Some(dedicated) = &mut self.dedicated else {
            let (keys, at) = (self.keys.iter(), (watermark, moment));
            return self.hosted.run(&self.kernel, batch, keys, at, None);
        };
        let mut shares = share(&self.keys, &mut self.hosted, dedicated, self.overflows);
        due(
            &mut shares,
            &mut self.hosted,
            dedicated,
            (watermark, self.overflows),
        );
        let task = Task {
            batch: &batch,
            watermark,
            moment,
        };
        let jobs = std::mem::take(&mut shares.jobs);
        let mut parts = dedicated.run(&mut self.hosted, task, jobs).await?;
        if self.overflows {
            let mut cuts = Cuts::default();
            let rows = batch.take(&shares.hosted)?;
            let keys = shares.hosted.iter().map(|row| self.keys.get(*row));
            let at = (watermark, moment);
            let worked = self
                .hosted
                .run(&self.kernel, rows, keys, at, Some(&mut cuts))?;
            parts.push(Part {
                positions: shares.hosted,
                worked,
                cuts,
            });
        }
        let mut worked = merge(batch.len(), parts, self.kernel.operator.emitted());
        worked.held.append(&mut shares.held);
        worked.held.sort_by_key(|held| held.row);
        Ok(worked)
    }

    /// First half of an epoch's end: snapshots of what is hosted; gives their slots.
    pub(super) fn snapshots(&mut self, entries: &mut Vec<Entry>) -> Vec<u32> {
        self.hosted
            .sessions
            .snapshots(&*self.kernel.operator, entries)
    }

    /// Second half: the snapshots of dedicated sessions, and what became of quarantines.
    pub(super) async fn close(
        &mut self,
        epoch: u64,
        entries: &mut Vec<Entry>,
    ) -> Result<(), HostingError> {
        if let Some(dedicated) = &mut self.dedicated {
            dedicated.close(epoch, entries).await?;
        }
        self.hosted.quarantine.entries(self.kernel.space, entries);
        Ok(())
    }

    /// What [`Self::snapshots`] gave stands in these entries, from `first` on.
    pub(super) fn image(&mut self, epoch: u64, slots: Vec<u32>, entries: (Arc<Vec<Entry>>, usize)) {
        self.hosted.journal.image(epoch, slots, entries);
    }

    /// An epoch is committed, and committed state has it.
    pub(super) fn committed(&mut self, epoch: u64) {
        self.hosted.journal.committed(epoch);
        if let Some(dedicated) = &mut self.dedicated {
            dedicated.committed(epoch);
        }
    }

    /// Whether there are more hosted sessions than there should be.
    pub(super) fn is_crowded(&self) -> bool {
        self.hosted.sessions.live() > self.hosted_max
    }

    /// Drops resting sessions: all that rest since before `idle_before_ms`, and those beyond the
    /// operator's count, or beyond one `part`th of the bytes that each hosting has now.
    pub(super) async fn passivate(
        &mut self,
        committed: u64,
        idle_before_ms: i64,
        part: usize,
    ) -> Result<(), HostingError> {
        let share = |bytes: usize| match part {
            1 => usize::MAX,
            part => bytes / part,
        };
        let room = Room {
            bytes: share(self.hosted.sessions.bytes()),
            sessions: self.hosted_max,
        };
        let operator = &*self.kernel.operator;
        let sessions = &mut self.hosted.sessions;
        sessions.passivate(operator, committed, idle_before_ms, room);
        if let Some(dedicated) = &mut self.dedicated {
            let budget = share(dedicated.bytes());
            let hosted = &mut self.hosted;
            dedicated.passivate(hosted, idle_before_ms, budget).await?;
        }
        Ok(())
    }

    /// Shows the sessions in memory of the operator with this number.
    pub(super) async fn see(
        &self,
        operator: usize,
        now_ms: i64,
        top: &mut Top,
    ) -> Result<(), HostingError> {
        for figures in self.hosted.sessions.figures(now_ms) {
            top.see((operator, "hosted"), figures);
        }
        if let Some(dedicated) = &self.dedicated {
            for (key, rate, bytes) in dedicated.figures(now_ms).await? {
                top.see((operator, "dedicated"), (&key, rate, bytes));
            }
        }
        Ok(())
    }

    /// Ends a key's quarantine: its next rows are taken, and its timer waits again.
    pub(super) async fn release(
        &mut self,
        key: &Bytes,
        moment: Moment,
    ) -> Result<Option<Quarantined>, HostingError> {
        match &mut self.dedicated {
            Some(dedicated) if !self.overflows || dedicated.contains(key) => {
                let released = self.hosted.quarantine.release(key);
                if released.is_some() {
                    dedicated.release(&mut self.hosted, key, moment).await?;
                }
                Ok(released)
            }
            _ => self.hosted.release(&self.kernel, key, moment),
        }
    }
}

/// Deals a batch's rows out. Rows of keys that are in quarantine already are held here.
fn share(keys: &KeyBuffer, hosted: &mut Hosted, dedicated: &Dedicated, overflows: bool) -> Shares {
    let mut shares = Shares::default();
    let mut owners: HashMap<&[u8], Option<usize>> = HashMap::new();
    let mut room = dedicated.max().saturating_sub(dedicated.live());
    for (row, key) in (0u32..).zip(keys.iter()) {
        let owner = owners.entry(key).or_insert_with(|| {
            if hosted.quarantine.get(key).is_some() {
                return None;
            }
            let live = dedicated.contains(key);
            if !live && overflows && (room == 0 || hosted.sessions.contains(key)) {
                return None;
            }
            room = room.saturating_sub(usize::from(!live));
            let rows = Vec::new();
            let key = Bytes::copy_from_slice(key);
            shares.jobs.push(Job { key, rows });
            Some(shares.jobs.len() - 1)
        });
        match owner {
            Some(job) => shares.jobs[*job].rows.push(row),
            None => match hosted.quarantine.hold(key) {
                Some((since_ms, number)) => shares.held.push(HeldRow {
                    row: row as usize,
                    key: Bytes::copy_from_slice(key),
                    since_ms,
                    number,
                }),
                None => shares.hosted.push(row),
            },
        }
    }
    shares
}

/// Adds the keys that have no rows in the batch, but timers that are due: of dedicated sessions, and,
/// unless hosted ones see to that, of sessions that are not in memory.
fn due(
    shares: &mut Shares,
    hosted: &mut Hosted,
    dedicated: &Dedicated,
    (watermark, overflows): (i64, bool),
) {
    let mut keys = dedicated.due(watermark, &hosted.quarantine);
    if !overflows {
        while let Some(due) = hosted.timers.due(watermark) {
            let absent = due.keys().into_iter();
            let absent = absent.filter(|key| hosted.quarantine.get(key).is_none());
            keys.extend(absent.map(Bytes::copy_from_slice));
        }
    }
    let mut known: hashbrown::HashSet<Bytes> =
        shares.jobs.iter().map(|job| job.key.clone()).collect();
    let without = keys.into_iter().filter(|key| known.insert(key.clone()));
    shares.jobs.extend(without.map(|key| Job {
        key,
        rows: Vec::new(),
    }));
}
