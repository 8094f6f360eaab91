//! Injected faults: what a network and brokers do to a consumer and a producer, from a seed.
//!
//! Each consumer and each producer throws dice of its own, seeded by the log's seed and its number,
//! so that threads do not disturb one another's faults.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use config::{Start, TopicName};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::MemoryStorage;
use crate::log::local::LocalLog;
use crate::log::{
    Consumer, ConsumerSettings, Fetched, GroupToken, Log, LogError, LogRecord, OffsetCommit,
    Polled, Producer, TopicPartition,
};

/// How often what goes wrong: probabilities from 0 to 1, of one poll or one commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// Same seed and same calls, same faults.
    pub seed: u64,
    /// A poll, and some after it, bring nothing though there is something.
    pub delay: f64,
    /// Most polls that a delay lasts.
    pub delay_polls_max: u32,
    /// A poll ends in [`LogError::Unavailable`].
    pub poll_error: f64,
    /// A poll brings the records of the poll before it once more. Whoever reads must know them by
    /// their offsets.
    pub duplicate: f64,
    /// The membership ends (`Revoked`, lost); a new one begins (`Assigned`) at the committed offsets.
    pub rebalance: f64,
    /// A commit ends in [`LogError::Aborted`]; nothing is visible.
    pub abort: f64,
    /// A newer producer appears just before a commit, which ends in [`LogError::Fenced`].
    pub fence: f64,
    /// A commit is made but ends in [`LogError::UnknownOutcome`].
    pub unknown_committed: f64,
    /// A commit is not made and ends in [`LogError::UnknownOutcome`].
    pub unknown_lost: f64,
}

/// Where consumers and producers get their dice.
#[derive(Debug)]
pub(super) struct Dice {
    faults: Faults,
    handed_out: AtomicU64,
}

impl Faults {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::all(0, 0.0)
    }

    /// Everything goes wrong with this probability.
    #[must_use]
    pub fn all(seed: u64, probability: f64) -> Self {
        Self {
            seed,
            delay: probability,
            delay_polls_max: 3,
            poll_error: probability,
            duplicate: probability,
            rebalance: probability,
            abort: probability,
            fence: probability,
            unknown_committed: probability,
            unknown_lost: probability,
        }
    }
}

impl Dice {
    pub(super) fn new(faults: Faults) -> Self {
        Self {
            faults,
            handed_out: AtomicU64::new(0),
        }
    }

    fn hand_out(&self) -> ChaCha8Rng {
        let number = self.handed_out.fetch_add(1, Ordering::Relaxed);
        let mut dice = ChaCha8Rng::seed_from_u64(self.faults.seed);
        dice.set_stream(number);
        dice
    }
}

/// A consumer with faults.
pub(super) fn consumer(
    log: &LocalLog<MemoryStorage>,
    settings: &ConsumerSettings,
    dice: &Arc<Dice>,
) -> Result<Box<dyn Consumer>, LogError> {
    Ok(Box::new(FaultyConsumer {
        inner: log.consumer(settings)?,
        log: log.clone(),
        settings: settings.clone(),
        dice: dice.hand_out(),
        faults: dice.faults.clone(),
        delayed: 0,
        last: None,
        assigned: Vec::new(),
    }))
}

/// A producer with faults.
pub(super) fn producer(
    log: &LocalLog<MemoryStorage>,
    transactional_id: &str,
    dice: &Arc<Dice>,
) -> Result<Box<dyn Producer>, LogError> {
    Ok(Box::new(FaultyProducer {
        inner: log.producer(transactional_id)?,
        log: log.clone(),
        id: transactional_id.to_owned(),
        dice: dice.hand_out(),
        faults: dice.faults.clone(),
    }))
}

struct FaultyConsumer {
    inner: Box<dyn Consumer>,
    log: LocalLog<MemoryStorage>,
    settings: ConsumerSettings,
    dice: ChaCha8Rng,
    faults: Faults,
    /// Polls that still bring nothing.
    delayed: u32,
    /// What the last poll brought.
    last: Option<(TopicPartition, Fetched)>,
    assigned: Vec<TopicPartition>,
}

