//! A partition that fails again and again is parked: the others go on, and nothing of it is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actors::log::memory::MemoryLog;
use actors::log::{Log, LogRecord, partition_for_key};
use actors::nodes::events::Happened;
use actors::nodes::faults::Faults;
use actors::nodes::topics::topics;
use bytes::Bytes;
use runtime::control::PartitionView;
use supervisors::ChildState;
use tests::inside::{self, Running};

const PASSAGES: usize = 2_000;
const GATES: &str = include_str!("topologies/gates.toml");

/// Passages through one gate in each partition, in turn; every hundredth of the first one's is `bad`.
fn passages() -> Vec<LogRecord> {
    let gate = |wanted| {
        let mut gates = (0..).map(|nth| format!("g{nth}"));
        let found = gates.find(|gate| partition_for_key(gate.as_bytes(), 2) == wanted);
        found.expect("there is one")
    };
    let gates = [gate(0), gate(1)];
    let passage = |nth: usize| {
        let (gate, ts) = (&gates[nth % 2], 1_700_000_000_000 + nth);
        let card = match nth % 200 {
            100 => format!("bad-{nth}"),
            _ => format!("c{}", nth * 7 % 31),
        };
        let value = format!("{{\"gate\":\"{gate}\",\"card\":\"{card}\",\"ts\":{ts}}}");
        LogRecord::new(Some(Bytes::from(gate.clone())), Some(Bytes::from(value)), 1)
    };
    (0..PASSAGES).map(passage).collect()
}

/// A log with the passages in it, and a topology that reads them.
fn prepared(text: &str) -> (config::Topology, Arc<dyn Log>) {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let topology = inside::topology(text);
    for (_, spec) in topics(&topology) {
        log.ensure_topic(&spec).expect("created");
    }
    inside::append(&*log, "passages", passages());
    (topology, log)
}

/// Hooks that fail tasks over bad passages for as long as the flag is up.
fn failing(flag: &Arc<AtomicBool>) -> Faults {
    let flag = Arc::clone(flag);
    Faults::by_content(Arc::new(move |stage: &str, bytes: &[u8]| {
        let bad = || bytes.windows(4).any(|place| place == b"bad-");
        assert!(
            !(stage == "task" && flag.load(Ordering::SeqCst) && bad()),
            "a bad passage"
        );
    }))
}

fn count(log: &dyn Log, topic: &str) -> usize {
    inside::values(log, topic).iter().map(Vec::len).sum()
}

async fn parked(running: &Running) -> Vec<PartitionView> {
    let partitions = running.ask(|control| control.partitions()).await;
    let partitions = partitions.expect("the log answers").into_iter();
    partitions.filter(|view| view.parked.is_some()).collect()
}

/// Runs until the first partition is parked and the other one's records have all been told.
async fn until_parked(
    text: &str,
    flag: &Arc<AtomicBool>,
) -> (Running, Arc<dyn Log>, tempfile::TempDir) {
    let (topology, log) = prepared(text);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let running = Running::start(topology, Arc::clone(&log), dir.path(), failing(flag)).await;
    let parks = |running: &Running| {
        let events = running.control.events(0).into_iter();
        let mut parks = events.filter(|event| matches!(event.happened, Happened::Parked { .. }));
        parks.next()
    };
    running
        .until("a parked partition", || parks(&running))
        .await;
    let others = || (inside::values(&*log, "seen")[1].len() == PASSAGES / 2).then_some(());
    running.until("the other partition's records", others).await;
    (running, log, dir)
}

fn undisturbed() -> [Vec<Vec<String>>; 2] {
    let (topology, log) = prepared(GATES);
    let dir = tempfile::tempdir().expect("a temporary folder");
    inside::run(topology, Arc::clone(&log), dir.path(), Faults::default());
    ["seen", "counted"].map(|topic| inside::values(&*log, topic))
}

#[test]
fn a_partition_that_fails_again_and_again_is_parked_and_loses_nothing() {
    let expected = undisturbed();
    let flag = Arc::new(AtomicBool::new(true));
    inside::block_on(async {
        let (running, log, _dir) = until_parked(GATES, &flag).await;
        let found = parked(&running).await;
        assert_eq!(found.len(), 1);
        let (name, lag) = (found[0].name.clone(), found[0].lag);
        let parked = found[0].parked.clone().expect("it is parked");
        assert!(lag > 0, "what it has not read is its lag");
        assert!(parked.reason.contains("a bad passage"), "{}", parked.reason);
        assert!(parked.retry_ms > parked.since_ms);
        let tree = running.daemon.tree.view();
        let mut actors = tree.walk();
        let shown = actors
            .find(|actor| actor.name == name)
            .map(|actor| actor.state);
        assert_eq!(shown, Some(ChildState::Parked));
        // Behind the key-by, rows wait for it: who holds them back is told.
        let waits = || {
            let views = running.control.partitions().expect("the log answers");
            let waits: Vec<_> = views.iter().filter(|view| view.held > 0).collect();
            let for_it = |view: &&PartitionView| view.held_back_by.as_deref() == Some(&*name);
            (!waits.is_empty() && waits.iter().all(for_it)).then_some(())
        };
        running
            .until("rows that wait for the parked one", waits)
            .await;
        let refused = running
            .ask(|control| control.retry_partition("passages-7"))
            .await;
        assert!(refused.is_err(), "there is no such partition");

        flag.store(false, Ordering::SeqCst);
        let retried = name.clone();
        let retried = running
            .ask(move |control| control.retry_partition(&retried))
            .await;
        retried.expect("it is parked");
        running.caught_up().await;
        let dead = count(&*log, "gates.dead-letters");
        let outputs = ["seen", "counted"].map(|topic| inside::values(&*log, topic));
        running.stop().await;
        if dead == 0 {
            assert_eq!(outputs, expected, "in their order, once");
        }
        // A record that failed its task three times before the park is a dead letter, and no output.
        assert_eq!(
            outputs[0].iter().map(Vec::len).sum::<usize>() + dead,
            PASSAGES
        );
        assert_eq!(outputs[0][1], expected[0][1], "the other partition's");
    });
}

#[test]
fn where_silence_is_passed_over_a_parked_partition_is_too() {
    let text = GATES.replace("idle = \"1h\"", "idle = \"50ms\"");
    let flag = Arc::new(AtomicBool::new(true));
    inside::block_on(async {
        let (running, log, _dir) = until_parked(&text, &flag).await;
        let all = || (count(&*log, "counted") >= PASSAGES / 2 - 1).then_some(());
        running
            .until("what does not wait for the parked one", all)
            .await;
        flag.store(false, Ordering::SeqCst);
        let name = parked(&running).await[0].name.clone();
        let retried = running
            .ask(move |control| control.retry_partition(&name))
            .await;
        retried.expect("it is parked");
        running.caught_up().await;
        let dead = count(&*log, "gates.dead-letters");
        assert_eq!(
            count(&*log, "counted") + dead,
            PASSAGES,
            "each once all the same"
        );
        running.stop().await;
    });
}
