//! A model's answers, as columns of the rows that asked.
//!
//! A row without an answer (the model failed on it, gave NaN, was too late, or is not asked because its
//! circuit breaker is open) gets the operator's fallback; without one it becomes a dead letter.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, BooleanArray};
use config::{Infer, NodeId};
use models::Matrix;
use ractor::ActorProcessingErr;

use super::PartitionState;
use crate::batch::{Batch, ModelTag};
use crate::codec::key_text;
use crate::nodes::dead_letter::code;
use crate::nodes::inference::{Answer, Answered, Ask, InferenceError, Trial};
use crate::nodes::program::InferStep;
use crate::nodes::{Gone, failure, infer};

impl PartitionState {
    /// Adds a model's answers: batches, each of one version of the model (version 0: the fallback). Rows
    /// of one key keep their order; those of a version on trial come behind the others.
    pub(super) async fn infer(
        &mut self,
        stage: &NodeId,
        step: &InferStep,
        batch: Batch,
    ) -> Result<Vec<Batch>, ActorProcessingErr> {
        let context = Arc::clone(&self.context);
        let trial = context.models[step.infer.model].trial();
        let (Some(trial), Some(arm)) = (trial, step.arm) else {
            return self.infer_by(stage, step, batch, None).await;
        };
        let on_trial = arms(&trial, batch.columns.column(arm));
        let mut out = Vec::new();
        let in_service = batch.filter(&arrow_arith::boolean::not(&on_trial)?)?;
        if !in_service.is_empty() {
            out.extend(self.infer_by(stage, step, in_service, None).await?);
        }
        let on_trial = batch.filter(&on_trial)?;
        if !on_trial.is_empty() {
            out.extend(self.infer_by(stage, step, on_trial, Some(&trial)).await?);
        }
        Ok(out)
    }

    /// The answers of the version on trial, or of the one in service.
    async fn infer_by(
        &mut self,
        stage: &NodeId,
        step: &InferStep,
        batch: Batch,
        trial: Option<&Trial>,
    ) -> Result<Vec<Batch>, ActorProcessingErr> {
        let settings = &step.infer;
        let rows = infer::features(&batch.columns, &settings.features);
        let mut parts = self.ask(settings, rows, &batch, trial).await?;
        if let Some(trial) = trial {
            parts = self.stand_in(settings, &batch, (parts, trial)).await?;
        }
        let mut out = Vec::new();
        for (range, answered) in parts {
            let part = match range.len() == batch.len() {
                true => batch.clone(),
                false => batch.slice(range.clone()),
            };
            let (columns, version) = match (answered, settings.fallback) {
                (Ok(Answer { outputs, version }), _) => (
                    infer::with_outputs(&part.columns, settings, &step.schema, &outputs),
                    version,
                ),
                (Err(_), Some(value)) => (
                    infer::with_fallback(&part.columns, settings, &step.schema, value),
                    0,
                ),
                (Err(reason), None) => {
                    for row in range {
                        self.reject_row(stage, &batch, row, (code::MODEL_FAILED, &reason));
                    }
                    continue;
                }
            };
            let model = self.context.topology.models[settings.model].id.clone();
            let tag = ModelTag { model, version };
            let models = part.models.iter().cloned().chain([tag]).collect();
            out.push(Batch {
                models,
                ..part.with_columns(columns.map_err(failure)?)
            });
        }
        Ok(out)
    }

    /// Asks a version for the rows of a batch.
    async fn ask(
        &self,
        settings: &Infer,
        rows: Matrix,
        batch: &Batch,
        trial: Option<&Trial>,
    ) -> Result<Answered, ActorProcessingErr> {
        let context = &self.context;
        let ask = Ask {
            rows,
            version: trial.map(|trial| Arc::clone(trial.model())),
            deadline: settings.deadline,
        };
        let (model, clock) = (&context.models[settings.model], &*context.clock);
        match model.infer(ask, clock, &context.events).await {
            Ok(answer) => Ok(with_numbers(answer, settings)),
            // The actor is being restarted: the epoch is done again when it is back.
            Err(InferenceError::Gone) => Err(Gone("the model's actor").into()),
            Err(InferenceError::Model(reason)) => Ok(vec![(0..batch.len(), Err(reason))]),
        }
    }

    /// Has the version in service answer where the one on trial did not.
    async fn stand_in(
        &self,
        settings: &Infer,
        batch: &Batch,
        (parts, trial): (Answered, &Trial),
    ) -> Result<Answered, ActorProcessingErr> {
        let mut all = Answered::new();
        for (range, answered) in parts {
            let rows = u32::try_from(range.len()).unwrap_or(u32::MAX);
            trial.answered(rows, answered.is_err());
            if answered.is_ok() {
                all.push((range, answered));
                continue;
            }
            let part = batch.slice(range.clone());
            let rows = infer::features(&part.columns, &settings.features);
            let again = self.ask(settings, rows, &part, None).await?;
            let moved = again
                .into_iter()
                .map(|(at, answer)| (range.start + at.start..range.start + at.end, answer));
            all.extend(moved);
        }
        Ok(all)
    }
}

/// Which rows the version on trial takes, by the text of their keys.
fn arms(trial: &Trial, keys: &dyn Array) -> BooleanArray {
    let mut text = Vec::new();
    (0..keys.len())
        .map(|row| {
            text.clear();
            key_text(keys, row, &mut text);
            Some(trial.takes(&text))
        })
        .collect()
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
