//! Compressed files of comma-separated numbers.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use thalweg_benches::Failure;

/// A file of numbers, row after row.
pub(crate) struct Table {
    columns: Vec<String>,
    values: Vec<f64>,
}

impl Table {
    /// Reads a file, behind the rows of another with the same columns if there is one.
    ///
    /// # Errors
    /// If it cannot be read, or a field is no number.
    pub(crate) fn read(path: &Path, before: Option<Self>) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut lines = BufReader::new(MultiGzDecoder::new(file)).lines();
        let header = lines.next().ok_or("no header")??;
        let columns = header.split(',').map(str::to_owned).collect();
        let mut table = before.unwrap_or(Self {
            columns,
            values: Vec::new(),
        });
        for line in lines {
            for field in line?.split(',') {
                table.values.push(field.parse()?);
            }
        }
        Ok(table)
    }

    pub(crate) fn rows(&self) -> usize {
        self.values.len() / self.columns.len()
    }

    /// A column by its name.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn column(&self, name: &str) -> Result<Vec<f64>, Failure> {
        let at = self.columns.iter().position(|column| column == name);
        let at = at.ok_or_else(|| format!("no column {name}"))?;
        let rows = self.values.chunks_exact(self.columns.len());
        Ok(rows.map(|row| row[at]).collect())
    }
}

/// Mean and standard deviation of some figures.
pub(crate) fn mean_and_deviation(figures: &[f64]) -> (f64, f64) {
    let count = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / count;
    let squares = figures.iter().map(|x| (x - mean).powi(2));
    (mean, (squares.sum::<f64>() / count).sqrt())
}
