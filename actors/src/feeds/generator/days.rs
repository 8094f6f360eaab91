//! Strings days together: their rows in the order of time, and among them the labels of earlier
//! rows, each a fixed number of days after its row.
//!
//! The labels due on a day are those of the day that many days before, so a day's number of records
//! is known from two counts, and a position is found by adding counts, without making the records.

use std::collections::VecDeque;

use bytes::BytesMut;
use config::Source;

use super::DAY_MS;
use super::record::{FieldSpec, Fields, Writer};
use crate::feeds::{FeedError, FeedReader, FeedRecord, FeedTarget};
use crate::log::LogRecord;

/// A world of rows, computed day by day. A day's rows depend on nothing but its number.
pub(super) trait World: Send {
    /// One event.
    type Row: Fields + Copy + Send;
    /// What rows have.
    const FIELDS: &'static [FieldSpec];
    /// After so many days, at least one, a row's label is known.
    const LABEL_DELAY_DAYS: usize;

    /// Number of rows of a day; cheap.
    fn count(&self, day: u64) -> u64;
    /// The `count(day)` rows of a day in the order of time; `first` rows went before it.
    fn rows(&self, day: u64, first: u64) -> Vec<Self::Row>;
    /// A row's event time in milliseconds.
    fn time(row: &Self::Row) -> i64;
}

/// Reads a world's days.
pub(super) struct DayReader<W: World> {
    world: W,
    writer: Writer,
    /// Rows, at most.
    limit: u64,
    /// The day being read.
    day: u64,
    /// Rows of the days before it.
    before: u64,
    /// Rows of the last days, the day being read last; the labels due on it are those of the first.
    days: VecDeque<Vec<W::Row>>,
    /// Next row of the day.
    row: usize,
    /// Next label of the day.
    label: usize,
    ended: bool,
    out: BytesMut,
}

const BUFFER_BYTES: usize = 64 << 10;

impl<W: World> DayReader<W> {
    /// A reader of the world's first `limit` rows and their labels, from record `position` on.
    pub(super) fn new(world: W, source: &Source, limit: u64, position: u64) -> Self {
        let mut reader = Self {
            writer: Writer::new(W::FIELDS, source),
            world,
            limit,
            day: 0,
            before: 0,
            days: VecDeque::with_capacity(W::LABEL_DELAY_DAYS + 1),
            row: 0,
            label: 0,
            ended: false,
            out: BytesMut::with_capacity(BUFFER_BYTES),
        };
        reader.seek(position);
        reader
    }

    /// Goes to a position: day by day by their counts, then record by record within the day.
    fn seek(&mut self, position: u64) {
        let mut left = position;
        let mut counts: VecDeque<u64> = VecDeque::from(vec![0; W::LABEL_DELAY_DAYS]);
        loop {
            let count = self.count(self.day, self.before);
            let due = counts.pop_front().unwrap_or(0);
            if left < count + due || self.is_last(count, due + counts.iter().sum::<u64>()) {
                counts.push_front(due);
                break;
            }
            left -= count + due;
            counts.push_back(count);
            self.before += count;
            self.day += 1;
        }
        let mut first = self.before - counts.iter().sum::<u64>();
        let missing = W::LABEL_DELAY_DAYS as u64;
        for (i, count) in (0u64..).zip(counts) {
            let rows = (self.day + i).checked_sub(missing);
            let rows = rows.map_or_else(Vec::new, |day| self.rows(day, first));
            self.days.push_back(rows);
            first += count;
        }
        self.days.push_back(self.rows(self.day, self.before));
        while left > 0 && self.step().is_some() {
            left -= 1;
        }
    }

    /// Whether nothing comes after this day: it has no rows, nor is any label to come.
    fn is_last(&self, count: u64, labels: u64) -> bool {
        count == 0 && labels == 0 && self.before >= self.limit
    }

    /// Rows of a day within the limit; `before` rows went before it.
    fn count(&self, day: u64, before: u64) -> u64 {
        let left = self.limit.saturating_sub(before);
        if left == 0 {
            return 0;
        }
        self.world.count(day).min(left)
    }

    fn rows(&self, day: u64, before: u64) -> Vec<W::Row> {
        let left = self.limit.saturating_sub(before);
        if left == 0 {
            return Vec::new();
        }
        let mut rows = self.world.rows(day, before);
        rows.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        rows
    }

    /// The next row or label with its time, or `None` at the end. Of two at the same time the row is
    /// first.
    fn step(&mut self) -> Option<(FeedTarget, W::Row, i64)> {
        loop {
            let row = self.days.back().and_then(|rows| rows.get(self.row));
            let due = self.days.front().and_then(|rows| rows.get(self.label));
            let row = row.map(|row| (FeedTarget::Source, *row, W::time(row)));
            let due = due.map(|row| (FeedTarget::Labels, *row, W::time(row) + delay_ms::<W>()));
            let next = match (row, due) {
                (Some(row), Some(due)) if due.2 < row.2 => Some(due),
                (row, due) => row.or(due),
            };
            match next {
                Some((FeedTarget::Source, ..)) => self.row += 1,
                Some((FeedTarget::Labels, ..)) => self.label += 1,
                None if self.advance() => continue,
                None => {}
            }
            return next;
        }
    }

    /// Goes on to the next day; false if there is none.
    fn advance(&mut self) -> bool {
        let read = self.days.back().map_or(0, Vec::len) as u64;
        self.before += read;
        self.days.pop_front();
        if self.before >= self.limit && self.days.iter().all(Vec::is_empty) {
            self.ended = true;
            return false;
        }
        self.day += 1;
        self.days.push_back(self.rows(self.day, self.before));
        self.row = 0;
        self.label = 0;
        true
    }
}

impl<W: World> FeedReader for DayReader<W> {
    fn next(&mut self, max: usize) -> Result<Vec<FeedRecord>, FeedError> {
        let mut records = Vec::new();
        while records.len() < max {
            let Some((target, row, time)) = self.step() else {
                break;
            };
            let value = match target {
                FeedTarget::Source => self.writer.record(&row, time, &mut self.out),
                FeedTarget::Labels => self.writer.label(&row, time, &mut self.out),
            };
            let key = self.writer.key(&row, time, &mut self.out);
            let timestamp = if self.writer.stamped { time } else { -1 };
            records.push(FeedRecord {
                target,
                record: LogRecord::new(key, Some(value), timestamp),
            });
        }
        Ok(records)
    }

    fn ended(&self) -> bool {
        self.ended
    }
}

fn delay_ms<W: World>() -> i64 {
    i64::try_from(W::LABEL_DELAY_DAYS).unwrap_or(i64::MAX / DAY_MS) * DAY_MS
}
