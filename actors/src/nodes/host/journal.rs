//! How a session comes back to where it was before a failed call: its before-image.
//!
//! An operator's journal keeps, until they are committed, the snapshots that closed epochs left
//! (*images*; the committed state stands behind them) and the rows and timers that its sessions took
//! since the last of them (*pieces*). A state that a panic has touched is dropped; the last image of
//! its key is decoded and the key's rows since then run again, their outputs thrown away. So the
//! clean path pays for no copy of a state, and a failure costs the failing key's rows alone. Bounded:
//! by the epochs that are on their way (two), and by [`PIECE_ROWS_MAX`] between images.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::batch::Row;
use crate::nodes::boundary::{Panicked, guarded};
use crate::nodes::sessions::{Session, Sessions};
use crate::operators::keyed::{Bound, KeyedOperator};
use crate::state::overlay::TaskState;
use crate::state::store::Entry;

/// Rows between two images, at most: an epoch that is longer is imaged in its middle. 64 Ki rows
/// take some ten megabytes, and imaging their sessions costs no more than closing an epoch does.
const PIECE_ROWS_MAX: usize = 65_536;

/// What one operator's sessions have gone through since their committed state.
#[derive(Default)]
pub(super) struct Journal {
    /// Oldest first.
    images: VecDeque<Image>,
    pieces: Vec<Piece>,
    rows: usize,
}

/// Snapshots of the sessions that an epoch touched; `slots[i]` had `entries[first + i]`.
struct Image {
    epoch: u64,
    slots: Vec<u32>,
    entries: Arc<Vec<Entry>>,
    first: usize,
}

/// One batch: its rows, then the timers that fired behind them.
pub(super) struct Piece {
    pub(super) bound: Bound,
    pub(super) rows: Vec<Row>,
    /// Each row's session.
    pub(super) slots: Vec<u32>,
    /// Positions of rows that no session took, ascending.
    pub(super) left_out: Vec<usize>,
    /// (session, fire time), in order.
    pub(super) fired: Vec<(u32, i64)>,
}

/// A session cannot be brought back. The cure is the shard's restart.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReplayError {
    /// Its snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] crate::nodes::sessions::SnapshotError),
    /// What went well before fails now.
    #[error("rows that went well before panic when they run again: {0}")]
    Panicked(Panicked),
}

impl Piece {
    pub(super) fn new(bound: Bound, rows: Vec<Row>, slots: Vec<u32>) -> Self {
        Self {
            bound,
            rows,
            slots,
            left_out: Vec::new(),
            fired: Vec::new(),
        }
    }

    /// Runs one session's part in the first `rows` rows again, and in what has fired.
    fn replay(&self, rows: usize, operator: &dyn KeyedOperator, slot: u32, session: &mut Session) {
        let Session { key, state, .. } = session;
        let mut unwanted = operator.emitted();
        for (row, meta) in self.rows[..rows].iter().enumerate() {
            if self.slots[row] == slot && self.left_out.binary_search(&row).is_err() {
                operator.row(&self.bound, row, meta, state, &mut unwanted);
            }
        }
        for (_, due) in self.fired.iter().filter(|(fired, _)| *fired == slot) {
            operator.fire(key, *due, state, &mut unwanted);
        }
    }
}

impl Journal {
    /// A batch is done.
    pub(super) fn push(&mut self, piece: Piece) {
        self.rows += piece.rows.len();
        self.pieces.push(piece);
    }

    /// Whether the sessions should be imaged before more rows are taken.
    pub(super) fn is_long(&self) -> bool {
        self.rows >= PIECE_ROWS_MAX
    }

    /// The sessions that this epoch has touched so far stand in these snapshots, from `first` on.
    pub(super) fn image(
        &mut self,
        epoch: u64,
        slots: Vec<u32>,
        (entries, first): (Arc<Vec<Entry>>, usize),
    ) {
        self.pieces.clear();
        self.rows = 0;
        // A later image of the same epoch holds all that an earlier one does.
        self.images.pop_back_if(|last| last.epoch == epoch);
        self.images.push_back(Image {
            epoch,
            slots,
            entries,
            first,
        });
    }

    /// Committed state holds everything up to this epoch.
    pub(super) fn committed(&mut self, epoch: u64) {
        while self
            .images
            .pop_front_if(|image| image.epoch <= epoch)
            .is_some()
        {}
    }

    /// Puts a session back to where it was after the first `rows` rows of the current piece, and what
    /// has fired behind them. The state it has now is dropped unread.
    pub(super) fn restore(
        &self,
        sessions: &mut Sessions,
        slot: u32,
        operator: &dyn KeyedOperator,
        committed: &TaskState,
        (current, rows): (&Piece, usize),
    ) -> Result<(), ReplayError> {
        let image = self.images.iter().rev().find_map(|image| {
            let at = image.slots.iter().position(|other| *other == slot)?;
            Some(image.entries[image.first + at].value.clone())
        });
        let session = sessions.reset(slot, image, operator, committed)?;
        guarded(|| {
            for piece in &self.pieces {
                piece.replay(piece.rows.len(), operator, slot, session);
            }
            current.replay(rows, operator, slot, session);
        })
        .map_err(ReplayError::Panicked)
    }
}
