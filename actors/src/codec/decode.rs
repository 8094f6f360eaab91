//! Record values to columns.

use arrow_array::RecordBatch;
use config::{Format, Schema, TimeUnit};

use super::columns::Columns;
use super::csv::CsvParser;
use super::fault::{BadRecord, Fault, RECORD_BYTES_MAX, code};
use super::json::JsonParser;
use super::value::Value;
use crate::log::LogRecord;

/// Decodes record values of one source into the columns that its topology uses.
///
/// Types are strict but sensible: int64 takes integers and integral floats in range; floats take
/// numbers; string takes texts only; timestamp takes RFC 3339 (a blank may stand for `T`, no zone
/// is UTC) and numbers in the source's unit; bytes are hexadecimal digits; a vector takes exactly
/// as many numbers as it has. Fields that no column wants are skipped. A column that may be NULL
/// may be absent.
///
/// [`Decoder::decode`] takes many records; who must survive a panic in one of them gives them one by
/// one ([`Decoder::push`], and [`Decoder::recover`] after a panic), then takes all ([`Decoder::take`]).
#[derive(Debug)]
pub struct Decoder {
    columns: Columns,
    parser: Parser,
    shape: Shape,
    origin: Vec<u32>,
    bad: Vec<BadRecord>,
}

/// What a parser is made of.
#[derive(Debug)]
struct Shape {
    format: Format,
    full: Schema,
    used: Vec<usize>,
}

/// What became of some records.
#[derive(Debug)]
pub struct Decoded {
    /// The used columns, in the schema's order.
    pub columns: RecordBatch,
    /// For each row the position of its record among those given; ascending, and repeated where a
    /// record holds several rows (NDJSON).
    pub origin: Vec<u32>,
    /// The records set aside, in order. None of them has rows.
    pub bad: Vec<BadRecord>,
}

#[derive(Debug)]
enum Parser {
    Json(JsonParser),
    Ndjson(JsonParser),
    Csv(CsvParser),
    Raw,
}

impl Decoder {
    /// A decoder for values written in `format` under the schema `full`, of which the columns at
    /// `used` (ascending) come out. `unit` is that of numbers in timestamp columns.
    ///
    /// # Panics
    /// If a position in `used` is beyond the schema.
    #[must_use]
    pub fn new(format: Format, full: &Schema, used: &[usize], unit: TimeUnit) -> Self {
        let shape = Shape {
            format,
            full: full.clone(),
            used: used.to_vec(),
        };
        Self {
            columns: Columns::new(&shape.schema(), unit),
            parser: shape.parser(),
            shape,
            origin: Vec::new(),
            bad: Vec::new(),
        }
    }

    /// Decodes values. What cannot be decoded is in [`Decoded::bad`]; it never fails as a whole.
    ///
    /// # Panics
    /// Never on account of what the records hold; only on more than 2^32 records.
    #[must_use]
    pub fn decode(&mut self, records: &[LogRecord]) -> Decoded {
        for (index, record) in (0u32..).zip(records) {
            self.push(index, record);
        }
        self.take()
    }

    /// Decodes one value, behind those before. `index` is the record's position, for
    /// [`Decoded::origin`].
    pub fn push(&mut self, index: u32, record: &LogRecord) {
        match self.decode_value(record.value.as_deref()) {
            Ok(()) => self.origin.resize(self.columns.rows(), index),
            Err(fault) => {
                self.columns.rollback(self.origin.len());
                self.bad.push(fault.of_record(index));
            }
        }
    }

    /// After a panic in [`Decoder::push`]: everything is again as it was before that record. What the
    /// parser held is not trusted: it is made anew.
    pub fn recover(&mut self) {
        self.columns.cut(self.origin.len());
        self.parser = self.shape.parser();
    }

    /// What the values so far came to; none remain.
    #[must_use]
    pub fn take(&mut self) -> Decoded {
        Decoded {
            columns: self.columns.take(),
            origin: std::mem::take(&mut self.origin),
            bad: std::mem::take(&mut self.bad),
        }
    }

    fn decode_value(&mut self, value: Option<&[u8]>) -> Result<(), Fault> {
        let value = value.ok_or_else(|| Fault::new(code::NO_VALUE, "the record has no value"))?;
        if value.len() > RECORD_BYTES_MAX {
            let length = value.len();
            let reason = format!("the value has {length} bytes, at most {RECORD_BYTES_MAX} may be");
            return Err(Fault::new(code::RECORD_TOO_LARGE, reason));
        }
        let columns = &mut self.columns;
        match &mut self.parser {
            Parser::Json(parser) => {
                parser.parse(not_blank(utf8(value)?)?, 1, columns)?;
                columns.end_row()
            }
            Parser::Ndjson(parser) => decode_lines(parser, not_blank(utf8(value)?)?, columns),
            Parser::Csv(parser) => {
                let line = utf8(value)?;
                if !parser.takes_empty_lines() {
                    not_blank(line)?;
                }
                parser.parse(line, columns)?;
                columns.end_row()
            }
            Parser::Raw => decode_raw(value, columns),
        }
    }
}

impl Shape {
    /// The used columns.
    fn schema(&self) -> Schema {
        let used = self.used.iter();
        Schema::new(used.map(|i| self.full.columns()[*i].clone()).collect())
    }

    fn parser(&self) -> Parser {
        match self.format {
            Format::Json => Parser::Json(JsonParser::new(self.schema().columns())),
            Format::Ndjson => Parser::Ndjson(JsonParser::new(self.schema().columns())),
            Format::Csv => Parser::Csv(CsvParser::new(&self.full, &self.used)),
            Format::Raw => Parser::Raw,
        }
    }
}

/// Every line that is not blank is an object; one bad line makes the whole record bad, because the
/// dead letters take records.
fn decode_lines(parser: &mut JsonParser, text: &str, columns: &mut Columns) -> Result<(), Fault> {
    for (number, line) in (1..).zip(text.split('\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        parser.parse(line, number, columns)?;
        columns
            .end_row()
            .map_err(|fault| fault.at(number, line.len()))?;
    }
    Ok(())
}

/// The whole value is the one column, if that is used.
fn decode_raw(value: &[u8], columns: &mut Columns) -> Result<(), Fault> {
    let takes_text = columns.takes_text(0);
    match takes_text {
        None => {}
        Some(true) => columns.set(0, Value::Text(utf8(value)?))?,
        Some(false) => columns.set(0, Value::Bytes(value))?,
    }
    columns.end_row()
}

fn utf8(value: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(value).map_err(|error| {
        let reason = format!("the value is not UTF-8 from byte {}", error.valid_up_to());
        Fault::new(code::INVALID_UTF8, reason)
    })
}

fn not_blank(text: &str) -> Result<&str, Fault> {
    // Blank text is rare, and its first byte tells most of what is not.
    if text.trim_ascii_start().is_empty() {
        return Err(Fault::new(code::EMPTY_VALUE, "the value is empty"));
    }
    Ok(text)
}
