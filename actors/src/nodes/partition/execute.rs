//! One pass: a batch through the steps of the program, from its entry to the sinks.

use ractor::ActorProcessingErr;

use super::PartitionState;
use crate::batch::Batch;
use crate::nodes::dead_letter::code;
use crate::nodes::host::{FailedRow, HostMessage};
use crate::nodes::program::{Action, Step};
use crate::nodes::{Gone, failure};

/// Batches that wait in the slots of a program during a pass.
pub(super) type Slots = Vec<Vec<Batch>>;

impl PartitionState {
    /// Carries a batch through all steps. `watermark` is that after its rows.
    pub(super) async fn pass(
        &mut self,
        slot: usize,
        batch: Batch,
        watermark: i64,
    ) -> Result<(), ActorProcessingErr> {
        self.context.faults.rows("task", &batch);
        let mut slots: Slots = vec![Vec::new(); self.program.slots];
        slots[slot].push(batch);
        self.run_steps(slots, watermark).await
    }

    /// Carries a watermark alone: only what keyed operators fire flows.
    pub(super) async fn pass_watermark(
        &mut self,
        _slot: usize,
        watermark: i64,
    ) -> Result<(), ActorProcessingErr> {
        let slots: Slots = vec![Vec::new(); self.program.slots];
        self.run_steps(slots, watermark).await
    }

    pub(super) async fn run_steps(
        &mut self,
        mut slots: Slots,
        watermark: i64,
    ) -> Result<(), ActorProcessingErr> {
        let program = std::sync::Arc::clone(&self.program);
        let mut left = program.readers.clone();
        for (nth, step) in program.steps.iter().enumerate() {
            let mut inputs = Vec::new();
            for input in &step.inputs {
                left[*input] -= 1;
                if left[*input] == 0 {
                    inputs.append(&mut slots[*input]);
                } else {
                    inputs.extend(slots[*input].iter().cloned());
                }
            }
            let rows = inputs.iter().map(Batch::len).sum();
            self.outputs.count_rows(nth, rows);
            self.step(step, inputs, watermark, &mut slots).await?;
        }
        Ok(())
    }

    async fn step(
        &mut self,
        step: &Step,
        inputs: Vec<Batch>,
        watermark: i64,
        slots: &mut Slots,
    ) -> Result<(), ActorProcessingErr> {
        match &step.action {
            Action::Stateless(operator) => {
                for batch in inputs {
                    for (port, batch) in self.stateless(&step.id, &**operator, &batch)? {
                        put(slots, step, port, batch);
                    }
                }
            }
            Action::Keyed(keyed) => {
                let fires = self.program.keyed[*keyed].fires;
                let last = inputs.len().saturating_sub(1);
                if inputs.is_empty() && fires {
                    let empty = self.empty_batch(*keyed);
                    self.keyed(step, *keyed, empty, watermark, slots).await?;
                }
                for (nth, batch) in inputs.into_iter().enumerate() {
                    // Timers fire behind the last batch only: the watermark is that after all.
                    let watermark = if nth == last { watermark } else { i64::MIN };
                    self.keyed(step, *keyed, batch, watermark, slots).await?;
                }
            }
            Action::Infer(infer) => {
                for batch in inputs.into_iter().filter(|batch| !batch.is_empty()) {
                    for answered in self.infer(&step.id, infer, batch).await? {
                        if let Some(log) = &infer.log {
                            let version = answered.models.last().map_or(0, |tag| tag.version);
                            put(slots, step, 1, log.of(&answered, version)?);
                        }
                        put(slots, step, 0, answered);
                    }
                }
            }
            Action::KeyBy(key_by) => {
                for batch in inputs {
                    self.outputs.key_by(&step.id, key_by, &batch)?;
                }
            }
            Action::Sink(sink) => {
                for batch in inputs {
                    if !batch.is_empty() {
                        self.to_sink(*sink, batch)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn empty_batch(&self, keyed: usize) -> Batch {
        let columns = self.program.keyed[keyed].empty_input();
        Batch::new(columns, Vec::new(), std::sync::Arc::new(Vec::new()))
    }

    /// Sends the session host its rows; what comes back is in the order of the input.
    pub(super) async fn keyed(
        &mut self,
        step: &Step,
        keyed: usize,
        batch: Batch,
        watermark: i64,
        slots: &mut Slots,
    ) -> Result<(), ActorProcessingErr> {
        let host = self.host.as_ref().ok_or(Gone("the session host"))?;
        let rows = batch.clone();
        let asked = crate::nodes::ask(host, |reply| HostMessage::Rows {
            keyed,
            batch: rows,
            watermark,
            reply,
        });
        // Its own: what it failed on counts against the rows at work.
        let ended = |_| failure("the session host ended before it answered");
        let worked = asked
            .await
            .map_err(ended)?
            .map_err(|reason| failure(format!("operator \"{}\": {reason}", step.id)))?;
        for FailedRow { row, reason } in &worked.failed {
            self.reject_row(&step.id, &batch, *row, (code::PANICKED, reason));
        }
        self.hold_rows(&step.id, keyed, &batch, &worked.held)?;
        let (operator, fires) = (
            &self.program.keyed[keyed].operator,
            self.program.keyed[keyed].fires,
        );
        for (port, mut out) in operator.finish(&batch, worked.emitted)? {
            if fires && port == 0 {
                // A fired window has no input record: it is the task's own.
                for (nth, row) in out.rows.iter_mut().enumerate() {
                    row.partition = self.task.partition;
                    row.offset = i64::try_from(nth)?;
                }
            }
            put(slots, step, port, out);
        }
        Ok(())
    }
}

fn put(slots: &mut Slots, step: &Step, port: usize, batch: Batch) {
    if !batch.is_empty()
        && let Some(slot) = step.outputs.get(port)
    {
        slots[*slot].push(batch);
    }
}
