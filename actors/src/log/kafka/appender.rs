//! An idempotent producer without transactions: its records are visible as soon as the brokers have
//! them. A record that they do not take in time ends it; whoever owns it begins anew, from what is
//! committed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::native::NativeProducer;
use super::producer::enqueue;
use super::{Place, Shared, error};
use crate::log::{Appender, LogError, LogRecord, TopicPartition};

/// One wait of a flush, which serves deliveries meanwhile.
const STEP: Duration = Duration::from_millis(20);

struct KafkaAppender {
    native: NativeProducer,
    shared: Arc<Shared>,
}

/// Opens one. Reaches no broker.
pub(super) fn open(shared: &Arc<Shared>) -> Result<Box<dyn Appender>, LogError> {
    let place = Place::new("opening a producer");
    let config = shared.clients.appender();
    let native = NativeProducer::open(&config, shared.reporter.clone())
        .map_err(|error| shared.failed(&error, &place))?;
    Ok(Box::new(KafkaAppender {
        native,
        shared: Arc::clone(shared),
    }))
}

impl Appender for KafkaAppender {
    fn append(&mut self, to: &TopicPartition, records: Vec<LogRecord>) -> Result<(), LogError> {
        let within = self.shared.clients.transaction_timeout();
        enqueue(&mut self.native, to, &records, Instant::now() + within)?;
        self.failed()
    }

    fn flush(&mut self) -> Result<(), LogError> {
        // Each record is delivered or given up within its timeout, so this ends.
        loop {
            let flushed = self.native.flush(STEP);
            self.failed()?;
            if flushed {
                return Ok(());
            }
        }
    }
}

impl KafkaAppender {
    /// The first record that could not be delivered.
    fn failed(&self) -> Result<(), LogError> {
        let place = Place::new("delivering records");
        match self.native.failed_delivery() {
            Some(code) => Err(self.shared.explained(error::coded(code, &place))),
            None => Ok(()),
        }
    }
}
