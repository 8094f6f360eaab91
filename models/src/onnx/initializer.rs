//! Tensors stored in the file: weights, constants, attribute tensors.

use super::fault::{Fault, refuse};
use super::float::Float;
use super::host::Host;
use super::proto::TensorProto;
use super::value::Value;

/// `TensorProto.DataType`.
pub(crate) mod element {
    pub(crate) const FLOAT: i32 = 1;
    pub(crate) const UINT8: i32 = 2;
    pub(crate) const INT8: i32 = 3;
    pub(crate) const UINT16: i32 = 4;
    pub(crate) const INT16: i32 = 5;
    pub(crate) const INT32: i32 = 6;
    pub(crate) const INT64: i32 = 7;
    pub(crate) const STRING: i32 = 8;
    pub(crate) const BOOL: i32 = 9;
    pub(crate) const FLOAT16: i32 = 10;
    pub(crate) const DOUBLE: i32 = 11;
    pub(crate) const UINT32: i32 = 12;
    pub(crate) const UINT64: i32 = 13;
    pub(crate) const BFLOAT16: i32 = 16;
}

/// Reads a stored tensor; floats stay in plain memory.
pub(crate) fn read(proto: &TensorProto) -> Result<Value, Fault> {
    if proto.data_location != 0 {
        refuse!(
            "tensor \"{}\" is stored in another file; save the model with its weights inside",
            proto.name
        );
    }
    let mut shape = Vec::with_capacity(proto.dims.len().min(16));
    for &size in &proto.dims {
        shape.push(super::shape::size(size)?);
    }
    match proto.data_type {
        element::FLOAT | element::DOUBLE | element::FLOAT16 | element::BFLOAT16 => {
            Ok(Value::Float(Float::Host(Host::new(shape, floats(proto)?)?)))
        }
        element::STRING => {
            let texts = proto.string_data.iter();
            let texts: Result<Vec<String>, _> =
                texts.map(|text| String::from_utf8(text.clone())).collect();
            match texts {
                Ok(texts) => Ok(Value::Text(Host::new(shape, texts)?)),
                Err(_) => refuse!("tensor \"{}\" is not UTF-8", proto.name),
            }
        }
        element::BOOL => Ok(Value::Bool(
            Host::new(shape, integers(proto)?)?.map(|&number| number != 0),
        )),
        _ => Ok(Value::Int(Host::new(shape, integers(proto)?)?)),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "64-bit floats are computed as 32-bit"
)]
fn floats(proto: &TensorProto) -> Result<Vec<f32>, Fault> {
    let raw = &proto.raw_data;
    let stored_as_bits = || proto.int32_data.iter().map(|&bits| (bits & 0xffff) as u16);
    Ok(match proto.data_type {
        element::FLOAT if raw.is_empty() => proto.float_data.clone(),
        element::FLOAT => words(raw, f32::from_le_bytes)?,
        element::DOUBLE if raw.is_empty() => proto.double_data.iter().map(|&n| n as f32).collect(),
        element::DOUBLE => words(raw, |bytes| f64::from_le_bytes(bytes) as f32)?,
        element::FLOAT16 if raw.is_empty() => stored_as_bits().map(half).collect(),
        element::FLOAT16 => words(raw, |bytes| half(u16::from_le_bytes(bytes)))?,
        _ if raw.is_empty() => stored_as_bits().map(brain).collect(),
        _ => words(raw, |bytes| brain(u16::from_le_bytes(bytes)))?,
    })
}

fn integers(proto: &TensorProto) -> Result<Vec<i64>, Fault> {
    let raw = &proto.raw_data;
    let kind = proto.data_type;
    if raw.is_empty() {
        return Ok(match kind {
            element::INT64 => proto.int64_data.clone(),
            element::UINT32 | element::UINT64 => {
                proto.uint64_data.iter().map(|&n| n.cast_signed()).collect()
            }
            element::BOOL
            | element::INT32
            | element::INT16
            | element::INT8
            | element::UINT16
            | element::UINT8 => proto.int32_data.iter().map(|&n| i64::from(n)).collect(),
            other => refuse!("tensor \"{}\" is of element type {other}", proto.name),
        });
    }
    Ok(match kind {
        element::INT64 => words(raw, i64::from_le_bytes)?,
        element::UINT64 => words(raw, |bytes| u64::from_le_bytes(bytes).cast_signed())?,
        element::INT32 => words(raw, |bytes| i64::from(i32::from_le_bytes(bytes)))?,
        element::UINT32 => words(raw, |bytes| i64::from(u32::from_le_bytes(bytes)))?,
        element::INT16 => words(raw, |bytes| i64::from(i16::from_le_bytes(bytes)))?,
        element::UINT16 => words(raw, |bytes| i64::from(u16::from_le_bytes(bytes)))?,
        element::INT8 => raw
            .iter()
            .map(|&byte| i64::from(byte.cast_signed()))
            .collect(),
        element::UINT8 | element::BOOL => raw.iter().map(|&byte| i64::from(byte)).collect(),
        other => refuse!("tensor \"{}\" is of element type {other}", proto.name),
    })
}

/// Little-endian words of `N` bytes.
fn words<const N: usize, T>(raw: &[u8], decode: impl Fn([u8; N]) -> T) -> Result<Vec<T>, Fault> {
    let (chunks, rest) = raw.as_chunks::<N>();
    if !rest.is_empty() {
        refuse!("{} bytes are no whole number of {N}-byte words", raw.len());
    }
    Ok(chunks.iter().map(|&chunk| decode(chunk)).collect())
}

/// IEEE 754 binary16, exactly.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f32::from(bits & 0x3ff);
    sign * match exponent {
        0 => fraction * 2_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f32.powi(exponent - 15),
    }
}

/// bfloat16: the upper half of a 32-bit float.
fn brain(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}
