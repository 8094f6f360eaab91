//! Credits: how many batches of a partition may be on their way from the consumer to its task.
//!
//! The consumer takes one for each batch and stops delivering a partition that has none left; the
//! task gives it back when the batch is done, or keeps it until the epoch is handed over when the
//! epoch has its share of records or bytes. So mailboxes, which have no bound of their own, have one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use parking_lot::RwLock;

use crate::log::TopicPartition;

/// Batches of one partition that may be on their way: one at work, one waiting.
pub const CREDITS: u32 = 2;

/// Credits of the inputs of one task.
#[derive(Debug)]
pub struct Credits {
    /// Topics of a pattern come and go between two lives of a task.
    inputs: RwLock<Vec<Arc<Credit>>>,
    closed: AtomicBool,
}

#[derive(Debug)]
struct Credit {
    at: TopicPartition,
    taken: AtomicU32,
    withheld: AtomicU32,
}

impl Credits {
    /// Full credit for these inputs.
    #[must_use]
    pub fn new(inputs: impl Iterator<Item = TopicPartition>) -> Self {
        let credits = Self {
            inputs: RwLock::default(),
            closed: AtomicBool::new(false),
        };
        credits.reset(inputs);
        credits
    }

    fn of(&self, at: &TopicPartition) -> Option<Arc<Credit>> {
        let inputs = self.inputs.read();
        inputs.iter().find(|credit| credit.at == *at).cloned()
    }

    /// Whether a batch may be sent.
    #[must_use]
    pub fn available(&self, at: &TopicPartition) -> bool {
        !self.closed.load(Ordering::Acquire)
            && self
                .of(at)
                .is_some_and(|credit| credit.taken.load(Ordering::Acquire) < CREDITS)
    }

    /// Batches of all inputs that are on their way, at work, or done in an epoch that has its share.
    #[must_use]
    pub fn taken(&self) -> usize {
        let taken = |credit: &Credit| credit.taken.load(Ordering::Relaxed) as usize;
        self.inputs.read().iter().map(|credit| taken(credit)).sum()
    }

    /// A batch is sent.
    pub fn take(&self, at: &TopicPartition) {
        if let Some(credit) = self.of(at) {
            credit.taken.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// A batch is done; `withhold` keeps the credit until [`Credits::release_withheld`].
    pub fn give_back(&self, at: &TopicPartition, withhold: bool) {
        let Some(credit) = self.of(at) else { return };
        if withhold {
            credit.withheld.fetch_add(1, Ordering::AcqRel);
        } else {
            credit.taken.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// The epoch is handed over: withheld credits are free again.
    pub fn release_withheld(&self) {
        for credit in self.inputs.read().iter() {
            let withheld = credit.withheld.swap(0, Ordering::AcqRel);
            credit.taken.fetch_sub(withheld, Ordering::AcqRel);
        }
    }

    /// Whether the task takes nothing at all for now, whatever credit there is.
    pub fn set_closed(&self, closed: bool) {
        self.closed.store(closed, Ordering::Release);
    }

    /// A new life of the task: nothing is on its way from these inputs.
    pub fn reset(&self, inputs: impl Iterator<Item = TopicPartition>) {
        let credit = |at| {
            let (taken, withheld) = (AtomicU32::new(0), AtomicU32::new(0));
            Arc::new(Credit {
                at,
                taken,
                withheld,
            })
        };
        self.set_closed(false);
        *self.inputs.write() = inputs.map(credit).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_without_credit_gets_nothing_until_one_comes_back() {
        let at = TopicPartition::new(config::TopicName::parse("t").expect("valid"), 0);
        let credits = Credits::new(std::iter::once(at.clone()));
        for _ in 0..CREDITS {
            assert!(credits.available(&at));
            credits.take(&at);
        }
        assert!(!credits.available(&at));
        credits.give_back(&at, true);
        assert!(!credits.available(&at), "a withheld credit is not free");
        credits.release_withheld();
        assert!(credits.available(&at));
        credits.set_closed(true);
        assert!(!credits.available(&at), "closed");
        credits.reset(std::iter::once(at.clone()));
        assert!(credits.available(&at), "a new life");
    }
}
