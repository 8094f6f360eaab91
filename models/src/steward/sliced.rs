//! How versions do on parts of the rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::machine::METRIC_ROWS;
use super::message::{Metric, Row, Told};
use super::tally::Tally;
use crate::evaluate::Slices;

/// Versions that are measured by slice, the newest.
const VERSIONS_MAX: usize = 4;

/// Tallies by version and slice; of each since its last metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sliced {
    versions: BTreeMap<u64, Slices<Tally>>,
}

impl Sliced {
    /// Counts a labelled row, of which the label and whether it was answered wrongly are known.
    pub(super) fn add(
        &mut self,
        row: &Row,
        (label, is_error): (bool, bool),
        slices: &[String],
        out: &mut Vec<Told>,
    ) {
        if slices.is_empty() {
            return;
        }
        let of = self.versions.entry(row.version);
        let of = of.or_insert_with(|| Slices::new(Tally::default()));
        for slice in slices {
            let name = of.name(slice);
            let tally = of.slice(name);
            tally.add(row.score, label, is_error);
            if tally.rows >= METRIC_ROWS {
                let tally = std::mem::take(tally);
                out.extend(measured(row, &tally, Some(name)));
            }
        }
        while self.versions.len() > VERSIONS_MAX {
            self.versions.pop_first();
        }
    }
}

/// What a tally says when a row fills it.
pub(super) fn measured(
    row: &Row,
    tally: &Tally,
    slice: Option<&str>,
) -> impl Iterator<Item = Told> + use<> {
    let (at, version, rows) = (row.at, row.version, tally.rows);
    let slice = slice.map(str::to_owned);
    tally.metrics().map(move |(metric, value)| {
        Told::Metric(Metric {
            at,
            version,
            rows,
            metric,
            value,
            slice: slice.clone(),
            ..Metric::default()
        })
    })
}
