//! The experiments on sessions and floods, small: what they look at holds, whatever their figures.

use std::time::Duration;

use tests::experiments::flood::{Flood, flood};
use tests::experiments::passivation::passivation;
use tests::experiments::sessions::{all_at_once, one_key};

fn data() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn passivation_racing_arrival_loses_doubles_and_reorders_nothing() {
    for hosting in ["hosted", "dedicated", "auto"] {
        let figures = passivation(data().path(), 30_000, 3_000, (hosting, 400));
        assert_eq!((figures.rows, figures.restarts), (30_000, 0), "{hosting}");
        assert!(figures.sessions > 0, "{hosting}");
    }
}

#[test]
fn a_key_that_panics_every_second_is_set_aside_and_goes_on_in_order_when_released() {
    let figures = one_key(data().path(), 5, 400, true);
    assert_eq!(
        (figures.failures, figures.held, figures.restarts),
        (3, 2, 0)
    );
}

#[test]
fn many_sessions_that_panic_at_once_all_come_back() {
    for hosting in ["hosted", "dedicated"] {
        let sessions = format!("{{ hosting = \"{hosting}\", max = 300 }}");
        let [clean, poisoned] = all_at_once(data().path(), 300, &sessions);
        assert!(
            clean.0 > Duration::ZERO && poisoned.0 > Duration::ZERO,
            "{hosting}"
        );
    }
}

#[test]
fn a_flood_is_worked_off() {
    for kind in [Flood::Overload, Flood::SlowSink] {
        let figures = flood(data().path(), kind, 2, 500);
        assert!(
            figures.backlog > 500 && figures.restarts == 0,
            "{figures:?}"
        );
    }
}
