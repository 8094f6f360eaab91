//! When an alert fires and when it is resolved: a pure machine fed with what nodes say.
//!
//! ```text
//! inactive ──holds──▶ pending ──has held for `hold`──▶ firing
//!     ▲                  │                               │
//!     └──holds no more───┴───────────────────────────────┘
//! ```
//!
//! The condition holds if it does on any node that was heard lately. A node that dies takes what it
//! said with it: what is older than [`STALE_MS`] counts no more, seen when another node speaks. Time is that
//! of the observations, so the same observations give the same firings, whoever replays them.

use serde::{Deserialize, Serialize};

/// What a node said so long ago counts no more: it has missed four of the repetitions that whoever
/// looks at a firing alert makes.
pub const STALE_MS: i64 = 120_000;
/// Nodes remembered; beyond, the one that was silent longest is forgotten.
const NODES_MAX: usize = 256;

/// What a node says of an alert's condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation<'a> {
    /// Which node.
    pub node: &'a str,
    /// When: milliseconds since 1970-01-01 UTC.
    pub at: i64,
    /// Whether the condition holds there.
    pub holds: bool,
    /// How long it must hold before the alert fires.
    pub hold_ms: i64,
}

/// Something that is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Fires, or is resolved.
    pub firing: bool,
    /// Which firing of the alert, from 1 on.
    pub number: u64,
    /// Since when the condition has held.
    pub since: i64,
}

/// The state of one alert.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Machine {
    nodes: Vec<Heard>,
    since: Option<i64>,
    firing: bool,
    number: u64,
}

/// The last that a node said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Heard {
    node: String,
    at: i64,
    holds: bool,
}

impl Machine {
    /// Takes an observation; gives what it changes, if somebody is to be told.
    pub fn observe(&mut self, observed: &Observation<'_>) -> Option<Change> {
        self.hear(observed);
        if !self.nodes.iter().any(|heard| heard.holds) {
            let since = self.since.take();
            let was_firing = std::mem::take(&mut self.firing);
            return was_firing.then(|| Change {
                firing: false,
                number: self.number,
                since: since.unwrap_or(observed.at),
            });
        }
        let since = *self.since.get_or_insert(observed.at);
        if self.firing || observed.at - since < observed.hold_ms {
            return None;
        }
        self.firing = true;
        self.number += 1;
        Some(Change {
            firing: true,
            number: self.number,
            since,
        })
    }

    /// Whether nothing was ever said.
    #[must_use]
    pub fn is_new(&self) -> bool {
        *self == Self::default()
    }

    /// Since when the condition holds and whether the alert fires; `None`: it does not hold.
    #[must_use]
    pub fn active(&self) -> Option<(i64, bool)> {
        self.since.map(|since| (since, self.firing))
    }

    fn hear(&mut self, observed: &Observation<'_>) {
        self.nodes
            .retain(|heard| heard.node != observed.node && observed.at - heard.at <= STALE_MS);
        if self.nodes.len() == NODES_MAX
            && let Some(oldest) = (0..NODES_MAX).min_by_key(|at| self.nodes[*at].at)
        {
            self.nodes.remove(oldest);
        }
        self.nodes.push(Heard {
            node: observed.node.to_owned(),
            at: observed.at,
            holds: observed.holds,
        });
    }
}

#[cfg(test)]
mod tests;
