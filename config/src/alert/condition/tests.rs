//! Conditions read, and what is said of wrong ones.

use super::*;
use crate::alert::standard;

fn selector(metric: &str, labels: &[(&str, &str)]) -> Selector {
    let label = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
    Selector {
        metric: metric.into(),
        labels: labels.iter().map(label).collect(),
    }
}

#[test]
fn a_condition_is_a_measure_compared_with_a_number() {
    let minute = Millis(60_000);
    let cases = [
        (
            "lag_records > 10000",
            Measure::Each(selector("thalweg_lag_records", &[])),
            Comparison::Greater,
            10_000.0,
        ),
        (
            " sum( thalweg_lag_records{topic=\"a b\",partition='3'} )>=1_0.5",
            Measure::Sum(selector(
                "thalweg_lag_records",
                &[("topic", "a b"), ("partition", "3")],
            )),
            Comparison::GreaterOrEqual,
            10.5,
        ),
        (
            "rate(records_total, 1min) < 5e-1",
            Measure::Rate(selector("thalweg_records_total", &[]), minute),
            Comparison::Less,
            0.5,
        ),
        (
            "ratio(inference_batch_rows_sum{model='m'}, records_total, 60s) = 0",
            Measure::Ratio(
                selector("thalweg_inference_batch_rows_sum", &[("model", "m")]),
                selector("thalweg_records_total", &[]),
                minute,
            ),
            Comparison::Equal,
            0.0,
        ),
    ];
    for (text, measure, comparison, bound) in cases {
        let read = Condition::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let wanted = Condition {
            text: text.into(),
            measure,
            comparison,
            bound,
        };
        assert_eq!(read, wanted);
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_what_was_probably_meant() {
    let cases = [
        (
            "lag_recrods > 1",
            "lag_recrods",
            "did you mean \"lag_records\"?",
        ),
        (
            "lag_records{tpoic='a'} > 1",
            "tpoic",
            "did you mean \"topic\"?",
        ),
        (
            "restarts_total > 3",
            "restarts_total",
            "increase(restarts_total, 5min)",
        ),
        ("rate(held_rows, 1min) > 3", "held_rows", "held_rows > 0"),
        (
            "increse(restarts_total, 1min) > 3",
            "increse",
            "did you mean \"increase\"?",
        ),
        (
            "commit_seconds > 1",
            "commit_seconds",
            "commit_seconds_count or commit_seconds_sum",
        ),
        ("lag_records 5", "5", "write it as"),
        ("lag_records >", "", "write it as"),
        (
            "lag_records > 1 and held_rows > 2",
            "and",
            "an alert for each",
        ),
        ("lag_records{topic='a > 1", "'a > 1", "write it as"),
        ("lag_records{topic=a} > 1", "a", "write it as"),
        ("rate(records_total, 9d) > 1", "9d", ""),
        ("rate(records_total, soon) > 1", "soon", ""),
        ("lag_records > much", "much", ""),
        ("lag_records > inf", "inf", ""),
        ("ä > 1", "ä", "write it as"),
        ("", "", "write it as"),
    ];
    for (text, place, hint) in cases {
        let error = Condition::parse(text).expect_err(text);
        assert_eq!(&text[error.range.clone()], place, "{text}: {error}");
        let told = error.hint.unwrap_or_default();
        assert!(told.contains(hint), "{text}: {told}");
    }
}

#[test]
fn the_standard_alerts_are_right() {
    for alert in standard(std::iter::once("fraud")) {
        let read = Condition::parse(&alert.when);
        assert!(read.is_ok(), "{}: {read:?}", alert.id);
        assert!(crate::NodeId::parse(&alert.id).is_ok(), "{}", alert.id);
    }
}
