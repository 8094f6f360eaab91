//! The dedicated sessions of one operator in one task: started when their keys come, at most `max` at
//! a time, told to leave when they rest or others need their room.
//!
//! They work on a batch at the same time, each on its own rows; who is slow holds up the batch's
//! answer, not the others' work. If a batch has more keys than there may be sessions, it is worked on
//! in waves. A session that has to leave before its epoch is committed *leaves its state behind*, with
//! the host: there its key finds it again, and the epoch's snapshots take it from there.

mod passivation;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort};

use super::Worked;
use super::cuts::Part;
use super::hosted::Hosted;
use super::operator::{HostingError, Kernel, Moment};
use super::session::{Birth, DedicatedSession, Ran, SessionMessage};
use crate::batch::Batch;
use crate::nodes::ask;
use crate::nodes::quarantine::Quarantine;
use crate::nodes::watched::Watched;
use crate::state::envelope;
use crate::state::store::Entry;

/// What a dedicated session costs beside key and payload: an idle actor, and what a host keeps of it.
pub(super) const DEDICATED_OVERHEAD_BYTES: usize = 9 * 1024;

/// The sessions. Ordered by key, so that the same input makes the same calls.
pub(super) struct Dedicated {
    kernel: Arc<Kernel>,
    supervisor: ActorCell,
    max: usize,
    live: BTreeMap<Bytes, Live>,
    left: BTreeMap<Bytes, Left>,
    committed: u64,
}

/// A session that is there.
struct Live {
    actor: ActorRef<SessionMessage>,
    bytes: usize,
    empty: bool,
    timer: Option<i64>,
    touched_epoch: u64,
    used_ms: i64,
}

/// What a session left behind.
struct Left {
    epoch: u64,
    value: Option<Bytes>,
}

/// One key's part in a batch: its rows' positions, ascending; none if only its timer is due.
pub(super) struct Job {
    pub(super) key: Bytes,
    pub(super) rows: Vec<u32>,
}

/// A batch, with what holds for all of it.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) batch: &'a Batch,
    pub(super) watermark: i64,
    pub(super) moment: Moment,
}

