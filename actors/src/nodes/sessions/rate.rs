//! How often a session is called: twelve bytes and a compare on its way.

use super::{SESSION_OVERHEAD_BYTES, Sessions};

/// Counts calls by minutes of the wall clock: this one's, and how many the last had.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rate {
    minute: u32,
    this: u32,
    last: u32,
}

const MINUTE_MS: i64 = 60_000;

impl Rate {
    /// A call.
    pub(super) fn count(&mut self, now_ms: i64) {
        let minute = minute(now_ms);
        if minute != self.minute {
            self.last = if minute == self.minute.wrapping_add(1) {
                self.this
            } else {
                0
            };
            (self.minute, self.this) = (minute, 0);
        }
        self.this = self.this.saturating_add(1);
    }

    /// About how many calls there were within the last minute: this minute's, and of the last minute's
    /// as much as its part of those sixty seconds (a sliding window counter).
    pub(super) fn a_minute(&self, now_ms: i64) -> u64 {
        let (this, last) = match minute(now_ms).wrapping_sub(self.minute) {
            0 => (self.this, self.last),
            1 => (0, self.this),
            _ => (0, 0),
        };
        let left = u64::try_from(MINUTE_MS - now_ms.rem_euclid(MINUTE_MS)).unwrap_or(0);
        u64::from(this) + u64::from(last) * left / MINUTE_MS.unsigned_abs()
    }
}

impl Sessions {
    /// All sessions here: key, calls a minute, about the bytes.
    pub(in crate::nodes) fn figures(
        &self,
        now_ms: i64,
    ) -> impl Iterator<Item = (&[u8], u64, usize)> {
        self.slots.iter().flatten().map(move |session| {
            let bytes = SESSION_OVERHEAD_BYTES + session.key.heap_bytes() + session.bytes as usize;
            (&*session.key, session.rate.a_minute(now_ms), bytes)
        })
    }
}

fn minute(now_ms: i64) -> u32 {
    // Of the number of minutes since 1970 the last 32 bits: only neighbours are compared.
    (now_ms.div_euclid(MINUTE_MS) & 0xffff_ffff)
        .try_into()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_rate_is_seen_as_it_is_and_forgotten_two_minutes_after_it_ends() {
        let mut rate = Rate::default();
        let start = 1_700_000_000_000;
        for second in 0..300 {
            (0..7).for_each(|_| rate.count(start + second * 1_000));
            if second > 120 {
                let found = rate.a_minute(start + second * 1_000 + 999);
                assert!(found.abs_diff(7 * 60) <= 7, "{found} a minute at {second}");
            }
        }
        assert!(rate.a_minute(start + 330_000) <= 7 * 31);
        assert_eq!(rate.a_minute(start + 420_000), 0);
    }
}
