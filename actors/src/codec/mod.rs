//! Bytes to columns and back. A record that does not decode is set aside with the reason; its
//! neighbours go on.

pub mod decode;
pub mod encode;
