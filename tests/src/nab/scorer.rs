//! NAB's scorer. Rows count from 0; a row alarms if its score reaches the threshold.
//!
//! The first min(15 %, 750) rows of a series are on probation: neither their alarms nor their windows count. An alarm
//! in a window is worth the more, the earlier it is, and only the best of a window counts; one outside costs the more,
//! the farther it is behind the last window. A window without an alarm costs too.

use super::Series;

/// What alarms and misses are worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Profile {
    /// As NAB names it.
    pub name: &'static str,
    true_positive: f64,
    false_negative: f64,
    false_positive: f64,
}

/// The three that NAB reports.
pub const PROFILES: [Profile; 3] = [
    profile("standard", 1.0, 0.11),
    profile("reward_low_FP_rate", 1.0, 0.22),
    profile("reward_low_FN_rate", 2.0, 0.11),
];

const fn profile(name: &'static str, false_negative: f64, false_positive: f64) -> Profile {
    Profile {
        name,
        true_positive: 1.0,
        false_negative,
        false_positive,
    }
}

/// The best threshold of a set of series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Best {
    /// Infinite: no alarm at all.
    pub threshold: f64,
    /// Sum of the series' raw scores.
    pub raw: f64,
}

/// What a series gives at a threshold. Numbers of rows past probation.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counts {
    /// Raw score.
    pub raw: f64,
    /// Alarms inside windows.
    pub true_positives: usize,
    /// Alarms outside.
    pub false_positives: usize,
    /// Quiet rows outside.
    pub true_negatives: usize,
    /// Quiet rows inside.
    pub false_negatives: usize,
    /// Windows with an alarm.
    pub found: usize,
}

/// Where a row is.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The window that it is in.
    window: Option<usize>,
    /// NAB's sigmoid of the distance from the window it is in, or from the last one before it.
    weight: f64,
}

/// Series with the scores of their rows.
pub type Scored<'a> = (&'a Series, &'a [f64]);

/// The threshold with the highest sum of raw scores; of equal sums the highest threshold.
#[must_use]
pub fn best(scored: &[Scored<'_>], profile: Profile) -> Best {
    // (score, window of the whole set or none, weight) of every row that counts.
    let mut rows: Vec<(f64, Option<usize>, f64)> = Vec::new();
    let mut windows = Vec::new();
    for (series, scores) in scored {
        let first = windows.len();
        let counted = series.windows.iter().map(|window| counts(series, *window));
        windows.extend(counted.map(|counts| if counts { -profile.false_negative } else { 0.0 }));
        for (row, place) in places(series)
            .into_iter()
            .enumerate()
            .skip(probation(series))
        {
            let window = place.window.map(|window| first + window);
            rows.push((scores[row], window, place.weight));
        }
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut raw: f64 = windows.iter().sum();
    let mut best = Best {
        threshold: f64::INFINITY,
        raw,
    };
    for (at, (score, window, weight)) in rows.iter().enumerate() {
        match window {
            None => raw += profile.false_positive * weight,
            Some(window) => {
                let better = profile.worth(*weight).max(windows[*window]);
                raw += better - windows[*window];
                windows[*window] = better;
            }
        }
        let is_last_of_its_score = rows.get(at + 1).is_none_or(|next| next.0 < *score);
        if is_last_of_its_score && raw > best.raw {
            best = Best {
                threshold: *score,
                raw,
            };
        }
    }
    best
}

/// What a series gives at a threshold.
#[must_use]
pub fn at((series, scores): Scored<'_>, profile: Profile, threshold: f64) -> Counts {
    let mut counted = Counts::default();
    let mut windows = vec![-profile.false_negative; series.windows.len()];
    let mut found = vec![false; series.windows.len()];
    for (row, place) in places(series)
        .into_iter()
        .enumerate()
        .skip(probation(series))
    {
        let alarms = scores[row] >= threshold;
        match (place.window, alarms) {
            (Some(window), true) => {
                counted.true_positives += 1;
                windows[window] = windows[window].max(profile.worth(place.weight));
                found[window] = true;
            }
            (Some(_), false) => counted.false_negatives += 1,
            (None, true) => {
                counted.false_positives += 1;
                counted.raw += profile.false_positive * place.weight;
            }
            (None, false) => counted.true_negatives += 1,
        }
    }
    for (window, worth) in series.windows.iter().zip(windows) {
        if counts(series, *window) {
            counted.raw += worth;
        }
    }
    counted.found = found.iter().filter(|found| **found).count();
    counted
}

/// A raw sum on NAB's scale: 0 never alarms, 100 is perfect.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "numbers of windows")]
pub fn normalised<'a>(
    series: impl IntoIterator<Item = &'a Series>,
    profile: Profile,
    raw: f64,
) -> f64 {
    let windows: usize = series.into_iter().map(|series| series.windows.len()).sum();
    let (never, perfect) = (
        -profile.false_negative * windows as f64,
        profile.true_positive * windows as f64,
    );
    100.0 * (raw - never) / (perfect - never)
}

impl Profile {
    /// Of an alarm in a window.
    fn worth(self, weight: f64) -> f64 {
        let most = self.true_positive;
        (most * weight / sigmoid(-1.0)).min(most)
    }
}

/// Rows that are never scored.
fn probation(series: &Series) -> usize {
    (series.values.len() * 15 / 100).min(750)
}

/// Whether a row of the window is past probation.
fn counts(series: &Series, (_, last): (usize, usize)) -> bool {
    last >= probation(series)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of rows")]
fn places(series: &Series) -> Vec<Place> {
    let mut places = Vec::with_capacity(series.values.len());
    // The window that the row is in or before.
    let mut next = 0;
    for row in 0..series.values.len() {
        while series
            .windows
            .get(next)
            .is_some_and(|(_, last)| row > *last)
        {
            next += 1;
        }
        let place = match (series.windows.get(next), next.checked_sub(1)) {
            (Some((first, last)), _) if row >= *first => Place {
                window: Some(next),
                weight: sigmoid(-((last - row + 1) as f64) / (last - first + 1) as f64),
            },
            (_, Some(before)) => {
                let (first, last) = series.windows[before];
                Place {
                    window: None,
                    weight: sigmoid((row - last) as f64 / (last - first) as f64),
                }
            }
            (_, None) => Place {
                window: None,
                weight: -1.0,
            },
        };
        places.push(place);
    }
    places
}

/// 1 far before, 0 at, -1 far behind the end of a window.
fn sigmoid(y: f64) -> f64 {
    match y > 3.0 {
        true => -1.0,
        false => 2.0 / (1.0 + (5.0 * y).exp()) - 1.0,
    }
}
