//! Whether another process has this node's id.
//!
//! Two processes under one id throw each other out of the group without end. But a client can also be
//! thrown out by an earlier one of its own process: one that was cut off while it joined joins again
//! when the network heals. That happens once; a rival comes back.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Within this time…
const WINDOW: Duration = Duration::from_mins(2);
/// …so many expulsions are a rival's.
const EXPULSIONS: usize = 3;

/// When this node was thrown out under its own id.
#[derive(Debug, Default)]
pub(super) struct Rivals(Mutex<VecDeque<Instant>>);

impl Rivals {
    /// Notes an expulsion, and says whether a rival is behind it.
    pub(super) fn expelled(&self, at: Instant) -> bool {
        let mut times = self.0.lock();
        while times
            .front()
            .is_some_and(|time| at.duration_since(*time) > WINDOW)
        {
            times.pop_front();
        }
        times.push_back(at);
        times.len() >= EXPULSIONS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_thrown_out_once_in_a_while_has_no_rival_and_who_is_time_and_again_has() {
        let (rivals, begin) = (Rivals::default(), Instant::now());
        let expelled = |seconds| rivals.expelled(begin + Duration::from_secs(seconds));
        let told: Vec<bool> = [0, 100, 200, 330, 340, 350].map(expelled).to_vec();
        assert_eq!(told, [false, false, false, false, false, true]);
    }
}
