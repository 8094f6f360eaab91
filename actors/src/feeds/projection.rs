//! Lines of a CSV file with a header as values in the source's format.
//!
//! Each column of the source's schema is looked up in the header, by the last element of its path,
//! then by its name. What the schema does not name is left out. A line that is not as wide as the
//! header, or whose quotes do not match, is passed on as it is, for the codec to set aside.

use bytes::{Bytes, BytesMut};
use config::{Column, DataType, Format, Source};

use super::fields::{self, Field};
use super::key;
use super::layout::{Layout, put_csv_field, put_json_string};

/// How one file's lines become one source's values.
pub(super) struct Projection {
    format: Format,
    /// Fields of the header.
    width: usize,
    /// Columns of the schema.
    columns: Vec<Projected>,
    /// Its columns are positions in `columns`.
    layout: Layout,
    /// Position in `columns`.
    key: Option<usize>,
    fields: Vec<Field>,
}

/// A column of the schema.
struct Projected {
    /// Position in the header.
    field: usize,
    kind: Kind,
    nullable: bool,
    integer: bool,
}

/// How a column's text is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A string; empty is NULL if the column is nullable.
    Text,
    /// Without quotes if it is a number (a timestamp may be either). Empty is NULL, as below.
    Number,
    /// Without quotes if it is true or false.
    Bool,
    /// Without quotes if it is in brackets.
    List,
}

impl Projection {
    /// The projection of lines under this header.
    ///
    /// # Errors
    /// The message, if a column of the schema is not in the header.
    pub(super) fn new(header: &[u8], source: &Source) -> Result<Self, String> {
        let mut fields = Vec::new();
        if !fields::split(header, &mut fields) {
            return Err("the header's quotes do not match".into());
        }
        let names: Vec<String> = fields
            .iter()
            .map(|f| String::from_utf8_lossy(&f.text(header)).trim().to_owned())
            .collect();
        let schema = source.schema.columns();
        let columns = schema
            .iter()
            .map(|column| Projected::find(column, &names))
            .collect::<Result<Vec<_>, _>>()?;
        let layout = match source.format {
            Format::Json | Format::Ndjson => {
                Layout::json(schema.iter().enumerate().map(|(i, c)| (&*c.path, i)))
            }
            Format::Csv | Format::Raw => Layout::csv((0..columns.len()).map(Some)),
        };
        Ok(Self {
            format: source.format,
            width: names.len(),
            columns,
            layout,
            key: source.key,
            fields,
        })
    }

    /// Key and value of a line. `out` is room to write into, empty before and after.
    pub(super) fn project(&mut self, line: &[u8], out: &mut BytesMut) -> (Option<Bytes>, Bytes) {
        let well_formed = fields::split(line, &mut self.fields);
        if !well_formed || self.fields.len() != self.width {
            out.extend_from_slice(line);
            // The line must not pass for a value by having, by chance, as many fields as the schema.
            if self.format == Format::Csv && self.fields.len() == self.columns.len() {
                out.extend_from_slice(b",");
            }
            return (None, out.split().freeze());
        }
        for slot in &self.layout.slots {
            out.extend_from_slice(&slot.before);
            let column = &self.columns[slot.column];
            let text = self.fields[column.field].text(line);
            match self.format {
                Format::Json | Format::Ndjson => column.put_json(out, &text),
                Format::Csv => put_csv_field(out, &text),
                Format::Raw => out.extend_from_slice(&text),
            }
        }
        out.extend_from_slice(&self.layout.tail);
        let value = out.split().freeze();
        let key = self.key.map(|position| {
            let column = &self.columns[position];
            let text = self.fields[column.field].text(line);
            if column.integer {
                out.extend_from_slice(&key::text_of_field(&text, true));
            } else {
                out.extend_from_slice(&text);
            }
            out.split().freeze()
        });
        (key, value)
    }
}

impl Projected {
    fn find(column: &Column, header: &[String]) -> Result<Self, String> {
        let outer = column.path.last().map_or(&*column.name, String::as_str);
        let place = |name: &str| header.iter().position(|h| h == name);
        let Some(field) = place(outer).or_else(|| place(&column.name)) else {
            return Err(missing(outer, header));
        };
        let kind = match column.data_type {
            DataType::String | DataType::Bytes => Kind::Text,
            DataType::Int64 | DataType::Float64 | DataType::Float32 | DataType::Timestamp => {
                Kind::Number
            }
            DataType::Bool => Kind::Bool,
            DataType::Vector { .. } => Kind::List,
        };
        Ok(Self {
            field,
            kind,
            nullable: column.nullable,
            integer: column.data_type == DataType::Int64,
        })
    }

    /// Writes a field as JSON. What does not fit the column's type is written as a string, and set
    /// aside by the codec.
    fn put_json(&self, out: &mut BytesMut, text: &[u8]) {
        if text.is_empty() && (self.nullable || self.kind != Kind::Text) {
            out.extend_from_slice(b"null");
            return;
        }
        let bare = match self.kind {
            Kind::Text => false,
            Kind::Number => is_json_number(text),
            Kind::Bool => matches!(text, b"true" | b"false"),
            Kind::List => text.starts_with(b"[") && text.ends_with(b"]"),
        };
        if bare {
            out.extend_from_slice(text);
        } else {
            put_json_string(out, text);
        }
    }
}

/// Says that a column is not in the header, what is there, and which may be meant.
fn missing(name: &str, header: &[String]) -> String {
    let likeness = |h: &String| strsim::jaro_winkler(&h.to_lowercase(), &name.to_lowercase());
    let nearest = header
        .iter()
        .map(|h| (likeness(h), h))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = nearest.map_or_else(String::new, |(_, h)| format!("; did you mean \"{h}\"?"));
    let columns = header.join(", ");
    format!("column \"{name}\" is not in the header ({columns}){hint}")
}

/// Whether a text is a number in JSON's grammar (RFC 8259, section 6).
fn is_json_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', exponent @ ..] => exponent,
            exponent => exponent,
        };
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}
