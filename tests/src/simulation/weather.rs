//! How often what goes wrong, drawn by the seed.
//!
//! Each fault is left out of half of all runs (swarm testing: Groce et al., ISSTA 2012): a run in which
//! everything goes wrong all the time hides what only shows when something else works.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Probabilities from 0 to 1, each of one call, message or row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Chances {
    /// A poll brings nothing though there is something.
    pub(super) poll_delayed: f64,
    /// A poll ends in an error.
    pub(super) poll_fails: f64,
    /// A poll brings again what the one before it brought.
    pub(super) delivered_twice: f64,
    /// A poll finds that the membership has ended.
    pub(super) membership_lost: f64,
    /// Another member comes and goes, so that partitions move.
    pub(super) rebalance: f64,
    /// The group has a new generation and everyone keeps what they have.
    pub(super) generation: f64,
    /// Any other call of the log does not get an answer.
    pub(super) log_fails: f64,
    /// A commit is aborted.
    pub(super) commit_aborted: f64,
    /// A newer producer fences this one.
    pub(super) commit_fenced: f64,
    /// A commit is made, and its outcome unknown.
    pub(super) unknown_made: f64,
    /// A commit is not made, and its outcome unknown.
    pub(super) unknown_lost: f64,
    /// A commit's outcome is unknown and not decided yet.
    pub(super) unknown_pending: f64,
    /// The process dies in a commit: before it, behind it, or while it is not decided.
    pub(super) dies_in_commit: f64,
    /// The process dies when an actor handles a message.
    pub(super) dies: f64,
    /// An actor panics when it handles a message.
    pub(super) actor_panics: f64,
    /// A session panics on a row, once.
    pub(super) row_panics: f64,
    /// A place takes some time.
    pub(super) slow: f64,
    /// A place takes long: 20 seconds.
    pub(super) hangs: f64,
    /// A sink takes a tenth of a second for each message.
    pub(super) slow_sink: f64,
    /// A store cannot be written; what it has is torn.
    pub(super) write_torn: f64,
    /// A store is found damaged when it is read.
    pub(super) store_damaged: f64,
    /// A process that dies loses what it wrote last, or all of its stores.
    pub(super) writes_lost: f64,
}

impl Chances {
    /// Draws them.
    pub(super) fn draw(dice: &mut ChaCha8Rng) -> Self {
        let mut of = |most: f64| match dice.random_bool(0.5) {
            true => most * dice.random_range(0.05..1.0),
            false => 0.0,
        };
        Self {
            poll_delayed: of(0.5),
            poll_fails: of(0.02),
            delivered_twice: of(0.3),
            membership_lost: of(0.004),
            rebalance: of(0.004),
            generation: of(0.02),
            log_fails: of(0.002),
            commit_aborted: of(0.1),
            commit_fenced: of(0.05),
            unknown_made: of(0.1),
            unknown_lost: of(0.1),
            unknown_pending: of(0.1),
            dies_in_commit: of(0.05),
            dies: of(0.002),
            actor_panics: of(0.003),
            row_panics: of(0.05),
            slow: of(0.05),
            hangs: of(0.0005),
            slow_sink: of(0.3),
            write_torn: of(0.2),
            store_damaged: of(0.02),
            writes_lost: of(1.0),
        }
    }
}
