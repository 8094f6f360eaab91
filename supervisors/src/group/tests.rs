//! The state machine against random histories: whatever happens in whatever order, the three rules
//! of the module hold, and a group that is left alone comes to rest.

use config::Strategy;
use proptest::prelude::*;
use proptest::strategy::Strategy as _;

use config::Millis;

use super::*;

const FAILURE: Exit = Exit::Panic {
    text: String::new(),
};
const HINDERED: Exit = Exit::Hindered {
    reason: String::new(),
    remedy: None,
};
const PARKING: Parking = Parking {
    intensity: Intensity {
        restarts: 2,
        within: Millis(1_000),
    },
    retry: Millis(5_000),
};

fn group(strategy: Strategy, restarts: u32, children: usize) -> Group {
    group_with(strategy, restarts, vec![None; children])
}

fn group_with(strategy: Strategy, restarts: u32, children: Vec<Option<Parking>>) -> Group {
    let policy = Policy {
        strategy,
        intensity: Intensity {
            restarts,
            within: Millis(1_000),
        },
        backoff: Backoff {
            initial: Millis(10),
            max: Millis(100),
        },
    };
    Group::new(policy, children)
}

/// A child ends; what comes of it, if that is decided.
fn end(group: &mut Group, child: usize, exit: &Exit, now: i64) -> Option<Judgement> {
    group.ended(child, exit);
    group.judge(now, 1.0)
}

/// Answers every order at once, well, until there is none left; returns them.
fn run(group: &mut Group, now: i64) -> Vec<Order> {
    let mut orders = Vec::new();
    while let Some(order) = group.next(now) {
        match order {
            Order::Start(child) => group.up(child),
            Order::Stop(child) => drop(end(group, child, &Exit::Normal, now)),
            Order::Ready | Order::Retry(_) | Order::Finish(_) => {}
        }
        orders.push(order);
    }
    orders
}

/// The same, and waits for whatever there is to wait for.
fn settle(group: &mut Group, now: &mut i64) -> Vec<Order> {
    let mut orders = run(group, *now);
    while let Some(at) = group.wake_at(*now) {
        *now = at;
        orders.extend(run(group, *now));
    }
    orders
}

fn after_failure_of(failed: usize, strategy: Strategy) -> Vec<Order> {
    let (mut group, mut now) = (group(strategy, 9, 4), 0);
    settle(&mut group, &mut now);
    end(&mut group, failed, &FAILURE, now);
    settle(&mut group, &mut now)
}

#[test]
fn children_start_in_order_and_then_the_group_is_ready() {
    let (mut group, mut now) = (group(Strategy::OneForOne, 1, 2), 0);
    let expected = [Order::Start(0), Order::Start(1), Order::Ready];
    assert_eq!(settle(&mut group, &mut now), expected);
}

#[test]
fn each_strategy_restarts_whom_it_should_last_stopped_first_started() {
    use Order::{Start, Stop};
    let expected = [
        (Strategy::OneForOne, vec![Start(1)]),
        (
            Strategy::RestForOne,
            vec![Stop(3), Stop(2), Start(1), Start(2), Start(3)],
        ),
        (
            Strategy::OneForAll,
            vec![
                Stop(3),
                Stop(2),
                Stop(0),
                Start(0),
                Start(1),
                Start(2),
                Start(3),
            ],
        ),
    ];
    for (strategy, orders) in expected {
        assert_eq!(after_failure_of(1, strategy), orders, "{strategy:?}");
    }
}

#[test]
fn nothing_starts_before_the_backoff_is_over() {
    let (mut group, mut now) = (group(Strategy::OneForAll, 9, 2), 0);
    settle(&mut group, &mut now);
    end(&mut group, 1, &FAILURE, 50);
    run(&mut group, 50);
    end(&mut group, 1, &FAILURE, 50);
    assert_eq!(group.next(50), Some(Order::Stop(0)), "the second in a row");
    end(&mut group, 0, &Exit::Normal, 50);
    assert_eq!((group.next(59), group.wake_at(59)), (None, Some(60)));
    assert_eq!(group.next(60), Some(Order::Start(0)));
}

#[test]
fn under_one_for_one_a_child_that_backs_off_holds_up_nobody() {
    let (mut group, now) = (group(Strategy::OneForOne, 9, 3), 0);
    assert_eq!(group.next(now), Some(Order::Start(0)));
    end(&mut group, 0, &FAILURE, now);
    assert_eq!(
        group.next(now),
        Some(Order::Start(0)),
        "the first time at once"
    );
    end(&mut group, 0, &FAILURE, now);
    assert_eq!(group.next(now), Some(Order::Start(1)));
}

