//! Tests of the row codec.
