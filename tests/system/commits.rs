//! What a commit's outcome, an earlier owner's transaction and a change of members may not do to the
//! output: each test here fails for a deliberate error of docs/mutations.md, always.

pub(crate) mod watched;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actors::log::memory::MemoryLog;
use actors::log::{
    Log, LogError, LogRecord, OffsetCommit, Polled, Producer, TopicPartition, TopicSpec,
};
use actors::nodes::faults::Faults;
use config::TopicName;
use serde_json::Value;
use tests::inside::{self, Running};
use tokio::sync::Mutex;

use watched::{Watched, Watcher};

/// The topology's name, which is its group's.
const GROUP: &str = "ledger";
/// Payments of one round: one epoch has them all, as they come in one poll.
const ROUND: u64 = 10;

fn topology() -> config::Topology {
    inside::topology(include_str!("topologies/ledger.toml"))
}

/// A log with the topic that the payments come by.
fn log() -> MemoryLog {
    let log = MemoryLog::new();
    let spec = TopicSpec {
        name: payments().topic,
        partitions: 1,
        compacted: false,
        retention_ms: None,
        retention_bytes: None,
    };
    log.ensure_topic(&spec).expect("created");
    log
}

fn payments() -> TopicPartition {
    TopicPartition::new(TopicName::parse("payments").expect("a name"), 0)
}

/// Card and amount of a payment.
fn payment(nth: u64) -> (String, f64) {
    (format!("card-{}", nth % 3), nth as f64)
}

/// Appends a round's payments.
fn pay(log: &MemoryLog, round: u64) {
    let record = |nth: u64| {
        let (card, amount) = payment(nth);
        let value = format!(r#"{{"card":"{card}","ts":{nth},"amount":{amount}}}"#);
        LogRecord::new(Some(card.into()), Some(value.into()), 0)
    };
    let records = (round * ROUND..(round + 1) * ROUND).map(record).collect();
    inside::append(log, "payments", records);
}

/// The output is that of every payment of so many rounds, once and in order.
fn check(log: &MemoryLog, rounds: u64, what: &str) {
    let mut sums: HashMap<String, (u64, f64)> = HashMap::new();
    let expected = (0..rounds * ROUND).map(|nth| {
        let (card, amount) = payment(nth);
        let sum = sums.entry(card.clone()).or_default();
        *sum = (sum.0 + 1, sum.1 + amount);
        (card, *sum)
    });
    let expected: Vec<(String, (u64, f64))> = expected.collect();
    for topic in ["totals", "copies"] {
        let found = inside::values(log, topic).concat().into_iter().map(|v| {
            let row: Value = serde_json::from_str(&v).expect("JSON");
            let card = row["card"].as_str().expect("a card").to_owned();
            let count = row["payments"].as_u64().expect("a count");
            (card, (count, row["total"].as_f64().expect("a sum")))
        });
        assert_eq!(found.collect::<Vec<_>>(), expected, "{what}: {topic}");
    }
}

fn position(log: &MemoryLog) -> i64 {
    let told = log.committed(GROUP, &[payments()]).expect("an answer");
    told[0].as_ref().map_or(0, |committed| committed.offset)
}

/// How a commit ends.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Aborted,
    UnknownButMade,
    UnknownAndLost,
}

/// One commit ends badly.
struct BadCommit {
    nth: u64,
    ending: Ending,
    commits: AtomicU64,
}

impl Watcher for BadCommit {
    fn commit(&self, producer: &mut dyn Producer) -> Result<(), LogError> {
        if self.commits.fetch_add(1, Ordering::SeqCst) + 1 != self.nth {
            return producer.commit();
        }
        match self.ending {
            Ending::Aborted => {
                producer.abort()?;
                Err(LogError::Aborted("by the test".into()))
            }
            Ending::UnknownButMade => {
                producer.commit()?;
                Err(LogError::UnknownOutcome("by the test".into()))
            }
            Ending::UnknownAndLost => {
                producer.abort()?;
                Err(LogError::UnknownOutcome("by the test".into()))
            }
        }
    }
}

