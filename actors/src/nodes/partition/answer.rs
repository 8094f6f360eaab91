//! A model's answers, as columns of the rows that asked.
//!
//! A row without an answer (the model failed on it, gave NaN, was too late, or is not asked because its
//! circuit breaker is open) gets the operator's fallback; without one it becomes a dead letter.

use std::ops::Range;

use config::{Infer, NodeId, Schema};
use ractor::ActorProcessingErr;

use super::PartitionState;
use crate::batch::{Batch, ModelTag};
use crate::nodes::dead_letter::code;
use crate::nodes::inference::{Answer, Answered, InferenceError};
use crate::nodes::{failure, infer};

impl PartitionState {
    /// Adds a model's answers: batches in the order of the rows, each of one version of the model
    /// (version 0: the fallback).
    pub(super) async fn infer(
        &mut self,
        stage: &NodeId,
        settings: &Infer,
        schema: &Schema,
        batch: Batch,
    ) -> Result<Vec<Batch>, ActorProcessingErr> {
        let rows = infer::features(&batch.columns, &settings.features);
        let context = std::sync::Arc::clone(&self.context);
        let (model, clock) = (&context.models[settings.model], &*context.clock);
        let asked = model.infer(rows, settings.deadline, clock, &context.events);
        let parts = match asked.await {
            Ok(answer) => with_numbers(answer, settings),
            // The actor is being restarted: the epoch is done again when it is back.
            Err(InferenceError::Gone) => return Err(InferenceError::Gone.into()),
            Err(InferenceError::Model(reason)) => vec![(0..batch.len(), Err(reason))],
        };
        let mut out = Vec::new();
        for (range, answered) in parts {
            let part = match range.len() == batch.len() {
                true => batch.clone(),
                false => batch.slice(range.clone()),
            };
            let (columns, version) = match (answered, settings.fallback) {
                (Ok(Answer { outputs, version }), _) => (
                    infer::with_outputs(&part.columns, settings, schema, &outputs),
                    version,
                ),
                (Err(_), Some(value)) => (
                    infer::with_fallback(&part.columns, settings, schema, value),
                    0,
                ),
                (Err(reason), None) => {
                    for row in range {
                        self.reject_row(stage, &batch, row, (code::MODEL_FAILED, &reason));
                    }
                    continue;
                }
            };
            let model = context.topology.models[settings.model].id.clone();
            let tag = ModelTag { model, version };
            let models = part.models.iter().cloned().chain([tag]).collect();
            out.push(Batch {
                models,
                ..part.with_columns(columns.map_err(failure)?)
            });
        }
        Ok(out)
    }
}

/// Takes the rows out of the answers for which the model gave NaN: that is no answer.
fn with_numbers(
    answered: Answered,
    settings: &Infer,
) -> Vec<(Range<usize>, Result<Answer, String>)> {
    let mut parts = Vec::new();
    for (range, answer) in answered {
        let Ok(answer) = answer else {
            parts.push((range, answer));
            continue;
        };
        let mut from = range.start;
        for row in infer::not_a_number(&answer.outputs, settings, range.len()) {
            let at = range.start + row;
            if at > from {
                let good = answer.slice(range.len(), from - range.start..row);
                parts.push((from..at, Ok(good)));
            }
            parts.push((at..at + 1, Err("the model gave NaN".to_owned())));
            from = at + 1;
        }
        if from == range.start {
            parts.push((range, Ok(answer)));
        } else if from < range.end {
            let good = answer.slice(range.len(), from - range.start..range.len());
            parts.push((from..range.end, Ok(good)));
        }
    }
    parts
}
