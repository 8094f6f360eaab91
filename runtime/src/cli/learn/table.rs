//! Rows as a model sees them: features, label and slices, in the order of time.

use std::collections::BTreeMap;

use models::Matrix;
use models::train::{Examples, OffsetRange};

use super::error::LearnError;
use super::source::{self, Row, SourceArguments};
use crate::access::Access;

/// Values of all rows together, at most (4 GiB of features); the rest of the file is then too much for one training.
const VALUES_MAX: usize = 1 << 30;
/// Values of a slice column, at most, that are told apart.
const SLICES_MAX: usize = 256;

/// Which columns mean what.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    pub(super) features: Vec<String>,
    pub(super) label: Option<String>,
    /// Rows are sorted by it; else they stand in order, those of a topic by their timestamps.
    pub(super) time: Option<String>,
    pub(super) slices: Vec<String>,
}

/// Rows in the order of time.
pub(super) struct Table {
    pub(super) features: Vec<String>,
    rows: Matrix,
    labels: Vec<f32>,
    times: Vec<i64>,
    /// For each slice column, of each row its value.
    slices: Vec<(String, Vec<String>)>,
    /// Rows that had no label, and were left out.
    pub(super) unlabelled: usize,
    pub(super) ranges: Vec<OffsetRange>,
}

/// Reads all rows of a source.
pub(super) fn read(
    from: &SourceArguments,
    access: Option<&Access>,
    columns: &Columns,
) -> Result<Table, LearnError> {
    let mut names = columns.features.clone();
    names.extend(columns.label.clone());
    names.extend(columns.time.clone());
    names.extend(columns.slices.clone());
    let mut table = Table::new(columns);
    let mut visit = |row: Row<'_>| table.push(columns, &row);
    if let Some(path) = &from.from_file {
        source::each_of_file(path, &names, &mut visit)?;
    } else if let (Some(topic), Some(access)) = (&from.from_topic, access) {
        let spans = source::each_of_topic(access, topic, &names, &mut visit)?;
        let range = |(partition, from, until)| OffsetRange {
            partition,
            from,
            until,
        };
        table.ranges = spans.into_iter().map(range).collect();
    }
    Ok(table.sorted())
}

impl Table {
    fn new(columns: &Columns) -> Self {
        Self {
            features: columns.features.clone(),
            rows: Matrix {
                columns: columns.features.len(),
                ..Matrix::default()
            },
            labels: Vec::new(),
            times: Vec::new(),
            slices: columns
                .slices
                .iter()
                .map(|name| (name.clone(), Vec::new()))
                .collect(),
            unlabelled: 0,
            ranges: Vec::new(),
        }
    }

    /// Adds a row; without its label it is only counted.
    fn push(&mut self, columns: &Columns, row: &Row<'_>) -> Result<(), LearnError> {
        let (features, rest) = row.cells.split_at(columns.features.len());
        let mut rest = rest.iter();
        if let Some(name) = &columns.label {
            match number(rest.next(), name, row)? {
                Some(label) => self.labels.push(label as f32),
                None => {
                    self.unlabelled += 1;
                    return Ok(());
                }
            }
        }
        match &columns.time {
            Some(name) => {
                let time = number(rest.next(), name, row)?;
                let time = time.ok_or_else(|| wrong(row, format!("\"{name}\" is missing")))?;
                self.times.push(time as i64);
            }
            None => self.times.extend(row.timestamp),
        }
        for ((_, values), cell) in self.slices.iter_mut().zip(rest) {
            values.push(cell.clone().unwrap_or_else(|| "(missing)".into()));
        }
        for (cell, name) in features.iter().zip(&columns.features) {
            let feature = number(Some(cell), name, row)?;
            self.rows
                .values
                .push(feature.map_or(f32::NAN, |x| x as f32));
        }
        self.rows.rows += 1;
        if self.rows.values.len() > VALUES_MAX {
            return Err(wrong(row, format!("more than {VALUES_MAX} values")));
        }
        Ok(())
    }

    /// The rows in the order of their times, if they have any; equal times stay in their order.
    fn sorted(mut self) -> Self {
        if self.times.is_sorted() {
            return self;
        }
        let mut order: Vec<usize> = (0..self.rows.rows).collect();
        order.sort_by_key(|row| self.times[*row]);
        let mut values = Vec::with_capacity(self.rows.values.len());
        order
            .iter()
            .for_each(|row| values.extend_from_slice(self.rows.row(*row)));
        self.rows.values = values;
        if !self.labels.is_empty() {
            self.labels = order.iter().map(|row| self.labels[*row]).collect();
        }
        for (_, slice) in &mut self.slices {
            *slice = order
                .iter()
                .map(|row| std::mem::take(&mut slice[*row]))
                .collect();
        }
        self.times = order.iter().map(|row| self.times[*row]).collect();
        self
    }

    pub(super) fn len(&self) -> usize {
        self.rows.rows
    }

    /// Times of the first row and of the last before row `until`, if they have any.
    pub(super) fn time(&self, until: usize) -> Option<[i64; 2]> {
        let last = self.times.get(until.checked_sub(1)?)?;
        Some([*self.times.first()?, *last])
    }

    /// The rows to learn from or to be judged on.
    pub(super) fn examples(&self) -> Result<Examples, LearnError> {
        let (rows, labels) = (self.rows.clone(), self.labels.clone());
        Ok(Examples::try_new(self.features.clone(), rows, labels)?)
    }

    /// Rows from number `from` on of each slice, `column=value`, numbered from there.
    pub(super) fn slices(&self, from: usize) -> Vec<(String, Vec<usize>)> {
        let mut slices: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (name, values) in &self.slices {
            for (row, value) in values.iter().skip(from).enumerate() {
                let slice = format!("{name}={value}");
                if slices.len() < SLICES_MAX || slices.contains_key(&slice) {
                    slices.entry(slice).or_default().push(row);
                }
            }
        }
        slices.into_iter().collect()
    }
}

/// A cell as a number; `None` if it is missing.
fn number(
    cell: Option<&Option<String>>,
    name: &str,
    row: &Row<'_>,
) -> Result<Option<f64>, LearnError> {
    let Some(text) = cell.and_then(Option::as_ref) else {
        return Ok(None);
    };
    match text.parse::<f64>() {
        Ok(number) if number.is_nan() => Ok(None),
        Ok(number) => Ok(Some(number)),
        Err(_) => match text.as_str() {
            "true" => Ok(Some(1.0)),
            "false" => Ok(Some(0.0)),
            _ => Err(wrong(row, format!("\"{name}\" is \"{text}\", no number"))),
        },
    }
}

fn wrong(row: &Row<'_>, cause: String) -> LearnError {
    LearnError::Row {
        place: row.place.to_string(),
        cause,
    }
}
