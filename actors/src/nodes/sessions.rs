//! The sessions that one host holds: private state per key and operator, found by key, loaded from
//! the task's committed state when they are needed, dropped again when they rest.
//!
//! A session is dropped (passivated) only when every epoch that touched it is committed and handed
//! to the task's state: then the store has it, and dropping it loses nothing. Memory is bounded by
//! bytes; among the sessions that may go, a clock hand passes over those used since its last round.
//! Pure but for reading [`TaskState`].

mod key;
#[cfg(test)]
mod tests;
mod rate;
mod passivation;

use std::hash::{BuildHasher, Hasher};

use bytes::{Bytes, BytesMut};
use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::operators::keyed::{KeyState, KeyedOperator};
use crate::state::envelope;
use crate::state::overlay::TaskState;
use crate::state::store::{Entry, Space};

use key::Key;
pub use passivation::Room;
use rate::Rate;

/// What a session costs beside key and payload: slot, table entry, boxed state.
pub const SESSION_OVERHEAD_BYTES: usize = 160;

/// Version of the sealed payloads that this build writes.
pub const SNAPSHOT_VERSION: u16 = 1;

/// Sessions of one operator in one host.
pub struct Sessions {
    space: Space,
    slots: Vec<Option<Session>>,
    free: Vec<u32>,
    by_key: HashTable<u32>,
    hasher: FixedState,
    bytes: usize,
    live: usize,
    hand: usize,
    /// Room for the next snapshots: a little more than the last ones took.
    sealed: usize,
    touched: Vec<u32>,
}

/// One key's state.
pub struct Session {
    /// Its key.
    pub key: Key,
    /// Its state.
    pub state: KeyState,
    bytes: u32,
    touched_epoch: u64,
    used: bool,
    used_ms: i64,
    rate: Rate,
}

/// A session's committed bytes cannot be read: the changelog holds damage or a foreign format.
#[derive(Debug, thiserror::Error)]
#[error("state of a key in space {space} cannot be read: {reason}")]
pub struct SnapshotError {
    /// Which operator's.
    pub space: Space,
    /// Why.
    pub reason: String,
}

fn hash_key(hasher: &FixedState, key: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(key);
    hasher.finish()
}

/// A key in a buffer that many share.
fn piece(key: &[u8], buffer: &mut BytesMut) -> Bytes {
    buffer.extend_from_slice(key);
    buffer.split().freeze()
}

impl Sessions {
    /// No sessions yet.
    #[must_use]
    pub fn new(space: Space) -> Self {
        Self {
            space,
            slots: Vec::new(),
            free: Vec::new(),
            by_key: HashTable::new(),
            hasher: FixedState::with_seed(0),
            bytes: 0,
            live: 0,
            hand: 0,
            sealed: 0,
            touched: Vec::new(),
        }
    }

