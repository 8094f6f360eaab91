//! Which hosted sessions leave memory: a clock hand passes over them, no timer is kept for any.

use super::Sessions;
use crate::operators::keyed::KeyedOperator;

/// How much may stay.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// About so many bytes.
    pub bytes: usize,
    /// So many sessions.
    pub sessions: usize,
}

impl Sessions {
    /// Drops resting sessions: all that rest since before `idle_before_ms`, and, while there is more
    /// than there is room for, those the clock hand finds unused. Sessions touched after
    /// `committed_epoch` stay. At most one round over the slots.
    pub fn passivate(
        &mut self,
        operator: &dyn KeyedOperator,
        committed_epoch: u64,
        idle_before_ms: i64,
        room: Room,
    ) -> usize {
        let mut passivated = 0;
        for _ in 0..self.slots.len() {
            self.hand = (self.hand + 1) % self.slots.len();
            let over = self.bytes > room.bytes || self.live > room.sessions;
            let Some(session) = self.slots[self.hand].as_mut() else {
                continue;
            };
            if session.touched_epoch > committed_epoch {
                continue;
            }
            let idle = session.used_ms < idle_before_ms || operator.is_empty(&session.state);
            if !idle && (!over || std::mem::take(&mut session.used)) {
                continue;
            }
            self.remove(self.hand);
            passivated += 1;
        }
        passivated
    }
}
