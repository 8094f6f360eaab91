//! What holds where the file is silent, each with its reason.

use crate::{
    Batching, ByteSize, Delivery, EpochSettings, Hosting, Millis, StateSettings, WatermarkSettings,
};

/// A tenth of a second bounds the wait for an answer that is read committed; a commit costs about
/// 3 ms, so that it takes 3 % of the time. 10,000 records bound what an abort repeats.
pub(crate) const EPOCH: EpochSettings = EpochSettings {
    interval: Millis(100),
    records: 10_000,
    delivery: Delivery::ExactlyOnce,
};

/// Half a gibibyte fits every machine that runs models, and holds about a million small sessions.
/// Ten idle minutes keep what a person is doing right now.
pub(crate) const STATE: StateSettings = StateSettings {
    memory: ByteSize(512 << 20),
    idle: Millis(600_000),
};

/// A hosted session costs a twentieth of an actor, in memory and in time.
pub(crate) const HOSTING: Hosting = Hosting::Hosted { max: None };

/// Sessions that are actors, in each task: some 8 MB.
pub(crate) const ACTORS: u32 = 1_000;

/// No delay: whoever knows their records to be late says how late. Half a minute of silence is more
/// than a hiccup of a broker and less than a person's patience.
pub(crate) const WATERMARK: WatermarkSettings = WatermarkSettings {
    delay: Millis(0),
    idle: Some(Millis(30_000)),
};

/// Enough to keep four cores busy; topics that exist keep what they have.
pub(crate) const PARTITIONS: u32 = 4;

/// 256 rows fill the vector units of a small network; two milliseconds are felt by no one.
pub(crate) const BATCHING: Batching = Batching {
    size: 256,
    delay: Millis(2),
};

/// The topic of records that cannot be processed: its suffix after the topology's name.
pub(crate) const DEAD_LETTERS: &str = ".dead-letters";

/// The alpha of an exponentially weighted mean: about the last nineteen values (2 / (n + 1)).
pub(crate) const EWMA_ALPHA: f64 = 0.1;
