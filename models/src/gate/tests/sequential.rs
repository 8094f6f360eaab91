//! The test of two arms that may be looked at after every observation.

use super::*;

#[test]
fn equal_arms_are_told_apart_in_at_most_alpha_of_the_runs_however_often_one_looks() {
    for chance in [0.01, 0.3] {
        let stopped = false_stops(200, 1_000, chance);
        assert!(stopped <= 10, "{stopped} of 200 at {chance}");
    }
}

#[test]
fn arms_that_differ_are_told_apart_within_a_thousand_observations() {
    let mut random = Random::new(1);
    let mut test = SequentialTest::new(0.05);
    let mut seen = 0;
    while test.difference() == Difference::Open {
        let arm = if random.unit() < 0.25 {
            Arm::Challenger
        } else {
            Arm::Champion
        };
        let chance = if arm == Arm::Challenger { 0.5 } else { 0.1 };
        test.observe(arm, f64::from(random.unit() < chance));
        seen += 1;
    }
    assert!(seen < 1_000, "{seen}");
    assert!(matches!(test.difference(), Difference::Higher(least) if least < 0.4));
}

#[test]
fn the_interval_contains_the_mean_and_narrows() {
    let mut random = Random::new(2);
    let mut test = SequentialTest::new(0.05);
    let mut width = 1.0;
    for at in 1..=20_000 {
        test.observe(Arm::Champion, random.unit().powi(2));
        let (low, high) = test.interval(Arm::Champion);
        assert!(low <= 1.0 / 3.0 && 1.0 / 3.0 <= high, "after {at}");
        assert!(high - low <= width);
        width = high - low;
    }
    assert!(width < 0.03, "{width}");
}

#[test]
fn a_test_goes_on_where_it_was_written_down() {
    let mut random = Random::new(3);
    let mut test = SequentialTest::new(0.05);
    for _ in 0..100 {
        test.observe(Arm::Challenger, random.unit());
    }
    let text = serde_json::to_string(&test).expect("JSON");
    let mut again: SequentialTest = serde_json::from_str(&text).expect("a test");
    assert_eq!(again, test);
    test.observe(Arm::Champion, 1.0);
    again.observe(Arm::Champion, 1.0);
    assert_eq!(again, test);
}
