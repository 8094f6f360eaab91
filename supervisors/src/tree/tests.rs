//! Whole trees of toy actors on a paused clock: an hour of backoffs passes in milliseconds.

mod healing;
mod toys;

use config::Strategy;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout};

use self::toys::{Do, Starter, ToyBox, Vice, above, open, start, toy};
use super::*;
use crate::{News, StopError};

/// Lets a virtual half minute pass: everything that is going to happen by then has happened.
async fn settle() {
    sleep(Duration::from_secs(30)).await;
}

const MINUTE: Duration = Duration::from_secs(60);

async fn check(strategy: Strategy, what: Do, expect: &str) {
    let toys = ToyBox::with(&[]);
    let root = above("root", strategy, 3, vec![toy("a"), toy("b"), toy("c")]);
    let tree = start(root, &toys).await;
    assert_eq!(toys.read(), "+a0 +b0 +c0");
    toys.tell("b", what);
    settle().await;
    assert_eq!(toys.read(), expect, "{strategy:?} {what:?}");
    assert!(tree.view().walk().skip(1).all(|node| {
        let ended_well = what == Do::Finish && node.name == "b";
        ended_well || node.state == ChildState::Running
    }));
    tree.stop(MINUTE).await.expect("the toys stop");
}

#[tokio::test(start_paused = true)]
async fn each_strategy_restarts_exactly_whom_it_should_in_order() {
    for failure in [Do::Fail, Do::Panic] {
        check(Strategy::OneForOne, failure, "+b1").await;
        check(Strategy::RestForOne, failure, "-c0 +b1 +c1").await;
        check(Strategy::OneForAll, failure, "-c0 -a0 +a1 +b1 +c1").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_done_stays_so_under_every_strategy() {
    for strategy in [
        Strategy::OneForOne,
        Strategy::RestForOne,
        Strategy::OneForAll,
    ] {
        check(strategy, Do::Finish, "-b0").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_recycled_stops_and_starts_in_order_and_costs_no_budget() {
    let toys = ToyBox::with(&[]);
    let parts = vec![toy("b"), toy("c"), toy("d")];
    let inner = above("inner", Strategy::OneForAll, 1, parts);
    let outer = above("outer", Strategy::RestForOne, 1, vec![toy("a"), inner]);
    let root = above("root", Strategy::OneForOne, 1, vec![outer, toy("e")]);
    let tree = start(root, &toys).await;
    assert_eq!(toys.read(), "+a0 +b0 +c0 +d0 +e0");
    for generation in 1..=5 {
        tree.ask_at("outer/inner", Errand::Recycle);
        settle().await;
        let g = generation;
        let story = format!("-d{0} -c{0} -b{0} +b{g} +c{g} +d{g}", g - 1);
        assert_eq!(
            toys.read(),
            story,
            "more often than the budget of failures allows"
        );
    }
    tree.ask_at("outer/nobody", Errand::Recycle);
    settle().await;
    assert_eq!(toys.read(), "");
    tree.stop(MINUTE).await.expect("the toys stop");
}

#[tokio::test(start_paused = true)]
async fn a_tree_stops_in_reverse_order_of_starting() {
    let toys = ToyBox::with(&[]);
    let inner = above("inner", Strategy::OneForOne, 1, vec![toy("b"), toy("c")]);
    let root = above(
        "root",
        Strategy::OneForOne,
        1,
        vec![toy("a"), inner, toy("d")],
    );
    let tree = start(root, &toys).await;
    assert_eq!(toys.read(), "+a0 +b0 +c0 +d0");
    tree.stop(MINUTE).await.expect("the toys stop");
    assert_eq!(toys.read(), "-d0 -c0 -b0 -a0");
    assert_eq!(tree.finished().await, Exit::Normal);
    assert!(
        tree.view()
            .walk()
            .all(|node| node.state == ChildState::Ended)
    );
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_escalates_level_by_level_up_to_the_root() {
    let toys = ToyBox::with(&[("c", Vice::FailAtOnce)]);
    let inner = above("inner", Strategy::OneForOne, 2, vec![toy("b"), toy("c")]);
    let root = above("root", Strategy::OneForOne, 1, vec![toy("a"), inner]);
    let tree = open(root, &toys).await;
    let exit = timeout(MINUTE, tree.finished()).await.expect("it gives up");
    // Two lives of `inner` with two restarts each: `c` lives six times, and counts through.
    let diary = toys.read();
    assert_eq!(diary.matches("+c").count(), 6, "{diary}");
    assert!(diary.ends_with("+c5 -b1 -a0"), "{diary}");
    assert_eq!(exit.remedy(), Some("do not tell it"));
    assert_eq!(
        exit.to_string(),
        "\"root\" gave up: \"inner\" gave up: told to fail"
    );
}

#[tokio::test(start_paused = true)]
async fn failing_starts_are_tried_again_within_the_budget() {
    for vice in [Vice::FailStarts(2), Vice::PanicStarts(2)] {
        let toys = ToyBox::with(&[("b", vice)]);
        let root = above(
            "root",
            Strategy::RestForOne,
            2,
            vec![toy("a"), toy("b"), toy("c")],
        );
        let tree = start(root, &toys).await;
        assert_eq!(toys.read(), "+a0 +b2 +c0", "{vice:?}");
        tree.stop(MINUTE).await.expect("the toys stop");
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_never_starts_ends_the_tree_instead_of_spinning() {
    let toys = ToyBox::with(&[("b", Vice::FailStarts(u64::MAX))]);
    let root = above("root", Strategy::OneForAll, 3, vec![toy("a"), toy("b")]);
    let begin = Instant::now();
    let plan = TreePlan { root };
    let starter = Arc::new(Starter(Arc::clone(&toys)));
    let error = start_tree(plan, starter, Arc::new(|_| {}), 1).await.err();
    let StartError(exit) = error.expect("the tree gives up");
    assert_eq!(exit.remedy(), Some("be kind"));
    assert!(begin.elapsed() > Duration::ZERO, "without any backoff");
    assert_eq!(toys.read(), "+a0 -a0 +a1 -a1 +a2 -a2 +a3 -a3");
}

#[tokio::test(start_paused = true)]
async fn a_starter_that_panics_counts_as_a_failure_of_its_child() {
    let toys = ToyBox::with(&[("a", Vice::StarterPanics)]);
    let tree = start(above("root", Strategy::OneForOne, 1, vec![toy("a")]), &toys).await;
    let view = tree.view();
    let exit = view.children[0].last_exit.clone().expect("it failed once");
    assert_eq!(
        (exit.cause, view.children[0].generation),
        ("panic", Some(1))
    );
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ignores_stop_is_killed_at_its_deadline_and_the_others_stop_well() {
    let toys = ToyBox::with(&[("b", Vice::IgnoreStop)]);
    let root = above(
        "root",
        Strategy::OneForOne,
        1,
        vec![toy("a"), toy("b"), toy("c")],
    );
    let tree = start(root, &toys).await;
    toys.read();
    let begin = Instant::now();
    tree.stop(MINUTE).await.expect("each has its own deadline");
    assert_eq!(begin.elapsed(), Duration::from_millis(500));
    assert_eq!(toys.read(), "-c0 -a0");
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_survives_its_kill_ends_the_tree_rather_than_live_twice() {
    let toys = ToyBox::with(&[("b", Vice::Unlinked)]);
    let root = above("root", Strategy::OneForAll, 9, vec![toy("a"), toy("b")]);
    let tree = start(root, &toys).await;
    toys.tell("a", Do::Fail);
    let exit = tree.finished().await;
    assert_eq!(exit.remedy(), Some("restart the process"));
    assert_eq!(toys.read(), "+a0 +b0 -b0");
}

#[tokio::test(start_paused = true)]
async fn what_outlasts_the_stop_of_the_tree_is_named_and_killed() {
    let toys = ToyBox::with(&[("b", Vice::IgnoreStop)]);
    let root = above("root", Strategy::OneForOne, 1, vec![toy("a"), toy("b")]);
    let tree = start(root, &toys).await;
    let error = tree.stop(Duration::from_millis(100)).await.err();
    let StopError { still_running } = error.expect("it takes longer");
    assert_eq!(still_running, ["a", "b"]);
    assert_eq!(tree.finished().await, Exit::Killed);
}

#[tokio::test(start_paused = true)]
async fn stopping_during_a_backoff_resurrects_nobody() {
    let toys = ToyBox::with(&[("b", Vice::FailStarts(u64::MAX))]);
    let root = above(
        "root",
        Strategy::RestForOne,
        u32::MAX,
        vec![toy("a"), toy("b")],
    );
    let tree = open(root, &toys).await;
    while tree.view().children[1].state != ChildState::Backoff {
        sleep(Duration::from_millis(1)).await;
    }
    tree.stop(MINUTE).await.expect("the toys stop");
    settle().await;
    assert_eq!(toys.read(), "+a0 -a0");
    assert!(tree.ready().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn stopping_during_a_start_abandons_the_start() {
    let toys = ToyBox::with(&[("b", Vice::HangStart)]);
    let inner = above("inner", Strategy::OneForAll, 1, vec![toy("b")]);
    let root = above(
        "root",
        Strategy::RestForOne,
        1,
        vec![toy("a"), inner, toy("c")],
    );
    let tree = open(root, &toys).await;
    settle().await;
    let begin = Instant::now();
    tree.stop(MINUTE).await.expect("the start is abandoned");
    assert_eq!(begin.elapsed(), Duration::ZERO);
    assert_eq!(toys.read(), "+a0 -a0");
}

#[tokio::test(start_paused = true)]
async fn a_failure_while_the_tree_stops_restarts_nobody() {
    let toys = ToyBox::with(&[("c", Vice::IgnoreStop)]);
    let root = above(
        "root",
        Strategy::OneForAll,
        9,
        vec![toy("a"), toy("b"), toy("c")],
    );
    let tree = start(root, &toys).await;
    toys.read();
    let stopping = tree.stop(MINUTE);
    let failing = async {
        sleep(Duration::from_millis(100)).await;
        toys.tell("a", Do::Panic);
    };
    let (stopped, ()) = tokio::join!(stopping, failing);
    stopped.expect("c is killed in time");
    settle().await;
    assert_eq!(toys.read(), "-b0");
}

#[tokio::test(start_paused = true)]
async fn the_view_tells_generation_last_exit_and_what_is_left_of_the_budget() {
    let toys = ToyBox::with(&[]);
    let tree = start(above("root", Strategy::OneForOne, 3, vec![toy("a")]), &toys).await;
    toys.tell("a", Do::Fail);
    settle().await;
    let view = tree.view();
    let child = &view.children[0];
    let exit = child.last_exit.clone().expect("it failed");
    assert_eq!((child.generation, exit.cause), (Some(1), "error"));
    assert_eq!(exit.remedy.as_deref(), Some("do not tell it"));
    assert_eq!(view.budget.and_then(|budget| budget.left), Some(2));
    settle().await;
    let budget = tree.view().budget.expect("root is a supervisor");
    assert_eq!((budget.spent, budget.left), (0, Some(3)));
}

#[tokio::test(start_paused = true)]
async fn the_news_tell_the_story() {
    let toys = ToyBox::with(&[("b", Vice::IgnoreStop)]);
    let told = Arc::new(Mutex::new(Vec::new()));
    let events: EventSink = {
        let told = Arc::clone(&told);
        Arc::new(move |news| {
            let what = match &news.news {
                News::Started => "started",
                News::Stopped => "stopped",
                News::Finished => "finished",
                News::Restarting { exit, .. } => exit.cause(),
                News::Escalated { .. } => "escalated",
                News::Killed => "killed",
                News::Parked { .. } => "parked",
                News::Retried => "retried",
                News::Abandoned => "abandoned",
            };
            told.lock().push(format!("{} {what}", news.path));
        })
    };
    let inner = above("inner", Strategy::OneForAll, 1, vec![toy("a"), toy("b")]);
    let root = above("root", Strategy::OneForOne, 1, vec![inner]);
    let starter = Arc::new(Starter(Arc::clone(&toys)));
    let tree = start_tree(TreePlan { root }, starter, events, 3)
        .await
        .expect("starts");
    toys.tell("a", Do::Panic);
    settle().await;
    tree.stop(MINUTE).await.expect("stops");
    let expected = [
        "inner/a started",
        "inner/b started",
        "inner started",
        "inner/a panic",
        "inner/b killed",
        "inner/b stopped",
        "inner/a started",
        "inner/b started",
        "inner/b killed",
        "inner/b stopped",
        "inner/a stopped",
        "inner stopped",
    ];
    assert_eq!(*told.lock(), expected);
}
