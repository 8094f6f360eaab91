//! What is wrong in a file: place, cause, cure.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

/// Where a problem is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file as the user named it.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// Bytes in the file.
    pub span: Range<usize>,
    /// The whole line, for the caret.
    pub text: String,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable, such as `unknown-column`; listed in `docs/topology.md`.
    pub code: &'static str,
    /// Lower case, no full stop.
    pub message: String,
    /// Where, if it is in a file.
    pub location: Option<Location>,
    /// What to do.
    pub hint: Option<String>,
}

/// All that is wrong; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error[{}]: {}", self.code, self.message)?;
        if let Some(place) = &self.location {
            let number = place.line.to_string();
            let pad = " ".repeat(number.len());
            writeln!(
                f,
                "{pad}--> {}:{}:{}",
                place.file.display(),
                place.line,
                place.column
            )?;
            writeln!(f, "{pad} |")?;
            writeln!(f, "{number} | {}", place.text)?;
            let rest = place.text.chars().count().saturating_sub(place.column - 1);
            let carets = place.span.len().clamp(1, rest.max(1));
            writeln!(
                f,
                "{pad} | {}{}",
                " ".repeat(place.column - 1),
                "^".repeat(carets)
            )?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "  hint: {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}")?;
        }
        let count = self.0.len();
        write!(
            f,
            "{count} problem{} found",
            if count == 1 { "" } else { "s" }
        )
    }
}

impl std::error::Error for Problems {}
