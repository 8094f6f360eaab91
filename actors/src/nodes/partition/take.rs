//! Records of an input, decoded and taken through the steps; what a task fails on is noted.

use std::sync::Arc;

use ractor::ActorProcessingErr;
use supervisors::TaskId;

use super::PartitionState;
use super::task_input::InputKind;
use crate::log::{Fetched, LogRecord, TopicPartition};
use crate::nodes::Gone;
use crate::nodes::context::ShardContext;
use crate::nodes::dead_letter::code;
use crate::nodes::input::{Rejected, Taken};
use crate::nodes::metrics;
use crate::nodes::suspects::Part;

impl PartitionState {
    /// Takes records of an input.
    pub(super) async fn take(
        &mut self,
        nth: usize,
        at: &TopicPartition,
        fetched: Fetched,
    ) -> Result<(), ActorProcessingErr> {
        let input = &mut self.inputs[nth];
        let slot = input.slot;
        match &mut input.kind {
            InputKind::Repartition(held) => {
                let taken = held.take(fetched.records, fetched.next_offset)?;
                self.taken(slot, at, taken).await
            }
            InputKind::Source(source) => {
                self.outputs.count(source.id(), &fetched.records);
                for part in self.context.suspects.parts(at, fetched.records) {
                    self.part(nth, at, part).await?;
                }
                Ok(())
            }
        }
    }

    async fn part(
        &mut self,
        nth: usize,
        at: &TopicPartition,
        part: Part,
    ) -> Result<(), ActorProcessingErr> {
        let records = match part {
            Part::Work(records) => records,
            Part::Condemned(record, reason) => {
                let rejected = Rejected {
                    stage: "task".to_owned(),
                    record: *record,
                    code: code::TASK_FAILED,
                    reason,
                };
                self.outputs.dead.add(&self.context, Some(at), rejected);
                return Ok(());
            }
        };
        let input = &mut self.inputs[nth];
        let slot = input.slot;
        let InputKind::Source(source) = &mut input.kind else {
            unreachable!("only records of sources come in parts");
        };
        let Some(range) = range(&records) else {
            return Ok(());
        };
        let watch = Watch {
            context: Arc::clone(&self.context),
            task: self.task,
            at: at.clone(),
            range,
        };
        let suspects = &self.context.suspects;
        suspects.works_on(self.task, Some((at.clone(), range)));
        let taken = source.take(records, &self.context.faults)?;
        if taken.deletes > 0 {
            metrics::deletes(source.id().as_str(), taken.deletes);
        }
        let done = self.taken(slot, at, taken).await;
        if let Err(error) = &done
            && !error.is::<Gone>()
        {
            watch.failed(error.to_string());
        }
        done
    }

    /// Takes decoded rows through the steps.
    async fn taken(
        &mut self,
        slot: usize,
        at: &TopicPartition,
        taken: Taken,
    ) -> Result<(), ActorProcessingErr> {
        let Taken { batch, bad, .. } = taken;
        for rejected in bad {
            self.outputs.dead.add(&self.context, Some(at), rejected);
        }
        if let Some(batch) = batch {
            self.watermark = self.watermark.max(self.input_watermark());
            self.pass(slot, batch, self.watermark).await?;
        }
        Ok(())
    }
}

fn range(records: &[LogRecord]) -> Option<(i64, i64)> {
    Some((records.first()?.offset, records.last()?.offset + 1))
}

/// Notes the records at work when the task panics; being stopped over them says nothing.
struct Watch {
    context: Arc<ShardContext>,
    task: TaskId,
    at: TopicPartition,
    range: (i64, i64),
}

impl Watch {
    fn failed(&self, reason: String) {
        self.context.suspects.failed(&self.at, self.range, reason);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.failed("the task panicked".to_owned());
        }
        self.context.suspects.works_on(self.task, None);
    }
}
