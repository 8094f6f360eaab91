//! How long a thread has been stuck, by its own time: what it computed and what it slept, not what it waited
//! for a CPU. Who is starved is not to blame.

use std::time::Duration;

/// A thread as the kernel sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sample {
    /// `R` runs or waits for a CPU, `S` sleeps; others (disk, stopped) are the machine's business.
    pub(super) state: char,
    /// What it has computed so far.
    pub(super) computed: Duration,
}

/// One look at a thread that has given no beat since the look before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Since the look before, by the wall's clock.
    pub(super) elapsed: Duration,
    /// At the look before, if it was looked at.
    pub(super) before: Option<Sample>,
    /// Now; `None`: the system does not say.
    pub(super) now: Option<Sample>,
    /// CPUs are short in this process: sleepers may wait for the starved.
    pub(super) starved: bool,
}

impl Look {
    /// How much of the time counts.
    pub(super) fn own_time(&self) -> Duration {
        let Some(now) = self.now else {
            return self.elapsed;
        };
        let computed = self.computed().unwrap_or(Duration::ZERO);
        match now.state {
            'R' => computed.min(self.elapsed),
            'S' if !self.starved => self.elapsed,
            _ => Duration::ZERO,
        }
    }

    /// Whether it wanted a CPU and had one for less than half of the time.
    pub(super) fn is_starved(&self) -> bool {
        let runs = self.now.is_some_and(|now| now.state == 'R');
        runs && self
            .computed()
            .is_some_and(|computed| computed * 2 < self.elapsed)
    }

    fn computed(&self) -> Option<Duration> {
        let (before, now) = (self.before?, self.now?);
        Some(now.computed.saturating_sub(before.computed))
    }
}

/// Looks at a thread of this process; `None` where the system does not say.
pub(super) fn sample(thread: u32) -> Option<Sample> {
    let read = |file| std::fs::read_to_string(format!("/proc/self/task/{thread}/{file}")).ok();
    // The name, in brackets, may hold anything.
    let state = read("stat")?.rsplit_once(") ")?.1.chars().next()?;
    let computed = read("schedstat")?.split(' ').next()?.parse().ok()?;
    Some(Sample {
        state,
        computed: Duration::from_nanos(computed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(100);

    fn look(state: char, computed_ms: u64, starved: bool) -> Look {
        let sample = |computed| Sample {
            state,
            computed: Duration::from_millis(computed),
        };
        Look {
            elapsed: TICK,
            before: Some(sample(1_000)),
            now: Some(sample(1_000 + computed_ms)),
            starved,
        }
    }

    #[test]
    fn what_computes_or_sleeps_is_stuck_and_what_waits_for_a_cpu_is_not() {
        assert_eq!(look('R', 100, false).own_time(), TICK, "an endless loop");
        assert_eq!(look('S', 0, false).own_time(), TICK, "a lost wake-up");
        assert_eq!(look('R', 0, false).own_time(), Duration::ZERO, "no CPU");
        assert_eq!(look('S', 0, true).own_time(), Duration::ZERO);
        assert_eq!(look('R', 90, true).own_time(), Duration::from_millis(90));
        assert_eq!(look('D', 0, false).own_time(), Duration::ZERO, "the disk");
        assert_eq!(look('T', 0, false).own_time(), Duration::ZERO, "SIGSTOP");
        assert!(look('R', 10, false).is_starved());
        assert!(!look('R', 90, false).is_starved() && !look('S', 0, false).is_starved());
    }

    #[test]
    fn a_thread_that_computes_is_seen_to() {
        let link = std::fs::read_link("/proc/thread-self").expect("this is Linux");
        let name = link.file_name().and_then(|name| name.to_str());
        let thread = name.and_then(|name| name.parse().ok()).expect("a number");
        let before = sample(thread).expect("it is there");
        let (mut sum, begin) = (0_u64, before.computed);
        while sample(thread).is_some_and(|now| now.computed < begin + TICK) {
            sum = (0..100_000).fold(sum, u64::wrapping_add);
        }
        assert_eq!(before.state, 'R', "{sum}");
    }
}
