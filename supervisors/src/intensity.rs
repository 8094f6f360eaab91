//! Restart, leave or escalate: the whole policy as one pure function.

use config::{Backoff, Intensity, Millis};

use crate::Exit;

/// What to do about a child that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Start it again.
    Restart {
        /// After so long.
        after: Millis,
    },
    /// It was done; it stays ended.
    Leave,
    /// The budget is spent: the supervisor gives up and ends itself.
    Escalate,
}

/// Decides about one exit.
///
/// `history` holds the times of this supervisor's earlier restarts, on the clock of `now_ms`; those
/// older than the window do not count. The first restart within the window is at once: most failures do
/// not come again. The wait before the n-th behind it is drawn by `jitter`, from 0 to 1, from
/// 0..=min(max, initial·2ⁿ⁻¹) ("full jitter": Brooker, "Exponential Backoff And Jitter", 2015), so
/// that many supervisors that fail together do not come back together.
#[must_use]
pub fn decide(
    intensity: Intensity,
    backoff: Backoff,
    history: &[i64],
    now_ms: i64,
    exit: &Exit,
    jitter: f64,
) -> Decision {
    match exit {
        Exit::Normal => return Decision::Leave,
        Exit::Error { .. } | Exit::Hindered { .. } | Exit::Panic { .. } | Exit::Killed => {}
    }
    let spent = spent(intensity, history, now_ms);
    if spent >= intensity.restarts {
        return Decision::Escalate;
    }
    let ceiling = match spent.checked_sub(1) {
        None => 0,
        Some(doublings) => backoff.initial.0.saturating_mul(1_i64 << doublings.min(62)),
    };
    let ceiling = ceiling.min(backoff.max.0).max(0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "not above the ceiling, which is a span of milliseconds"
    )]
    let after = (ceiling as f64 * jitter.clamp(0.0, 1.0)) as i64;
    Decision::Restart {
        after: Millis(after),
    }
}

/// How many of the restarts in `history` lie within the window that ends now.
#[must_use]
pub fn spent(intensity: Intensity, history: &[i64], now_ms: i64) -> u32 {
    let begin = now_ms.saturating_sub(intensity.within.0);
    let count = history.iter().filter(|at| **at > begin).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A jitter for [`decide`], the same for the same seed: SplitMix64 (Steele, Lea & Flood, 2014) as a
/// number from 0 to 1.
pub(crate) fn jitter(seed: u64) -> f64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits are what a float64 holds"
    )]
    let mantissa = ((z ^ (z >> 31)) >> 11) as f64;
    mantissa / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PANIC: Exit = Exit::Panic {
        text: String::new(),
    };

    fn intensity(restarts: u32, within: i64) -> Intensity {
        Intensity {
            restarts,
            within: Millis(within),
        }
    }

    fn backoff(initial: i64, max: i64) -> Backoff {
        Backoff {
            initial: Millis(initial),
            max: Millis(max),
        }
    }

    #[test]
    fn a_budget_of_none_escalates_at_once() {
        let decision = decide(intensity(0, 1000), backoff(1, 1), &[], 0, &PANIC, 0.5);
        assert_eq!(decision, Decision::Escalate);
    }

    #[test]
    fn a_restart_that_left_the_window_no_longer_counts() {
        let policy = intensity(1, 1000);
        let at = |now| decide(policy, backoff(0, 0), &[0], now, &PANIC, 0.0);
        assert_eq!(at(999), Decision::Escalate);
        assert_eq!(at(1000), Decision::Restart { after: Millis(0) });
    }

    #[test]
    fn the_first_restart_is_at_once_then_the_ceiling_doubles_until_the_maximum() {
        let ceilings: Vec<i64> = (0..6)
            .map(|failures| {
                let history = vec![10; failures];
                let decision = decide(
                    intensity(9, 100),
                    backoff(100, 500),
                    &history,
                    10,
                    &PANIC,
                    1.0,
                );
                match decision {
                    Decision::Restart { after } => after.0,
                    Decision::Leave | Decision::Escalate => -1,
                }
            })
            .collect();
        assert_eq!(ceilings, [0, 100, 200, 400, 500, 500]);
    }

    proptest! {
        #[test]
        fn a_normal_exit_is_always_left(restarts: u32, history: Vec<i64>, now: i64, jitter in 0.0..1.0) {
            let decision = decide(
                intensity(restarts, 1000), backoff(1, 9), &history, now, &Exit::Normal, jitter,
            );
            prop_assert_eq!(decision, Decision::Leave);
        }

        #[test]
        fn no_window_ever_holds_more_restarts_than_allowed(
            gaps in prop::collection::vec(0_i64..400, 1..200), restarts in 0_u32..6, within in 1_i64..2000,
        ) {
            let policy = intensity(restarts, within);
            let (mut now, mut history) = (0, Vec::new());
            for gap in gaps {
                now += gap;
                if decide(policy, backoff(0, 0), &history, now, &PANIC, 0.0) == Decision::Escalate {
                    break;
                }
                history.push(now);
            }
            for (first, at) in history.iter().enumerate() {
                let inside = history[first..].iter().filter(|later| **later - at < within).count();
                prop_assert!(inside <= restarts as usize);
            }
        }

        #[test]
        fn the_wait_stays_within_its_ceiling(
            failures in 0_usize..80, initial in 0_i64..1_000_000, max in 0_i64..10_000_000, jitter in -1.0..2.0,
        ) {
            let history = vec![5; failures];
            let decision = decide(
                intensity(u32::MAX, 10), backoff(initial, max), &history, 5, &Exit::Killed, jitter,
            );
            let Decision::Restart { after } = decision else {
                return Err(TestCaseError::fail("the budget is not spent"));
            };
            let ceiling = match failures {
                0 => 0.0,
                _ => (initial as f64 * 2_f64.powi(failures as i32 - 1)).min(max as f64),
            };
            prop_assert!((0.0..=ceiling).contains(&(after.0 as f64)));
        }
    }
}
