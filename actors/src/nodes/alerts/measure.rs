//! A condition's measure over time: what is read now, and whether the condition holds.
//!
//! How much a counter has grown is not known before it has been watched for the whole time that is
//! asked for; a condition that asks for more is true as soon as there is more. Counters begin at 0 with
//! the process, and so does the watching.

use std::collections::VecDeque;

use config::{Comparison, Condition, Measure, Millis, Selector};

use super::samples::Samples;

/// A ratio of fewer than so many says nothing: the condition does not hold.
const RATIO_MIN: f64 = 100.0;

/// What was read of a condition.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Reading {
    /// Whether the condition holds; `None`: that is not known.
    pub(super) holds: Option<bool>,
    /// The measure, if there is one.
    pub(super) value: Option<f64>,
    /// Labels of the series that was read, where it is a single one.
    pub(super) series: String,
}

/// Reads one condition again and again.
pub(super) struct Meter {
    condition: Condition,
    /// Totals of the counters in time: (when, what grows, what it is a ratio of).
    past: VecDeque<(i64, f64, f64)>,
}

impl Meter {
    pub(super) fn new(condition: &Condition) -> Self {
        Self {
            condition: condition.clone(),
            past: VecDeque::new(),
        }
    }

    /// Names of the metrics that it reads.
    pub(super) fn metrics(&self) -> impl Iterator<Item = &str> {
        let (one, two) = match &self.condition.measure {
            Measure::Each(of)
            | Measure::Sum(of)
            | Measure::Increase(of, _)
            | Measure::Rate(of, _) => (of, None),
            Measure::Ratio(of, to, _) => (of, Some(to)),
        };
        std::iter::once(one)
            .chain(two)
            .map(|selector| &*selector.metric)
    }

    /// What is to be read now.
    pub(super) fn read(&mut self, now: i64, samples: &Samples<'_>) -> Reading {
        let Condition {
            comparison, bound, ..
        } = self.condition;
        let holds = |value: f64| comparison.holds(value, bound);
        match &self.condition.measure {
            Measure::Each(of) => each(of, comparison, bound, samples),
            Measure::Sum(of) => {
                let value = sum(of, samples);
                Reading {
                    holds: value.map(holds),
                    value,
                    series: String::new(),
                }
            }
            Measure::Increase(of, over) | Measure::Rate(of, over) => {
                let is_rate = matches!(self.condition.measure, Measure::Rate(..));
                let over = *over;
                let total = sum(of, samples).unwrap_or(0.0);
                let (grown, _, is_whole) = self.grown(now, total, 0.0, over);
                let value = match is_rate {
                    true => grown / over.duration().as_secs_f64(),
                    false => grown,
                };
                let is_sure = is_whole || (comparison.is_upward() && holds(value));
                Reading {
                    holds: is_sure.then(|| holds(value)),
                    value: Some(value),
                    series: String::new(),
                }
            }
            Measure::Ratio(of, to, over) => {
                let over = *over;
                let totals = [of, to].map(|selector| sum(selector, samples).unwrap_or(0.0));
                let (grown, by, is_whole) = self.grown(now, totals[0], totals[1], over);
                let value = (by >= RATIO_MIN).then(|| grown / by);
                Reading {
                    holds: is_whole.then(|| value.is_some_and(holds)),
                    value,
                    series: String::new(),
                }
            }
        }
    }

    /// How much two totals have grown over a time, and whether they were watched for all of it.
    fn grown(&mut self, now: i64, of: f64, to: f64, over: Millis) -> (f64, f64, bool) {
        if self.past.is_empty() {
            self.past.push_back((now, 0.0, 0.0));
        }
        self.past.push_back((now, of, to));
        // The newest of those that are old enough is where the time begins.
        while self.past.get(1).is_some_and(|next| now - next.0 >= over.0) {
            self.past.pop_front();
        }
        let (at, of_then, to_then) = self.past.front().copied().unwrap_or((now, of, to));
        (of - of_then, to - to_then, now - at >= over.0)
    }
}

/// All series together; `None`: there is none.
fn sum(selector: &Selector, samples: &Samples<'_>) -> Option<f64> {
    let values = samples.matching(selector).map(|sample| sample.value);
    values.reduce(|sum, value| sum + value)
}

