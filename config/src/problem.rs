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
            // Tabs stay tabs, so that the carets stand below what they mean.
            let before = place.text.chars().take(place.column - 1);
            let indent: String = before.map(|c| if c == '\t' { c } else { ' ' }).collect();
            let rest: String = place.text.chars().skip(place.column - 1).collect();
            let carets = rest
                .char_indices()
                .take_while(|(at, _)| *at < place.span.len())
                .count();
            writeln!(f, "{pad} | {indent}{}", "^".repeat(carets.max(1)))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_line_with_carets_below_what_is_wrong() {
        let problem = Problem {
            code: "unknown-column",
            message: "unknown column \"größ\"".into(),
            location: Some(Location {
                file: "dir/topology.toml".into(),
                line: 12,
                column: 11,
                span: 200..206,
                text: "\twhere = \"größ > 1\"".into(),
            }),
            hint: Some("did you mean \"größe\"?".into()),
        };
        let expected = "error[unknown-column]: unknown column \"größ\"
  --> dir/topology.toml:12:11
   |
12 | \twhere = \"größ > 1\"
   | \t         ^^^^
  hint: did you mean \"größe\"?
";
        assert_eq!(problem.to_string(), expected);
        let problems = Problems(vec![problem.clone(), problem]);
        assert!(problems.to_string().ends_with("2 problems found"));
    }
}
