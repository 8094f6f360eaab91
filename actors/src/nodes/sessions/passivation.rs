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
    /// `committed_epoch` stay. One round over the slots; if that was not enough, a second one finds those
    /// unused that the first has spared.
    pub fn passivate(
        &mut self,
        operator: &dyn KeyedOperator,
        committed_epoch: u64,
        idle_before_ms: i64,
        room: Room,
    ) -> usize {
        let (mut passivated, mut spared) = (0, 0);
        let round = self.slots.len();
        for step in 0..2 * round {
            let over = self.bytes > room.bytes || self.live > room.sessions;
            if step >= round && (!over || spared == 0) {
                break;
            }
            self.hand = (self.hand + 1) % round;
            let Some(session) = self.slots[self.hand].as_mut() else {
                continue;
            };
            if session.touched_epoch > committed_epoch {
                continue;
            }
            let idle = session.used_ms < idle_before_ms || operator.is_empty(&session.state);
            if !idle && (!over || std::mem::take(&mut session.used)) {
                spared += usize::from(over);
                continue;
            }
            self.remove(self.hand);
            passivated += 1;
        }
        passivated
    }
}
