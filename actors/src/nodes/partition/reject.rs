//! Rows that cannot be processed, on their way to the dead letters; and stateless work, of which the
//! rows are found on which it panics.

use config::NodeId;
use ractor::ActorProcessingErr;

use super::PartitionState;
use crate::batch::Batch;
use crate::nodes::bisect::{Bisected, bisect};
use crate::nodes::boundary::{Panicked, guarded};
use crate::nodes::dead_letter::code;
use crate::nodes::failure;
use crate::nodes::faults::Faults;
use crate::operators::{OperatorError, StatelessOperator};

/// Why stateless work fails on a row.
enum Failed {
    Panicked(Panicked),
    Error(OperatorError),
}

impl PartitionState {
    /// A row that a node cannot take, with the code and the reason.
    pub(super) fn reject_row(
        &mut self,
        stage: &NodeId,
        batch: &Batch,
        row: usize,
        reason: (&'static str, &str),
    ) {
        let place = (&*self.context, &*self.program);
        self.outputs
            .dead
            .add_row(place, (batch, row), stage, reason);
    }

    /// Runs a stateless operator; rows on which it fails become dead letters, alone.
    pub(super) fn stateless(
        &mut self,
        stage: &NodeId,
        operator: &dyn StatelessOperator,
        batch: &Batch,
    ) -> Result<Vec<(usize, Batch)>, ActorProcessingErr> {
        let faults = self.context.faults.clone();
        if let Ok(done) = apply(operator, batch, &faults) {
            return Ok(done);
        }
        let halves = batch.len().div_ceil(2);
        let found: Bisected<(), Failed> = bisect(batch.len(), halves, usize::MAX, |range| {
            apply(operator, &batch.slice(range), &faults).map(drop)
        });
        for (row, failed) in found.culprits() {
            match failed {
                Failed::Panicked(panic) => {
                    self.reject_row(stage, batch, row, (code::PANICKED, &panic.to_string()));
                }
                Failed::Error(error) => {
                    self.reject_row(stage, batch, row, (code::FAILED, &error.to_string()));
                }
            }
        }
        let good = found.good.iter().flat_map(|(range, ())| range.clone());
        let good: Vec<u32> = good.map(u32::try_from).collect::<Result<_, _>>()?;
        // What goes well in parts and not as a whole lies in no row: the shard begins again.
        apply(operator, &batch.take(&good)?, &faults).map_err(|failed| {
            failure(match failed {
                Failed::Panicked(panic) => format!("operator \"{stage}\" panicked: {panic}"),
                Failed::Error(error) => error.to_string(),
            })
        })
    }
}

fn apply(
    operator: &dyn StatelessOperator,
    batch: &Batch,
    faults: &Faults,
) -> Result<Vec<(usize, Batch)>, Failed> {
    let done = guarded(|| {
        faults.rows("operator", batch);
        operator.apply(batch)
    });
    done.map_err(Failed::Panicked)?.map_err(Failed::Error)
}
