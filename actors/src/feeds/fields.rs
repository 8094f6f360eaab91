//! Cuts a comma-separated line into its fields (RFC 4180, but a field holds no line break).

use std::borrow::Cow;
use std::ops::Range;

/// A field of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// Where its text lies, without the quotes around it.
    span: Range<usize>,
    /// Whether quotes in it are doubled.
    doubled: bool,
}

impl Field {
    /// The field's text.
    pub(super) fn text<'a>(&self, line: &'a [u8]) -> Cow<'a, [u8]> {
        let text = &line[self.span.clone()];
        if !self.doubled {
            return Cow::Borrowed(text);
        }
        let mut single = Vec::with_capacity(text.len());
        let mut rest = text.iter();
        while let Some(&byte) = rest.next() {
            single.push(byte);
            if byte == b'"' {
                rest.next();
            }
        }
        Cow::Owned(single)
    }
}

/// Replaces `fields` by those of `line`. False if its quotes do not match; the fields are then of
/// no use.
pub(super) fn split(line: &[u8], fields: &mut Vec<Field>) -> bool {
    fields.clear();
    let mut at = 0;
    loop {
        let field = if line.get(at) == Some(&b'"') {
            let Some(field) = quoted(line, at + 1) else {
                return false;
            };
            at = field.span.end + 1;
            field
        } else {
            let rest = &line[at..];
            let length = rest.iter().position(|b| *b == b',').unwrap_or(rest.len());
            let span = at..at + length;
            at = span.end;
            Field {
                span,
                doubled: false,
            }
        };
        fields.push(field);
        match line.get(at) {
            None => return true,
            Some(b',') => at += 1,
            Some(_) => return false,
        }
    }
}

/// The field whose opening quote is before `start`; `None` if it is never closed.
fn quoted(line: &[u8], start: usize) -> Option<Field> {
    let mut at = start;
    let mut doubled = false;
    loop {
        at += line.get(at..)?.iter().position(|b| *b == b'"')?;
        if line.get(at + 1) != Some(&b'"') {
            return Some(Field {
                span: start..at,
                doubled,
            });
        }
        doubled = true;
        at += 2;
    }
}
