//! How far the restore of a task's state is: what is left, how fast it goes, how long it will take.

/// A restore on its way. Counted in offsets of the task's changelogs: of a compacted topic some have no
/// record any more, so records left are at most so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restoring {
    /// Offsets passed.
    pub done: u64,
    /// Offsets to pass.
    pub total: u64,
    /// How long it has taken so far, in milliseconds.
    pub took_ms: u64,
}

impl Restoring {
    /// Offsets still to pass.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.total.saturating_sub(self.done)
    }

    /// Offsets a second, so far.
    #[must_use]
    pub fn per_s(&self) -> u64 {
        self.done.saturating_mul(1_000) / self.took_ms.max(1)
    }

    /// Seconds that what is left takes at this rate, rounded up; `None` before there is a rate.
    #[must_use]
    pub fn left_s(&self) -> Option<u64> {
        let per_s = self.per_s();
        (per_s > 0).then(|| self.left().div_ceil(per_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_takes_as_long_as_what_is_done_says() {
        let restoring = Restoring {
            done: 300_000,
            total: 1_000_000,
            took_ms: 1_500,
        };
        let told = (restoring.left(), restoring.per_s(), restoring.left_s());
        assert_eq!(told, (700_000, 200_000, Some(4)));
        let begun = Restoring {
            done: 0,
            ..restoring
        };
        assert_eq!(begun.left_s(), None);
    }
}
