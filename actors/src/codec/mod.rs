//! Bytes to columns and back: everything between a record's value and an Arrow batch.
//!
//! A record that does not decode is set aside alone, with a stable code and a reason
//! ([`BadRecord`]); its neighbours go on. Nothing here fails as a whole, panics on what a record
//! holds, or works beyond [`RECORD_BYTES_MAX`] for one record.
//!
//! [`Decoder`] reads what users write (JSON, NDJSON, CSV, raw bytes), only the columns that the
//! topology uses; [`Encoder`] writes it; [`key_text`] is the one text form of a key; [`row`] is the
//! exact binary form that rows have in repartition topics. The partition and sink actors call it.

mod fault;
mod timestamp;
mod value;
mod columns;
mod json;
mod csv;
mod decode;
mod text;
mod encode;
pub mod row;

pub use decode::{Decoded, Decoder};
pub use encode::{Encoded, Encoder};
pub use fault::{BadRecord, RECORD_BYTES_MAX, code};
pub use text::key_text;

#[cfg(test)]
mod tests;
