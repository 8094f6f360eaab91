//! Records of one partition as columns, with what each row must remember of its origin.

use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch, UInt32Array};
use arrow_schema::ArrowError;
use config::{ModelId, TopicName};

use crate::log::LogRecord;

/// What a row remembers beside its columns. Filters and routes keep it aligned with the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Event time in milliseconds. In a sub-topology behind a key-by: never before the watermark of
    /// its own input partition, so that order by (time, partition, offset) is total and stable.
    pub time: i64,
    /// The watermark before this row: no row with an earlier `time` is expected (`i64::MIN`: none yet).
    pub watermark: i64,
    /// When the record was appended to the first source's topic, in milliseconds; for latency.
    pub appended: i64,
    /// Partition of the source record.
    pub partition: u32,
    /// Offset of the source record in its source topic (kept across key-by).
    pub offset: i64,
    /// Position of the task's input record in [`Batch::raw`].
    pub index: u32,
}

/// Rows that one task works on. `rows.len() == columns.num_rows()`.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Typed columns, in the order of the node's schema.
    pub columns: RecordBatch,
    /// What each row remembers.
    pub rows: Vec<Row>,
    /// The input records that the rows came from: for dead letters.
    pub raw: Arc<Vec<LogRecord>>,
    /// The models that answered for all of these rows, in order.
    pub models: Arc<[ModelTag]>,
    /// The topic that all of these rows were read from, where they come straight from a source.
    pub topic: Option<Arc<TopicName>>,
}

/// A model and the version of it that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelTag {
    /// Its id.
    pub model: ModelId,
    /// Its version.
    pub version: u64,
}

impl Batch {
    /// Rows on which no model has answered yet.
    ///
    /// # Panics
    /// If columns and rows differ in number.
    #[must_use]
    pub fn new(columns: RecordBatch, rows: Vec<Row>, raw: Arc<Vec<LogRecord>>) -> Self {
        assert_eq!(
            columns.num_rows(),
            rows.len(),
            "columns and rows are aligned"
        );
        Self {
            columns,
            rows,
            raw,
            models: Arc::new([]),
            topic: None,
        }
    }

    /// The same, read from this topic.
    #[must_use]
    pub fn of_topic(self, topic: Arc<TopicName>) -> Self {
        let topic = Some(topic);
        Self { topic, ..self }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The same rows with other columns.
    ///
    /// # Panics
    /// If the number of rows differs.
    #[must_use]
    pub fn with_columns(&self, columns: RecordBatch) -> Self {
        assert_eq!(
            columns.num_rows(),
            self.rows.len(),
            "columns and rows are aligned"
        );
        Self {
            columns,
            rows: self.rows.clone(),
            raw: Arc::clone(&self.raw),
            models: Arc::clone(&self.models),
            topic: self.topic.clone(),
        }
    }

    /// The rows where `mask` is true (NULL counts as false).
    ///
    /// # Errors
    /// If Arrow refuses, which it does only for a mask of another length.
    pub fn filter(&self, mask: &BooleanArray) -> Result<Self, ArrowError> {
        let columns = arrow_select::filter::filter_record_batch(&self.columns, mask)?;
        let keep = |i: usize| arrow_array::Array::is_valid(mask, i) && mask.value(i);
        let rows = self
            .rows
            .iter()
            .enumerate()
            .filter(|(i, _)| keep(*i))
            .map(|(_, r)| *r)
            .collect();
        Ok(Self {
            columns,
            rows,
            raw: Arc::clone(&self.raw),
            models: Arc::clone(&self.models),
            topic: self.topic.clone(),
        })
    }

    /// The rows of a range; the columns are shared.
    ///
    /// # Panics
    /// If it goes beyond the end.
    #[must_use]
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        Self {
            columns: self.columns.slice(range.start, range.len()),
            rows: self.rows[range].to_vec(),
            raw: Arc::clone(&self.raw),
            models: Arc::clone(&self.models),
            topic: self.topic.clone(),
        }
    }

    /// The rows at these positions, in this order.
    ///
    /// # Errors
    /// If Arrow refuses, which it does only for positions beyond the end.
    ///
    /// # Panics
    /// Likewise.
    pub fn take(&self, positions: &[u32]) -> Result<Self, ArrowError> {
        let indices = UInt32Array::from(positions.to_vec());
        let columns = arrow_select::take::take_record_batch(&self.columns, &indices)?;
        let rows = positions.iter().map(|p| self.rows[*p as usize]).collect();
        Ok(Self {
            columns,
            rows,
            raw: Arc::clone(&self.raw),
            models: Arc::clone(&self.models),
            topic: self.topic.clone(),
        })
    }
}
