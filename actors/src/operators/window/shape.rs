//! Where windows begin and end: arithmetic on event times, aligned to 1970-01-01 UTC.

use config::WindowKind;

/// Shape of windows; lengths in milliseconds, at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Tumbling { size: i64 },
    Sliding { size: i64, slide: i64, pane: i64 },
    Gap { gap: i64 },
}

impl Shape {
    pub(super) fn new(kind: WindowKind) -> Self {
        match kind {
            WindowKind::Tumbling { size } => Self::Tumbling {
                size: size.0.max(1),
            },
            WindowKind::Sliding { size, slide } => {
                let (size, slide) = (size.0.max(1), slide.0.max(1));
                Self::Sliding {
                    size,
                    slide,
                    pane: common_divisor(size, slide),
                }
            }
            WindowKind::Gap { gap } => Self::Gap { gap: gap.0.max(1) },
        }
    }
}

/// Begin and end of the stretch of this length that the time is in.
pub(super) fn stretch(time: i64, length: i64) -> (i64, i64) {
    let start = time.saturating_sub(time.rem_euclid(length));
    (start, start.saturating_add(length))
}

/// End of the last sliding window that holds this time.
pub(super) fn last_end(time: i64, size: i64, slide: i64) -> i64 {
    stretch(time, slide).0.saturating_add(size)
}

/// The first end of a sliding window at or after this time.
pub(super) fn end_from(time: i64, size: i64, slide: i64) -> i64 {
    let beyond = time.saturating_sub(size).rem_euclid(slide);
    if beyond == 0 {
        time
    } else {
        time.saturating_add(slide - beyond)
    }
}

/// Euclid's algorithm.
fn common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}
