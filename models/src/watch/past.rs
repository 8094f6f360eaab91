//! The windows of a season, to compare a new one with: the same hour yesterday, the same day a week ago.
//!
//! Bounded: where there are too many, neighbours are added up, so that the season is covered always, if more coarsely.

use config::Millis;
use serde::{Deserialize, Serialize};

use super::Sketch;

/// Windows kept, at most.
const WINDOWS_MAX: usize = 64;

/// Windows gone by, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Past {
    windows: Vec<Sketch>,
}

impl Past {
    /// The window whose middle lies nearest to that of `now` less the season; `None` before there is one that is at
    /// least three quarters of a season old.
    pub(super) fn season_ago(&self, now: &Sketch, season: Millis) -> Option<&Sketch> {
        let wanted = middle(now).saturating_sub(season.0);
        let distance = |window: &&Sketch| middle(window).abs_diff(wanted);
        let found = self.windows.iter().min_by_key(distance)?;
        (distance(&found) <= season.0.unsigned_abs() / 4).then_some(found)
    }

    /// Takes a window, and forgets what no later one will be compared with.
    pub(super) fn keep(&mut self, window: Sketch, season: Millis) {
        let oldest = middle(&window).saturating_sub(season.0 + season.0 / 4);
        self.windows.push(window);
        self.windows.retain(|window| middle(window) >= oldest);
        if self.windows.len() > WINDOWS_MAX {
            let pairs = std::mem::take(&mut self.windows);
            for pair in pairs.chunks(2) {
                let mut sum = pair[0].clone();
                // Of one version, so of one profile; a window that is not cannot be added and is left out.
                if let Some(next) = pair.get(1) {
                    drop(sum.merge(next));
                }
                self.windows.push(sum);
            }
        }
    }
}

fn middle(window: &Sketch) -> i64 {
    let (first, last) = window.time;
    first.saturating_add(last.saturating_sub(first) / 2)
}
