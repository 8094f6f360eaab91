//! Records from outside: decoded, stamped with event time, in the order of the log.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use config::{Source, TopicName};

use super::{Rejected, Taken, widen};
use crate::batch::{Batch, Row};
use crate::codec::{BadRecord, Decoded, Decoder, code};
use crate::log::{LogRecord, TopicPartition};
use crate::nodes::boundary::guarded;
use crate::nodes::faults::Faults;
use crate::nodes::progress::SourceProgress;
use crate::watermark::Watermark;

/// A source's partition as one task reads it.
pub struct SourceInput {
    source: Source,
    used: Vec<usize>,
    decoder: Decoder,
    watermark: Watermark,
    topic: Arc<TopicName>,
    partition: u32,
}

impl SourceInput {
    /// Goes on from committed progress.
    #[must_use]
    pub fn new(
        source: &Source,
        used: &[usize],
        at: &TopicPartition,
        progress: SourceProgress,
    ) -> Self {
        let decoder = Decoder::new(source.format, &source.schema, used, source.time.unit);
        let watermark = Watermark::resume(source.watermark.delay.0, progress.highest);
        Self {
            source: source.clone(),
            used: used.to_vec(),
            decoder,
            watermark,
            topic: Arc::new(at.topic.clone()),
            partition: at.partition,
        }
    }

    /// Decodes records and stamps their rows.
    ///
    /// # Errors
    /// If the decoder's columns are not those of the schema: a defect.
    pub fn take(
        &mut self,
        records: Vec<LogRecord>,
        faults: &Faults,
    ) -> Result<Taken, arrow_schema::ArrowError> {
        let decoded = self.decode(&records, faults);
        // A delete, of which there is nothing to take: no table stands behind a source.
        let is_delete = |bad: &BadRecord| bad.code == code::NO_VALUE;
        let deletes = decoded.bad.iter().filter(|bad| is_delete(bad)).count() as u64;
        let bad = decoded
            .bad
            .into_iter()
            .filter(|bad| !is_delete(bad))
            .map(|bad| Rejected {
                stage: "decode".to_owned(),
                record: records[bad.index as usize].clone(),
                code: bad.code,
                reason: bad.reason,
            })
            .collect();
        if decoded.origin.is_empty() {
            let batch = None;
            return Ok(Taken {
                batch,
                bad,
                deletes,
            });
        }
        let columns = widen(&self.source.schema, &self.used, &decoded.columns)?;
        let times = self
            .source
            .time
            .column
            .map(|column| columns.column(column).clone());
        let times = times
            .as_ref()
            .map(|t| t.as_primitive::<TimestampMillisecondType>());
        let mut rows = Vec::with_capacity(decoded.origin.len());
        for (row, index) in decoded.origin.iter().enumerate() {
            let record = &records[*index as usize];
            let time = match times {
                Some(times) if arrow_array::Array::is_valid(times, row) => times.value(row),
                _ => record.timestamp,
            };
            let watermark = self.watermark.observe(time);
            rows.push(Row {
                time,
                watermark,
                appended: record.timestamp,
                partition: self.partition,
                offset: record.offset,
                index: *index,
            });
        }
        let batch = Batch::new(columns, rows, Arc::new(records));
        Ok(Taken {
            batch: Some(batch.of_topic(Arc::clone(&self.topic))),
            bad,
            deletes,
        })
    }

    /// Decodes records one behind the other; one on which the decoder panics is bad, alone.
    fn decode(&mut self, records: &[LogRecord], faults: &Faults) -> Decoded {
        let mut panicked = Vec::new();
        let mut left = (0u32..).zip(records);
        // The position is noted before the work, so that it is known after a panic.
        let mut at = 0;
        while let Err(panic) = guarded(|| {
            for (index, record) in &mut left {
                at = index;
                faults.content("codec", record.value.as_deref().unwrap_or_default());
                self.decoder.push(index, record);
            }
        }) {
            self.decoder.recover();
            panicked.push(BadRecord {
                index: at,
                code: code::PANICKED,
                reason: panic.to_string(),
            });
        }
        let mut decoded = self.decoder.take();
        if !panicked.is_empty() {
            decoded.bad.append(&mut panicked);
            decoded.bad.sort_by_key(|bad| bad.index);
        }
        decoded
    }

    /// The source.
    #[must_use]
    pub fn id(&self) -> &config::NodeId {
        &self.source.id
    }

    /// The watermark after all rows so far.
    #[must_use]
    pub fn watermark(&self) -> i64 {
        self.watermark.current()
    }

    /// What to commit with the offset.
    #[must_use]
    pub fn progress(&self) -> SourceProgress {
        SourceProgress {
            highest: self.watermark.highest(),
        }
    }
}
