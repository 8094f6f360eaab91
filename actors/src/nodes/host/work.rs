//! One batch of one keyed operator: its rows in order, then the timers that the watermark has
//! passed, each under the panic boundary.
//!
//! A row on which the operator panics is tried once more on its session's before-image; if it
//! panics again it is left out and told, and the session goes on without it; the third time within a
//! minute its key is in quarantine. A timer that panics twice cannot be left out: its key is in
//! quarantine at once. Rows of a key in quarantine are held, and its timer does not fire.

use std::collections::HashSet;

use bytes::Bytes;

use super::cuts::Cuts;
use super::hosted::Hosted;
use super::journal::{Piece, ReplayError};
use super::{FailedRow, HeldRow, Worked};
use crate::log::LogRecord;
use crate::nodes::boundary::{Panicked, guarded};
use crate::nodes::faults::Faults;
use crate::nodes::pulse;
use crate::operators::keyed::KeyedOperator;
use crate::state::overlay::TaskState;

/// Sessions that are activated together when their timers are due: many, for the store's sake, but
/// not all that a window's end may wake.
const ACTIVATED_TOGETHER: usize = 1024;

/// What the work of a batch needs beside the sessions.
pub(super) struct Work<'a> {
    pub(super) operator: &'a dyn KeyedOperator,
    pub(super) committed: &'a TaskState,
    pub(super) faults: &'a Faults,
    pub(super) epoch: u64,
    pub(super) now_ms: i64,
}

/// The batch in the middle of its work.
struct Open<'a> {
    hosted: &'a mut Hosted,
    piece: Piece,
    /// For the fault hook.
    raw: &'a [LogRecord],
    /// Sessions in quarantine.
    quarantined: HashSet<u32>,
    worked: Worked,
    /// For who puts several of these together.
    cuts: Option<&'a mut Cuts>,
}

