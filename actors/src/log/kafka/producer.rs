//! A transactional producer on Kafka.
//!
//! A commit flushes by itself before it asks the coordinator: librdkafka's own flush is as exact, but
//! its wrapper waits in steps of 100 ms. Which cure an error has is what librdkafka says of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::error::RDKafkaErrorCode;

use super::error::{self, Told};
use super::native::{GroupMetadata, NativeProducer};
use super::{Place, REQUEST_WITHIN, Shared, partition_id};
use crate::log::{
    GroupToken, LogError, LogRecord, Membership, OffsetCommit, Producer, TopicPartition,
};

/// Records that go into the queue by one call.
const BATCH: usize = 1_000;
/// One wait of a loop that serves deliveries meanwhile.
const STEP: Duration = Duration::from_millis(20);
/// One wait for a coordinator.
const COORDINATOR: Duration = Duration::from_millis(200);
/// Aborting takes at most so long; the brokers abort by themselves what is left.
const ABORT_WITHIN: Duration = Duration::from_secs(5);

struct KafkaProducer {
    native: NativeProducer,
    shared: Arc<Shared>,
    open: bool,
}

/// Opens a producer; older ones with its id are fenced, and what they had in flight is decided.
pub(super) fn open(shared: &Arc<Shared>, id: &str) -> Result<Box<dyn Producer>, LogError> {
    Ok(Box::new(make(shared, id)?))
}

/// Writes a record in a transaction of its own and takes it back when the brokers have it.
pub(super) fn rehearse(
    shared: &Arc<Shared>,
    id: &str,
    at: &TopicPartition,
    record: LogRecord,
) -> Result<(), LogError> {
    let mut producer = make(shared, id)?;
    producer.begin()?;
    producer.send(at, vec![record])?;
    producer.flush(deadline(REQUEST_WITHIN))?;
    producer.abort()
}

fn make(shared: &Arc<Shared>, id: &str) -> Result<KafkaProducer, LogError> {
    let doing = format!("opening producer \"{id}\"");
    let place = Place::new(&doing);
    let config = shared.clients.producer(id);
    let native = NativeProducer::open(&config, shared.reporter.clone())
        .map_err(|error| shared.failed(&error, &place))?;
    shared.sign_in(native.client())?;
    let deadline = deadline(REQUEST_WITHIN);
    retried(deadline, || native.init_transactions(COORDINATOR))
        .map_err(|told| shared.explained(error::transaction(&told, &place)))?;
    Ok(KafkaProducer {
        native,
        shared: Arc::clone(shared),
        open: false,
    })
}

impl Producer for KafkaProducer {
    fn begin(&mut self) -> Result<(), LogError> {
        if self.open {
            return Err(LogError::State("a transaction is open already"));
        }
        self.native
            .begin()
            .map_err(|told| self.failed(&told, "beginning a transaction"))?;
        self.open = true;
        Ok(())
    }

    fn send(&mut self, to: &TopicPartition, records: Vec<LogRecord>) -> Result<(), LogError> {
        if !self.open {
            return Err(LogError::State("send without an open transaction"));
        }
        let deadline = deadline(self.shared.clients.transaction_timeout());
        enqueue(&mut self.native, to, &records, deadline)
    }

    fn send_state(&mut self, to: &TopicPartition, records: Vec<LogRecord>) -> Result<(), LogError> {
        if !self.open {
            return Err(LogError::State("send without an open transaction"));
        }
        let deadline = deadline(self.shared.clients.transaction_timeout());
        enqueue_many(&mut self.native, to, &records, deadline)
    }

    fn send_offsets(
        &mut self,
        group: &str,
        offsets: &[OffsetCommit],
        token: Option<&GroupToken>,
    ) -> Result<(), LogError> {
        if !self.open {
            return Err(LogError::State("send_offsets without an open transaction"));
        }
        let without;
        let member = match token {
            Some(GroupToken(Membership::Kafka(member))) => member,
            Some(GroupToken(Membership::Local { .. })) => {
                return Err(LogError::State("the token is another log's"));
            }
            None => {
                let made = GroupMetadata::without_member(group);
                without = made.ok_or(LogError::State("no name for a group"))?;
                &without
            }
        };
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for commit in offsets {
            let partition = partition_id(&commit.at)?;
            let mut element = list.add_partition(commit.at.topic.as_str(), partition);
            element.set_metadata(&commit.metadata);
            let set = element.set_offset(rdkafka::Offset::Offset(commit.offset));
            set.map_err(|_| LogError::State("an offset that is none"))?;
        }
        let deadline = deadline(self.shared.clients.transaction_timeout());
        retried(deadline, || {
            self.native.send_offsets(&list, member, COORDINATOR)
        })
        .map_err(|told| self.failed(&told, "committing offsets"))
    }

