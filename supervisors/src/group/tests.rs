//! The state machine against random histories: whatever happens in whatever order, the three rules
//! of the module hold, and a group that is left alone comes to rest.

use config::Strategy;
use proptest::prelude::*;
use proptest::strategy::Strategy as _;

use super::*;

const FAILURE: Exit = Exit::Killed;

fn group(strategy: Strategy, restarts: u32, children: usize) -> Group {
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

/// Answers every order at once, well, until there is none left; returns them.
fn settle(group: &mut Group, now: &mut i64) -> Vec<Order> {
    let mut orders = Vec::new();
    loop {
        while let Some(order) = group.next(*now) {
            match order {
                Order::Start(child) => group.up(child),
                Order::Stop(child) => {
                    group.ended(child, &Exit::Normal, *now, 1.0);
                }
                Order::Ready | Order::Finish(_) => {}
            }
            orders.push(order);
        }
        match group.wake_at(*now) {
            Some(at) => *now = at,
            None => return orders,
        }
    }
}

fn after_failure_of(failed: usize, strategy: Strategy) -> Vec<Order> {
    let (mut group, mut now) = (group(strategy, 9, 4), 0);
    settle(&mut group, &mut now);
    group.ended(failed, &FAILURE, now, 1.0);
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
    group.ended(1, &FAILURE, 50, 1.0);
    assert_eq!(group.next(50), Some(Order::Stop(0)));
    group.ended(0, &Exit::Normal, 50, 1.0);
    assert_eq!((group.next(59), group.wake_at(59)), (None, Some(60)));
    assert_eq!(group.next(60), Some(Order::Start(0)));
}

#[test]
fn under_one_for_one_a_child_that_backs_off_holds_up_nobody() {
    let (mut group, now) = (group(Strategy::OneForOne, 9, 3), 0);
    assert_eq!(group.next(now), Some(Order::Start(0)));
    group.ended(0, &FAILURE, now, 1.0);
    assert_eq!(group.next(now), Some(Order::Start(1)));
}

#[test]
fn those_that_die_with_the_failed_one_do_not_cost_budget() {
    let (mut group, mut now) = (group(Strategy::OneForAll, 1, 3), 0);
    settle(&mut group, &mut now);
    assert!(matches!(
        group.ended(0, &FAILURE, now, 1.0),
        Verdict::Restarting { left: 0, .. }
    ));
    assert_eq!(group.ended(2, &FAILURE, now, 1.0), Verdict::Stopped);
    assert_eq!(group.next(now), Some(Order::Stop(1)));
}

#[test]
fn a_spent_budget_takes_all_down_in_reverse_and_ends_the_supervisor() {
    let (mut group, mut now) = (group(Strategy::OneForOne, 0, 3), 0);
    settle(&mut group, &mut now);
    assert_eq!(group.ended(1, &FAILURE, now, 1.0), Verdict::Escalated);
    let expected = [Order::Stop(2), Order::Stop(0), Order::Finish(FAILURE)];
    assert_eq!(settle(&mut group, &mut now), expected);
}

/// What the outside may do to a group between two orders.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// The start or stop under way of the n-th busy child is answered well.
    Answer(usize),
    /// The n-th living child fails.
    Fail(usize),
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
        3 => (0_usize..8).prop_map(Happening::Fail),
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
                Life::Idle | Life::Up | Life::Stopping | Life::Left => {
                    group.ended(child, &Exit::Normal, *now, 0.5);
                }
            }
        }
        Happening::Fail(n) | Happening::Finish(n) => {
            let alive = living(group, &[Life::Starting, Life::Up, Life::Stopping]);
            if let Some(child) = pick(alive, n) {
                let finishes = matches!(happening, Happening::Finish(_));
                let exit = if finishes { Exit::Normal } else { FAILURE };
                group.ended(child, &exit, *now, 0.5);
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
        Order::Ready => prop_assert!(before.iter().all(|l| matches!(l, Life::Up | Life::Left))),
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
        children in 1_usize..6,
        happenings in prop::collection::vec(happening(), 0..120),
    ) {
        let (mut group, mut now) = (group(strategy, restarts, children), 0);
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
        settle(&mut group, &mut now);
        let all_up = living(&group, &[Life::Up, Life::Left]).len() == children;
        prop_assert!(all_up, "not at rest: {group:?}");
        if matches!(group.goal, Goal::Done) {
            prop_assert_eq!(living(&group, &[Life::Left]).len(), children);
        }
    }
}
