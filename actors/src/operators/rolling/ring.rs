//! The rows of one key that windows can still reach: time and the needed values of each, in a ring of
//! words. A row is `[time] [which values are there]… [value]…`; texts lie in a ring of their own.

use std::collections::VecDeque;

use config::DataType;

use crate::operators::keyed::{
    Bound, Reader, Reading, StateDecodeError, Value, write_bytes, write_i64, write_u64,
};

/// How rows of a ring are laid out. The same for all keys of an operator.
#[derive(Debug, Default)]
pub(super) struct Layout {
    fields: Vec<Field>,
    /// Words that say which values are there; none if all always are.
    presence_words: usize,
    stride: usize,
    texts: usize,
}

#[derive(Debug)]
struct Field {
    input: usize,
    kind: Kind,
    nullable: bool,
    /// Word of the row, or text of the row.
    slot: usize,
}

/// What is kept of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word: the integer, or a hash.
    Int,
    /// A word: the float; NaN stands for NULL, for only finite values are any.
    Float,
    /// The bytes.
    Text,
    /// Only that it is there.
    Presence,
}

impl Kind {
    pub(super) fn of(data_type: &DataType, reading: Reading) -> Self {
        match (reading, data_type) {
            (Reading::Presence, _) => Self::Presence,
            (_, DataType::Float64 | DataType::Float32) => Self::Float,
            (Reading::Values, DataType::String | DataType::Bytes) => Self::Text,
            (Reading::Values | Reading::Hashes, _) => Self::Int,
        }
    }
}

impl Layout {
    /// Position of the field that keeps this input.
    pub(super) fn field(&mut self, input: usize, kind: Kind, nullable: bool) -> usize {
        let found = self
            .fields
            .iter()
            .position(|field| field.input == input && field.kind == kind);
        found.unwrap_or_else(|| {
            self.fields.push(Field {
                input,
                kind,
                nullable,
                slot: 0,
            });
            self.fields.len() - 1
        })
    }

    /// Gives the fields their places, once all are known.
    pub(super) fn finish(&mut self) {
        let marked =
            |field: &Field| field.nullable && matches!(field.kind, Kind::Int | Kind::Presence);
        self.presence_words = if self.fields.iter().any(marked) {
            self.fields.len().div_ceil(64)
        } else {
            0
        };
        let mut word = 1 + self.presence_words;
        for field in &mut self.fields {
            match field.kind {
                Kind::Int | Kind::Float => {
                    field.slot = word;
                    word += 1;
                }
                Kind::Text => {
                    field.slot = self.texts;
                    self.texts += 1;
                }
                Kind::Presence => {}
            }
        }
        self.stride = word;
    }
}

/// The rows, by positions that count up from the first row ever.
#[derive(Debug, Clone, Default)]
pub(super) struct Ring {
    first: u64,
    rows: usize,
    words: VecDeque<u64>,
    texts: VecDeque<Option<Box<[u8]>>>,
}

impl Ring {
    /// Position of the oldest row.
    pub(super) fn start(&self) -> u64 {
        self.first
    }

    /// Position after the newest row.
    pub(super) fn end(&self) -> u64 {
        self.first + self.rows as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(super) fn time(&self, layout: &Layout, position: u64) -> i64 {
        self.word(layout, position, 0).cast_signed()
    }

    /// Time of the row that was pushed last, or of the newest if sorted by time.
    pub(super) fn newest(&self, layout: &Layout) -> Option<i64> {
        (!self.is_empty()).then(|| self.time(layout, self.end() - 1))
    }

    /// The value of a field, if the row is there and it is not NULL.
    pub(super) fn value(&self, layout: &Layout, position: u64, at: usize) -> Option<Value<'_>> {
        let field = &layout.fields[at];
        let there = layout.presence_words == 0
            || self.word(layout, position, 1 + at / 64) & (1 << (at % 64)) != 0;
        match field.kind {
            Kind::Float => {
                let value = f64::from_bits(self.word(layout, position, field.slot));
                (!value.is_nan()).then_some(Value::Float(value))
            }
            Kind::Int => {
                there.then(|| Value::Int(self.word(layout, position, field.slot).cast_signed()))
            }
            Kind::Presence => there.then_some(Value::Int(1)),
            Kind::Text => {
                let row = self.offset(position);
                let text = self.texts.get(row * layout.texts + field.slot)?;
                text.as_deref().map(Value::Bytes)
            }
        }
    }

