//! Questions that only `thalweg doctor` asks: who the brokers are, what they are set to, whether a
//! transaction goes through, whose transaction holds readers back, and what time it is there.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::offsets::{Sees, Where};
use super::{KafkaLog, Place, producer};
use crate::log::{LogError, LogRecord, TopicPartition};

/// A cluster as it shows itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The brokers, `host:port`, by their ids.
    pub brokers: Vec<(i32, String)>,
    /// Topics, the brokers' own not counted.
    pub topics: usize,
}

/// A partition whose committed records cannot all be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// Which.
    pub at: TopicPartition,
    /// Readers of committed records end here (the last stable offset).
    pub readable: i64,
    /// Records are written up to here (the high watermark).
    pub written: i64,
}

/// How wrong a clock may be that is still measured.
const SKEW_MS_MAX: i64 = 24 * 3_600_000;
/// How soon a transaction's marker is there.
const MARKER_WITHIN: Duration = Duration::from_secs(2);

impl KafkaLog {
    /// Who the brokers are.
    ///
    /// # Errors
    /// If none can be reached.
    pub fn cluster(&self) -> Result<Cluster, LogError> {
        let metadata = self.topics.offsets().metadata(None)?;
        let brokers = metadata.brokers().iter();
        let topics = metadata.topics().iter();
        Ok(Cluster {
            brokers: brokers
                .map(|broker| (broker.id(), format!("{}:{}", broker.host(), broker.port())))
                .collect(),
            topics: topics
                .filter(|topic| !topic.name().starts_with("__"))
                .count(),
        })
    }

    /// A setting of a broker; `None` if brokers of its version do not have it.
    ///
    /// # Errors
    /// If it cannot be reached, or the right to ask is missing.
    pub fn broker_setting(&self, id: i32, name: &str) -> Result<Option<String>, LogError> {
        let settings = self.topics.admin().broker(id)?;
        Ok(settings.get(name).map(str::to_owned))
    }

    /// Partitions whose readers end at an open transaction now, and still after this time.
    ///
    /// # Errors
    /// If the brokers cannot be reached, or a partition is not there.
    pub fn held_back(
        &self,
        at: &[TopicPartition],
        longer_than: Duration,
    ) -> Result<Vec<HeldBack>, LogError> {
        let offsets = self.topics.offsets();
        let written = offsets.of(Sees::Everything, at, Where::End)?;
        let behind = || -> Result<Vec<HeldBack>, LogError> {
            let readable = offsets.of(Sees::Committed, at, Where::End)?;
            let all = at.iter().zip(readable.into_iter().zip(&written));
            let behind = all.filter(|(_, (readable, written))| readable < *written);
            let held = behind.map(|(at, (readable, written))| HeldBack {
                at: at.clone(),
                readable,
                written: *written,
            });
            Ok(held.collect())
        };
        let began = now();
        loop {
            let held = behind()?;
            if held.is_empty() || began.elapsed() >= longer_than {
                return Ok(held);
            }
            std::thread::park_timeout(longer_than / 10);
        }
    }

    /// Writes one record to a partition in a transaction under this id and takes it back: nobody
    /// reads it. Shows that ids, topic and coordinator let this user do so.
    ///
    /// # Errors
    /// What the brokers object to.
    pub fn try_transaction(&self, id: &str, at: &TopicPartition) -> Result<(), LogError> {
        let value = Bytes::from_static(b"thalweg doctor");
        let record = LogRecord::new(None, Some(value), 1);
        producer::rehearse(&self.shared, id, at, record)
    }

    /// What a partition's leader took for the time when it wrote the last record, in milliseconds:
    /// behind [`KafkaLog::try_transaction`] that is the abort's marker, which bears the broker's own
    /// time. Found by asking for offsets at times, so to the millisecond. `None` if records before
    /// it are younger, or it is more than a day from `around`.
    ///
    /// # Errors
    /// If the brokers cannot be reached.
    pub fn last_written_at(
        &self,
        at: &TopicPartition,
        around: i64,
    ) -> Result<Option<i64>, LogError> {
        let at = std::slice::from_ref(at);
        let offsets = self.topics.offsets();
        let ask = |which| {
            let found = offsets.of(Sees::Everything, at, which)?.first().copied();
            let place = Place::new("asking for an offset");
            found.ok_or_else(|| LogError::Unavailable(format!("{place}: no answer")))
        };
        let began = now();
        loop {
            let last = ask(Where::End)? - 1;
            // The youngest of all records up to the last is at least this young, and not as that.
            let (mut low, mut high) = (around - SKEW_MS_MAX, around + SKEW_MS_MAX);
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                match ask(Where::At(middle))? <= last {
                    true => low = middle,
                    false => high = middle,
                }
            }
            if ask(Where::At(low))? == last && low > around - SKEW_MS_MAX {
                return Ok(Some(low));
            }
            // It is another than the last; or the marker is not there yet, which brokers write after
            // they have answered the producer.
            if began.elapsed() > MARKER_WITHIN {
                return Ok(None);
            }
            std::thread::park_timeout(MARKER_WITHIN / 40);
        }
    }
}

fn now() -> Instant {
    Instant::now()
}
