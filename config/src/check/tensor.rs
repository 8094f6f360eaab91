//! Tensors of a model beside columns of rows: widths and types.

use crate::{DataType, Element, TensorSpec, VectorElement};

/// Numbers of one row: all sizes but the batch's; `None` where one is free.
pub(crate) fn row_width(tensor: &TensorSpec) -> Option<usize> {
    tensor
        .shape
        .iter()
        .skip(1)
        .try_fold(1_usize, |width, size| width.checked_mul((*size)?))
}

/// Numbers that a column adds to a row.
pub(crate) fn width(data_type: &DataType) -> usize {
    match data_type {
        DataType::Vector { length, .. } => *length,
        DataType::Bool
        | DataType::Int64
        | DataType::Float64
        | DataType::Float32
        | DataType::String
        | DataType::Timestamp
        | DataType::Bytes => 1,
    }
}

/// Whether a column can be a feature of a tensor: numbers of floats, whole numbers of integers.
pub(crate) fn fits(data_type: &DataType, element: Element) -> bool {
    let is_whole = match data_type {
        DataType::Int64 => true,
        DataType::Vector { element, .. } => *element == VectorElement::Int64,
        DataType::Bool
        | DataType::Float64
        | DataType::Float32
        | DataType::String
        | DataType::Timestamp
        | DataType::Bytes => false,
    };
    match element {
        Element::Float32 | Element::Float64 => {
            data_type.is_numeric() || matches!(data_type, DataType::Vector { .. })
        }
        Element::Int64 => is_whole,
        Element::String => *data_type == DataType::String,
        Element::Bool => *data_type == DataType::Bool,
    }
}

/// The column of one number of a tensor.
pub(crate) fn scalar(element: Element) -> DataType {
    match element {
        Element::Float32 => DataType::Float32,
        Element::Float64 => DataType::Float64,
        Element::Int64 => DataType::Int64,
        Element::String => DataType::String,
        Element::Bool => DataType::Bool,
    }
}

/// The column of all numbers of a row, if there are such.
pub(crate) fn vector_element(element: Element) -> Option<VectorElement> {
    match element {
        Element::Float32 => Some(VectorElement::Float32),
        Element::Float64 => Some(VectorElement::Float64),
        Element::Int64 => Some(VectorElement::Int64),
        Element::String | Element::Bool => None,
    }
}

/// For messages.
pub(crate) fn word(element: Element) -> &'static str {
    match element {
        Element::Float32 => "float32",
        Element::Float64 => "float64",
        Element::Int64 => "int64",
        Element::String => "string",
        Element::Bool => "bool",
    }
}
