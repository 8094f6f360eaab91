//! When the operator is to hear again of a condition: a pure decision.

/// While an alert fires, or may, what is known of it is repeated so often; four times within what makes
/// a node stale to the operator.
const REPEAT_MS: i64 = 30_000;

/// What was said last of one alert; nothing after a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Watch {
    last: Option<(i64, bool)>,
}

impl Watch {
    /// Whether something is to be said: when the condition has changed since it was said, once it has
    /// held for long enough, and from time to time while it holds or the alert fires. So a node that
    /// died is noticed missing, and an operator that was set back hears again.
    pub(super) fn is_due(
        &self,
        now: i64,
        holds: bool,
        since: Option<i64>,
        hold_ms: i64,
        is_firing: bool,
    ) -> bool {
        let Some((at, said)) = self.last else {
            return true;
        };
        let is_ripe = !is_firing && since.is_some_and(|since| now - since >= hold_ms);
        said != holds || is_ripe || ((holds || is_firing) && now - at >= REPEAT_MS)
    }

    /// It has been said, and is in the log.
    pub(super) fn said(&mut self, at: i64, holds: bool) {
        self.last = Some((at, holds));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_hears_of_changes_of_what_is_ripe_and_now_and_then_of_what_fires() {
        let said = Watch {
            last: Some((1_000, true)),
        };
        let is_due = |now, holds, since, firing| said.is_due(now, holds, since, 5_000, firing);
        assert!(
            Watch::default().is_due(0, false, None, 0, false),
            "after a start"
        );
        assert!(!is_due(2_000, true, Some(1_000), false), "it has been said");
        assert!(is_due(2_000, false, None, false), "it has changed");
        assert!(is_due(6_000, true, Some(1_000), false), "it is to fire");
        assert!(!is_due(6_000, true, Some(1_000), true), "it fires");
        assert!(is_due(31_000, true, Some(1_000), true), "it fires still");
        let quiet = Watch {
            last: Some((0, false)),
        };
        assert!(
            !quiet.is_due(3_600_000, false, None, 0, false),
            "nothing is up"
        );
        assert!(
            quiet.is_due(30_000, false, None, 0, true),
            "another node's fires"
        );
    }
}
