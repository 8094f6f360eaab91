//! Why a record does not decode, as a value.

/// The longest value that is decoded, in bytes; a longer one is set aside unread. It bounds what
/// one record may cost, and is above what Kafka's brokers accept by default (1 MiB).
pub const RECORD_BYTES_MAX: usize = 8 << 20;

/// Most characters of a value that a reason quotes.
const QUOTED_CHARS_MAX: usize = 40;

/// A record set aside: it goes to the dead letters, its neighbours go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    /// Position of the record among those given.
    pub index: u32,
    /// Stable name of the kind of fault: one of [`code`].
    pub code: &'static str,
    /// What is wrong: the column, what was found, and the place in the value where there is one.
    pub reason: String,
}

/// Stable names of what can be wrong with a record.
pub mod code {
    /// The record has no value (a delete).
    pub const NO_VALUE: &str = "no-value";
    /// The value has no bytes, or only blanks.
    pub const EMPTY_VALUE: &str = "empty-value";
    /// The value is longer than [`super::RECORD_BYTES_MAX`].
    pub const RECORD_TOO_LARGE: &str = "record-too-large";
    /// The value is not UTF-8.
    pub const INVALID_UTF8: &str = "invalid-utf8";
    /// The JSON text ends too early.
    pub const JSON_TRUNCATED: &str = "json-truncated";
    /// The JSON text breaks the grammar.
    pub const JSON_SYNTAX: &str = "json-syntax";
    /// Something follows the JSON object.
    pub const JSON_TRAILING: &str = "json-trailing";
    /// The JSON value is not an object where one is needed.
    pub const NOT_AN_OBJECT: &str = "not-an-object";
    /// The CSV line has an open quote, text after a closing quote, or a line break outside quotes.
    pub const CSV_SYNTAX: &str = "csv-syntax";
    /// The CSV line has more or fewer fields than the schema has columns.
    pub const CSV_FIELDS: &str = "csv-fields";
    /// A column that must have a value has none.
    pub const MISSING_VALUE: &str = "missing-value";
    /// A value of another type than the column's.
    pub const WRONG_TYPE: &str = "wrong-type";
    /// A number that the column's type cannot hold.
    pub const OUT_OF_RANGE: &str = "out-of-range";
    /// A text that is no time.
    pub const BAD_TIMESTAMP: &str = "bad-timestamp";
    /// A text that is not an even number of hexadecimal digits.
    pub const BAD_BYTES: &str = "bad-bytes";
    /// A vector of another length than the column's.
    pub const WRONG_LENGTH: &str = "wrong-length";
    /// The decoder panicked on the record: a defect of Thalweg.
    pub const PANICKED: &str = "panicked";
    /// A row of a repartition topic is damaged, or was written under another schema.
    pub const BAD_ROW: &str = "bad-row";
}

/// A [`BadRecord`] before it is known which record it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) reason: String,
}

impl Fault {
    pub(super) fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }

    /// The same fault with its place in the value, both from 1.
    pub(super) fn at(mut self, line: usize, column: usize) -> Self {
        use std::fmt::Write as _;
        let written = write!(self.reason, " at line {line} column {column}");
        debug_assert!(written.is_ok(), "writing to a string does not fail");
        self
    }

    pub(super) fn of_record(self, index: u32) -> BadRecord {
        BadRecord {
            index,
            code: self.code,
            reason: self.reason,
        }
    }
}

/// A text in quotes for a reason, cut after a few dozen characters.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
    }
}
