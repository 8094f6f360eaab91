//! Alarms while a training waits for its rows.

use super::*;

#[test]
fn an_alarm_before_training_leaves_out_the_rows_before_it_and_puts_training_off_so_often() {
    let mut story = Story::new();
    story.rows(1, 1_000, 10);
    // Worse, and worse again: DDM alarms at both steps.
    story.rows(1, 150, 3);
    story.rows(1, 1_000, 1);
    let alarms: Vec<i64> = (story.told.iter())
        .filter_map(|told| match told {
            Told::Event {
                event: "alarm",
                detail,
                ..
            } => Some(detail),
            _ => None,
        })
        .map(|detail| serde_json::from_str::<serde_json::Value>(detail).expect("JSON"))
        .map(|detail| detail["row"].as_i64().expect("a row"))
        .collect();
    let request: Request = story.last("train");
    let before = |row: &&i64| **row < request.to;
    let (first, last) = (alarms[0], *alarms.iter().rfind(before).expect("an alarm"));
    assert!(first < last, "{alarms:?}");
    assert!(
        (last - 50..=last + 1).contains(&request.from),
        "{request:?} {alarms:?}"
    );
    assert!(request.to <= first + 4 * 300 + 1, "{request:?} {alarms:?}");
}

#[test]
fn alarms_that_never_end_leave_a_training_its_rows() {
    let mut story = Story::new();
    story.rows(1, 1_000, 10);
    // Good and bad in turn, as by day and night: an alarm each time.
    while !story.events().contains(&"train") {
        assert!(story.offset < 6_000, "{:?}", story.events());
        story.rows(1, 60, 1);
        story.rows(1, 60, 1_000);
    }
    let request: Request = story.last("train");
    assert!(request.to - request.from >= 300, "{request:?}");
}