#[test]
fn those_that_die_with_the_failed_one_do_not_cost_budget() {
    let (mut group, mut now) = (group(Strategy::OneForAll, 1, 3), 0);
    settle(&mut group, &mut now);
    let judged = end(&mut group, 0, &FAILURE, now).expect("it is its own fault");
    assert!(matches!(
        judged.verdict,
        Verdict::Restarting { left: 0, .. }
    ));
    assert_eq!(group.ended(2, &FAILURE), Ended::Stopped);
    assert_eq!(group.judge(now, 1.0), None);
    assert_eq!(group.next(now), Some(Order::Stop(1)));
}

#[test]
fn who_only_missed_another_is_not_to_blame() {
    let (mut group, mut now) = (group(Strategy::OneForAll, 3, 3), 0);
    settle(&mut group, &mut now);
    assert_eq!(end(&mut group, 0, &HINDERED, now), None, "not known yet");
    assert_eq!(group.next(now), Some(Order::Stop(2)));
    assert_eq!(end(&mut group, 2, &Exit::Normal, now), None);
    assert_eq!(group.next(now), Some(Order::Stop(1)), "and nothing starts");
    let judged = end(&mut group, 1, &FAILURE, now).expect("known now");
    assert_eq!((judged.child, judged.exit), (1, FAILURE));
    assert_eq!(group.next(now), Some(Order::Start(0)));
}

#[test]
fn when_nobody_is_to_blame_who_ended_first_pays() {
    let (mut group, mut now) = (group(Strategy::OneForAll, 0, 2), 0);
    settle(&mut group, &mut now);
    assert_eq!(end(&mut group, 1, &HINDERED, now), None);
    assert_eq!(group.next(now), Some(Order::Stop(0)));
    let judged = end(&mut group, 0, &HINDERED, now).expect("all are down");
    assert_eq!((judged.child, judged.verdict), (1, Verdict::Escalated));
}

/// Fails a child by its own fault until it is parked; the group has no budget of its own.
fn parked(failures: usize) -> (Group, i64) {
    let mut group = group_with(Strategy::OneForAll, 0, vec![None, Some(PARKING), None]);
    let mut now = 0;
    settle(&mut group, &mut now);
    for nth in 0..failures {
        let judged = end(&mut group, 1, &FAILURE, now).expect("its own fault");
        let is_parked = matches!(judged.verdict, Verdict::Parked { .. });
        assert_eq!(is_parked, nth + 1 == failures, "failure {nth}");
        if is_parked {
            break;
        }
        settle(&mut group, &mut now);
    }
    (group, now)
}

#[test]
fn a_child_that_spends_its_own_budget_is_parked_and_the_others_start_without_it() {
    use Order::{Start, Stop};
    let (mut group, now) = parked(3);
    assert_eq!(run(&mut group, now), [Stop(2), Stop(0), Start(0), Start(2)]);
    assert_eq!(group.life(1), Life::Parked);
    assert_eq!(group.wake_at(now), Some(now + 5_000));
}

#[test]
fn a_parked_child_stays_out_of_other_restarts_until_it_is_tried_again_with_its_group() {
    use Order::{Retry, Start, Stop};
    let (mut group, mut now) = parked(3);
    run(&mut group, now);
    group.recycle();
    assert_eq!(run(&mut group, now), [Stop(2), Stop(0), Start(0), Start(2)]);
    let again = [Retry(1), Stop(2), Stop(0), Start(0), Start(1), Start(2)];
    assert_eq!(settle(&mut group, &mut now), again);
    let judged = end(&mut group, 1, &FAILURE, now).expect("its own fault");
    let on_probation = matches!(judged.verdict, Verdict::Parked { .. });
    assert!(on_probation, "one more failure and it is parked again");
    run(&mut group, now);
    group.retry(1, now);
    assert_eq!(run(&mut group, now), again, "by hand, at once");
    now += 1_001;
    let judged = end(&mut group, 1, &FAILURE, now).expect("its own fault");
    assert!(matches!(
        judged.verdict,
        Verdict::Restarting { left: 1, .. }
    ));
}

#[test]
fn a_spent_budget_takes_all_down_in_reverse_and_ends_the_supervisor() {
    let (mut group, mut now) = (group(Strategy::OneForOne, 0, 3), 0);
    settle(&mut group, &mut now);
    let judged = end(&mut group, 1, &FAILURE, now).expect("its own fault");
    assert_eq!(judged.verdict, Verdict::Escalated);
    let expected = [Order::Stop(2), Order::Stop(0), Order::Finish(FAILURE)];
    assert_eq!(settle(&mut group, &mut now), expected);
}

