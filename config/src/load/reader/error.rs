//! Why a value could not be read: what to report, and where.

use std::fmt;

use serde::de::{self, Unexpected};

use crate::code::Code;
use crate::files::Span;
use crate::nearest::{list, suggest};
use crate::raw::planned;

/// Why a value could not be read.
#[derive(Debug)]
pub(crate) struct ReadError {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// Where, if not at the value that was being read.
    pub(super) span: Option<Span>,
}

impl ReadError {
    pub(super) fn new(code: Code, message: String) -> Self {
        Self {
            code,
            message,
            hint: None,
            span: None,
        }
    }

    /// A word that is none of those that can be.
    pub(super) fn unknown(word: &str, code: Code, variants: &'static [&'static str]) -> Self {
        if planned::is_word(word) {
            return Self {
                hint: Some(format!("there are: {}", list(variants))),
                ..Self::new(
                    Code::NOT_IN_THIS_VERSION,
                    format!("\"{word}\" is not in this version"),
                )
            };
        }
        let what = code.0.replace('-', " ");
        Self {
            hint: suggest(word, "there are", variants.iter().copied()),
            ..Self::new(code, format!("{what} \"{word}\""))
        }
    }

    /// At a place, unless it has one.
    pub(super) fn place(mut self, span: Span) -> Self {
        self.span.get_or_insert(span);
        self
    }
}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Code::INVALID_VALUE, message.to_string())
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(
            Code::INVALID_VALUE,
            format!("expected {expected}, found {unexpected}"),
        )
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}
