//! A panic in any actor ends in a restart and in the same output.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actors::log::Log;
use actors::log::memory::MemoryLog;
use actors::nodes::faults::Faults;
use tests::experiments::restarts::restarts;
use tests::inside;

/// Where the hook is called, with the call at which it panics: in the middle of the stream.
const PLACES: [(&str, u64); 11] = [
    ("consumer", 4),
    ("consumer-thread", 20),
    ("partition", 60),
    ("session-host", 60),
    ("inference", 3),
    ("sink", 12),
    ("committer", 6),
    ("producer", 4),
    ("feed-thread", 2),
    ("feed", 1),
    ("housekeeping", 1),
];

/// All outputs, by topic and partition, and the highest generation of the actors. `sessions` stands
/// in each keyed operator.
fn run(sessions: &str, faults: Faults) -> (Vec<Vec<Vec<String>>>, u64) {
    let text = tests::examples::card_fraud();
    let text = text.replace(
        "kind = \"rolling\"",
        &format!("kind = \"rolling\"\n{sessions}"),
    );
    let text = text.replace("rate = 5000", "records = 12000");
    let text = text.replace("\"models/fraud\"", "\"examples/card-fraud/models/fraud\"");
    let text = text.replacen(
        "version = 1\n",
        "version = 1\nepoch = { interval = \"20ms\", records = 1000 }\n",
        1,
    );
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let dir = tempfile::tempdir().expect("a temporary folder");
    let generation = inside::run(
        inside::topology(&text),
        Arc::clone(&log),
        dir.path(),
        faults,
    );
    let outputs = ["scored", "blocked", "review"];
    (
        outputs
            .iter()
            .map(|topic| inside::values(&*log, topic))
            .collect(),
        generation,
    )
}

/// Hooks that panic at a place's so manieth call; and how often it was called.
fn panic_at(place: &'static str, call: u64) -> (Faults, Arc<AtomicU64>) {
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let faults = Faults::new(Arc::new(move |kind: &str| {
        let hit = kind == place && counted.fetch_add(1, Ordering::SeqCst) + 1 == call;
        assert!(!hit, "injected into {kind}");
    }));
    (faults, calls)
}

#[test]
fn a_panic_in_any_actor_ends_in_a_restart_and_in_the_same_output() {
    let (expected, generation) = run("", Faults::default());
    assert_eq!(generation, 0, "nothing restarts by itself");
    assert!(expected[0].iter().map(Vec::len).sum::<usize>() > 11_000);
    for (place, call) in PLACES {
        let (faults, calls) = panic_at(place, call);
        let (found, generation) = run("", faults);
        let hit = calls.load(Ordering::SeqCst) >= call;
        // Housekeeping and the feed's actor may not come to work in a run this short.
        if place != "housekeeping" && place != "feed" && place != "consumer" {
            assert!(
                hit,
                "{place} was called {} times",
                calls.load(Ordering::SeqCst)
            );
        }
        assert_eq!(generation > 0, hit, "a panic in {place} restarts something");
        assert_eq!(found, expected, "outputs after a panic in {place}");
    }
}

#[test]
fn where_sessions_live_and_whether_one_of_their_actors_fails_does_not_show_in_the_output() {
    let (expected, _) = run("", Faults::default());
    for hosting in [
        "hosting = \"dedicated\", max = 300",
        "hosting = \"auto\", max = 40",
    ] {
        let sessions = format!("sessions = {{ {hosting} }}");
        let (found, generation) = run(&sessions, Faults::default());
        assert_eq!((found == expected, generation), (true, 0), "{hosting}");
        let (faults, calls) = panic_at("session", 300);
        let (found, generation) = run(&sessions, faults);
        assert!(calls.load(Ordering::SeqCst) >= 300 && generation > 0);
        assert!(
            found == expected,
            "{hosting}, after a panic in a session's actor"
        );
    }
}

#[test]
fn records_flow_again_after_a_panic_in_a_task_and_in_what_tasks_share() {
    // How soon, `--bin restarts` says: on a busy machine nothing can be asked of it.
    let restarts = restarts(20, 500);
    assert_eq!(restarts.len(), 20);
}
