//! What waits under one key.

use config::Label;

use crate::batch::Row;
use crate::operators::keyed::{
    Emitted, NO_RECORD, Reader, Scalar, StateDecodeError, Value, write_i64, write_u64,
};

/// Form of the encoded state.
const VERSION: u8 = 1;

/// A row or a label that waits, or nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LabelState {
    waiting: Option<Waiting>,
}

#[derive(Debug, Clone, PartialEq)]
struct Waiting {
    is_label: bool,
    time: i64,
    appended: i64,
    values: Vec<Option<Scalar>>,
}

impl LabelState {
    pub(super) fn row<'v>(
        &mut self,
        settings: Label,
        width: usize,
        read: impl Fn(usize) -> Option<Value<'v>>,
        meta: &Row,
        out: &mut Emitted,
    ) {
        let is_label = read(settings.label).is_some();
        match self.waiting.take_if(|waiting| waiting.is_label != is_label) {
            Some(first) => {
                let meta = Row {
                    time: meta.time.max(first.time),
                    ..*meta
                };
                for column in 0..width {
                    let kept = first.values[column].as_ref().map(Scalar::value);
                    // The row's values from the row, the label from the label.
                    let from_kept = (column == settings.label) == first.is_label;
                    out.push(column, if from_kept { kept } else { read(column) });
                }
                out.rows.push(meta);
            }
            // The first counts: a name that comes twice says nothing new.
            None if self.waiting.is_some() => {}
            None => {
                self.waiting = Some(Waiting {
                    is_label,
                    time: meta.time,
                    appended: meta.appended,
                    values: (0..width)
                        .map(|column| read(column).map(Value::to_scalar))
                        .collect(),
                });
            }
        }
    }

    pub(super) fn fire(&mut self, settings: Label, watermark: i64, out: &mut Emitted) {
        let due = |waiting: &mut Waiting| deadline(waiting, settings) <= watermark;
        let Some(waiting) = self.waiting.take_if(due) else {
            return;
        };
        if waiting.is_label {
            return;
        }
        for (column, value) in waiting.values.iter().enumerate() {
            out.push(column, value.as_ref().map(Scalar::value));
        }
        let time = deadline(&waiting, settings);
        out.rows.push(Row {
            time,
            watermark: time,
            appended: waiting.appended,
            partition: 0,
            offset: 0,
            index: NO_RECORD,
        });
    }

    pub(super) fn timer(&self, settings: Label) -> Option<i64> {
        let waiting = self.waiting.as_ref()?;
        Some(deadline(waiting, settings))
    }

    /// What waits, since when, and its columns by name.
    pub(super) fn describe<'c>(&self, names: impl Iterator<Item = &'c str>) -> serde_json::Value {
        let Some(waiting) = &self.waiting else {
            return serde_json::Value::Null;
        };
        let columns: serde_json::Map<_, _> = names
            .zip(&waiting.values)
            .map(|(name, value)| (name.to_owned(), json(value.as_ref())))
            .collect();
        serde_json::json!({
            "waits": if waiting.is_label { "label" } else { "row" },
            "since": waiting.time,
            "columns": columns,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_none()
    }

    pub(super) fn bytes(&self) -> usize {
        let values = self.waiting.iter().flat_map(|waiting| &waiting.values);
        let heap = values.map(|value| {
            size_of::<Option<Scalar>>() + value.as_ref().map_or(0, Scalar::heap_bytes)
        });
        size_of::<Self>() + heap.sum::<usize>()
    }

    /// Version, then of what waits: whether it is a label, its two times, and its columns, each behind
    /// a byte that says whether it is there.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        let Some(waiting) = &self.waiting else {
            out.push(0);
            return;
        };
        out.push(1 + u8::from(waiting.is_label));
        write_i64(out, waiting.time);
        write_i64(out, waiting.appended);
        write_u64(out, waiting.values.len() as u64);
        for value in &waiting.values {
            out.push(u8::from(value.is_some()));
            if let Some(value) = value {
                value.encode(out);
            }
        }
    }

    pub(super) fn decode(width: usize, bytes: &[u8]) -> Result<Self, StateDecodeError> {
        let mut reader = Reader::new(bytes);
        let found = reader.byte()?;
        if found != VERSION {
            let expected = VERSION;
            return Err(StateDecodeError::Version { found, expected });
        }
        let kind = reader.byte()?;
        let waiting = match kind {
            0 => None,
            1 | 2 => {
                let (time, appended) = (reader.i64()?, reader.i64()?);
                if reader.count()? != width {
                    return Err(StateDecodeError::Malformed("a row of another width waits"));
                }
                let mut values = Vec::with_capacity(width);
                for _ in 0..width {
                    values.push(match reader.byte()? {
                        0 => None,
                        _ => Some(Scalar::decode(&mut reader)?),
                    });
                }
                Some(Waiting {
                    is_label: kind == 2,
                    time,
                    appended,
                    values,
                })
            }
            _ => return Err(StateDecodeError::Malformed("something unknown waits")),
        };
        reader.end()?;
        Ok(Self { waiting })
    }
}

fn deadline(waiting: &Waiting, settings: Label) -> i64 {
    waiting.time.saturating_add(settings.horizon.0)
}

fn json(value: Option<&Scalar>) -> serde_json::Value {
    match value {
        None => serde_json::Value::Null,
        Some(Scalar::Int(value)) => (*value).into(),
        Some(Scalar::Float(value)) => (*value).into(),
        Some(Scalar::Bytes(bytes)) => String::from_utf8_lossy(bytes).into(),
    }
}