    /// Slots of the sessions of these keys, in the keys' order; those that are absent are activated
    /// together, from committed state or new.
    ///
    /// # Errors
    /// If committed state cannot be read.
    pub fn activate<'k>(
        &mut self,
        keys: impl Iterator<Item = &'k [u8]>,
        operator: &dyn KeyedOperator,
        committed: &TaskState,
        slots: &mut Vec<u32>,
    ) -> Result<(), SnapshotError> {
        let mut absent: Vec<u32> = Vec::new();
        for key in keys {
            let hash = hash_key(&self.hasher, key);
            let table = &self.by_key;
            let known = table.find(hash, |slot| self.key_of(*slot) == key).copied();
            slots.push(known.unwrap_or_else(|| {
                let slot = self.insert(key, hash, operator.new_state());
                absent.push(slot);
                slot
            }));
        }
        if absent.is_empty() {
            return Ok(());
        }
        let mut buffer =
            BytesMut::with_capacity(absent.iter().map(|slot| self.key_of(*slot).len()).sum());
        let keys = absent
            .iter()
            .map(|slot| piece(self.key_of(*slot), &mut buffer));
        let keys: Vec<Bytes> = keys.collect();
        let values = committed
            .load_many(self.space, &keys)
            .map_err(|error| SnapshotError {
                space: self.space,
                reason: error.to_string(),
            })?;
        for (slot, value) in absent.iter().zip(values) {
            if let Some(value) = value {
                self.fill(*slot, &value, operator)?;
            }
        }
        Ok(())
    }

    /// Takes in one session whose sealed state is at hand (`None`: a new one); gives its slot. No
    /// session of this key may be there.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub(super) fn adopt(
        &mut self,
        key: &[u8],
        value: Option<&Bytes>,
        operator: &dyn KeyedOperator,
    ) -> Result<u32, SnapshotError> {
        let hash = hash_key(&self.hasher, key);
        let slot = self.insert(key, hash, operator.new_state());
        if let Some(value) = value {
            self.fill(slot, value, operator)?;
        }
        Ok(slot)
    }

    fn fill(
        &mut self,
        slot: u32,
        value: &Bytes,
        operator: &dyn KeyedOperator,
    ) -> Result<(), SnapshotError> {
        let state = self.read(value, operator)?;
        if let Some(session) = self.slots[slot as usize].as_mut() {
            session.bytes = u32::try_from(operator.state_bytes(&state)).unwrap_or(u32::MAX);
            self.bytes += session.bytes as usize;
            session.state = state;
        }
        Ok(())
    }

    /// Whether a key's session is here.
    pub(super) fn contains(&self, key: &[u8]) -> bool {
        let hash = hash_key(&self.hasher, key);
        let found = self.by_key.find(hash, |slot| self.key_of(*slot) == key);
        found.is_some()
    }

    /// The state of the session in a slot.
    ///
    /// # Panics
    /// If the slot is empty, as [`Sessions::touch`].
    pub(super) fn state(&self, slot: u32) -> &KeyState {
        match &self.slots[slot as usize] {
            Some(session) => &session.state,
            None => unreachable!("slot {slot} holds a session of this actor"),
        }
    }

    /// The sealed state of the session in a slot as it is now; `None` if it is empty.
    pub(super) fn image(&mut self, slot: u32, operator: &dyn KeyedOperator) -> Option<Bytes> {
        let mut out = Vec::new();
        self.snapshot(&[slot], operator, &mut out);
        out.pop().and_then(|entry| entry.value)
    }

    /// A state out of its sealed bytes.
    fn read(&self, value: &Bytes, operator: &dyn KeyedOperator) -> Result<KeyState, SnapshotError> {
        let error = |reason: String| SnapshotError {
            space: self.space,
            reason,
        };
        let opened = envelope::open(value).map_err(|e| error(e.to_string()))?;
        if opened.schema_version != SNAPSHOT_VERSION {
            return Err(error(format!("schema version {}", opened.schema_version)));
        }
        operator
            .decode(&opened.payload)
            .map_err(|e| error(e.to_string()))
    }

    /// Drops a session's state and puts another in its place: that of `image` (`None` within: a new
    /// one), without an image that which is committed.
    ///
    /// # Errors
    /// If the bytes cannot be read.
    pub(super) fn reset(
        &mut self,
        slot: u32,
        image: Option<Option<Bytes>>,
        operator: &dyn KeyedOperator,
        committed: &TaskState,
    ) -> Result<&mut Session, SnapshotError> {
        let value = match image {
            Some(value) => value,
            None => {
                let key = Bytes::copy_from_slice(self.key_of(slot));
                committed
                    .get(self.space, &key)
                    .map_err(|error| SnapshotError {
                        space: self.space,
                        reason: error.to_string(),
                    })?
            }
        };
        let state = match value {
            Some(value) => self.read(&value, operator)?,
            None => operator.new_state(),
        };
        let session = self.slots[slot as usize]
            .as_mut()
            .unwrap_or_else(|| unreachable!("slot {slot} was activated for this batch"));
        session.state = state;
        Ok(session)
    }

    /// The key of the session in a slot.
    pub(super) fn key_of(&self, slot: u32) -> &[u8] {
        self.slots[slot as usize]
            .as_ref()
            .map_or(&[], |session| &*session.key)
    }

    fn insert(&mut self, key: &[u8], hash: u64, state: KeyState) -> u32 {
        let session = Session {
            key: key.into(),
            state,
            bytes: 0,
            touched_epoch: 0,
            used: true,
            used_ms: 0,
            rate: Rate::default(),
        };
        self.bytes += SESSION_OVERHEAD_BYTES + session.key.heap_bytes();
        self.live += 1;
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(session);
                slot
            }
            None => {
                self.slots.push(Some(session));
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.by_key.insert_unique(hash, slot, |slot| {
            hash_key(
                hasher,
                slots[*slot as usize]
                    .as_ref()
                    .map_or(&[], |session| &*session.key),
            )
        });
        slot
    }

    /// The session in a slot that [`Sessions::activate`] gave, marked as touched in this epoch.
    ///
    /// # Panics
    /// If the slot is empty, which is a defect: slots are used in the batch that activated them.
    pub fn touch(&mut self, slot: u32, epoch: u64, now_ms: i64) -> &mut Session {
        let session = self.slots[slot as usize]
            .as_mut()
            .unwrap_or_else(|| unreachable!("slot {slot} was activated for this batch"));
        if session.touched_epoch != epoch {
            session.touched_epoch = epoch;
            self.touched.push(slot);
        }
        session.used = true;
        session.used_ms = now_ms;
        session.rate.count(now_ms);
        session
    }

    /// Snapshots of all sessions touched since the last call, empty ones as deletes; gives their
    /// slots, in the same order.
    pub fn snapshots(&mut self, operator: &dyn KeyedOperator, out: &mut Vec<Entry>) -> Vec<u32> {
        let touched = std::mem::take(&mut self.touched);
        self.snapshot(&touched, operator, out);
        touched
    }

    /// The same, but they count as touched all the more.
    pub(super) fn images(&mut self, operator: &dyn KeyedOperator) -> (Vec<u32>, Vec<Entry>) {
        let (touched, mut out) = (self.touched.clone(), Vec::new());
        self.snapshot(&touched, operator, &mut out);
        (touched, out)
    }

    fn snapshot(&mut self, slots: &[u32], operator: &dyn KeyedOperator, out: &mut Vec<Entry>) {
        let mut payload = Vec::new();
        let mut values = BytesMut::with_capacity(self.sealed);
        let mut keys =
            BytesMut::with_capacity(slots.iter().map(|slot| self.key_of(*slot).len()).sum());
        let mut sealed = 0;
        out.reserve(slots.len());
        for slot in slots {
            let Some(session) = self.slots[*slot as usize].as_mut() else {
                unreachable!("a session that an open epoch touched is not passivated");
            };
            let value = if operator.is_empty(&session.state) {
                None
            } else {
                payload.clear();
                operator.encode(&session.state, &mut payload);
                let timer = operator.timer(&session.state);
                Some(envelope::seal(
                    SNAPSHOT_VERSION,
                    timer,
                    &payload,
                    &mut values,
                ))
            };
            let bytes = u32::try_from(operator.state_bytes(&session.state)).unwrap_or(u32::MAX);
            self.bytes = self.bytes + bytes as usize - session.bytes as usize;
            session.bytes = bytes;
            sealed += value.as_ref().map_or(0, Bytes::len);
            let key = piece(&session.key, &mut keys);
            out.push(Entry {
                space: self.space,
                key,
                value,
            });
        }
        self.sealed = sealed + sealed / 8;
    }

    fn remove(&mut self, index: usize) {
        let Some(session) = self.slots[index].take() else {
            return;
        };
        let hash = hash_key(&self.hasher, &session.key);
        let slot = u32::try_from(index).unwrap_or(u32::MAX);
        if let Ok(entry) = self.by_key.find_entry(hash, |other| *other == slot) {
            entry.remove();
        }
        self.bytes -= SESSION_OVERHEAD_BYTES + session.key.heap_bytes() + session.bytes as usize;
        self.live -= 1;
        self.free.push(slot);
    }

    /// Sessions held.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live
    }

    /// About the bytes they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