#[test]
fn a_commit_that_fails_or_whose_outcome_is_unknown_loses_and_doubles_nothing() {
    let endings = [
        Ending::Aborted,
        Ending::UnknownButMade,
        Ending::UnknownAndLost,
    ];
    for ending in endings {
        for nth in 1..=3 {
            let inner = log();
            let watcher = Arc::new(BadCommit {
                nth,
                ending,
                commits: AtomicU64::new(0),
            });
            let dir = tempfile::tempdir().expect("a folder");
            pay(&inner, 0);
            let rounds = in_rounds(&inner, &watcher, dir.path(), Faults::default());
            inside::block_on(rounds);
            let commits = watcher.commits.load(Ordering::SeqCst);
            assert!(commits >= nth, "{commits} commits are no {nth}");
            check(&inner, 3, &format!("{ending:?} at commit {nth}"));
        }
    }
}

/// Three rounds of payments, an epoch or more each; somebody else pays the first.
async fn in_rounds(inner: &MemoryLog, watcher: &Arc<BadCommit>, data: &Path, faults: Faults) {
    let log = Arc::new(Watched {
        inner: inner.clone(),
        watcher: Arc::clone(watcher),
    });
    let running = Running::start(topology(), log, data, faults).await;
    for round in 0..3 {
        if round > 0 {
            pay(inner, round);
        }
        let end = i64::try_from((round + 1) * ROUND).expect("small");
        let committed = || (position(inner) >= end).then_some(());
        running.until("the round is committed", committed).await;
    }
    running.caught_up().await;
    running.stop().await;
}

#[test]
fn rows_that_come_while_the_sinks_close_belong_to_the_next_epoch() {
    let inner = log();
    let watcher = Arc::new(BadCommit {
        nth: 2,
        ending: Ending::Aborted,
        commits: AtomicU64::new(0),
    });
    // The first epoch is empty. Its close keeps the first sink until the other one has rows of the
    // second epoch, before it is closed too.
    let (log, hits) = (inner.clone(), AtomicU64::new(0));
    let faults = Faults::new(Arc::new(move |kind: &str| {
        if kind == "sink" && hits.fetch_add(1, Ordering::SeqCst) == 0 {
            pay(&log, 0);
            let deadline = Instant::now() + Duration::from_secs(30);
            while hits.load(Ordering::SeqCst) < 2 && Instant::now() < deadline {
                std::thread::yield_now();
            }
        }
    }));
    let dir = tempfile::tempdir().expect("a folder");
    inside::block_on(in_rounds(&inner, &watcher, dir.path(), faults));
    check(&inner, 3, "a commit fails behind such an epoch");
}

/// Another node's transaction, decided only when someone asks for the group's positions, as brokers
/// answer that question only then.
struct InFlight(Mutex<Option<Box<dyn Producer>>>);

impl Watcher for InFlight {
    fn positions_asked(&self) {
        let open = self.0.blocking_lock().take();
        if let Some(mut open) = open {
            open.commit().expect("committed");
        }
    }
}

/// What a whole run wrote to another log, as an open transaction on this one.
fn in_flight(from: &MemoryLog, to: &MemoryLog) -> Box<dyn Producer> {
    let mut producer = to.producer("earlier").expect("a producer");
    producer.begin().expect("begun");
    for info in from.topics().expect("topics") {
        to.ensure_topic(&info.spec).expect("created");
        if info.spec.name == payments().topic {
            continue;
        }
        let all = inside::records(from, info.spec.name.as_str());
        for (partition, records) in (0..).zip(all) {
            let at = TopicPartition::new(info.spec.name.clone(), partition);
            producer.send(&at, records).expect("sent");
        }
    }
    let told = from.committed(GROUP, &[payments()]).expect("an answer");
    let told = told[0].clone().expect("a position");
    let offsets = [OffsetCommit {
        at: payments(),
        offset: told.offset,
        metadata: told.metadata,
    }];
    producer.send_offsets(GROUP, &offsets, None).expect("sent");
    producer
}

#[test]
fn what_an_earlier_owner_had_in_flight_when_a_task_started_is_in_its_state() {
    let (before, after) = (log(), log());
    for log in [&before, &after] {
        pay(log, 0);
    }
    let dir = tempfile::tempdir().expect("a folder");
    let folder = |name: &str| dir.path().join(name);
    let shared: Arc<dyn Log> = Arc::new(before.clone());
    inside::run(topology(), shared, &folder("a"), Faults::default());
    let watcher = Arc::new(InFlight(Mutex::new(Some(in_flight(&before, &after)))));
    pay(&after, 1);
    let log: Arc<dyn Log> = Arc::new(Watched {
        inner: after.clone(),
        watcher,
    });
    inside::run(topology(), log, &folder("b"), Faults::default());
    check(&after, 2, "the second owner goes on where the first was");
}

