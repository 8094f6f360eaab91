//! Records from outside: decoded, stamped with event time, in the order of the log.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use config::Source;

use super::{Rejected, Taken, widen};
use crate::batch::{Batch, Row};
use crate::codec::Decoder;
use crate::log::LogRecord;
use crate::nodes::progress::SourceProgress;
use crate::watermark::Watermark;

/// A source's partition as one task reads it.
pub struct SourceInput {
    source: Source,
    used: Vec<usize>,
    decoder: Decoder,
    watermark: Watermark,
    partition: u32,
}

impl SourceInput {
    /// Goes on from committed progress.
    #[must_use]
    pub fn new(source: &Source, used: &[usize], partition: u32, progress: SourceProgress) -> Self {
        let decoder = Decoder::new(source.format, &source.schema, used, source.time.unit);
        let watermark = Watermark::resume(source.watermark.delay.0, progress.highest);
        Self {
            source: source.clone(),
            used: used.to_vec(),
            decoder,
            watermark,
            partition,
        }
    }

    /// Decodes records and stamps their rows.
    ///
    /// # Errors
    /// If the decoder's columns are not those of the schema: a defect.
    pub fn take(&mut self, records: Vec<LogRecord>) -> Result<Taken, arrow_schema::ArrowError> {
        let decoded = self.decoder.decode(&records);
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
        if decoded.origin.is_empty() {
            return Ok(Taken { batch: None, bad });
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
        Ok(Taken {
            batch: Some(Batch::new(columns, rows, Arc::new(records))),
            bad,
        })
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
