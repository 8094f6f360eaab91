//! Made records: a world that is computed day by day, so that any record is found again at once.
//!
//! [`card_fraud`] and [`sensor`] say what happens on a day; [`days`] strings the days together, adds
//! the labels when they are due, and finds positions; [`record`] writes values for the source. A day
//! depends on the seed and its number only, never on what was asked for before.

mod record;
mod days;
mod card_fraud;
mod sensor;

use config::{Profile, Source};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use self::card_fraud::CardFraud;
use self::sensor::Sensor;
use super::FeedReader;

/// Midnight at which every made world begins: 2025-01-01T00:00:00Z, a Wednesday.
pub(crate) const START_MS: i64 = 1_735_689_600_000;

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// The reader of a generator from its record number `position` on (labels are counted too). `records`
/// bounds the records for the source's topic; each of them still gets its label.
#[must_use]
pub fn generator(
    profile: Profile,
    seed: u64,
    records: Option<u64>,
    source: &Source,
    position: u64,
) -> Box<dyn FeedReader> {
    let limit = records.unwrap_or(u64::MAX);
    match profile {
        Profile::CardFraud { drift } => {
            let world = CardFraud::new(seed, drift);
            Box::new(days::DayReader::new(world, source, limit, position))
        }
        Profile::Sensor => {
            let world = Sensor::new(seed);
            Box::new(days::DayReader::new(world, source, limit, position))
        }
    }
}

/// Random numbers for one purpose and one index of it (a day), apart from all others of this seed.
/// ChaCha: the same numbers on every machine, and 2^64 streams that can be begun anywhere.
fn stream(seed: u64, purpose: u8, index: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(u64::from(purpose) << 56 | index);
    random
}

#[cfg(test)]
pub(super) mod tests;
