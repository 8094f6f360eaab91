//! A task's part in the barrier: what it sees, what it releases, what it hands over, and what it
//! does when that is committed.

use std::sync::Arc;

use ractor::ActorProcessingErr;

use super::task_input::{Input, InputKind};
use super::{
    HELD_FOR_PARKED_MAX, PartitionState, Prepared, ROWS_PER_PASS, TaskEpoch, Uncommitted, outputs,
};
use crate::log::{OffsetCommit, TopicPartition};
use crate::nodes::ask;
use crate::nodes::host::HostMessage;
use crate::nodes::program::{Action, Step};
use crate::state::store::Entry;
use crate::watermark::{Pace, combine};

impl PartitionState {
    pub(super) fn prepare(&mut self, ended: &[(TopicPartition, i64)]) -> Prepared {
        for input in &mut self.inputs {
            input.ended = ended
                .iter()
                .any(|(at, end)| *at == input.at && input.position >= *end);
        }
        Prepared {
            watermark: combine(self.inputs.iter().map(|input| self.pace(input))),
        }
    }

    /// What an input says of its event time now.
    fn pace(&self, input: &Input) -> Pace {
        let (watermark, is_source) = match &input.kind {
            InputKind::Source(source) => (source.watermark(), true),
            InputKind::Repartition(held) => (held.watermark(), false),
        };
        if input.ended || (!is_source && watermark == i64::MAX) {
            return Pace::Ended;
        }
        let now = self.context.clock.now_ms();
        match input.idle_ms {
            Some(idle) if is_source && now - input.last_ms > idle => Pace::Idle(watermark),
            _ => Pace::Active(watermark),
        }
    }

    pub(super) async fn release(
        &mut self,
        watermark: i64,
    ) -> Result<TaskEpoch, ActorProcessingErr> {
        for nth in 0..self.inputs.len() {
            let slot = self.inputs[nth].slot;
            let InputKind::Repartition(held) = &mut self.inputs[nth].kind else {
                continue;
            };
            let Some(batch) = held.release(watermark)? else {
                continue;
            };
            self.outputs.activity = true;
            let positions: Vec<u32> = (0..u32::try_from(batch.len())?).collect();
            for chunk in positions.chunks(ROWS_PER_PASS) {
                let part = if chunk.len() == batch.len() {
                    batch.clone()
                } else {
                    batch.take(chunk)?
                };
                let until = part.rows.last().map_or(i64::MIN, |row| row.time);
                self.watermark = self.watermark.max(until);
                self.pass(slot, part, self.watermark).await?;
            }
        }
        if watermark > self.watermark {
            self.watermark = watermark;
            self.advance(watermark).await?;
        }
        self.close_epoch().await
    }

    /// Moves the changelog offsets past what an epoch appended. This task alone writes to its
    /// partition of the changelogs, so counting is exact, and asking the log is saved.
    fn count_changelog(&mut self, entries: &[Entry]) {
        let marker = self.context.log.offsets_of_commit();
        for (space, offset) in (0..).zip(&mut self.changelog) {
            let appended = entries.iter().filter(|entry| entry.space == space).count();
            if appended > 0 {
                *offset += i64::try_from(appended).unwrap_or(0) + marker;
            }
        }
    }

    /// Fires what the watermark has passed where no rows carry it.
    async fn advance(&mut self, watermark: i64) -> Result<(), ActorProcessingErr> {
        if self.program.keyed.iter().any(|step| step.fires) {
            let slots: Vec<usize> = self.inputs.iter().map(|input| input.slot).collect();
            for slot in slots {
                self.pass_watermark(slot, watermark).await?;
            }
        }
        Ok(())
    }

