//! What happened to a topology that somebody should know: the last thousand events, and a stream of
//! those to come. Each is told once, here and in the process's log.
//!
//! The actors report; `GET /v1/events` reads. Bounded: [`KEPT`] events, and a listener that falls
//! more than [`KEPT`] behind is told how many it missed.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::broadcast;

/// Events kept.
pub const KEPT: usize = 1_000;

/// Dead letters of one stage and code are told at most once in so many milliseconds.
const BURST_MS: i64 = 10_000;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Rises by one from 1 on in a life of the process.
    pub number: u64,
    /// Milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// What.
    #[serde(flatten)]
    pub happened: Happened,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Happened {
    /// Records went to the dead letters.
    DeadLetters {
        /// `decode`, or the id of a node.
        stage: String,
        /// Why, as a code.
        code: &'static str,
        /// How many since the last event of this stage and code.
        count: u64,
    },
    /// A key failed so often that its records are set aside until somebody decides.
    Quarantined {
        /// The keyed operator.
        operator: String,
        /// The key as text.
        key: String,
        /// Failures within a minute.
        failures: u32,
        /// The last of them.
        reason: String,
    },
    /// Somebody has ended a quarantine.
    Released {
        /// The keyed operator.
        operator: String,
        /// The key as text.
        key: String,
        /// `release`, `replay` or `skip`.
        action: &'static str,
        /// Records that were run again.
        replayed: u64,
    },
    /// The circuit breaker before a model changed.
    Breaker {
        /// The model.
        model: String,
        /// `closed`, `open` or `half-open`.
        from: &'static str,
        /// The same.
        to: &'static str,
        /// What made it change; empty for a probe.
        reason: String,
    },
    /// An actor ended and is started again.
    Restarting {
        /// Its path in the tree.
        actor: String,
        /// Its kind.
        kind: String,
        /// Kind of the reason.
        cause: &'static str,
        /// The reason.
        reason: String,
        /// Milliseconds until it starts.
        after_ms: i64,
        /// Restarts left in its supervisor's budget.
        left: u32,
    },
}

/// The events of a process.
pub struct Events {
    kept: Mutex<Kept>,
    stream: broadcast::Sender<Event>,
}

#[derive(Default)]
struct Kept {
    last: VecDeque<Event>,
    number: u64,
    bursts: HashMap<(String, &'static str), Burst>,
}

/// Dead letters of a stage and code: bounded by the nodes of a topology.
#[derive(Default)]
struct Burst {
    told_ms: Option<i64>,
    untold: u64,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            stream: broadcast::Sender::new(KEPT),
        }
    }
}

impl Events {
    /// Something happened.
    pub fn tell(&self, now_ms: i64, happened: Happened) {
        happened.log();
        let mut kept = self.kept.lock();
        kept.number += 1;
        let event = Event {
            number: kept.number,
            at_ms: now_ms,
            happened,
        };
        if kept.last.len() == KEPT {
            kept.last.pop_front();
        }
        kept.last.push_back(event.clone());
        // Sent under the lock, so that listeners hear them in order. Nobody may be listening.
        drop(self.stream.send(event));
    }

    /// So many records went to the dead letters: told at once, then gathered for ten seconds.
    pub fn dead_letters(&self, now_ms: i64, stage: &str, code: &'static str, count: u64) {
        let told = {
            let mut kept = self.kept.lock();
            let burst = kept.bursts.entry((stage.to_owned(), code)).or_default();
            burst.untold += count;
            let due = burst.told_ms.is_none_or(|told| now_ms - told >= BURST_MS);
            due.then(|| {
                burst.told_ms = Some(now_ms);
                std::mem::take(&mut burst.untold)
            })
        };
        if let Some(count) = told {
            let stage = stage.to_owned();
            self.tell(now_ms, Happened::DeadLetters { stage, code, count });
        }
    }

    /// The last events with a number above `after`, oldest first, and those to come.
    #[must_use]
    pub fn since(&self, after: u64) -> (Vec<Event>, broadcast::Receiver<Event>) {
        let kept = self.kept.lock();
        let last = kept.last.iter();
        let last = last.filter(|event| event.number > after).cloned();
        (last.collect(), self.stream.subscribe())
    }
}

impl Happened {
    fn log(&self) {
        match self {
            Self::DeadLetters { stage, code, count } => {
                tracing::warn!(stage, code, count, "records went to the dead letters");
            }
            Self::Quarantined {
                operator,
                failures,
                reason,
                ..
            } => tracing::warn!(operator, failures, reason, "a key is in quarantine"),
            Self::Released {
                operator,
                action,
                replayed,
                ..
            } => tracing::info!(operator, action, replayed, "a key's quarantine has ended"),
            Self::Breaker {
                model,
                from,
                to,
                reason,
            } => tracing::warn!(model, from, to, reason, "circuit breaker changed"),
            // The supervisors log their restarts themselves.
            Self::Restarting { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(events: &Events) -> Vec<(u64, u64)> {
        let counts = events
            .since(0)
            .0
            .into_iter()
            .map(|event| match event.happened {
                Happened::DeadLetters { count, .. } => (event.number, count),
                other => panic!("{other:?}"),
            });
        counts.collect()
    }

    #[test]
    fn a_burst_of_dead_letters_is_told_at_once_and_then_every_ten_seconds() {
        let events = Events::default();
        for second in 0..25 {
            events.dead_letters(second * 1_000, "decode", "bad", 3);
        }
        assert_eq!(letters(&events), [(1, 3), (2, 30), (3, 30)]);
        events.dead_letters(25_000, "score", "model-failed", 1);
        assert_eq!(letters(&events).len(), 4, "another stage has its own");
    }

    #[test]
    fn the_last_thousand_are_kept_and_listeners_hear_what_comes() {
        let events = Events::default();
        let happened = |nth: u64| Happened::Breaker {
            model: nth.to_string(),
            from: "closed",
            to: "open",
            reason: String::new(),
        };
        (1..=1_500).for_each(|nth| events.tell(0, happened(nth)));
        let (last, mut stream) = events.since(0);
        assert_eq!(last.len(), KEPT);
        assert_eq!((last[0].number, last[KEPT - 1].number), (501, 1_500));
        assert_eq!(events.since(1_498).0.len(), 2);
        events.tell(0, happened(1_501));
        assert_eq!(stream.try_recv().map(|event| event.number), Ok(1_501));
    }
}
