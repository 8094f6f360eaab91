//! One pass: a batch through the steps of the program, from its entry to the sinks.

use ractor::ActorProcessingErr;

use super::PartitionState;
use crate::batch::{Batch, ModelTag};
use crate::nodes::dead_letter;
use crate::nodes::host::HostMessage;
use crate::nodes::infer;
use crate::nodes::inference::InferenceError;
use crate::nodes::input::Rejected;
use crate::nodes::program::{Action, Step};
use crate::nodes::{Gone, failure};

/// Batches that wait in the slots of a program during a pass.
type Slots = Vec<Vec<Batch>>;

impl PartitionState {
    /// Carries a batch through all steps. `watermark` is that after its rows.
    pub(super) async fn pass(
        &mut self,
        slot: usize,
        batch: Batch,
        watermark: i64,
    ) -> Result<(), ActorProcessingErr> {
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

    async fn run_steps(
        &mut self,
        mut slots: Slots,
        watermark: i64,
    ) -> Result<(), ActorProcessingErr> {
        let program = std::sync::Arc::clone(&self.program);
        let mut left = program.readers.clone();
        for step in &program.steps {
            let mut inputs = Vec::new();
            for input in &step.inputs {
                left[*input] -= 1;
                if left[*input] == 0 {
                    inputs.append(&mut slots[*input]);
                } else {
                    inputs.extend(slots[*input].iter().cloned());
                }
            }
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
                    for (port, batch) in operator.apply(batch)? {
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
            Action::Infer(settings, schema) => {
                for batch in inputs {
                    if !batch.is_empty()
                        && let Some(answered) = self.infer(step, settings, schema, batch).await?
                    {
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
    async fn keyed(
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
        let emitted = asked
            .await?
            .map_err(|reason| failure(format!("operator \"{}\": {reason}", step.id)))?;
        let (operator, fires) = (
            &self.program.keyed[keyed].operator,
            self.program.keyed[keyed].fires,
        );
        for (port, mut out) in operator.finish(&batch, emitted)? {
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

    /// Adds a model's answers. Where it has none, the operator's fallback stands in for it; without
    /// one the rows become dead letters.
    async fn infer(
        &mut self,
        step: &Step,
        settings: &config::Infer,
        schema: &config::Schema,
        batch: Batch,
    ) -> Result<Option<Batch>, ActorProcessingErr> {
        let rows = infer::features(&batch.columns, &settings.features);
        let asked = self.context.models[settings.model].infer(rows);
        let answer = match settings.deadline {
            None => asked.await,
            Some(deadline) => match tokio::time::timeout(deadline.duration(), asked).await {
                Ok(answer) => answer,
                Err(_) => Err(InferenceError::Model(format!(
                    "no answer within {deadline}"
                ))),
            },
        };
        let (outputs, version) = match (answer, settings.fallback) {
            (Ok(answer), _) => (Ok(answer.outputs), answer.version),
            // The actor is being restarted: the epoch is done again when it is back.
            (Err(InferenceError::Gone), _) => return Err(InferenceError::Gone.into()),
            (Err(InferenceError::Model(_)), Some(value)) => (Err(value), 0),
            (Err(InferenceError::Model(reason)), None) => {
                self.reject_rows(step, &batch, &reason);
                return Ok(None);
            }
        };
        let columns = match outputs {
            Ok(outputs) => infer::with_outputs(&batch.columns, settings, schema, &outputs),
            Err(fallback) => infer::with_fallback(&batch.columns, settings, schema, fallback),
        };
        let columns = columns.map_err(failure)?;
        let tag = ModelTag {
            model: self.context.topology.models[settings.model].id.clone(),
            version,
        };
        let models = batch.models.iter().cloned().chain([tag]).collect();
        Ok(Some(Batch {
            models,
            ..batch.with_columns(columns)
        }))
    }

    fn reject_rows(&mut self, step: &Step, batch: &Batch, reason: &str) {
        let origin = self.program.origin_topic();
        for row in 0..batch.len() {
            let found = dead_letter::original(&self.context, &origin, batch, row);
            let Some((at, record)) = found else { continue };
            let rejected = Rejected {
                stage: step.id.to_string(),
                record,
                code: "model-failed",
                reason: reason.to_owned(),
            };
            self.outputs.reject(&self.context, &at, rejected);
        }
    }
}

fn put(slots: &mut Slots, step: &Step, port: usize, batch: Batch) {
    if !batch.is_empty()
        && let Some(slot) = step.outputs.get(port)
    {
        slots[*slot].push(batch);
    }
}