    fn commit(&mut self) -> Result<(), LogError> {
        if !self.open {
            return Err(LogError::State("commit without an open transaction"));
        }
        let deadline = deadline(self.shared.clients.transaction_timeout());
        self.flush(deadline)?;
        let committed = retried(deadline, || self.native.commit(COORDINATOR));
        self.open = false;
        match committed {
            Ok(()) => Ok(()),
            // Whoever is told so looks at the committed offsets: the transaction may be one of them.
            Err(told) if told.retriable || told.fatal => Err(LogError::UnknownOutcome(told.text)),
            Err(told) => {
                if told.abort {
                    self.open = true;
                    self.abort()?;
                }
                Err(self.failed(&told, "committing a transaction"))
            }
        }
    }

    fn abort(&mut self) -> Result<(), LogError> {
        if !std::mem::take(&mut self.open) {
            return Ok(());
        }
        // The client purges what is queued by itself and waits for what is on its way: purging that
        // too would leave gaps in the sequence, and the next transaction would fail for them.
        let deadline = deadline(ABORT_WITHIN);
        retried(deadline, || {
            self.native.serve(Duration::ZERO);
            self.native.abort(COORDINATOR)
        })
        .map_err(|told| self.failed(&told, "aborting a transaction"))
    }
}

impl KafkaProducer {
    /// Sends what is queued and sees that all of it arrived.
    fn flush(&mut self, deadline: Instant) -> Result<(), LogError> {
        loop {
            self.native.serve(Duration::ZERO);
            let flushed = self.native.flush(STEP);
            if let Some(code) = self.native.failed_delivery() {
                self.abort()?;
                let told = Told {
                    abort: true,
                    ..Told::from(code)
                };
                return Err(self.failed(&told, "delivering records"));
            }
            if flushed {
                return Ok(());
            }
            if Instant::now() > deadline {
                self.abort()?;
                return Err(LogError::Aborted(
                    "the brokers did not take all records in time".into(),
                ));
            }
        }
    }

    fn failed(&self, told: &Told, doing: &str) -> LogError {
        // The cause of an abort is told by the client's log alone; a right that is missing is missing
        // the next time too.
        match self.shared.reporter.unauthorized() {
            Some(cause) => LogError::Refused(format!("{doing}: {cause}")),
            None => {
                let error = error::transaction(told, &Place::new(doing));
                self.shared.explained(error)
            }
        }
    }
}

/// Puts records into the queue of a partition, waiting for room until the deadline.
pub(super) fn enqueue(
    native: &mut NativeProducer,
    to: &TopicPartition,
    records: &[LogRecord],
    deadline: Instant,
) -> Result<(), LogError> {
    let name = to.topic.as_str();
    let place = Place::new("sending to topic").of_topic(name);
    let topic = native.topic(name);
    let topic = topic.map_err(|code| error::coded(code, &place))?;
    let partition = partition_id(to)?;
    for record in records {
        while let Err(told) = native.send(topic, partition, record) {
            match told.code {
                RDKafkaErrorCode::QueueFull if Instant::now() < deadline => native.serve(STEP),
                RDKafkaErrorCode::MessageSizeTooLarge => {
                    return Err(LogError::Refused(format!("{place}: {}", told.text)));
                }
                RDKafkaErrorCode::UnknownPartition => {
                    return Err(LogError::NoPartition(to.clone()));
                }
                _ => return Err(error::transaction(&told, &place)),
            }
        }
    }
    native.serve(Duration::ZERO);
    Ok(())
}

/// The same by the batch call: without headers, and with the present as their time.
fn enqueue_many(
    native: &mut NativeProducer,
    to: &TopicPartition,
    mut records: &[LogRecord],
    deadline: Instant,
) -> Result<(), LogError> {
    let place = Place::new("sending to topic").of_topic(to.topic.as_str());
    let topic = native.topic(to.topic.as_str());
    let topic = topic.map_err(|code| error::coded(code, &place))?;
    let partition = partition_id(to)?;
    while !records.is_empty() {
        let batch = &records[..records.len().min(BATCH)];
        let taken = native.send_many(topic, partition, batch);
        records = &records[taken..];
        // The batch call has no words for what it does not take; the other one has, or waits for room.
        if taken < batch.len() {
            enqueue(native, to, &records[..1], deadline)?;
            records = &records[1..];
        }
    }
    native.serve(Duration::ZERO);
    Ok(())
}

/// The same call until it succeeds, fails for good, or the deadline passes.
fn retried(deadline: Instant, mut call: impl FnMut() -> Result<(), Told>) -> Result<(), Told> {
    loop {
        match call() {
            Err(told)
                if told.retriable && !told.fatal && !told.abort && Instant::now() < deadline => {}
            done => return done,
        }
    }
}

fn deadline(within: Duration) -> Instant {
    Instant::now() + within
}
