//! Load, starvation and a stop are no hang: the hour of `--bin soak` in a quarter of a minute.

use std::time::Duration;

use tests::experiments::soak::Soak;

#[test]
fn a_daemon_that_is_starved_or_stopped_takes_nobody_for_hung() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let soak = Soak {
        length: Duration::from_secs(1),
        load: Duration::from_secs(3),
        starvation: Duration::from_secs(4),
        stop: Duration::from_secs(4),
    };
    let soaked = soak.run(dir.path());
    assert!(soaked.alarms.is_empty(), "{:?}", soaked.alarms);
    assert!(soaked.records > 0, "it did work meanwhile");
}
