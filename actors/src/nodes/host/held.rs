//! Keys in quarantine: read when a host begins, told when one comes in, ended when somebody says so.

use bytes::Bytes;
use ractor::ActorProcessingErr;

use super::{HostState, Hosted};
use crate::nodes::events::Happened;
use crate::nodes::metrics;
use crate::nodes::program::KeyedStep;
use crate::nodes::quarantine::{Quarantine, Quarantined, entry_key, key_of_entry};
use crate::nodes::sessions::Sessions;
use crate::nodes::status::{KeyState, KeyStatus};
use crate::state::overlay::TaskState;
use crate::state::store::Space;

use super::journal::Journal;
use super::timers::Timers;

impl Hosted {
    /// One operator's share, as its committed state has it: nothing is live yet, timers wait, keys in
    /// quarantine stay there without theirs.
    pub(super) fn open(
        step: &KeyedStep,
        space: Space,
        committed: &TaskState,
    ) -> Result<Self, ActorProcessingErr> {
        let (mut waiting, mut held) = (Vec::new(), Vec::new());
        committed.scan_timers(space, &mut |timer, key: &[u8]| match key_of_entry(key) {
            Some(key) => held.push(Bytes::copy_from_slice(key)),
            None => waiting.push((timer, Bytes::copy_from_slice(key))),
        })?;
        let mut quarantine = Quarantine::default();
        for key in held {
            if let Some(sealed) = committed.get(space, &entry_key(&key))? {
                quarantine.insert(key, Quarantined::open(&sealed)?);
            }
        }
        let mut timers = Timers::default();
        for (at, key) in waiting {
            if quarantine.get(&key).is_none() {
                timers.insert(at, key);
            }
        }
        Ok(Self {
            sessions: Sessions::new(space),
            timers,
            journal: Journal::default(),
            quarantine,
            fires: step.fires,
        })
    }

    /// Which of these sessions are in quarantine.
    pub(super) fn quarantined(&self, slots: &[u32]) -> std::collections::HashSet<u32> {
        if self.quarantine.is_empty() {
            return std::collections::HashSet::new();
        }
        let slots = slots.iter().copied();
        let held = |slot: &u32| self.quarantine.get(self.sessions.key_of(*slot)).is_some();
        slots.filter(held).collect()
    }
}

impl HostState {
    /// Ends a key's quarantine: its next rows are taken, and its timer waits again.
    pub(super) fn release(
        &mut self,
        keyed: usize,
        key: &Bytes,
    ) -> Result<Option<Quarantined>, String> {
        let operator = &*self.program.keyed[keyed].operator;
        let hosted = &mut self.operators[keyed];
        let Some(released) = hosted.quarantine.release(key) else {
            return Ok(None);
        };
        if hosted.fires {
            let (mut slots, keys) = (Vec::new(), std::iter::once(&key[..]));
            let sessions = &mut hosted.sessions;
            sessions
                .activate(keys, operator, &self.committed, &mut slots)
                .map_err(|error| error.to_string())?;
            let now_ms = self.context.clock.now_ms();
            let session = sessions.touch(slots[0], self.epoch, now_ms);
            if let Some(at) = operator.timer(&session.state) {
                hosted.timers.insert(at, key.clone());
            }
        }
        Ok(Some(released))
    }

    /// Tells of keys that came into quarantine.
    pub(super) fn tell(&self, keyed: usize, begun: &[(Bytes, Quarantined)]) {
        for (key, quarantined) in begun {
            let happened = Happened::Quarantined {
                operator: self.program.keyed[keyed].id.to_string(),
                key: String::from_utf8_lossy(key).into_owned(),
                failures: quarantined.failures,
                reason: quarantined.reason.clone(),
            };
            metrics::quarantine(self.program.keyed[keyed].id.as_str());
            self.context.events.tell(quarantined.since_ms, happened);
        }
    }

    /// Shows the keys that fail and those in quarantine.
    pub(super) fn report(&mut self) {
        let mut keys = Vec::new();
        let now_ms = self.context.clock.now_ms();
        for (hosted, step) in self.operators.iter().zip(&self.program.keyed) {
            let status = |key: &Bytes, state| KeyStatus {
                operator: step.id.to_string(),
                key: String::from_utf8_lossy(key).into_owned(),
                task: self.context.task_name(self.task),
                state,
            };
            for (key, quarantined) in hosted.quarantine.keys() {
                keys.push(status(
                    key,
                    KeyState::Quarantined(quarantined.clone().into()),
                ));
            }
            for (key, failures) in hosted.quarantine.failing(now_ms) {
                keys.push(status(key, KeyState::Failing { failures }));
            }
        }
        self.context.status.set_keys(self.task, keys);
    }
}
