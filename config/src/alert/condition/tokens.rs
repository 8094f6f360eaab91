//! The words and signs of a condition, each with its place.

use std::ops::Range;

use super::ConditionError;
use crate::code::Code;

/// The signs there are; the longer of two that begin alike first.
const SIGNS: [&str; 10] = [">=", "<=", ">", "<", "=", "(", ")", "{", "}", ","];

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A name, a number or a duration.
    Word(&'t str),
    /// Between quotes, without them.
    Text(&'t str),
    /// One of [`SIGNS`], or what is none of all these.
    Sign(&'t str),
}

/// Reads a text from its beginning.
pub(super) struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// What comes next with its place; `None` at the end.
    fn peek(&self) -> Option<(Token<'t>, Range<usize>)> {
        let rest = self.text[self.at..].trim_start();
        let start = self.text.len() - rest.len();
        let first = rest.chars().next()?;
        if matches!(first, '\'' | '"') {
            let inner = &rest[1..];
            return Some(match inner.find(first) {
                Some(end) => (Token::Text(&inner[..end]), start..start + end + 2),
                None => (Token::Sign(&rest[..1]), start..self.text.len()),
            });
        }
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '+');
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if word > 0 {
            return Some((Token::Word(&rest[..word]), start..start + word));
        }
        let known = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        let length = known.map_or(first.len_utf8(), |sign| sign.len());
        Some((Token::Sign(&rest[..length]), start..start + length))
    }

    /// Goes past this token, if it comes next.
    pub(super) fn take(&mut self, token: Token<'_>) -> bool {
        match self.peek() {
            Some((next, range)) if next == token => {
                self.at = range.end;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Goes past a sign.
    pub(super) fn expect(&mut self, sign: &str) -> Result<(), ConditionError> {
        match self.take(Token::Sign(sign)) {
            true => Ok(()),
            false => Err(self.wanted(&format!("\"{sign}\""))),
        }
    }

    /// A word with its place.
    pub(super) fn word(&mut self, what: &str) -> Result<(&'t str, Range<usize>), ConditionError> {
        match self.peek() {
            Some((Token::Word(word), range)) => {
                self.at = range.end;
                Ok((word, range))
            }
            Some((Token::Text(_) | Token::Sign(_), _)) | None => Err(self.wanted(what)),
        }
    }

    /// What stands between quotes.
    pub(super) fn text(&mut self) -> Result<&'t str, ConditionError> {
        match self.peek() {
            Some((Token::Text(text), range)) => {
                self.at = range.end;
                Ok(text)
            }
            Some((Token::Word(_) | Token::Sign(_), _)) | None => {
                Err(self.wanted("a text in quotes"))
            }
        }
    }

    /// A finite number.
    pub(super) fn number(&mut self) -> Result<f64, ConditionError> {
        let (word, range) = self.word("a number")?;
        let number = word.replace('_', "").parse::<f64>().ok();
        number
            .filter(|number| number.is_finite())
            .ok_or_else(|| ConditionError {
                code: Code::EXPRESSION_SYNTAX,
                message: format!("\"{word}\" is not a number"),
                hint: None,
                range,
            })
    }

    /// Nothing more.
    pub(super) fn end(&self) -> Result<(), ConditionError> {
        match self.peek() {
            None => Ok(()),
            Some((_, range)) => Err(ConditionError {
                code: Code::EXPRESSION_SYNTAX,
                message: format!(
                    "\"{}\" behind the comparison, of which an alert has one",
                    &self.text[range.clone()]
                ),
                hint: Some("write an alert for each".into()),
                range,
            }),
        }
    }

    /// Something else belongs here.
    pub(super) fn wanted(&self, what: &str) -> ConditionError {
        let (found, range) = match self.peek() {
            Some((_, range)) => (format!("\"{}\"", &self.text[range.clone()]), range),
            None => ("the end".into(), self.text.len()..self.text.len()),
        };
        ConditionError {
            code: Code::EXPRESSION_SYNTAX,
            message: format!("{found} where {what} belongs"),
            hint: Some("write it as lag_records{topic='orders'} > 10000".into()),
            range,
        }
    }
}
