//! Writes made records as values in the source's format, under the source's names.

use bytes::{Bytes, BytesMut};
use config::{DataType, Format, Source, TimeUnit};

use crate::feeds::layout::{Layout, Slot};

/// What a field holds. None of their texts needs escaping anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldKind {
    /// Digits; a string if the source's schema says so.
    Number,
    /// Text; a number if the source's schema says so.
    Text,
    /// The record's event time as a number in the source's unit.
    Time,
    /// `true` or `false`.
    Bool,
}

/// A field that a profile gives.
#[derive(Debug, Clone, Copy)]
pub(super) struct FieldSpec {
    pub(super) name: &'static str,
    pub(super) kind: FieldKind,
    /// Whether records have it.
    pub(super) in_record: bool,
    /// Whether labels have it.
    pub(super) in_label: bool,
}

/// A row that can write its fields.
pub(super) trait Fields {
    /// Writes the text of a field other than the time, by its number.
    fn put(&self, field: usize, out: &mut BytesMut);
}

/// How rows become values and keys.
pub(super) struct Writer {
    record: Layout,
    label: Layout,
    /// Per field of the profile.
    fields: Vec<Written>,
    /// The field that is the source's key.
    key: Option<usize>,
    unit: TimeUnit,
    /// Whether records carry their event time as timestamp, since the source takes it from there.
    pub(super) stamped: bool,
}

struct Written {
    kind: FieldKind,
    /// In quotes within a record.
    quoted: bool,
    /// In quotes within a label.
    quoted_in_label: bool,
}

impl Writer {
    /// The writer of a profile's rows for a source. A JSON value has all fields, those that the
    /// source's schema names under their paths; a CSV line has the schema's columns, empty where the
    /// profile has none.
    pub(super) fn new(specs: &[FieldSpec], source: &Source) -> Self {
        let schema = source.schema.columns();
        let number_of = |name: &str| specs.iter().position(|s| s.in_record && s.name == name);
        let record = match source.format {
            Format::Json | Format::Ndjson | Format::Raw => {
                let own: Vec<Vec<String>> = specs.iter().map(|s| vec![s.name.into()]).collect();
                let columns = specs.iter().enumerate().filter(|(_, s)| s.in_record);
                Layout::json(columns.map(|(i, spec)| {
                    let column = source.schema.column(spec.name);
                    (column.map_or(&*own[i], |c| &*c.path), i)
                }))
            }
            Format::Csv => Layout::csv(schema.iter().map(|c| number_of(&c.name))),
        };
        let own: Vec<Vec<String>> = specs.iter().map(|s| vec![s.name.into()]).collect();
        let columns = specs.iter().enumerate().filter(|(_, s)| s.in_label);
        let label = Layout::json(columns.map(|(i, _)| (&*own[i], i)));
        let fields = specs
            .iter()
            .map(|spec| Written::new(spec, source))
            .collect();
        Self {
            record,
            label,
            fields,
            key: source.key.and_then(|k| number_of(&schema[k].name)),
            unit: source.time.unit,
            stamped: source.time.column.is_none(),
        }
    }

    /// Value of a record of this time. `out` is room to write into, empty before and after.
    pub(super) fn record(&self, row: &impl Fields, time: i64, out: &mut BytesMut) -> Bytes {
        self.value(&self.record, |f| f.quoted, row, time, out)
    }

    /// Value of a row's label, known at this time.
    pub(super) fn label(&self, row: &impl Fields, time: i64, out: &mut BytesMut) -> Bytes {
        self.value(&self.label, |f| f.quoted_in_label, row, time, out)
    }

    /// Key of a row's record and of its label, so that both lie in partitions of the same number.
    pub(super) fn key(&self, row: &impl Fields, time: i64, out: &mut BytesMut) -> Option<Bytes> {
        self.key.map(|field| {
            self.put(field, row, time, out);
            out.split().freeze()
        })
    }

    fn value(
        &self,
        layout: &Layout,
        is_quoted: impl Fn(&Written) -> bool,
        row: &impl Fields,
        time: i64,
        out: &mut BytesMut,
    ) -> Bytes {
        for Slot { before, column } in &layout.slots {
            out.extend_from_slice(before);
            if is_quoted(&self.fields[*column]) {
                out.extend_from_slice(b"\"");
                self.put(*column, row, time, out);
                out.extend_from_slice(b"\"");
            } else {
                self.put(*column, row, time, out);
            }
        }
        out.extend_from_slice(&layout.tail);
        out.split().freeze()
    }

    fn put(&self, field: usize, row: &impl Fields, time: i64, out: &mut BytesMut) {
        match self.fields[field].kind {
            FieldKind::Number | FieldKind::Text | FieldKind::Bool => row.put(field, out),
            FieldKind::Time => put_integer(in_unit(time, self.unit), out),
        }
    }
}

impl Written {
    fn new(spec: &FieldSpec, source: &Source) -> Self {
        let quoted_in_label = spec.kind == FieldKind::Text;
        let column = source.schema.column(spec.name);
        let quoted = match (source.format, column.map(|c| &c.data_type)) {
            (Format::Csv, _) => false,
            (_, None) => quoted_in_label,
            (_, Some(data_type)) => matches!(data_type, DataType::String | DataType::Bytes),
        };
        Self {
            kind: spec.kind,
            quoted,
            quoted_in_label,
        }
    }
}

fn in_unit(time_ms: i64, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => time_ms.div_euclid(1_000),
        TimeUnit::Millisecond => time_ms,
        TimeUnit::Microsecond => time_ms.saturating_mul(1_000),
        TimeUnit::Nanosecond => time_ms.saturating_mul(1_000_000),
    }
}

/// Writes an integer.
pub(super) fn put_integer(number: impl itoa::Integer, out: &mut BytesMut) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes a number of thousandths or hundredths (`places` 3 or 2) as a decimal with so many places.
pub(super) fn put_decimal(scaled: i64, places: u32, out: &mut BytesMut) {
    let unit = 10_u64.pow(places);
    if scaled < 0 {
        out.extend_from_slice(b"-");
    }
    put_integer(scaled.unsigned_abs() / unit, out);
    out.extend_from_slice(b".");
    let fraction = scaled.unsigned_abs() % unit + unit;
    out.extend_from_slice(&itoa::Buffer::new().format(fraction).as_bytes()[1..]);
}
