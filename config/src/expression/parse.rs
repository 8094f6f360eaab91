//! SQL text to a typed [`Expression`]: sqlparser reads, [`super::convert`] types.

use std::any::TypeId;
use std::ops::Range;
use std::sync::Arc;

use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, Tokenizer};

use super::convert::Converter;
use super::{Expression, ExpressionKind, Literal};
use crate::Schema;
use crate::code::Code;

/// Operators of an expression, at most. A chain of them is a tree as deep as it is long, and whoever
/// walks or drops it recurses: so many fit several times into a thread's stack of 2 MiB.
const OPERATORS_MAX: usize = 300;
/// Bytes of an expression, at most: a thousand literals in a list.
const TEXT_MAX: usize = 32 * 1024;

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// Stable, as in [`crate::Problem::code`].
    pub code: &'static str,
    /// Lower case, no full stop.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Bytes of the text.
    pub range: Range<usize>,
}

/// Why there is no typed expression.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It is wrong.
    Wrong(ExpressionError),
    /// It names a column that nobody knows because of a problem elsewhere.
    Doubtful,
}

/// The columns that an expression may name.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// Those that are known.
    pub(crate) schema: &'a Schema,
    /// Those that exist with an unknown type.
    pub(crate) doubtful: &'a [Arc<str>],
    /// Whether others may exist.
    pub(crate) open: bool,
}

/// Parses and types a SQL scalar expression over the columns of a schema.
///
/// Where numeric types differ, both sides become `float64` by a `Cast`; a string literal beside a
/// timestamp is read as one (RFC 3339). Functions are those of `docs/topology.md`.
///
/// ```
/// use thalweg_config::{parse_expression, Column, DataType, Schema};
///
/// let schema = Schema::new(vec![Column::new("amount", DataType::Float64, false)]);
/// let condition = parse_expression("amount > 10", &schema)?;
/// assert_eq!(condition.data_type, DataType::Bool);
///
/// let error = parse_expression("amuont > 10", &schema).unwrap_err();
/// assert_eq!(error.hint.as_deref(), Some("did you mean \"amount\"?"));
/// assert_eq!(error.range, 0..6);
/// # Ok::<(), thalweg_config::ExpressionError>(())
/// ```
///
/// # Errors
/// The first thing that is wrong, with its place in the text.
pub fn parse_expression(text: &str, schema: &Schema) -> Result<Expression, ExpressionError> {
    let scope = Scope {
        schema,
        doubtful: &[],
        open: false,
    };
    parse_in(text, scope).map_err(|failure| match failure {
        Failure::Wrong(error) => error,
        Failure::Doubtful => ExpressionError {
            code: Code::UNKNOWN_COLUMN.0,
            message: "a column is not known".into(),
            hint: None,
            range: 0..text.len(),
        },
    })
}

/// Parses and types an expression over columns of which some may be unknown.
pub(crate) fn parse_in(text: &str, scope: Scope<'_>) -> Result<Expression, Failure> {
    if text.len() > TEXT_MAX {
        let message = format!("the expression is longer than {TEXT_MAX} bytes");
        return Err(syntax(message, 0..text.len()));
    }
    let tokens = Tokenizer::new(&Sql, text)
        .tokenize_with_location()
        .map_err(|error| from_parser(&error.into(), text))?;
    if tokens
        .iter()
        .filter(|token| is_operator(&token.token))
        .count()
        > OPERATORS_MAX
    {
        let message = format!("the expression has more than {OPERATORS_MAX} operators");
        return Err(syntax(message, 0..text.len()));
    }
    let mut parser = Parser::new(&Sql).with_tokens_with_locations(tokens);
    let parsed = parser
        .parse_expr()
        .map_err(|error| from_parser(&error, text))?;
    let next = parser.peek_token();
    if next.token != Token::EOF {
        let message = format!("unexpected \"{}\" behind the expression", next.token);
        return Err(syntax(message, range_of(text, next.span)));
    }
    let expression = Converter::new(text, scope).convert(&parsed)?;
    if let ExpressionKind::Literal(Literal::Null) = expression.kind {
        return Err(Failure::Wrong(ExpressionError {
            code: Code::EXPRESSION_TYPE.0,
            message: "NULL alone has no type".into(),
            hint: Some("give it one: cast(null as float64)".into()),
            range: 0..text.len(),
        }));
    }
    Ok(expression)
}

/// Whether a token can make the tree deeper. Parentheses and calls have a limit of sqlparser's own.
fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.keyword != Keyword::NoKeyword,
        Token::EOF
        | Token::Whitespace(_)
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::Comma
        | Token::LParen
        | Token::RParen => false,
        _ => true,
    }
}

fn syntax(message: String, range: Range<usize>) -> Failure {
    Failure::Wrong(ExpressionError {
        code: Code::EXPRESSION_SYNTAX.0,
        message,
        hint: None,
        range,
    })
}

/// sqlparser says where only at the end of its message: ` at Line: 1, Column: 5`.
fn from_parser(error: &ParserError, text: &str) -> Failure {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        ParserError::RecursionLimitExceeded => {
            return syntax("the expression nests too deep".into(), 0..text.len());
        }
    };
    let (message, place) = message.split_once(" at Line: ").unwrap_or((message, ""));
    let place = place
        .split_once(", Column: ")
        .and_then(|(line, column)| Some(Location::new(line.parse().ok()?, column.parse().ok()?)));
    let range = match place {
        Some(at) => {
            let start = offset_of(text, at);
            start..word_end(text, start)
        }
        None => text.len()..text.len(),
    };
    let message = message
        .replace("Expected: ", "expected ")
        .replace("found: EOF", "found its end");
    syntax(format!("not a SQL expression: {message}"), range)
}

/// The end of the word, or else of the character, at `start`.
fn word_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let word = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    start + word.max(rest.chars().next().map_or(0, char::len_utf8))
}

/// Bytes of the text that a span of lines and columns covers.
pub(crate) fn range_of(text: &str, span: Span) -> Range<usize> {
    if span == Span::empty() {
        return 0..text.len();
    }
    let start = offset_of(text, span.start);
    start..offset_of(text, span.end).max(start)
}

/// sqlparser counts lines from 1, and columns in characters from 1.
fn offset_of(text: &str, location: Location) -> usize {
    let mut line_start = 0;
    for _ in 1..location.line {
        let rest = text.get(line_start..).unwrap_or_default();
        line_start += rest.find('\n').map_or(rest.len(), |newline| newline + 1);
    }
    let rest = text.get(line_start..).unwrap_or_default();
    let column = usize::try_from(location.column.saturating_sub(1)).unwrap_or(usize::MAX);
    line_start
        + rest
            .char_indices()
            .nth(column)
            .map_or(rest.len(), |(at, _)| at)
}

/// Standard SQL, and nothing of any vendor.
#[derive(Debug)]
struct Sql;

impl Dialect for Sql {
    fn dialect(&self) -> TypeId {
        TypeId::of::<Self>()
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '"'
    }

    fn is_identifier_start(&self, c: char) -> bool {
        c.is_alphabetic() || c == '_'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        c.is_alphanumeric() || c == '_'
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }
}