    async fn close_epoch(&mut self) -> Result<TaskEpoch, ActorProcessingErr> {
        let mut entries: Arc<Vec<Entry>> = Arc::default();
        let (mut sessions, mut state_bytes) = (0, 0);
        if let Some(host) = &self.host {
            let next_epoch = self.epoch + 1;
            let close = |reply| HostMessage::Close { next_epoch, reply };
            let closed = ask(host, close).await?;
            entries = closed.entries;
            (sessions, state_bytes) = (closed.sessions, closed.bytes);
        }
        let paces: Vec<Pace> = self.inputs.iter().map(|input| self.pace(input)).collect();
        let own_pace = match combine(paces.iter().copied()) {
            i64::MAX => Pace::Ended,
            _ if paces.iter().all(|pace| !matches!(pace, Pace::Active(_))) => {
                Pace::Idle(self.watermark)
            }
            _ => Pace::Active(self.watermark),
        };
        let offsets: Vec<OffsetCommit> = self.inputs.iter().map(Input::commit).collect();
        let held = self.inputs.iter().map(Input::held_rows).sum();
        let waits_for_parked = held > HELD_FOR_PARKED_MAX && self.has_parked_upstream();
        self.credits.set_closed(waits_for_parked);
        let inputs = offsets
            .iter()
            .map(|o| (o.at.to_string(), o.offset))
            .collect();
        let epoch = self.outputs.close(
            &self.program,
            outputs::Closing {
                task: self.task,
                pace: own_pace,
                offsets,
                positions: self
                    .inputs
                    .iter()
                    .map(|i| (i.at.clone(), i.position))
                    .collect(),
                watermark: self.watermark,
                held,
                entries: Arc::clone(&entries),
                sessions,
                state_bytes,
                now_ms: self.context.clock.now_ms(),
            },
        )?;
        self.uncommitted.push_back(Uncommitted {
            epoch: self.epoch,
            entries,
            inputs,
            held: std::mem::take(&mut self.outputs.held),
        });
        self.epoch += 1;
        self.credits.release_withheld();
        Ok(epoch)
    }

    /// Whether a parked task would send rows here.
    fn has_parked_upstream(&self) -> bool {
        let sends_here = |step: &Step| match &step.action {
            Action::KeyBy(key_by) => self
                .inputs
                .iter()
                .any(|input| input.at.topic == key_by.topic),
            Action::Stateless(_) | Action::Keyed(_) | Action::Infer(..) | Action::Sink(_) => false,
        };
        let parked = self.context.parked.all().into_iter();
        let mut programs = parked.map(|(task, _)| self.context.program(task));
        programs.any(|program| program.steps.iter().any(sends_here))
    }

    pub(super) async fn committed(&mut self, epoch: u64) -> Result<(), ActorProcessingErr> {
        while let Some(first) = self.uncommitted.pop_front_if(|first| first.epoch <= epoch) {
            self.count_changelog(&first.entries);
            for (input, (_, offset)) in self.inputs.iter().zip(&first.inputs) {
                self.context.suspects.committed(&input.at, *offset);
            }
            if let Some(committed) = &self.committed {
                // The host keeps them too, until it is told.
                let entries = Arc::unwrap_or_clone(first.entries);
                committed.committed(first.epoch, entries, &self.changelog, first.inputs);
                let states = &self.context.states;
                states.committed(self.task, committed, &self.changelog);
            }
        }
        self.keep_promises(epoch);
        if let Some(host) = &self.host {
            // A host that is gone takes the shard with it.
            drop(host.send_message(HostMessage::Committed { epoch }));
        }
        if let Some(committed) = &self.committed
            && committed.overlay_bytes() > self.context.budget.overlay_bytes
        {
            // The store is behind: this task waits for it, and with it whoever feeds the task.
            let is_far_behind = committed.overlay_bytes() > 2 * self.context.budget.overlay_bytes;
            let committed = Arc::clone(committed);
            let flush = move || committed.flush();
            let flushed = self.context.blocking("flush", flush).await?;
            if let Err(error) = flushed {
                if is_far_behind {
                    // No longer a cache that lags, but memory that fills: wait where a restore waits.
                    return Err(error.into());
                }
                let error = crate::log::describe(&error);
                tracing::warn!(error, "committed state cannot be written to its store");
            }
        }
        Ok(())
    }
}
