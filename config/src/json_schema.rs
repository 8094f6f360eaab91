//! The JSON Schema of topology files, for editors: made of the types that read them.

use schemars::generate::SchemaSettings;

use crate::raw::Document;

/// The JSON Schema (draft 2020-12) of a topology file, written as JSON or TOML.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<Document>().to_value()
}

#[cfg(test)]
mod tests;
