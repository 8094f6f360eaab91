//! The circuit breaker before a model: when the model fails again and again, it is not asked for a
//! while, so that a dead one costs no deadline a batch.
//!
//! As in M. Nygard, *Release It!* (2007): closed (all ask) → open after [`FAILURES`] failures in a row
//! (nobody asks) → half-open when the pause is over (one probe asks) → closed if the probe goes well,
//! else open again for twice the time. The names are those of the electric circuit: *closed* is well.
//! Pure: time comes from the caller.

/// Failed requests in a row that open it. One failure may be the request's own fault.
pub const FAILURES: u32 = 5;
/// The first pause, in milliseconds: a model that only stumbled is soon back.
pub const PAUSE_MS_MIN: i64 = 500;
/// The longest pause, in milliseconds: how late a repaired model may be noticed.
pub const PAUSE_MS_MAX: i64 = 30_000;
/// A probe without outcome for so long (its requester was stopped) no longer keeps others from probing.
pub const PROBE_MS_MAX: i64 = 60_000;

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// The model is asked.
    Closed {
        /// Failures since the last success; below [`FAILURES`].
        failures: u32,
    },
    /// The model is not asked.
    Open {
        /// Until then.
        until_ms: i64,
        /// How long this pause is.
        pause_ms: i64,
    },
    /// One request has been let through.
    HalfOpen {
        /// When.
        since_ms: i64,
        /// How long the pause before it was.
        pause_ms: i64,
    },
}

/// What happens to a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Somebody wants to ask the model.
    Ask,
    /// A request went well.
    Succeeded,
    /// A request failed as a whole: error, panic, deadline.
    Failed,
}

/// Whether the model may be asked. Means something for [`Signal::Ask`] alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Admit,
    /// It may not: the fallback stands in, or the rows become dead letters.
    Refuse,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// In one word: `closed`, `open`, `half-open`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half-open",
        }
    }
}

/// What becomes of a breaker, and of who asks.
#[must_use]
pub fn decide(breaker: Breaker, signal: Signal, now_ms: i64) -> (Breaker, Verdict) {
    let probe = |pause_ms| Breaker::HalfOpen {
        since_ms: now_ms,
        pause_ms,
    };
    let open = |pause_ms: i64| Breaker::Open {
        until_ms: now_ms.saturating_add(pause_ms),
        pause_ms,
    };
    match (breaker, signal) {
        (Breaker::Closed { .. }, Signal::Ask) => (breaker, Verdict::Admit),
        (Breaker::Closed { failures }, Signal::Failed) if failures + 1 >= FAILURES => {
            (open(PAUSE_MS_MIN), Verdict::Refuse)
        }
        (Breaker::Closed { failures }, Signal::Failed) => {
            let failures = failures + 1;
            (Breaker::Closed { failures }, Verdict::Admit)
        }
        (Breaker::Open { until_ms, pause_ms }, Signal::Ask) if now_ms >= until_ms => {
            (probe(pause_ms), Verdict::Admit)
        }
        (Breaker::HalfOpen { since_ms, pause_ms }, Signal::Ask)
            if now_ms.saturating_sub(since_ms) >= PROBE_MS_MAX =>
        {
            (probe(pause_ms), Verdict::Admit)
        }
        (Breaker::HalfOpen { pause_ms, .. }, Signal::Failed) => {
            (open((pause_ms * 2).min(PAUSE_MS_MAX)), Verdict::Refuse)
        }
        // A request from before the opening that failed late says nothing new.
        (Breaker::Open { .. } | Breaker::HalfOpen { .. }, Signal::Ask | Signal::Failed) => {
            (breaker, Verdict::Refuse)
        }
        // However late: a model that answers is there.
        (
            Breaker::Closed { .. } | Breaker::Open { .. } | Breaker::HalfOpen { .. },
            Signal::Succeeded,
        ) => (Breaker::Closed { failures: 0 }, Verdict::Admit),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signal() -> impl Strategy<Value = Signal> {
        prop_oneof![
            3 => Just(Signal::Ask),
            1 => Just(Signal::Succeeded),
            3 => Just(Signal::Failed),
        ]
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_probe_that_goes_well_closes_it() {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES {
            assert_eq!(decide(breaker, Signal::Ask, 0).1, Verdict::Admit);
            breaker = decide(breaker, Signal::Failed, 0).0;
        }
        assert_eq!(decide(breaker, Signal::Ask, 499).1, Verdict::Refuse);
        let (probing, verdict) = decide(breaker, Signal::Ask, 500);
        assert_eq!((probing.label(), verdict), ("half-open", Verdict::Admit));
        assert_eq!(
            decide(probing, Signal::Ask, 501).1,
            Verdict::Refuse,
            "one probe"
        );
        let (again, _) = decide(probing, Signal::Failed, 600);
        assert_eq!(
            decide(again, Signal::Ask, 1_599).1,
            Verdict::Refuse,
            "twice as long"
        );
        assert_eq!(decide(again, Signal::Ask, 1_600).1, Verdict::Admit);
        assert_eq!(
            decide(probing, Signal::Succeeded, 600).0,
            Breaker::default()
        );
    }

    proptest! {
        #[test]
        fn it_refuses_never_longer_than_its_bounds_and_admits_one_probe_a_pause(
            signals in prop::collection::vec((signal(), 0i64..2_000), 0..300)
        ) {
            let (mut breaker, mut now, mut in_a_row) = (Breaker::default(), 0, 0u32);
            let mut refused_since = None;
            for (signal, wait) in signals {
                now += wait;
                let was = breaker;
                let (next, verdict) = decide(was, signal, now);
                breaker = next;
                match signal {
                    Signal::Succeeded => in_a_row = 0,
                    Signal::Failed => in_a_row += 1,
                    Signal::Ask => {
                        prop_assert!(in_a_row >= FAILURES || verdict == Verdict::Admit,
                            "it is closed while less than five failed in a row");
                        if verdict == Verdict::Refuse {
                            let since = *refused_since.get_or_insert(now);
                            prop_assert!(now - since <= PAUSE_MS_MAX + PROBE_MS_MAX);
                        } else {
                            refused_since = None;
                            let probed = matches!(breaker, Breaker::HalfOpen { since_ms, .. } if since_ms == now);
                            prop_assert!(probed || was.label() == "closed");
                        }
                    }
                }
                if let Breaker::Open { until_ms, pause_ms } = breaker {
                    prop_assert!((PAUSE_MS_MIN..=PAUSE_MS_MAX).contains(&pause_ms));
                    prop_assert!(until_ms <= now + PAUSE_MS_MAX);
                }
            }
        }
    }
}
