//! The texts a topology is made of, laid end to end in one space of byte offsets, so that a span
//! alone says which file it is in.

use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::code::Code;
use crate::{Location, Problem};

/// Bytes of [`Files`]; `start..end` lies within one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// One text: a file, or an argument of `--set`.
struct File {
    name: PathBuf,
    text: String,
    base: usize,
}

/// All texts read so far.
#[derive(Default)]
pub(crate) struct Files {
    files: Vec<File>,
}

/// Something wrong, before its place is looked up.
pub(crate) struct Finding {
    code: Code,
    message: String,
    hint: Option<String>,
    span: Option<Span>,
}

/// Everything found so far. Shared by all that look, each of which only adds.
#[derive(Default)]
pub(crate) struct Findings(RefCell<Vec<Finding>>);

impl Span {
    /// A part of this span, counted from its start.
    pub(crate) fn part(self, part: &Range<usize>) -> Self {
        Self {
            start: (self.start + part.start).min(self.end),
            end: (self.start + part.end).min(self.end),
        }
    }
}

impl Files {
    /// Adds a text and returns the offset at which it begins.
    pub(crate) fn add(&mut self, name: &Path, text: &str) -> usize {
        // One byte more than the text, so that its end is a place of its own.
        let base = self
            .files
            .last()
            .map_or(0, |file| file.base + file.text.len() + 1);
        self.files.push(File {
            name: name.into(),
            text: text.into(),
            base,
        });
        base
    }

    /// The name of the file that a span is in.
    pub(crate) fn name(&self, span: Span) -> Option<&Path> {
        self.file(span).map(|file| file.name.as_path())
    }

    /// The text of a span as the user wrote it.
    pub(crate) fn text(&self, span: Span) -> &str {
        self.file(span)
            .and_then(|file| file.text.get(span.start - file.base..span.end - file.base))
            .unwrap_or_default()
    }

    /// Line, column and source line of a span.
    pub(crate) fn location(&self, span: Span) -> Option<Location> {
        let file = self.file(span)?;
        let start = floor_char(&file.text, span.start - file.base);
        let end = floor_char(&file.text, span.end - file.base).max(start);
        let before = &file.text.get(..start)?;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = file.text.get(line_start..)?;
        Some(Location {
            file: file.name.clone(),
            line: before.matches('\n').count() + 1,
            column: file.text.get(line_start..start)?.chars().count() + 1,
            span: start..end,
            text: rest.lines().next().unwrap_or_default().into(),
        })
    }

    fn file(&self, span: Span) -> Option<&File> {
        let after = self.files.partition_point(|file| file.base <= span.start);
        self.files.get(after.checked_sub(1)?)
    }
}

/// The nearest boundary of a character at or before `at`.
fn floor_char(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Finding {
    /// At a place.
    pub(crate) fn at(span: Span, code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            span: Some(span),
        }
    }

    /// Without a place: about a file as a whole.
    pub(crate) fn nowhere(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            span: None,
        }
    }

    /// With what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With what to do, if it is known.
    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

impl Findings {
    /// Adds one.
    pub(crate) fn push(&self, finding: Finding) {
        self.0.borrow_mut().push(finding);
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// All of them as problems, in the order of the text, what has no place first.
    pub(crate) fn into_problems(self, files: &Files) -> Vec<Problem> {
        let mut findings = self.0.into_inner();
        findings.sort_by_key(|finding| finding.span.map(|span| span.start));
        // A value that could not be read at all is wrong once, not once more for what stands in for it.
        let is_unread = |code| matches!(code, Code::SUBSTITUTION | Code::SYNTAX);
        let unread: Vec<Span> = findings
            .iter()
            .filter(|finding| is_unread(finding.code))
            .filter_map(|finding| finding.span)
            .collect();
        findings.retain(|finding| {
            is_unread(finding.code) || finding.span.is_none_or(|span| !unread.contains(&span))
        });
        findings
            .into_iter()
            .map(|finding| Problem {
                code: finding.code.0,
                message: finding.message,
                location: finding.span.and_then(|span| files.location(span)),
                hint: finding.hint,
            })
            .collect()
    }
}