/// What the outside may do to a group between two orders.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// The start or stop under way of the n-th busy child is answered well.
    Answer(usize),
    /// The n-th living child fails, by its own fault or not.
    Fail(usize, bool),
    /// The n-th living child is done.
    Finish(usize),
    /// Time passes.
    Wait(i64),
    /// The supervisor is told to stop.
    GoDown,
}

fn happening() -> impl proptest::strategy::Strategy<Value = Happening> {
    prop_oneof![
        8 => (0_usize..8).prop_map(Happening::Answer),
        3 => (0_usize..8, any::<bool>()).prop_map(|(n, own)| Happening::Fail(n, own)),
        1 => (0_usize..8).prop_map(Happening::Finish),
        3 => (0_i64..300).prop_map(Happening::Wait),
        1 => Just(Happening::GoDown),
    ]
}

fn living(group: &Group, lives: &[Life]) -> Vec<usize> {
    let count = group.members.len();
    (0..count)
        .filter(|child| lives.contains(&group.life(*child)))
        .collect()
}

fn apply(group: &mut Group, happening: Happening, now: &mut i64) {
    let pick = |children: Vec<usize>, n: usize| children.get(n % children.len().max(1)).copied();
    match happening {
        Happening::Answer(n) => {
            let Some(child) = pick(living(group, &[Life::Starting, Life::Stopping]), n) else {
                return;
            };
            match group.life(child) {
                Life::Starting => group.up(child),
                Life::Idle | Life::Up | Life::Stopping | Life::Parked | Life::Left => {
                    end(group, child, &Exit::Normal, *now);
                }
            }
        }
        Happening::Fail(n, _) | Happening::Finish(n) => {
            let alive = living(group, &[Life::Starting, Life::Up, Life::Stopping]);
            if let Some(child) = pick(alive, n) {
                let exit = match happening {
                    Happening::Fail(_, true) => FAILURE,
                    Happening::Fail(_, false) => HINDERED,
                    _ => Exit::Normal,
                };
                end(group, child, &exit, *now);
            }
        }
        Happening::Wait(span) => *now += span,
        Happening::GoDown => group.go_down(Exit::Normal),
    }
}

/// The rules, read off the state in which an order was given.
fn check_order(before: &[Life], order: &Order) -> Result<(), TestCaseError> {
    match order {
        Order::Start(child) => {
            prop_assert_eq!(before[*child], Life::Idle);
            prop_assert!(!before.contains(&Life::Starting), "two start at a time");
            prop_assert!(
                !before.contains(&Life::Stopping),
                "starts beside one that stops"
            );
        }
        Order::Stop(child) => {
            prop_assert!(matches!(before[*child], Life::Starting | Life::Up));
            prop_assert!(!before.contains(&Life::Stopping), "two stop at a time");
        }
        Order::Retry(child) => {
            prop_assert_eq!(before[*child], Life::Parked);
            prop_assert!(!before.contains(&Life::Stopping));
        }
        Order::Ready => {
            let at_rest = |life: &Life| matches!(life, Life::Up | Life::Parked | Life::Left);
            prop_assert!(before.iter().all(at_rest));
        }
        Order::Finish(_) => prop_assert!(before.iter().all(|l| *l == Life::Left)),
    }
    Ok(())
}

proptest! {
    #[test]
    fn whatever_happens_the_rules_hold_and_the_group_comes_to_rest(
        strategy in prop_oneof![
            Just(Strategy::OneForOne), Just(Strategy::OneForAll), Just(Strategy::RestForOne)
        ],
        restarts in 0_u32..5,
        parking in prop::collection::vec(any::<bool>(), 1..6),
        happenings in prop::collection::vec(happening(), 0..120),
    ) {
        let children = parking.len();
        let own = parking.iter().map(|own| own.then_some(PARKING)).collect();
        let (mut group, mut now) = (group_with(strategy, restarts, own), 0);
        for happening in happenings {
            loop {
                let before: Vec<Life> = (0..children).map(|child| group.life(child)).collect();
                let Some(order) = group.next(now) else { break };
                check_order(&before, &order)?;
            }
            apply(&mut group, happening, &mut now);
        }
        while !living(&group, &[Life::Starting, Life::Stopping]).is_empty() {
            apply(&mut group, Happening::Answer(0), &mut now);
        }
        for child in living(&group, &[Life::Parked]) {
            group.retry(child, now);
        }
        settle(&mut group, &mut now);
        let all_up = living(&group, &[Life::Up, Life::Left]).len() == children;
        prop_assert!(all_up, "not at rest: {group:?}");
        if matches!(group.goal, Goal::Done) {
            prop_assert_eq!(living(&group, &[Life::Left]).len(), children);
        }
    }
}