    /// Appends a row of a bound batch.
    pub(super) fn push(&mut self, layout: &Layout, time: i64, bound: &Bound, row: usize) {
        self.rows += 1;
        self.words.push_back(time.cast_unsigned());
        let presence_at = self.words.len();
        self.words
            .extend(std::iter::repeat_n(0, layout.presence_words));
        for (at, field) in layout.fields.iter().enumerate() {
            let value = bound.value(field.input, row);
            if value.is_some() && layout.presence_words > 0 {
                self.words[presence_at + at / 64] |= 1 << (at % 64);
            }
            match (field.kind, value) {
                (Kind::Int, Some(Value::Int(value))) => self.words.push_back(value.cast_unsigned()),
                (Kind::Int, _) => self.words.push_back(0),
                (Kind::Float, Some(Value::Float(value))) => self.words.push_back(value.to_bits()),
                (Kind::Float, _) => self.words.push_back(f64::NAN.to_bits()),
                (Kind::Text, Some(Value::Bytes(text))) => self.texts.push_back(Some(text.into())),
                (Kind::Text, _) => self.texts.push_back(None),
                (Kind::Presence, _) => {}
            }
        }
    }

    /// Moves the row that was pushed last to an earlier position.
    pub(super) fn settle_at(&mut self, layout: &Layout, position: u64) {
        let row = self.offset(position);
        let words = self.words.make_contiguous();
        words[row * layout.stride..].rotate_right(layout.stride);
        if layout.texts > 0 {
            let texts = self.texts.make_contiguous();
            texts[row * layout.texts..].rotate_right(layout.texts);
        }
    }

    /// Forgets the oldest row.
    pub(super) fn pop(&mut self, layout: &Layout) {
        self.first += 1;
        self.rows -= 1;
        self.words.drain(..layout.stride);
        if layout.texts > 0 {
            self.texts.drain(..layout.texts);
        }
        // After a burst the memory goes back: at most a quarter stays in use before.
        let needed = self.words.len();
        if self.words.capacity() > 64 && needed < self.words.capacity() / 4 {
            self.words.shrink_to(needed * 2);
            self.texts.shrink_to(self.texts.len() * 2);
        }
    }

    /// The first position whose time is after `time`, in a ring sorted by time.
    pub(super) fn after(&self, layout: &Layout, time: i64) -> u64 {
        let (mut low, mut high) = (self.start(), self.end());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.time(layout, middle) <= time {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn word(&self, layout: &Layout, position: u64, at: usize) -> u64 {
        self.words[self.offset(position) * layout.stride + at]
    }

    fn offset(&self, position: u64) -> usize {
        usize::try_from(position - self.first).unwrap_or(usize::MAX)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let texts: usize = self.texts.iter().flatten().map(|text| text.len()).sum();
        self.words.capacity() * size_of::<u64>()
            + self.texts.capacity() * size_of::<Option<Box<[u8]>>>()
            + texts
    }

    /// Row by row: time as the difference to the one before, which values are there, the values.
    pub(super) fn encode(&self, layout: &Layout, out: &mut Vec<u8>) {
        write_u64(out, self.rows as u64);
        out.reserve(self.words.len() * size_of::<u64>());
        // One walk over the words: this runs for every touched key of every epoch.
        let mut words = self.words.iter().copied();
        let mut texts = self.texts.iter();
        let mut before = 0i64;
        while let Some(time) = words.next() {
            let time = time.cast_signed();
            write_i64(out, time.wrapping_sub(before));
            before = time;
            for presence in words.by_ref().take(layout.presence_words) {
                write_u64(out, presence);
            }
            for field in &layout.fields {
                match field.kind {
                    Kind::Float | Kind::Int => {
                        let word = words.next().unwrap_or_default();
                        out.extend_from_slice(&word.to_le_bytes());
                    }
                    Kind::Text => match texts.next().and_then(Option::as_ref) {
                        Some(text) => {
                            out.push(1);
                            write_bytes(out, text);
                        }
                        None => out.push(0),
                    },
                    Kind::Presence => {}
                }
            }
        }
    }

    pub(super) fn decode(
        layout: &Layout,
        reader: &mut Reader<'_>,
    ) -> Result<Self, StateDecodeError> {
        let rows = reader.count()?;
        let mut ring = Self {
            rows,
            ..Self::default()
        };
        // `count` has bounded the rows by the bytes that are there.
        ring.words.reserve_exact(rows * layout.stride);
        let mut time = 0i64;
        for _ in 0..rows {
            time = time.wrapping_add(reader.i64()?);
            ring.words.push_back(time.cast_unsigned());
            for _ in 0..layout.presence_words {
                ring.words.push_back(reader.u64()?);
            }
            for field in &layout.fields {
                match field.kind {
                    Kind::Float | Kind::Int => {
                        ring.words.push_back(u64::from_le_bytes(reader.array()?));
                    }
                    Kind::Text => {
                        let text = match reader.byte()? {
                            0 => None,
                            _ => Some(reader.bytes()?.into()),
                        };
                        ring.texts.push_back(text);
                    }
                    Kind::Presence => {}
                }
            }
        }
        Ok(ring)
    }

    /// Whether times never fall from one row to the next.
    pub(super) fn is_sorted(&self, layout: &Layout) -> bool {
        let times = (self.start()..self.end()).map(|position| self.time(layout, position));
        times.is_sorted()
    }
}
