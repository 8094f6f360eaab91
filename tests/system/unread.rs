//! A consumer that forgets a partition is replaced, and everything is read once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actors::log::memory::MemoryLog;
use actors::log::{Log, LogRecord, Polled};
use actors::nodes::events::Happened;
use actors::nodes::faults::Faults;
use actors::nodes::topics::topics;
use bytes::Bytes;
use tests::inside::{self, Running};

use crate::commits::watched::{Watched, Watcher};

/// The first consumer goes deaf after so many polls.
const POLLS: u64 = 20;

#[derive(Default)]
struct Deaf {
    consumers: AtomicU64,
    polls: AtomicU64,
}

impl Watcher for Deaf {
    fn joined(&self) {
        self.consumers.fetch_add(1, Ordering::SeqCst);
    }

    fn polled(&self) -> Option<Polled> {
        let polls = self.polls.fetch_add(1, Ordering::SeqCst);
        let hears = self.consumers.load(Ordering::SeqCst) > 1 || polls < POLLS;
        (!hears).then(|| {
            std::thread::park_timeout(Duration::from_millis(10));
            Polled::Nothing
        })
    }
}

#[test]
fn a_consumer_that_forgets_its_partitions_is_replaced_and_each_record_is_read_once() {
    let text = include_str!("topologies/ledger.toml");
    let text = text.replacen(
        "version = 1\n",
        "version = 1\nsupervision = { unread-after = \"1s\" }\n",
        1,
    );
    let log: Arc<dyn Log> = Arc::new(Watched {
        inner: MemoryLog::new(),
        watcher: Arc::new(Deaf::default()),
    });
    let topology = inside::topology(&text);
    for (_, spec) in topics(&topology) {
        log.ensure_topic(&spec).expect("created");
    }
    let payment = |nth: usize| {
        let value = format!("{{\"card\":\"c\",\"ts\":{nth},\"amount\":1.0}}");
        LogRecord::new(Some(Bytes::from("c")), Some(Bytes::from(value)), 1)
    };
    // More than twenty polls bring.
    let count = 60_000;
    inside::append(&*log, "payments", (0..count).map(payment).collect());
    let dir = tempfile::tempdir().expect("a temporary folder");
    inside::block_on(async {
        let faults = Faults::default();
        let running = Running::start(topology, Arc::clone(&log), dir.path(), faults).await;
        let told = || {
            let events = running.control.events(0).into_iter();
            let mut unread = events.filter(|e| matches!(e.happened, Happened::Unread { .. }));
            unread.next()
        };
        running.until("word of unread records", told).await;
        running.caught_up().await;
        running.stop().await;
    });
    let totals = inside::values(&*log, "totals");
    let last = totals[0].last().expect("totals");
    assert_eq!(totals[0].len(), count);
    assert!(last.contains(&format!("\"payments\":{count}")), "{last}");
}