impl Consumer for FaultyConsumer {
    fn poll(&mut self, timeout: Duration) -> Result<Polled, LogError> {
        if self.delayed > 0 {
            self.delayed -= 1;
            return Ok(Polled::Nothing);
        }
        if self.dice.random_bool(self.faults.delay) {
            self.delayed = self.dice.random_range(0..=self.faults.delay_polls_max);
            return Ok(Polled::Nothing);
        }
        if self.dice.random_bool(self.faults.poll_error) {
            return Err(LogError::Unavailable("an injected fault".to_owned()));
        }
        if !self.assigned.is_empty() && self.dice.random_bool(self.faults.rebalance) {
            return self.rebalance();
        }
        if self.dice.random_bool(self.faults.duplicate)
            && let Some((at, fetched)) = self.last.clone()
        {
            return Ok(Polled::Records(at, fetched));
        }
        let polled = self.inner.poll(timeout)?;
        match &polled {
            Polled::Records(at, fetched) => self.last = Some((at.clone(), fetched.clone())),
            Polled::Assigned(partitions) => self.assigned.extend(partitions.iter().cloned()),
            Polled::Nothing | Polled::Revoked { .. } => self.last = None,
        }
        Ok(polled)
    }

    fn subscribe(&mut self, topics: &[(TopicName, Start)]) -> Result<(), LogError> {
        self.settings.topics = topics.to_vec();
        self.inner.subscribe(topics)
    }

    fn pause(&mut self, at: &TopicPartition) {
        self.forget(at);
        self.inner.pause(at);
    }

    fn resume(&mut self, at: &TopicPartition) {
        self.inner.resume(at);
    }

    fn seek(&mut self, at: &TopicPartition, offset: i64) -> Result<(), LogError> {
        self.forget(at);
        self.inner.seek(at, offset)
    }

    fn token(&self) -> Result<GroupToken, LogError> {
        self.inner.token()
    }
}

impl FaultyConsumer {
    fn rebalance(&mut self) -> Result<Polled, LogError> {
        self.inner = self.log.consumer(&self.settings)?;
        self.last = None;
        Ok(Polled::Revoked {
            partitions: std::mem::take(&mut self.assigned),
            lost: true,
        })
    }

    /// A partition that was paused or moved does not repeat what it brought before.
    fn forget(&mut self, at: &TopicPartition) {
        if self.last.as_ref().is_some_and(|(last, _)| last == at) {
            self.last = None;
        }
    }
}

struct FaultyProducer {
    inner: Box<dyn Producer>,
    log: LocalLog<MemoryStorage>,
    id: String,
    dice: ChaCha8Rng,
    faults: Faults,
}

impl Producer for FaultyProducer {
    fn begin(&mut self) -> Result<(), LogError> {
        self.inner.begin()
    }

    fn send(&mut self, to: &TopicPartition, records: Vec<LogRecord>) -> Result<(), LogError> {
        self.inner.send(to, records)
    }

    fn send_offsets(
        &mut self,
        group: &str,
        offsets: &[OffsetCommit],
        token: Option<&GroupToken>,
    ) -> Result<(), LogError> {
        self.inner.send_offsets(group, offsets, token)
    }

    fn commit(&mut self) -> Result<(), LogError> {
        if self.dice.random_bool(self.faults.abort) {
            self.inner.abort()?;
            return Err(LogError::Aborted("an injected fault".to_owned()));
        }
        if self.dice.random_bool(self.faults.fence) {
            drop(self.log.producer(&self.id)?);
            return self.inner.commit();
        }
        if self.dice.random_bool(self.faults.unknown_committed) {
            self.inner.commit()?;
            return Err(LogError::UnknownOutcome("an injected fault".to_owned()));
        }
        if self.dice.random_bool(self.faults.unknown_lost) {
            self.inner.abort()?;
            return Err(LogError::UnknownOutcome("an injected fault".to_owned()));
        }
        self.inner.commit()
    }

    fn abort(&mut self) -> Result<(), LogError> {
        self.inner.abort()
    }
}
