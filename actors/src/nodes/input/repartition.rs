//! Rows of an upstream task, taken in the order of (event time, upstream partition, offset).
//!
//! Rows wait here until the watermark of all upstream partitions has passed them, so that how the
//! partitions interleaved in the topic shows in no result. Rows are not kept in the store: they
//! stand in the topic, and the committed offset is that of the earliest row still held.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_select::interleave::interleave_record_batch;
use config::{Order, Schema};

use super::{Rejected, Taken, widen};
use crate::batch::{Batch, Row};
use crate::codec::row::RowDecoder;
use crate::log::LogRecord;
use crate::nodes::marker;
use crate::nodes::program::project;
use crate::nodes::progress::HeldProgress;
use crate::watermark::combine;

/// A partition of a repartition topic as one task reads it.
pub struct RepartitionInput {
    schema: Schema,
    carried: Vec<usize>,
    decoder: RowDecoder,
    order: Order,
    /// Next offset in this life: behind `progress.read` while held rows are read again.
    position: i64,
    progress: HeldProgress,
    held: Vec<Held>,
    rows: usize,
}

/// Rows of one fetch, some of them still waiting.
struct Held {
    columns: RecordBatch,
    raw: Arc<Vec<LogRecord>>,
    waiting: Vec<Waiting>,
}

/// A row that waits.
#[derive(Clone, Copy)]
struct Waiting {
    row: Row,
    /// Position in the columns.
    position: usize,
    /// Its offset in the repartition topic.
    offset: i64,
}

impl RepartitionInput {
    /// Goes on from a committed offset and the progress that was committed with it.
    #[must_use]
    pub fn new(
        schema: &Schema,
        carried: &[usize],
        order: Order,
        from: i64,
        progress: HeldProgress,
    ) -> Self {
        let decoder = RowDecoder::new(&project(schema, carried));
        let (schema, carried) = (schema.clone(), carried.to_vec());
        Self {
            schema,
            carried,
            decoder,
            order,
            position: from,
            progress,
            held: Vec::new(),
            rows: 0,
        }
    }

    /// Takes records: markers move the watermark, rows wait (or, in arrival order, come out at once).
    ///
    /// # Errors
    /// If the decoder's columns are not those of the schema: a defect.
    pub fn take(
        &mut self,
        mut records: Vec<LogRecord>,
        next_offset: i64,
    ) -> Result<Taken, arrow_schema::ArrowError> {
        let first_read = self.progress.read;
        records.retain(|record| {
            let marker = record.value.as_deref().and_then(marker::decode);
            let Some((partition, pace)) = marker else {
                return true;
            };
            // Markers before the first unread offset were heard before; what was heard later stands.
            if let Some(known) = self.progress.paces.get_mut(partition as usize)
                && record.offset >= first_read
            {
                *known = pace;
            }
            false
        });
        self.position = self.position.max(next_offset);
        self.progress.read = first_read.max(next_offset);
        if records.is_empty() {
            return Ok(Taken::default());
        }
        let decoded = self.decoder.decode(&records);
        let mut rows = decoded.rows;
        let bad = decoded
            .bad
            .into_iter()
            .map(|bad| Rejected {
                stage: "decode".to_owned(),
                record: records[bad.index as usize].clone(),
                code: bad.code,
                reason: bad.reason,
            })
            .collect();
        for row in &mut rows {
            row.watermark = row.time;
        }
        let columns = widen(&self.schema, &self.carried, &decoded.columns)?;
        let raw = Arc::new(records);
        if self.order == Order::Arrival {
            let batch = Batch::new(columns, rows, raw);
            return Ok(Taken {
                batch: (!batch.is_empty()).then_some(batch),
                bad,
                ..Taken::default()
            });
        }
        let released = self.progress.released;
        let waiting: Vec<Waiting> = rows
            .iter()
            .enumerate()
            .map(|(position, row)| Waiting {
                row: *row,
                position,
                offset: raw[row.index as usize].offset,
            })
            // Read again after a restart: what lies before the released time was processed.
            .filter(|waiting| waiting.offset >= first_read || waiting.row.time >= released)
            .collect();
        self.rows += waiting.len();
        if !waiting.is_empty() {
            self.held.push(Held {
                columns,
                raw,
                waiting,
            });
        }
        Ok(Taken {
            bad,
            ..Taken::default()
        })
    }

    /// The watermark of all upstream partitions together; while rows are read again, what they were
    /// released up to: the ones still to come may be the next in order.
    #[must_use]
    pub fn watermark(&self) -> i64 {
        let watermark = combine(self.progress.paces.iter().copied());
        match self.position < self.progress.read {
            true => watermark.min(self.progress.released),
            false => watermark,
        }
    }

    /// Rows before `watermark` (all, if it is `i64::MAX`), in order; they are held no longer.
    ///
    /// # Errors
    /// If Arrow refuses to put the rows together: a defect.
    pub fn release(&mut self, watermark: i64) -> Result<Option<Batch>, arrow_schema::ArrowError> {
        self.progress.released = self.progress.released.max(watermark);
        let due = |waiting: &Waiting| waiting.row.time < watermark || watermark == i64::MAX;
        let mut order: Vec<(Waiting, usize)> = Vec::new();
        for (batch, held) in self.held.iter_mut().enumerate() {
            held.waiting.retain(|waiting| {
                let due = due(waiting);
                if due {
                    order.push((*waiting, batch));
                }
                !due
            });
        }
        if order.is_empty() {
            return Ok(None);
        }
        self.rows -= order.len();
        order.sort_by_key(|(w, _)| (w.row.time, w.row.partition, w.row.offset, w.offset));
        let batch = self.assemble(&order)?;
        self.held.retain(|held| !held.waiting.is_empty());
        Ok(Some(batch))
    }

    /// Puts rows of several fetches together in the given order.
    fn assemble(&self, order: &[(Waiting, usize)]) -> Result<Batch, arrow_schema::ArrowError> {
        let sources: Vec<&RecordBatch> = self.held.iter().map(|held| &held.columns).collect();
        let picks: Vec<(usize, usize)> = order
            .iter()
            .map(|(waiting, batch)| (*batch, waiting.position))
            .collect();
        let columns = interleave_record_batch(&sources, &picks)?;
        let mut raw = Vec::with_capacity(order.len());
        let mut rows = Vec::with_capacity(order.len());
        for (waiting, batch) in order {
            let index = u32::try_from(raw.len()).unwrap_or(u32::MAX);
            raw.push(self.held[*batch].raw[waiting.row.index as usize].clone());
            rows.push(Row {
                index,
                ..waiting.row
            });
        }
        Ok(Batch::new(columns, rows, Arc::new(raw)))
    }

    /// Rows that wait.
    #[must_use]
    pub fn held_rows(&self) -> usize {
        self.rows
    }

    /// The offset to commit and what goes with it.
    #[must_use]
    pub fn progress(&self) -> (i64, HeldProgress) {
        let earliest = self
            .held
            .iter()
            .flat_map(|held| &held.waiting)
            .map(|w| w.offset)
            .min();
        // Rows not yet read again are held too.
        let unread = self.position.min(self.progress.read);
        (
            earliest.map_or(unread, |earliest| earliest.min(unread)),
            self.progress.clone(),
        )
    }
}
