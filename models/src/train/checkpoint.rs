//! A training as bytes, to be continued after a crash to the very same weights.
//!
//! ```text
//! "TWTR" · version u32 LE · XXH64 of the rest u64 LE · bincode of `State`
//! ```

use serde::{Deserialize, Serialize};

use super::TrainError;
use super::descent::Moments;
use super::run::Run;
use crate::arch::Dense;
use crate::xxh64::xxh64;

const MAGIC: [u8; 4] = *b"TWTR";
const VERSION: u32 = 1;
const HEAD: usize = 16;
/// Bytes of a state, at most: three times the largest network, and room.
const STATE_BYTES_MAX: usize = 2 << 30;

/// All that a training needs beside its rows and settings.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// Of rows and settings: a checkpoint of others is refused.
    pub(super) fingerprint: u64,
    pub(super) run: Run,
    pub(super) layers: Vec<Dense>,
    pub(super) moments: Vec<Option<Moments>>,
}

fn configuration() -> impl bincode::config::Config {
    bincode::config::standard()
        .with_fixed_int_encoding()
        .with_limit::<STATE_BYTES_MAX>()
}

impl State {
    pub(super) fn encode(&self) -> Result<Vec<u8>, TrainError> {
        let body = bincode::serde::encode_to_vec(self, configuration()).map_err(|error| {
            TrainError::Checkpoint {
                cause: error.to_string(),
            }
        })?;
        let mut bytes = Vec::with_capacity(HEAD + body.len());
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(xxh64(&body, 0).to_le_bytes());
        bytes.extend(body);
        Ok(bytes)
    }

    /// # Errors
    /// If the bytes are no whole checkpoint of this version.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, TrainError> {
        let refused = |cause: &str| TrainError::Checkpoint {
            cause: cause.into(),
        };
        let Some((head, body)) = bytes.split_at_checked(HEAD) else {
            return Err(refused("it is cut off"));
        };
        if head[..4] != MAGIC {
            return Err(refused("it is none"));
        }
        if head[4..8] != VERSION.to_le_bytes() {
            return Err(refused("another version of this program wrote it"));
        }
        if head[8..] != xxh64(body, 0).to_le_bytes() {
            return Err(refused("it is damaged"));
        }
        match bincode::serde::decode_from_slice(body, configuration()) {
            Ok((state, read)) if read == body.len() => Ok(state),
            Ok(_) => Err(refused("it has bytes left over")),
            Err(error) => Err(refused(&error.to_string())),
        }
    }
}
