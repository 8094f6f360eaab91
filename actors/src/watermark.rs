//! Event time in one partition: how far it has come, and what came late.
//!
//! The watermark is the highest event time seen minus the allowed delay (Akidau et al., "The
//! Dataflow Model", VLDB 2015). It is advanced row by row, so that what counts as late depends on
//! the partition's order alone and not on how it was cut into batches.

/// The watermark of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    delay_ms: i64,
    highest: Option<i64>,
}

impl Watermark {
    /// Nothing seen yet. `delay_ms` is not negative.
    #[must_use]
    pub fn new(delay_ms: i64) -> Self {
        Self {
            delay_ms,
            highest: None,
        }
    }

    /// Goes on from the highest event time that was seen before.
    #[must_use]
    pub fn resume(delay_ms: i64, highest: Option<i64>) -> Self {
        Self { delay_ms, highest }
    }

    /// Takes a row's event time and gives the watermark as it was before the row.
    pub fn observe(&mut self, time: i64) -> i64 {
        let before = self.current();
        self.highest = Some(self.highest.map_or(time, |highest| highest.max(time)));
        before
    }

    /// No row with an earlier event time is expected; `i64::MIN` before the first row.
    #[must_use]
    pub fn current(&self) -> i64 {
        self.highest
            .map_or(i64::MIN, |highest| highest.saturating_sub(self.delay_ms))
    }

    /// The highest event time seen.
    #[must_use]
    pub fn highest(&self) -> Option<i64> {
        self.highest
    }
}

/// What one input says of its event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Records come; none earlier than this is expected.
    Active(i64),
    /// Nothing came for a while: it does not hold the others back. Its last watermark.
    Idle(i64),
    /// Nothing will come any more.
    Ended,
}

/// The watermark of several inputs together: the lowest of the active ones. With none active, the
/// highest of the idle ones; when all have ended, `i64::MAX`. An empty set knows nothing: `i64::MIN`.
pub fn combine(paces: impl IntoIterator<Item = Pace>) -> i64 {
    let (mut lowest_active, mut highest_idle, mut any) = (None::<i64>, None::<i64>, false);
    for pace in paces {
        any = true;
        match pace {
            Pace::Active(at) => lowest_active = Some(lowest_active.map_or(at, |low| low.min(at))),
            Pace::Idle(at) => highest_idle = Some(highest_idle.map_or(at, |high| high.max(at))),
            Pace::Ended => {}
        }
    }
    match (any, lowest_active, highest_idle) {
        (false, ..) => i64::MIN,
        (true, Some(low), _) => low,
        (true, None, Some(high)) => high,
        (true, None, None) => i64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watermark_trails_the_highest_time_by_the_delay() {
        let mut watermark = Watermark::new(10);
        assert_eq!(watermark.observe(100), i64::MIN);
        assert_eq!(watermark.observe(95), 90);
        assert_eq!(watermark.observe(130), 90);
        assert_eq!(watermark.current(), 120);
    }

    #[test]
    fn an_active_input_holds_back_and_idle_and_ended_ones_do_not() {
        use Pace::{Active, Ended, Idle};
        assert_eq!(combine([Active(5), Active(9), Idle(1), Ended]), 5);
        assert_eq!(combine([Idle(3), Idle(7), Ended]), 7);
        assert_eq!(combine([Ended, Ended]), i64::MAX);
        assert_eq!(combine([]), i64::MIN);
    }
}
