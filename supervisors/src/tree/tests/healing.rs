//! Parking, giving up, and a whole day of failures.

use config::{Intensity, Millis};

use super::*;
use crate::{ChildSpec, Parking};

/// A toy that is parked after one restart and tried again after ten minutes.
fn parkable(name: &str) -> ChildSpec {
    ChildSpec {
        parking: Some(Parking {
            intensity: Intensity {
                restarts: 1,
                within: Millis(60_000),
            },
            retry: Millis(600_000),
        }),
        ..toy(name)
    }
}

#[tokio::test(start_paused = true)]
async fn a_parked_child_is_seen_left_out_and_tried_again_by_itself_or_by_hand() {
    let toys = ToyBox::with(&[]);
    let group = above(
        "group",
        Strategy::OneForAll,
        0,
        vec![toy("a"), parkable("b")],
    );
    let tree = start(above("root", Strategy::OneForOne, 0, vec![group]), &toys).await;
    let state = |tree: &TreeHandle| tree.view().children[0].children[1].state;
    toys.tell("b", Do::Fail);
    settle().await;
    toys.read();
    toys.tell("b", Do::Fail);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        (toys.read().as_str(), state(&tree)),
        ("-a1 +a2", ChildState::Parked)
    );
    sleep(Duration::from_secs(600)).await;
    assert_eq!(
        (toys.read().as_str(), state(&tree)),
        ("-a2 +a3 +b2", ChildState::Running)
    );
    toys.tell("b", Do::Panic);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        (toys.read().as_str(), state(&tree)),
        ("-a3 +a4", ChildState::Parked),
        "on probation"
    );
    tree.ask_at("group/a", Errand::Retry);
    tree.ask_at("group/b", Errand::Retry);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(toys.read(), "-a4 +a5 +b3");
    tree.stop(MINUTE).await.expect("stops");
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_given_up_is_replaced_at_once_and_who_waits_for_it_is_not_waited_for() {
    // The thread of `b` is held, and `c` waits for it for ever.
    let toys = ToyBox::with(&[("b", Vice::Unlinked), ("c", Vice::IgnoreStop)]);
    let parts = vec![toy("a"), toy("b"), toy("c")];
    let group = above("group", Strategy::OneForAll, 1, parts);
    let tree = start(above("root", Strategy::OneForOne, 0, vec![group]), &toys).await;
    toys.read();
    let exit = Exit::Error {
        reason: "no progress".into(),
        remedy: None,
    };
    tree.ask_at("group/b", Errand::GiveUp(exit));
    sleep(Duration::from_millis(400)).await;
    assert_eq!(toys.read(), "-a0 +a1 +b1 +c1");
    let group = &tree.view().children[0];
    assert_eq!(group.budget.map(|budget| budget.spent), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_virtual_day_of_failures_every_minute_passes_and_everything_is_up_in_the_end() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let toys = ToyBox::with(&[("d", Vice::FailStarts(3)), ("e", Vice::IgnoreStop)]);
    let of = |names: &[&str]| names.iter().map(|name| toy(name)).collect();
    let parts = vec![
        above("one", Strategy::OneForOne, 30, of(&names[..2])),
        above("all", Strategy::OneForAll, 30, of(&names[2..4])),
        above("rest", Strategy::RestForOne, 30, of(&names[4..])),
    ];
    let tree = start(above("root", Strategy::OneForOne, 30, parts), &toys).await;
    let (mut draw, mut failures) = (7_u64, 0_u64);
    for _minute in 0..24 * 60 {
        // Knuth's linear congruential generator: which toy, and how it fails.
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let name = names[usize::try_from((draw >> 33) % 6).expect("below 6")];
        let what = if draw >> 63 == 0 { Do::Fail } else { Do::Panic };
        toys.tell(name, what);
        failures += 1;
        sleep(MINUTE).await;
    }
    let view = tree.view();
    let down = view.walk().find(|actor| actor.state != ChildState::Running);
    assert_eq!(down, None);
    let workers = view.walk().filter(|actor| actor.children.is_empty());
    let generations: u64 = workers.filter_map(|actor| actor.generation).sum();
    assert!(
        generations >= failures,
        "each failure restarted its own at least"
    );
    tree.stop(MINUTE).await.expect("stops");
}