impl Work<'_> {
    /// Does it. The piece's rows have their sessions, which are active.
    pub(super) fn run(
        &self,
        hosted: &mut Hosted,
        piece: Piece,
        raw: &[LogRecord],
        watermark: i64,
        cuts: Option<&mut Cuts>,
    ) -> Result<Worked, ReplayError> {
        let mut open = Open {
            quarantined: hosted.quarantined(&piece.slots),
            hosted,
            piece,
            raw,
            worked: Worked {
                emitted: self.operator.emitted(),
                failed: Vec::new(),
                held: Vec::new(),
                quarantined: Vec::new(),
            },
            cuts,
        };
        self.rows(&mut open)?;
        self.timers(&mut open, watermark)?;
        let Open {
            hosted,
            piece,
            worked,
            ..
        } = open;
        if !piece.rows.is_empty() || !piece.fired.is_empty() {
            hosted.journal.push(piece);
        }
        Ok(worked)
    }

    fn rows(&self, open: &mut Open<'_>) -> Result<(), ReplayError> {
        let mut next = 0;
        while next < open.piece.rows.len() {
            let mut mark = open.worked.emitted.mark();
            let done = guarded(|| {
                while next < open.piece.rows.len() {
                    mark = open.worked.emitted.mark();
                    if !open.holds(next) {
                        self.row(open, next);
                    }
                    open.cut();
                    next += 1;
                }
            });
            if done.is_ok() {
                break;
            }
            open.worked.emitted.truncate(mark);
            self.restore(open, open.piece.slots[next], next)?;
            // Once more, alone: what did not lie in the record goes well now.
            if let Err(panicked) = guarded(|| self.row(open, next)) {
                open.worked.emitted.truncate(mark);
                self.restore(open, open.piece.slots[next], next)?;
                self.leave_out(open, next, &panicked);
            }
            open.cut();
            next += 1;
        }
        Ok(())
    }

    fn row(&self, open: &mut Open<'_>, row: usize) {
        let Open {
            hosted,
            piece,
            raw,
            worked,
            ..
        } = open;
        let emitted = &mut worked.emitted;
        self.faults.row("session", raw, &piece.rows[row]);
        let session = hosted
            .sessions
            .touch(piece.slots[row], self.epoch, self.now_ms);
        let (bound, meta) = (&piece.bound, &piece.rows[row]);
        if hosted.fires {
            let before = self.operator.timer(&session.state);
            self.operator
                .row(bound, row, meta, &mut session.state, emitted);
            let after = self.operator.timer(&session.state);
            self.faults.row("session-end", raw, meta);
            if before != after {
                hosted.timers.shift(&session.key, before, after);
            }
        } else {
            self.operator
                .row(bound, row, meta, &mut session.state, emitted);
            self.faults.row("session-end", raw, meta);
        }
    }

    /// Due timers in the order of (time, key).
    fn timers(&self, open: &mut Open<'_>, watermark: i64) -> Result<(), ReplayError> {
        let mut slots = Vec::new();
        while let Some(due) = open.hosted.timers.due(watermark) {
            let mut keys = due.keys();
            keys.retain(|key| open.hosted.quarantine.get(key).is_none());
            for keys in keys.chunks(ACTIVATED_TOGETHER) {
                slots.clear();
                let (wanted, sessions) = (keys.iter().copied(), &mut open.hosted.sessions);
                sessions.activate(wanted, self.operator, self.committed, &mut slots)?;
                // A watermark that leaps fires any number of them.
                pulse::progress();
                let sessions = &open.hosted.sessions;
                // All at once, so that the memory they lie in is waited for once, not one by one.
                let timers: Vec<Option<i64>> = slots
                    .iter()
                    .map(|slot| self.operator.timer(sessions.state(*slot)))
                    .collect();
                for ((slot, key), timer) in slots.iter().zip(keys).zip(timers) {
                    match timer {
                        Some(at) if at <= due.at => self.timer(open, *slot, due.at, key)?,
                        Some(later) => open.hosted.timers.insert(later, key),
                        None => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// A session's timer that is due.
    fn timer(
        &self,
        open: &mut Open<'_>,
        slot: u32,
        due: i64,
        key: &[u8],
    ) -> Result<(), ReplayError> {
        let mark = open.worked.emitted.mark();
        let mut fired = guarded(|| self.fire(open, slot, due, key));
        if fired.is_err() {
            open.worked.emitted.truncate(mark);
            self.restore(open, slot, open.piece.rows.len())?;
            fired = guarded(|| self.fire(open, slot, due, key));
        }
        match fired {
            Ok(after) => {
                open.piece.fired.push((slot, due));
                open.cut_fired(due, key);
                if let Some(after) = after.filter(|after| *after > due) {
                    open.hosted.timers.insert(after, key);
                }
            }
            Err(panicked) => {
                open.worked.emitted.truncate(mark);
                self.restore(open, slot, open.piece.rows.len())?;
                let reason = panicked.to_string();
                let quarantine = &mut open.hosted.quarantine;
                if let Some(begun) = quarantine.begin(key, self.now_ms, 1, &reason) {
                    let begun = (Bytes::copy_from_slice(key), begun.clone());
                    open.worked.quarantined.push(begun);
                }
            }
        }
        Ok(())
    }

    /// Fires a session: only what is due at this time; later timers of the key wait for their turn.
    fn fire(&self, open: &mut Open<'_>, slot: u32, due: i64, key: &[u8]) -> Option<i64> {
        self.faults.content("timer", key);
        let session = open.hosted.sessions.touch(slot, self.epoch, self.now_ms);
        self.operator
            .fire(key, due, &mut session.state, &mut open.worked.emitted);
        self.operator.timer(&session.state)
    }

    /// The before-image of a session: as it was after the first `rows` rows of this batch.
    fn restore(&self, open: &mut Open<'_>, slot: u32, rows: usize) -> Result<(), ReplayError> {
        let Hosted {
            sessions, journal, ..
        } = &mut *open.hosted;
        let piece = (&open.piece, rows);
        journal.restore(sessions, slot, self.operator, self.committed, piece)
    }

    /// A row that its session cannot take.
    fn leave_out(&self, open: &mut Open<'_>, row: usize, panicked: &Panicked) {
        let slot = open.piece.slots[row];
        let reason = panicked.to_string();
        open.piece.left_out.push(row);
        open.worked.failed.push(FailedRow {
            row,
            reason: reason.clone(),
        });
        let Hosted {
            sessions,
            quarantine,
            ..
        } = &mut *open.hosted;
        let session = sessions.touch(slot, self.epoch, self.now_ms);
        if let Some(begun) = quarantine.failed(&session.key, self.now_ms, &reason) {
            let key = Bytes::copy_from_slice(&session.key);
            open.quarantined.insert(slot);
            open.worked.quarantined.push((key, begun.clone()));
        }
    }
}

impl Open<'_> {
    /// What came out so far is that of the rows so far.
    fn cut(&mut self) {
        if let Some(cuts) = &mut self.cuts {
            cuts.rows.push(self.worked.emitted.mark());
        }
    }

    /// The same for a timer.
    fn cut_fired(&mut self, due: i64, key: &[u8]) {
        if let Some(cuts) = &mut self.cuts {
            let mark = self.worked.emitted.mark();
            cuts.fired.push((due, Bytes::copy_from_slice(key), mark));
        }
    }

    /// Whether a row's key is in quarantine: then it is held.
    fn holds(&mut self, row: usize) -> bool {
        let slot = self.piece.slots[row];
        if self.quarantined.is_empty() || !self.quarantined.contains(&slot) {
            return false;
        }
        let key = self.hosted.sessions.key_of(slot);
        if let Some((since_ms, number)) = self.hosted.quarantine.hold(key) {
            let key = Bytes::copy_from_slice(key);
            self.piece.left_out.push(row);
            self.worked.held.push(HeldRow {
                row,
                key,
                since_ms,
                number,
            });
        }
        true
    }
}
