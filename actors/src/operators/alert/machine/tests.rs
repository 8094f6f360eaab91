//! The machine against stories told by hand, and against a reference that reads the whole past.

use proptest::prelude::*;

use super::*;

fn observed(node: &str, second: i64, holds: bool) -> Observation<'_> {
    Observation {
        node,
        at: second * 1_000,
        holds,
        hold_ms: 30_000,
    }
}

/// Runs a story of (node, second, holds); gives (second, firing, number) of each change.
fn told(story: &[(&str, i64, bool)]) -> Vec<(i64, bool, u64)> {
    let mut machine = Machine::default();
    let changes = story.iter().filter_map(|(node, second, holds)| {
        let change = machine.observe(&observed(node, *second, *holds))?;
        Some((*second, change.firing, change.number))
    });
    changes.collect()
}

#[test]
fn an_alert_fires_once_its_condition_has_held_without_a_break_and_is_resolved_once() {
    let story: Vec<(&str, i64, bool)> = (0..100).map(|s| ("a", s, (10..60).contains(&s))).collect();
    assert_eq!(told(&story), [(40, true, 1), (60, false, 1)]);
}

#[test]
fn a_condition_that_flaps_faster_than_it_must_hold_never_fires() {
    let story: Vec<(&str, i64, bool)> = (0..600).map(|s| ("a", s, s % 30 != 0)).collect();
    assert_eq!(told(&story), []);
}

#[test]
fn each_firing_has_the_next_number() {
    let story: Vec<(&str, i64, bool)> = (0..200).map(|s| ("a", s, s % 50 < 40)).collect();
    let numbers: Vec<u64> = told(&story).iter().map(|change| change.2).collect();
    assert_eq!(numbers, [1, 1, 2, 2, 3, 3, 4, 4]);
}

#[test]
fn an_alert_of_several_nodes_fires_once_and_ends_with_the_last() {
    let story = [
        ("a", 0, true),
        ("b", 10, true),
        ("b", 30, true),
        ("a", 40, false),
        ("b", 50, false),
    ];
    assert_eq!(told(&story), [(30, true, 1), (50, false, 1)]);
}

#[test]
fn a_node_that_died_while_its_alert_fired_does_not_keep_it_firing() {
    let story = [
        ("a", 0, true),
        ("a", 30, true),
        ("b", 60, false),
        ("b", 150, false),
        ("b", 151, false),
    ];
    assert_eq!(told(&story), [(30, true, 1), (151, false, 1)]);
}

/// What the machine should say after a story, from the whole of it: the run of observations up to the
/// last at which the condition held somewhere tells since when.
fn reference(story: &[(String, i64, bool)], hold_ms: i64) -> Vec<(usize, bool)> {
    let holds_at = |nth: usize| {
        let now = story[nth].1;
        let mut nodes: Vec<&str> = story[..=nth].iter().map(|said| said.0.as_str()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes.iter().any(|node| {
            let last = story[..=nth].iter().rposition(|said| said.0 == *node);
            let last = last.expect("it is of the story");
            // Once stale at any observation since, it stays so.
            let fresh = now - story[last].1 <= STALE_MS;
            fresh && story[last].2
        })
    };
    let mut changes = Vec::new();
    let mut firing = false;
    for nth in 0..story.len() {
        let begin = (0..=nth).rev().take_while(|at| holds_at(*at)).last();
        let due = begin.is_some_and(|begin| story[nth].1 - story[begin].1 >= hold_ms);
        if firing && begin.is_none() {
            firing = false;
            changes.push((nth, false));
        } else if !firing && due {
            firing = true;
            changes.push((nth, true));
        }
    }
    changes
}

proptest! {
    #[test]
    fn the_machine_says_what_the_whole_past_says_however_often_it_is_restored(
        steps in prop::collection::vec((0usize..3, 0i64..90_000, any::<bool>(), any::<bool>()), 0..80),
        hold_ms in prop::sample::select(vec![0i64, 1_000, 30_000, 300_000]),
    ) {
        let mut at = 0;
        let story: Vec<(String, i64, bool)> = steps
            .iter()
            .map(|(node, gap, holds, _)| {
                at += gap;
                (format!("n{node}"), at, *holds)
            })
            .collect();
        let mut machine = Machine::default();
        let mut numbers = 0;
        let mut changes = Vec::new();
        for (nth, (node, at, holds)) in story.iter().enumerate() {
            let observed = Observation { node, at: *at, holds: *holds, hold_ms };
            // A second telling of the same, as after an append of unknown outcome, changes nothing.
            let change = machine.observe(&observed);
            prop_assert_eq!(machine.observe(&observed), None);
            if let Some(change) = change {
                numbers += u64::from(change.firing);
                prop_assert_eq!(change.number, numbers);
                changes.push((nth, change.firing));
            }
            if steps[nth].3 {
                let bytes = bincode::serde::encode_to_vec(&machine, bincode::config::standard());
                let bytes = bytes.expect("it can be written");
                let read = bincode::serde::decode_from_slice(&bytes, bincode::config::standard());
                machine = read.expect("it can be read").0;
            }
        }
        prop_assert_eq!(changes, reference(&story, hold_ms));
    }
}
