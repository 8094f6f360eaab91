//! An actor that hangs is found, left behind with its thread, and replaced; the output is the same, also if what
//! was left behind goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use actors::clock::{Clock, SystemClock};
use actors::log::Log;
use actors::log::memory::MemoryLog;
use actors::nodes::events::{Event, Happened};
use actors::nodes::faults::Faults;
use tests::inside::{self, Running};

/// Where the hook is called, with the call at which it hangs, and who is replaced for it. Without a call:
/// whenever it comes there, within a run that is waited for.
const PLACES: [(&str, u64, &str); 10] = [
    ("partition", 60, "-"),
    ("session-host", 60, "-"),
    ("consumer-thread", 20, "consumer"),
    ("inference", 3, "inference-fraud"),
    ("sink", 12, "sink-"),
    ("committer", 6, "committer"),
    ("producer", 4, "committer"),
    ("feed-thread", 2, "feed-"),
    ("feed", 1, "feed-"),
    ("housekeeping", 1, "store"),
];

/// One hang.
#[derive(Default)]
struct Hang {
    calls: AtomicU64,
    /// When it began.
    since_ms: AtomicI64,
    released: AtomicBool,
}

/// Hooks that hang at a place's so manieth call until they are released: computing or sleeping.
fn hang_at(place: &'static str, call: u64, computes: bool) -> (Faults, Arc<Hang>) {
    let hang = Arc::new(Hang::default());
    let hangs = Arc::clone(&hang);
    let faults = Faults::new(Arc::new(move |kind: &str| {
        if kind != place || hangs.calls.fetch_add(1, Ordering::SeqCst) + 1 != call {
            return;
        }
        hangs.since_ms.store(SystemClock.now_ms(), Ordering::SeqCst);
        while !hangs.released.load(Ordering::SeqCst) {
            match computes {
                true => std::hint::spin_loop(),
                false => std::thread::park_timeout(Duration::from_millis(10)),
            }
        }
    }));
    (faults, hang)
}

fn card_fraud() -> config::Topology {
    let text = include_str!("../../examples/card-fraud/topology.toml");
    let text = text.replace("rate = 5000", "records = 12000");
    let text = text.replace("\"models/fraud\"", "\"examples/card-fraud/models/fraud\"");
    let text = text.replacen(
        "version = 1\n",
        "version = 1\nepoch = { interval = \"20ms\", records = 1000 }\n",
        1,
    );
    inside::topology(&text)
}

fn hung(running: &Running) -> Option<Event> {
    let events = running.control.events(0).into_iter();
    let mut hung = events.filter(|event| matches!(event.happened, Happened::Hung { .. }));
    hung.next()
}

fn outputs(log: &dyn Log) -> Vec<Vec<Vec<String>>> {
    let topics = ["scored", "blocked", "review"];
    topics.map(|topic| inside::values(log, topic)).into()
}

/// Runs it all with a hang, which ends as soon as it is found, or only after all is done.
#[expect(clippy::print_stderr, reason = "figures for who looks at them")]
async fn run(
    place: (&'static str, u64, &str),
    computes: bool,
    ends_early: bool,
) -> Vec<Vec<Vec<String>>> {
    let (place, call, actor) = place;
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (faults, hang) = hang_at(place, call, computes);
    let running = Running::start(card_fraud(), Arc::clone(&log), dir.path(), faults).await;
    let found = running
        .until("the hang to be found", || hung(&running))
        .await;
    let Happened::Hung {
        actor: who,
        at,
        stage,
        stuck_ms,
        ..
    } = &found.happened
    else {
        unreachable!("only hangs were looked for");
    };
    assert!(who.contains(actor), "{place}: {who} is replaced");
    // By the clock it takes longer where CPUs are short; by its own time it does not.
    assert!((1_500..=2_000).contains(stuck_ms), "{place}: {stuck_ms} ms");
    let took = found.at_ms - hang.since_ms.load(Ordering::SeqCst);
    eprintln!("{place}: {who} ({at} {stage}) found after {took} ms, {stuck_ms} of its own");
    hang.released.store(ends_early, Ordering::SeqCst);
    running.caught_up().await;
    let done = SystemClock.now_ms() - hang.since_ms.load(Ordering::SeqCst);
    eprintln!("{place}: all done {done} ms after it began");
    running.stop().await;
    hang.released.store(true, Ordering::SeqCst);
    outputs(&*log)
}

#[test]
fn a_hang_in_any_actor_is_found_and_healed_and_leaves_the_output_as_it_was() {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let dir = tempfile::tempdir().expect("a temporary folder");
    inside::run(
        card_fraud(),
        Arc::clone(&log),
        dir.path(),
        Faults::default(),
    );
    let expected = outputs(&*log);
    for (nth, place) in PLACES.into_iter().enumerate() {
        // Each way of hanging, and what is left behind goes on or does not.
        let (computes, ends_early) = (nth % 2 == 0, nth % 4 < 2);
        let found = inside::block_on(run(place, computes, ends_early));
        assert_eq!(found, expected, "outputs after a hang in {}", place.0);
    }
}