/// A group whose members come and go without touching this one's partitions: a token is good only
/// while it is of the group's present generation.
#[derive(Default)]
struct Rebalances {
    generation: AtomicU64,
    proven: AtomicU64,
    refused: AtomicBool,
}

impl Watcher for Rebalances {
    fn token_given(&self) {
        let now = self.generation.load(Ordering::SeqCst);
        self.proven.store(now, Ordering::SeqCst);
    }

    fn offsets_sent(&self) -> Result<(), LogError> {
        let proven = self.proven.load(Ordering::SeqCst);
        if proven == self.generation.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.refused.store(true, Ordering::SeqCst);
        Err(LogError::Aborted("a token of an earlier generation".into()))
    }
}

#[test]
fn a_rebalance_while_an_epoch_closes_does_not_cost_the_epoch() {
    let inner = log();
    pay(&inner, 0);
    let watcher = Arc::new(Rebalances::default());
    let group = Arc::clone(&watcher);
    // The sinks close last: whatever proves membership before that is out of date.
    let faults = Faults::new(Arc::new(move |kind: &str| {
        if kind == "sink" && !group.refused.load(Ordering::SeqCst) {
            group.generation.fetch_add(1, Ordering::SeqCst);
        }
    }));
    let log = Arc::new(Watched {
        inner: inner.clone(),
        watcher: Arc::clone(&watcher),
    });
    let dir = tempfile::tempdir().expect("a folder");
    let restarts = inside::run(topology(), log, dir.path(), faults);
    assert!(!watcher.refused.load(Ordering::SeqCst), "the token was old");
    assert_eq!(restarts, 0, "nothing restarts");
    check(&inner, 1, "every payment, once");
}

/// A member that loses its partition while an epoch closes, and is a member again at once: its new
/// token is good, but the epoch is of the time before, and another has gone on since.
struct Lost {
    inner: MemoryLog,
    /// 0: not yet; 1: to be told; 2: told; 3: it has its partition again.
    step: AtomicU64,
}

impl Watcher for Lost {
    fn polled(&self) -> Option<Polled> {
        let took = |step| {
            self.step
                .compare_exchange(step, step + 1, Ordering::SeqCst, Ordering::SeqCst)
        };
        if took(1).is_ok() {
            let mut other = self.inner.producer("other").expect("a producer");
            other.begin().expect("begun");
            let offsets = [OffsetCommit {
                at: payments(),
                offset: i64::try_from(ROUND).expect("small"),
                metadata: String::new(),
            }];
            other.send_offsets(GROUP, &offsets, None).expect("sent");
            other.commit().expect("committed");
            return Some(Polled::Revoked {
                partitions: vec![payments()],
                lost: true,
            });
        }
        took(2).is_ok().then(|| Polled::Assigned(vec![payments()]))
    }
}

#[test]
fn an_epoch_of_a_partition_that_was_lost_is_not_committed_whatever_the_token() {
    let inner = log();
    pay(&inner, 0);
    let watcher = Arc::new(Lost {
        inner: inner.clone(),
        step: AtomicU64::new(0),
    });
    // The sinks close last: by then all of the epoch is done but the token.
    let lost = Arc::clone(&watcher);
    let faults = Faults::new(Arc::new(move |kind: &str| {
        if kind == "sink" && lost.step.load(Ordering::SeqCst) == 0 {
            lost.step.store(1, Ordering::SeqCst);
            let deadline = Instant::now() + Duration::from_secs(30);
            while lost.step.load(Ordering::SeqCst) < 2 && Instant::now() < deadline {
                std::thread::yield_now();
            }
        }
    }));
    let log = Arc::new(Watched {
        inner: inner.clone(),
        watcher: Arc::clone(&watcher),
    });
    let dir = tempfile::tempdir().expect("a folder");
    inside::run(topology(), log, dir.path(), faults);
    assert_eq!(
        watcher.step.load(Ordering::SeqCst),
        3,
        "lost and given back"
    );
    let written = inside::values(&inner, "totals").concat();
    assert_eq!(
        written,
        Vec::<String>::new(),
        "the other has done it already"
    );
    assert_eq!(position(&inner), i64::try_from(ROUND).expect("small"));
}
