//! A column of numbers out of a file or standard input, line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Why a column of numbers cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum NumbersError {
    #[error("cannot read \"{}\"", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("\"{}\" has no column \"{name}\"; it has {known}", path.display())]
    NoColumn {
        path: PathBuf,
        name: String,
        known: String,
    },
    #[error("\"{}\" line {line}: \"{text}\" is not a number", path.display())]
    Line {
        path: PathBuf,
        line: u64,
        text: String,
        /// Whether it looks like CSV.
        is_csv: bool,
    },
}

impl NumbersError {
    /// What to do about it.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } => "name a text file that can be read, or - for standard input",
            Self::NoColumn { .. } => "name a column of the header",
            Self::Line { is_csv: true, .. } => "say --column NAME if the file is CSV with a header",
            Self::Line { .. } => "write one number a line; leave missing numbers out",
        }
    }
}

/// The numbers of a file with the lines that they are on, from 1. Empty lines are passed over.
pub(super) struct Numbers {
    path: PathBuf,
    source: Source,
}

enum Source {
    Lines {
        reader: Box<dyn BufRead>,
        line: u64,
    },
    Csv {
        reader: Box<csv::Reader<Box<dyn Read>>>,
        column: usize,
    },
}

impl Numbers {
    /// Opens a file, or standard input for `-`; with a column's name, as CSV with a header.
    pub(super) fn open(path: &Path, column: Option<&str>) -> Result<Self, NumbersError> {
        let file: Box<dyn Read> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            let opened = File::open(path).map_err(|source| NumbersError::Read {
                path: path.into(),
                source,
            });
            Box::new(opened?)
        };
        let source = match column {
            None => Source::Lines {
                reader: Box::new(BufReader::new(file)),
                line: 0,
            },
            Some(name) => csv_column(path, file, name)?,
        };
        Ok(Self {
            path: path.into(),
            source,
        })
    }
}

fn csv_column(path: &Path, file: Box<dyn Read>, name: &str) -> Result<Source, NumbersError> {
    let mut reader = Box::new(csv::Reader::from_reader(file));
    let header = reader.headers().map_err(|error| unreadable(path, error))?;
    let Some(column) = header.iter().position(|column| column.trim() == name) else {
        return Err(NumbersError::NoColumn {
            path: path.into(),
            name: name.into(),
            known: header.iter().collect::<Vec<_>>().join(", "),
        });
    };
    Ok(Source::Csv { reader, column })
}

fn unreadable(path: &Path, error: impl Into<io::Error>) -> NumbersError {
    NumbersError::Read {
        path: path.into(),
        source: error.into(),
    }
}

impl Iterator for Numbers {
    type Item = Result<(u64, f64), NumbersError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (line, text, is_csv) = loop {
            match &mut self.source {
                Source::Lines { reader, line } => {
                    let mut text = String::new();
                    match reader.read_line(&mut text) {
                        Ok(0) => return None,
                        Ok(_) => *line += 1,
                        Err(error) => return Some(Err(unreadable(&self.path, error))),
                    }
                    let text = text.trim();
                    if !text.is_empty() {
                        break (*line, text.to_owned(), text.contains([',', ';', '\t']));
                    }
                }
                Source::Csv { reader, column } => {
                    let record = match reader.records().next()? {
                        Ok(record) => record,
                        Err(error) => return Some(Err(unreadable(&self.path, error))),
                    };
                    let line = record.position().map_or(0, csv::Position::line);
                    let text = record.get(*column).unwrap_or_default().trim();
                    break (line, text.to_owned(), false);
                }
            }
        };
        // A word at the top may be a header.
        let is_csv = is_csv || line == 1 && text.starts_with(char::is_alphabetic);
        Some(match text.parse() {
            Ok(number) => Ok((line, number)),
            Err(_) => Err(NumbersError::Line {
                path: self.path.clone(),
                line,
                text,
                is_csv,
            }),
        })
    }
}
