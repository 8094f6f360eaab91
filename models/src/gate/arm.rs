//! Which version answers a key while two are in service.

use serde::{Deserialize, Serialize};

use crate::xxh64::xxh64;

/// One of two versions in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arm {
    /// The one that is trusted.
    Champion,
    /// The one that is tried.
    Challenger,
}

/// The arm of a key when a share of all keys is tried on the challenger.
///
/// The key's place on a line from 0 to 1 is XXH64 of its bytes, seeded with XXH64 of the salt (seed 0), over 2^64; keys
/// below the share take the challenger. So a key keeps its arm over restarts and on every node; a growing share only
/// adds keys to the challenger; and another salt draws other keys. `share` is brought into [0, 1]; NaN is 0.
#[must_use]
pub fn arm(key: &[u8], salt: &str, share: f64) -> Arm {
    let place = xxh64(key, xxh64(salt.as_bytes(), 0));
    // The product is exact for the shares that people write, and saturates at 2^64 - 1 for a share of 1.
    let bound = share.max(0.0) * 2_f64.powi(64);
    if share >= 1.0 || place < bound as u64 {
        Arm::Challenger
    } else {
        Arm::Champion
    }
}
