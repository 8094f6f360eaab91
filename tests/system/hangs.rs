//! An actor that hangs is found, left behind with its thread, and replaced; the output is the same, also if what
//! was left behind goes on.

use std::time::Duration;

use tests::experiments::hangs::{PLACES, Way, hang, undisturbed};

#[test]
fn a_hang_in_any_actor_is_found_and_healed_and_leaves_the_output_as_it_was() {
    let expected = undisturbed();
    for (nth, place) in PLACES.into_iter().enumerate() {
        // Each way of hanging, and what is left behind goes on or does not.
        let way = Way {
            computes: nth % 2 == 0,
            ends_early: nth % 4 < 2,
        };
        let figures = hang(place, way);
        // By the clock it takes longer where CPUs are short; by its own time it does not.
        let limits = Duration::from_millis(1_500)..=Duration::from_secs(2);
        assert!(
            limits.contains(&figures.stuck),
            "{}: {figures:?}",
            place.hook
        );
        assert!(
            figures.outputs == expected,
            "outputs after a hang in {}",
            place.hook
        );
    }
}
