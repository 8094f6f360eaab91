//! What people write beside a model: `model.toml` and `aliases.toml`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ModelError;

/// `<folder>/<version>/model.toml`. May be missing; every key may be missing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ModelFile {
    /// Names of the features, in the order of the columns.
    pub(crate) features: Vec<String>,
    /// For people.
    pub(crate) description: String,
    /// How it was made, in whatever words.
    pub(crate) training: toml::Table,
}

/// `<folder>/aliases.toml`: alias to version.
pub(crate) type Aliases = BTreeMap<String, u64>;

/// Reads a settings file; `None` if there is none.
///
/// # Errors
/// If it cannot be read or breaks the rules.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ModelError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(ModelError::Read {
                path: path.into(),
                source,
            });
        }
    };
    match toml::from_str(&text) {
        Ok(settings) => Ok(Some(settings)),
        Err(error) => Err(ModelError::Settings {
            path: path.into(),
            cause: error.to_string().trim_end().into(),
        }),
    }
}
