//! How what several hostings gave for one batch is put in the order in which one host alone would
//! have given it: that of the batch's rows, then that of the timers, by (time, key).

use bytes::Bytes;

use super::Worked;
use crate::operators::keyed::{Emitted, Mark};

/// Where in what came out the part of each row, and then of each timer, ends.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    /// By row.
    pub(super) rows: Vec<Mark>,
    /// In the order of firing: time, key, end.
    pub(super) fired: Vec<(i64, Bytes, Mark)>,
}

/// What some of a batch's rows came to.
pub(super) struct Part {
    /// Their positions in the batch, ascending.
    pub(super) positions: Vec<u32>,
    pub(super) worked: Worked,
    pub(super) cuts: Cuts,
}

/// Puts the parts of a batch of so many rows together; `emitted` is empty.
pub(super) fn merge(rows: usize, mut parts: Vec<Part>, emitted: Emitted) -> Worked {
    let mut merged = Worked {
        emitted,
        failed: Vec::new(),
        held: Vec::new(),
        quarantined: Vec::new(),
    };
    let mut begins: Vec<Mark> = vec![merged.emitted.mark(); parts.len()];
    for (part, row) in owners(rows, &parts) {
        let end = parts[part].cuts.rows[row];
        append(&mut merged.emitted, &parts[part], (begins[part], end));
        begins[part] = end;
    }
    let mut fired: Vec<(i64, &Bytes, usize, Mark)> = Vec::new();
    for (nth, part) in parts.iter().enumerate() {
        let timers = part.cuts.fired.iter();
        fired.extend(timers.map(|(at, key, end)| (*at, key, nth, *end)));
    }
    // A part's own are in this order already, and a stable sort leaves them so.
    fired.sort_by(|(at, key, ..), (other_at, other_key, ..)| (at, key).cmp(&(other_at, other_key)));
    for (_, _, part, end) in fired {
        append(&mut merged.emitted, &parts[part], (begins[part], end));
        begins[part] = end;
    }
    for Part {
        positions, worked, ..
    } in &mut parts
    {
        let there = |row: usize| positions[row] as usize;
        worked
            .failed
            .iter_mut()
            .for_each(|row| row.row = there(row.row));
        worked
            .held
            .iter_mut()
            .for_each(|row| row.row = there(row.row));
        merged.failed.append(&mut worked.failed);
        merged.held.append(&mut worked.held);
        merged.quarantined.append(&mut worked.quarantined);
    }
    merged.failed.sort_by_key(|row| row.row);
    merged.held.sort_by_key(|row| row.row);
    merged
}

/// The parts' rows in the order of the batch: (part, row in it). Rows of no part are left out.
fn owners(rows: usize, parts: &[Part]) -> impl Iterator<Item = (usize, usize)> + use<> {
    let mut owners = vec![None; rows];
    for (nth, part) in parts.iter().enumerate() {
        for (row, position) in part.positions.iter().enumerate() {
            owners[*position as usize] = Some((nth, row));
        }
    }
    owners.into_iter().flatten()
}

fn append(merged: &mut Emitted, part: &Part, (begin, end): (Mark, Mark)) {
    if begin != end {
        let there = |row: u32| part.positions[row as usize];
        merged.append(&part.worked.emitted, (begin, end), there);
    }
}