impl Dedicated {
    /// None yet; what starts is supervised by this actor.
    pub(super) fn new(kernel: &Arc<Kernel>, supervisor: ActorCell, max: u32) -> Self {
        Self {
            kernel: Arc::clone(kernel),
            supervisor,
            max: max as usize,
            live: BTreeMap::new(),
            left: BTreeMap::new(),
            committed: 0,
        }
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    pub(super) fn live(&self) -> usize {
        self.live.len()
    }

    pub(super) fn bytes(&self) -> usize {
        let bytes =
            |(key, live): (&Bytes, &Live)| DEDICATED_OVERHEAD_BYTES + key.len() + live.bytes;
        self.live.iter().map(bytes).sum()
    }

    pub(super) fn contains(&self, key: &[u8]) -> bool {
        self.live.contains_key(key)
    }

    /// Live sessions whose timers the watermark has reached.
    pub(super) fn due(&self, watermark: i64, quarantine: &Quarantine) -> Vec<Bytes> {
        let due = |live: &Live| live.timer.is_some_and(|at| at <= watermark);
        let keys = self
            .live
            .iter()
            .filter(|(_, live)| self.kernel.fires && due(live));
        let keys = keys.filter(|(key, _)| quarantine.get(key).is_none());
        keys.map(|(key, _)| key.clone()).collect()
    }

    /// Does these jobs, one a key. Their timers and quarantines are kept with `hosted`.
    pub(super) async fn run(
        &mut self,
        hosted: &mut Hosted,
        task: Task<'_>,
        mut jobs: Vec<Job>,
    ) -> Result<Vec<Part>, HostingError> {
        // Who is there works first: it need not leave for others and come back.
        jobs.sort_by_key(|job| !self.live.contains_key(&job.key));
        let mut parts = Vec::with_capacity(jobs.len());
        for wave in jobs.chunks(self.max) {
            self.make_room(hosted, wave).await?;
            self.activate(hosted, task.moment, wave).await?;
            self.work(hosted, task, wave, &mut parts).await?;
        }
        Ok(parts)
    }

    /// Starts the sessions of a wave that are not there; their states are read together.
    async fn activate(
        &mut self,
        hosted: &mut Hosted,
        moment: Moment,
        wave: &[Job],
    ) -> Result<(), HostingError> {
        let absent = wave.iter().map(|job| &job.key);
        let absent = absent.filter(|key| !self.live.contains_key(*key)).cloned();
        let (left, unread): (Vec<Bytes>, Vec<Bytes>) =
            absent.partition(|key| self.left.contains_key(key));
        let values = self
            .kernel
            .committed
            .load_many(self.kernel.space, &unread)?;
        for (key, value) in unread.into_iter().zip(values) {
            self.start(hosted, moment, key, (value, None)).await?;
        }
        for key in left {
            if let Some(Left { epoch, value }) = self.left.remove(&key) {
                self.start(hosted, moment, key, (value, Some(epoch)))
                    .await?;
            }
        }
        Ok(())
    }

    async fn start(
        &mut self,
        hosted: &mut Hosted,
        moment: Moment,
        key: Bytes,
        (value, uncommitted): (Option<Bytes>, Option<u64>),
    ) -> Result<(), HostingError> {
        let timer = match &value {
            Some(value) => envelope::open(value)?.timer,
            None => None,
        };
        hosted.timers.withhold(&key);
        let birth = Birth {
            kernel: Arc::clone(&self.kernel),
            key: key.clone(),
            value,
            uncommitted,
            moment,
            failures: hosted.quarantine.failures(&key),
        };
        let supervisor = self.supervisor.clone();
        // On the host's lane, with the host's pulse.
        let session = Watched::here(DedicatedSession, "session");
        let started = Actor::spawn_linked(None, session, birth, supervisor).await;
        let (actor, _) = started.map_err(|error| HostingError::Lost(error.to_string()))?;
        let live = Live {
            actor,
            bytes: 0,
            empty: false,
            timer,
            touched_epoch: uncommitted.unwrap_or(0),
            used_ms: moment.now_ms,
        };
        self.live.insert(key, live);
        Ok(())
    }

    /// All sessions of a wave at the same time, each on its rows.
    async fn work(
        &mut self,
        hosted: &mut Hosted,
        task: Task<'_>,
        wave: &[Job],
        parts: &mut Vec<Part>,
    ) -> Result<(), HostingError> {
        let positions: Vec<u32> = wave.iter().flat_map(|job| &job.rows).copied().collect();
        let grouped = task.batch.take(&positions)?;
        let (mut begin, mut asked) = (0, Vec::with_capacity(wave.len()));
        for job in wave {
            let Some(live) = self.live.get_mut(&job.key) else {
                unreachable!("the sessions of a wave were activated for it");
            };
            live.touched_epoch = task.moment.epoch;
            live.used_ms = task.moment.now_ms;
            let end = begin + job.rows.len();
            let batch = grouped.slice(begin..end);
            begin = end;
            let (committed, room) = (self.committed, hosted.quarantine.has_room());
            let actor = live.actor.clone();
            let rows = move |reply| SessionMessage::Rows {
                batch,
                watermark: task.watermark,
                moment: task.moment,
                committed,
                room,
                reply,
            };
            asked.push(async move { ask(&actor, rows).await });
        }
        for (job, ran) in wave.iter().zip(join_all(asked).await) {
            let Ran {
                worked,
                cuts,
                timer,
            } = ran.map_err(lost)??;
            if let Some(live) = self.live.get_mut(&job.key) {
                live.timer = timer;
            }
            let now_ms = task.moment.now_ms;
            take_over(&mut hosted.quarantine, &job.key, &worked, now_ms);
            parts.push(Part {
                positions: job.rows.clone(),
                worked,
                cuts,
            });
        }
        Ok(())
    }

    /// Ends an epoch: gives the snapshots of the sessions that it touched.
    pub(super) async fn close(
        &mut self,
        epoch: u64,
        entries: &mut Vec<Entry>,
    ) -> Result<(), HostingError> {
        let touched = self
            .live
            .iter()
            .filter(|(_, live)| live.touched_epoch == epoch);
        let touched: Vec<Bytes> = touched.map(|(key, _)| key.clone()).collect();
        let close = |reply| SessionMessage::Close { epoch, reply };
        let closed = self.ask_all(&touched, close).await?;
        for (key, (entry, bytes)) in touched.iter().zip(closed) {
            if let Some(live) = self.live.get_mut(key) {
                live.bytes = bytes;
                live.empty = entry.as_ref().is_some_and(|entry| entry.value.is_none());
            }
            entries.extend(entry);
        }
        for (key, left) in self.left.iter().filter(|(_, left)| left.epoch == epoch) {
            entries.push(Entry {
                space: self.kernel.space,
                key: key.clone(),
                value: left.value.clone(),
            });
        }
        Ok(())
    }

    /// Everything up to this epoch is committed, and committed state has it.
    pub(super) fn committed(&mut self, epoch: u64) {
        self.committed = epoch;
        self.left.retain(|_, left| left.epoch > epoch);
    }

    /// Ends a key's quarantine, which `hosted` has ended already: its timer waits again.
    pub(super) async fn release(
        &mut self,
        hosted: &mut Hosted,
        key: &Bytes,
        moment: Moment,
    ) -> Result<(), HostingError> {
        if self.contains(key) {
            let release = |reply| SessionMessage::Release { moment, reply };
            let key = std::slice::from_ref(key);
            let released = self.ask_all(key, release).await?;
            if let Some(live) = self.live.get_mut(&key[0]) {
                live.touched_epoch = moment.epoch;
            }
            return released.into_iter().collect();
        }
        let value = match self.left.get(key) {
            Some(left) => left.value.clone(),
            None => self.kernel.committed.get(self.kernel.space, key)?,
        };
        let timer = match value {
            Some(value) => envelope::open(&value)?.timer,
            None => None,
        };
        if let Some(at) = timer {
            hosted.timers.insert(at, key);
        }
        Ok(())
    }

    /// All sessions: key, calls a minute, about the bytes.
    pub(super) async fn figures(
        &self,
        now_ms: i64,
    ) -> Result<Vec<(Bytes, u64, usize)>, HostingError> {
        let keys: Vec<Bytes> = self.live.keys().cloned().collect();
        let ask = |reply| SessionMessage::Figures { now_ms, reply };
        let figures = self.ask_all(&keys, ask).await?;
        let with_actors = |(key, (rate, bytes))| (key, rate, bytes + DEDICATED_OVERHEAD_BYTES);
        Ok(keys.into_iter().zip(figures).map(with_actors).collect())
    }

    /// Asks sessions that are there, all at the same time; answers in the keys' order.
    async fn ask_all<T: Send + 'static>(
        &self,
        keys: &[Bytes],
        message: impl Fn(RpcReplyPort<T>) -> SessionMessage + Copy,
    ) -> Result<Vec<T>, HostingError> {
        let live = keys.iter().filter_map(|key| self.live.get(key));
        let answers = join_all(live.map(|live| ask(&live.actor, message))).await;
        answers
            .into_iter()
            .map(|answer| answer.map_err(lost))
            .collect()
    }
}

/// What has failed in a session counts with its host, where it outlives the session.
fn take_over(quarantine: &mut Quarantine, key: &Bytes, worked: &Worked, now_ms: i64) {
    match worked.quarantined.first() {
        Some((_, begun)) => quarantine.adopt(key, begun, worked.held.len()),
        None => {
            for failed in &worked.failed {
                quarantine.failed(key, now_ms, &failed.reason);
            }
        }
    }
}

fn lost(error: ActorProcessingErr) -> HostingError {
    HostingError::Lost(error.to_string())
}
