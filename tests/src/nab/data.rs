//! The series and their windows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::shared;

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Unique.
    pub name: String,
    /// Values in the order of the source.
    pub values: Vec<f64>,
    /// First and last row of each anomaly window, ascending.
    pub windows: Vec<(usize, usize)>,
}

/// A file of the benchmark.
pub(super) fn path(file: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/nab");
    Path::new(folder).join(file)
}

/// All series in the order of the file; `None`, and a word on standard error, where the data is not there.
///
/// # Panics
/// If the data is there but not what its description says.
#[must_use]
#[expect(
    clippy::expect_used,
    clippy::panic,
    reason = "for experiments and tests, where a panic is the way to fail"
)]
pub fn series() -> Option<Vec<Series>> {
    let rows = shared::file("data/nab/series.csv.gz", "NAB")?;
    let rows = shared::gunzip(&rows).expect("a gzip'd text");
    let windows = std::fs::read_to_string(path("windows.json")).expect("the windows");
    let windows: HashMap<String, Vec<(String, String)>> =
        serde_json::from_str(&windows).expect("lists of pairs");
    let mut all: Vec<Series> = Vec::new();
    let mut times: Vec<Vec<String>> = Vec::new();
    for line in rows.lines().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        let [_, name, _, time, value] = columns[..] else {
            panic!("five columns: {line}");
        };
        if all.last().is_none_or(|series| series.name != name) {
            all.push(Series {
                name: name.into(),
                values: Vec::new(),
                windows: Vec::new(),
            });
            times.push(Vec::new());
        }
        let last = all.len() - 1;
        all[last].values.push(value.parse().expect("a number"));
        times[last].push(time.into());
    }
    for (series, times) in all.iter_mut().zip(&times) {
        let row = |time: &String| times.iter().position(|other| other == time);
        let windows = windows[&series.name].iter();
        let rows = windows.map(|(first, last)| row(first).zip(row(last)));
        series.windows = rows.map(|rows| rows.expect("rows of the series")).collect();
    }
    Some(all)
}
