//! What happened to a topology that somebody should know: the last thousand events, and a stream of
//! those to come. Each is told once, here and in the process's log.
//!
//! The actors report; `GET /v1/events` reads. Bounded: [`KEPT`] events, and a listener that falls
//! more than [`KEPT`] behind is told how many it missed.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::broadcast;

use super::alerts::{AlertState, Told};

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
    /// An alert fires, or is resolved.
    Alert {
        /// Its id.
        alert: String,
        /// What happened.
        state: AlertState,
        /// Which firing of the alert, from 1 on.
        firing: u64,
        /// Since when the condition has held.
        since_ms: i64,
        /// The node that said so last.
        node: Option<String>,
        /// What was measured.
        value: Option<f64>,
        /// Of which series of the metric.
        series: Option<String>,
        /// The condition as it is written.
        condition: Option<String>,
        /// Where it stands what to do.
        see: Option<String>,
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
        /// Restarts left in its supervisor's budget, or in its own.
        left: u32,
    },
    /// A partition failed too often: it is paused, the others go on without it.
    Parked {
        /// The task: `<sub-topology>-<partition>`.
        task: String,
        /// Kind of the reason.
        cause: &'static str,
        /// Its last failure.
        reason: String,
        /// Milliseconds until it is tried again.
        retry_ms: i64,
    },
    /// A parked partition is tried again.
    Retried {
        /// The task.
        task: String,
    },
    /// An actor made no progress: it was left behind with its thread, and is started anew.
    Hung {
        /// The actor, or its task, that is replaced.
        actor: String,
        /// Kind of the actor that was at work, or `thread`.
        at: &'static str,
        /// Where it was.
        stage: &'static str,
        /// Whether its thread was `computing` or `sleeping`.
        thread: &'static str,
        /// For how long it had made no progress, by its own time.
        stuck_ms: i64,
        /// Threads left behind that are still held, this one among them.
        lost: usize,
    },
    /// Records lay unread although nothing kept them from being read: the consumer is started anew.
    Unread {
        /// Topic.
        topic: String,
        /// Partition.
        partition: u32,
        /// The next record that should have come.
        offset: i64,
        /// For how long.
        unread_ms: i64,
    },
    /// A budget of restarts is spent: a supervisor gives up, and its own decides.
    Escalated {
        /// Path of the actor that failed last.
        actor: String,
        /// Its kind.
        kind: String,
        /// Kind of the reason.
        cause: &'static str,
        /// The reason.
        reason: String,
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
    fn log_alert(&self) {
        let Self::Alert {
            alert,
            state,
            firing,
            value,
            series,
            condition,
            see,
            ..
        } = self
        else {
            return;
        };
        match state {
            AlertState::Firing => tracing::warn!(
                alert,
                firing,
                value,
                series,
                condition,
                see,
                "an alert fires"
            ),
            AlertState::Resolved => {
                tracing::info!(alert, firing, condition, "an alert is resolved")
            }
        }
    }

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
            Self::Alert { .. } => self.log_alert(),
            Self::Hung {
                actor,
                at,
                stage,
                thread,
                stuck_ms,
                lost,
            } => tracing::error!(
                actor,
                at,
                stage,
                thread,
                stuck_ms,
                lost,
                "no progress: left behind, started anew"
            ),
            Self::Unread {
                topic,
                partition,
                offset,
                unread_ms,
            } => tracing::error!(
                topic,
                partition,
                offset,
                unread_ms,
                "records lie unread: the consumer is started anew"
            ),
            // The supervisors log what they do themselves.
            Self::Restarting { .. }
            | Self::Parked { .. }
            | Self::Retried { .. }
            | Self::Escalated { .. } => {}
        }
    }
}

impl From<Told> for Happened {
    fn from(told: Told) -> Self {
        // An event has a number and a time of its own.
        let Told {
            alert,
            at_ms: _,
            state,
            number: firing,
            since_ms,
            node,
            value,
            series,
            condition,
            see,
        } = told;
        Self::Alert {
            alert,
            state,
            firing,
            since_ms,
            node,
            value,
            series,
            condition,
            see,
        }
    }
}

#[cfg(test)]
mod tests;
