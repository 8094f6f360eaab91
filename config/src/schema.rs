//! Columns and their types. Everything that flows has a schema, known before anything runs.

use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType as ArrowType, Field, SchemaRef, TimeUnit as ArrowUnit};

/// Type of a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DataType {
    /// `bool`
    Bool,
    /// `int64`
    Int64,
    /// `float64`
    Float64,
    /// `float32`
    Float32,
    /// `string`, UTF-8
    String,
    /// `timestamp`: milliseconds since 1970-01-01 UTC. Arrow: `Timestamp(Millisecond, "+00:00")`.
    Timestamp,
    /// `bytes`
    Bytes,
    /// `float32[784]`: `length` numbers. Arrow: `FixedSizeList` of non-null items.
    Vector {
        /// Type of each number.
        element: VectorElement,
        /// How many, at least 1.
        length: usize,
    },
}

/// Type of the numbers of a vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VectorElement {
    /// `int64[n]`
    Int64,
    /// `float64[n]`
    Float64,
    /// `float32[n]`
    Float32,
}

/// Unit of a number that is a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeUnit {
    /// seconds
    Second,
    /// milliseconds
    Millisecond,
    /// microseconds
    Microsecond,
    /// nanoseconds
    Nanosecond,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    /// Name, unique in its schema.
    pub name: Arc<str>,
    /// Type.
    pub data_type: DataType,
    /// Whether a value may be absent.
    pub nullable: bool,
    /// Where a source finds it in its input, from the outside in; `[name]` unless the file says `path`.
    pub path: Vec<String>,
}

/// Columns in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Schema {
    columns: Vec<Column>,
}

impl DataType {
    /// The Arrow type that columns of this type have.
    #[must_use]
    pub fn to_arrow(&self) -> ArrowType {
        match self {
            Self::Bool => ArrowType::Boolean,
            Self::Int64 => ArrowType::Int64,
            Self::Float64 => ArrowType::Float64,
            Self::Float32 => ArrowType::Float32,
            Self::String => ArrowType::Utf8,
            Self::Timestamp => ArrowType::Timestamp(ArrowUnit::Millisecond, Some("+00:00".into())),
            Self::Bytes => ArrowType::Binary,
            Self::Vector { element, length } => {
                let element = match element {
                    VectorElement::Int64 => ArrowType::Int64,
                    VectorElement::Float64 => ArrowType::Float64,
                    VectorElement::Float32 => ArrowType::Float32,
                };
                let length = i32::try_from(*length).unwrap_or(i32::MAX);
                ArrowType::FixedSizeList(Arc::new(Field::new("item", element, false)), length)
            }
        }
    }

    /// Whether arithmetic is defined on it: int64, float64, float32.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        matches!(self, Self::Int64 | Self::Float64 | Self::Float32)
    }
}

impl Column {
    /// A column found under its own name.
    #[must_use]
    pub fn new(name: &str, data_type: DataType, nullable: bool) -> Self {
        Self {
            name: name.into(),
            data_type,
            nullable,
            path: vec![name.into()],
        }
    }
}

impl Schema {
    /// A schema of these columns. Names are unique; the caller has checked.
    #[must_use]
    pub fn new(columns: Vec<Column>) -> Self {
        Self { columns }
    }

    /// The columns in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Position of a column.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| &*column.name == name)
    }

    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| &*column.name == name)
    }

    /// The Arrow schema of batches with these columns.
    #[must_use]
    pub fn to_arrow(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|c| Field::new(&*c.name, c.data_type.to_arrow(), c.nullable))
            .collect();
        Arc::new(arrow_schema::Schema::new(fields))
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int64 => f.write_str("int64"),
            Self::Float64 => f.write_str("float64"),
            Self::Float32 => f.write_str("float32"),
            Self::String => f.write_str("string"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Bytes => f.write_str("bytes"),
            Self::Vector { element, length } => {
                let element = match element {
                    VectorElement::Int64 => "int64",
                    VectorElement::Float64 => "float64",
                    VectorElement::Float32 => "float32",
                };
                write!(f, "{element}[{length}]")
            }
        }
    }
}
