//! Sessions that live together in one actor and are worked on one after the other, and what goes
//! with them: their timers, the journal of their before-images, the keys in quarantine.
//!
//! A session host keeps one of these an operator; a dedicated session is one with a single key in it,
//! so that both hostings run the same code.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use super::Worked;
use super::cuts::Cuts;
use super::journal::{Journal, Piece};
use super::operator::{HostingError, Kernel, Moment};
use super::timers::Timers;
use crate::batch::Batch;
use crate::nodes::quarantine::{Quarantine, Quarantined, entry_key, key_of_entry};
use crate::nodes::sessions::Sessions;

/// One operator's sessions in one actor.
pub(super) struct Hosted {
    pub(super) sessions: Sessions,
    pub(super) timers: Timers,
    pub(super) journal: Journal,
    pub(super) quarantine: Quarantine,
    pub(super) fires: bool,
}

impl Hosted {
    /// Of a kernel, with nothing in it.
    pub(super) fn new(kernel: &Kernel) -> Self {
        Self {
            sessions: Sessions::new(kernel.space),
            timers: Timers::default(),
            journal: Journal::default(),
            quarantine: Quarantine::default(),
            fires: kernel.fires,
        }
    }

    /// One operator's share, as its committed state has it: nothing is live yet, timers wait, keys in
    /// quarantine stay there without theirs.
    pub(super) fn open(kernel: &Kernel) -> Result<Self, HostingError> {
        let (mut waiting, mut held) = (Vec::new(), Vec::new());
        let (committed, space) = (&kernel.committed, kernel.space);
        committed.scan_timers(space, &mut |timer, key: &[u8]| match key_of_entry(key) {
            Some(key) => held.push(Bytes::copy_from_slice(key)),
            None => waiting.push((timer, Bytes::copy_from_slice(key))),
        })?;
        let mut hosted = Self::new(kernel);
        for key in held {
            if let Some(sealed) = committed.get(space, &entry_key(&key))? {
                hosted.quarantine.insert(key, Quarantined::open(&sealed)?);
            }
        }
        for (at, key) in waiting {
            if hosted.quarantine.get(&key).is_none() {
                hosted.timers.insert(at, &key);
            }
        }
        Ok(hosted)
    }

    /// Takes a session in whose state is at hand: `value` is sealed, `None` is a new one.
    pub(super) fn adopt(
        &mut self,
        kernel: &Kernel,
        key: &Bytes,
        value: Option<&Bytes>,
    ) -> Result<u32, HostingError> {
        let operator = &*kernel.operator;
        let slot = self.sessions.adopt(key, value, operator)?;
        if self.fires
            && let Some(at) = operator.timer(self.sessions.state(slot))
        {
            self.timers.insert(at, key);
        }
        Ok(slot)
    }

    /// Runs a batch's rows in order, each on the session of its key, then the timers that the
    /// watermark has passed, in the order of (time, key).
    pub(super) fn run<'k>(
        &mut self,
        kernel: &Kernel,
        mut batch: Batch,
        keys: impl Iterator<Item = &'k [u8]>,
        (watermark, moment): (i64, Moment),
        cuts: Option<&mut Cuts>,
    ) -> Result<Worked, HostingError> {
        let operator = &*kernel.operator;
        if self.journal.is_long() {
            let (slots, entries) = self.sessions.images(operator);
            let entries = (Arc::new(entries), 0);
            self.journal.image(moment.epoch, slots, entries);
        }
        let bound = operator.bind(&batch.columns)?;
        let mut slots = Vec::with_capacity(batch.len());
        let committed = &kernel.committed;
        self.sessions
            .activate(keys, operator, committed, &mut slots)?;
        let piece = Piece::new(bound, std::mem::take(&mut batch.rows), slots);
        let work = kernel.work(moment);
        Ok(work.run(self, piece, &batch.raw, watermark, cuts)?)
    }

    /// Which of these sessions are in quarantine.
    pub(super) fn quarantined(&self, slots: &[u32]) -> HashSet<u32> {
        if self.quarantine.is_empty() {
            return HashSet::new();
        }
        let slots = slots.iter().copied();
        let held = |slot: &u32| self.quarantine.get(self.sessions.key_of(*slot)).is_some();
        slots.filter(held).collect()
    }

    /// Ends a key's quarantine: its next rows are taken, and its timer waits again.
    pub(super) fn release(
        &mut self,
        kernel: &Kernel,
        key: &Bytes,
        moment: Moment,
    ) -> Result<Option<Quarantined>, HostingError> {
        let Some(released) = self.quarantine.release(key) else {
            return Ok(None);
        };
        if self.fires {
            let (mut slots, keys) = (Vec::new(), std::iter::once(&key[..]));
            let (operator, committed) = (&*kernel.operator, &kernel.committed);
            let sessions = &mut self.sessions;
            sessions.activate(keys, operator, committed, &mut slots)?;
            let session = sessions.touch(slots[0], moment.epoch, moment.now_ms);
            if let Some(at) = operator.timer(&session.state) {
                self.timers.insert(at, key);
            }
        }
        Ok(Some(released))
    }
}
