//! Reading a chunk's records without copying them.

use super::{Chunk, HEADER_BYTES, varint};
use crate::log::{Headers, LogError, LogRecord};

/// How much a read may still take.
#[derive(Debug, Clone, Copy)]
pub(in crate::log::local) struct Budget {
    /// Records.
    pub(in crate::log::local) records: usize,
    /// About so many bytes.
    pub(in crate::log::local) bytes: usize,
}

/// Goes through a chunk's records.
#[derive(Debug)]
pub(in crate::log::local) struct Records<'a> {
    chunk: &'a Chunk,
    position: usize,
    left: u32,
    next_offset: i64,
    timestamp: i64,
}

/// Where a record lies in its chunk.
struct Frame {
    offset: i64,
    timestamp: i64,
    start: usize,
    end: usize,
    key: Option<usize>,
    value: Option<usize>,
}

impl Chunk {
    /// Its records; they share the chunk's bytes.
    pub(in crate::log::local) fn records(&self) -> Records<'_> {
        Records {
            chunk: self,
            position: HEADER_BYTES,
            left: self.summary.count,
            next_offset: self.summary.base,
            timestamp: 0,
        }
    }

    /// Appends records from an offset on until the budget is spent, at least one if `into` is
    /// empty. Returns where to read on, and the budget that is left; `None`: it is spent.
    ///
    /// # Errors
    /// [`LogError::Damaged`] if the body is not what its format says.
    pub(in crate::log::local) fn read(
        &self,
        from: i64,
        mut budget: Budget,
        into: &mut Vec<LogRecord>,
    ) -> Result<(i64, Option<Budget>), LogError> {
        let mut records = self.records();
        let wanted = (records.left as usize).min(budget.records);
        if from <= self.summary.base {
            into.reserve(wanted);
        }
        while let Some(frame) = records.next_frame()? {
            if frame.offset < from {
                continue;
            }
            let fits = budget.records > 0 && (frame.end - frame.start) <= budget.bytes;
            if !fits && !into.is_empty() {
                return Ok((frame.offset, None));
            }
            budget.records = budget.records.saturating_sub(1);
            budget.bytes = budget.bytes.saturating_sub(frame.end - frame.start);
            into.push(self.record(&frame));
        }
        let more = into.is_empty() || (budget.records > 0 && budget.bytes > 0);
        Ok((self.summary.next, more.then_some(budget)))
    }

    fn record(&self, frame: &Frame) -> LogRecord {
        let value_start = frame.start + frame.key.unwrap_or(0);
        let headers_start = value_start + frame.value.unwrap_or(0);
        let slice = |start: usize, length: Option<usize>| {
            length.map(|length| self.bytes.slice(start..start + length))
        };
        LogRecord {
            offset: frame.offset,
            timestamp: frame.timestamp,
            key: slice(frame.start, frame.key),
            value: slice(value_start, frame.value),
            headers: if headers_start == frame.end {
                Headers::default()
            } else {
                Headers::from_bytes(self.bytes.slice(headers_start..frame.end))
            },
        }
    }
}

impl Records<'_> {
    /// The next record.
    ///
    /// # Errors
    /// [`LogError::Damaged`] if the body is not what its format says.
    pub(in crate::log::local) fn next(&mut self) -> Result<Option<LogRecord>, LogError> {
        let frame = self.next_frame()?;
        Ok(frame.map(|frame| self.chunk.record(&frame)))
    }

    #[inline]
    fn next_frame(&mut self) -> Result<Option<Frame>, LogError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        match self.frame() {
            Some(frame) => Ok(Some(frame)),
            None => Err(LogError::Damaged(format!(
                "a record after offset {} ends past its chunk",
                self.next_offset
            ))),
        }
    }

    #[inline]
    fn frame(&mut self) -> Option<Frame> {
        let bytes: &[u8] = &self.chunk.bytes;
        let position = &mut self.position;
        let gap = varint::take(bytes, position)?;
        let step = varint::unzigzag(varint::take(bytes, position)?);
        let key = usize::try_from(varint::take(bytes, position)?)
            .ok()?
            .checked_sub(1);
        let value = usize::try_from(varint::take(bytes, position)?)
            .ok()?
            .checked_sub(1);
        let headers = usize::try_from(varint::take(bytes, position)?).ok()?;
        let start = *position;
        let end = start
            .checked_add(key.unwrap_or(0))?
            .checked_add(value.unwrap_or(0))?
            .checked_add(headers)?;
        if end > bytes.len() {
            return None;
        }
        *position = end;
        let offset = self.next_offset.checked_add_unsigned(gap)?;
        self.next_offset = offset.checked_add(1)?;
        self.timestamp = self.timestamp.wrapping_add(step);
        Some(Frame {
            offset,
            timestamp: self.timestamp,
            start,
            end,
            key,
            value,
        })
    }
}