/// The series that is furthest on the side that is told.
fn each(selector: &Selector, comparison: Comparison, bound: f64, samples: &Samples<'_>) -> Reading {
    let rank = |value: f64| match comparison {
        Comparison::Greater | Comparison::GreaterOrEqual => value,
        Comparison::Less | Comparison::LessOrEqual => -value,
        Comparison::Equal => -(value - bound).abs(),
    };
    let numbers = samples.matching(selector).filter(|s| !s.value.is_nan());
    let furthest = numbers.max_by(|a, b| rank(a.value).total_cmp(&rank(b.value)));
    let Some(furthest) = furthest else {
        return Reading::default();
    };
    Reading {
        holds: Some(comparison.holds(furthest.value, bound)),
        value: Some(furthest.value),
        series: furthest.text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a condition at seconds with expositions; gives whether it holds each time.
    fn told(condition: &str, story: &[(i64, &str)]) -> Vec<Option<bool>> {
        let condition = Condition::parse(condition).expect("a condition");
        let mut meter = Meter::new(&condition);
        let wanted: Vec<String> = meter.metrics().map(str::to_owned).collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let story = story.iter().map(|(second, text)| {
            let samples = Samples::of(text, &wanted);
            meter.read(second * 1_000, &samples).holds
        });
        story.collect()
    }

    const LAGS: &str = "thalweg_lag_records{topic=\"a\",partition=\"0\"} 5\n\
        thalweg_lag_records{topic=\"a\",partition=\"1\"} 7\n\
        thalweg_lag_records{topic=\"b\",partition=\"0\"} 20\n";

    #[test]
    fn a_condition_holds_if_it_does_for_one_series_or_for_the_sum_and_is_unknown_without_any() {
        for (condition, holds) in [
            ("lag_records > 19", Some(true)),
            ("lag_records{topic='a'} > 19", Some(false)),
            ("lag_records{topic='a'} < 6", Some(true)),
            ("lag_records = 7", Some(true)),
            ("lag_records = 8", Some(false)),
            ("sum(lag_records{topic='a'}) >= 12", Some(true)),
            ("sum(lag_records) > 32", Some(false)),
            ("lag_records{topic='c'} > 0", None),
            ("sum(held_rows) < 1", None),
        ] {
            assert_eq!(told(condition, &[(0, LAGS)]), [holds], "{condition}");
        }
    }

    #[test]
    fn the_series_that_is_furthest_is_the_one_told() {
        let condition = Condition::parse("lag_records{topic='a'} > 1").expect("a condition");
        let samples = Samples::of(LAGS, &["thalweg_lag_records"]);
        let reading = Meter::new(&condition).read(0, &samples);
        assert_eq!(reading.value, Some(7.0));
        assert_eq!(reading.series, "topic=\"a\", partition=\"1\"");
    }

    #[test]
    fn growth_is_known_once_it_is_enough_and_else_when_the_whole_time_has_been_watched() {
        let restarts = |count: u64| format!("thalweg_restarts_total{{kind=\"sink\"}} {count}\n");
        let (two, four) = (restarts(2), restarts(4));
        let story = [
            (0, ""),
            (30, &two),
            (59, &two),
            (60, &two),
            (61, &four),
            (90, &four),
        ];
        let at_least = told("increase(restarts_total, 1min) >= 2", &story);
        assert_eq!(
            at_least,
            [
                None,
                Some(true),
                Some(true),
                Some(true),
                Some(true),
                Some(true)
            ]
        );
        let more = told("increase(restarts_total, 1min) > 3", &story);
        assert_eq!(
            more,
            [None, None, None, Some(false), Some(true), Some(false)]
        );
        let less = told("rate(restarts_total, 1min) < 0.05", &story);
        assert_eq!(
            less,
            [None, None, None, Some(true), Some(false), Some(true)]
        );
    }

    #[test]
    fn a_ratio_of_few_does_not_hold() {
        let text = |letters: u64, records: u64| {
            format!(
                "thalweg_dead_letters_total{{stage=\"decode\"}} {letters}\nthalweg_records_total {records}\n"
            )
        };
        let (few, many) = (text(50, 99), text(60, 1_100));
        let story = [(0, ""), (10, &few), (20, &many), (21, &many), (31, &many)];
        let holds = told(
            "ratio(dead_letters_total, records_total, 10s) > 0.009",
            &story,
        );
        // 50 of 99; 10 of 1,001; the same; none of none.
        assert_eq!(
            holds,
            [None, Some(false), Some(true), Some(true), Some(false)]
        );
    }
}
