//! Committed positions of groups, asked for without being a member.
//!
//! The brokers answer with stable offsets only: while a transaction that commits some is open, its
//! outcome is waited for. Both librdkafka (a client of committed records) and this wait.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::reporter::Reporter;
use super::{Place, REQUEST_WITHIN, Shared};
use crate::log::{Committed, LogError, TopicPartition};

/// A client unused for so long is dropped.
const IDLE: Duration = Duration::from_secs(60);
/// Most groups that are asked for at the same time: a topology's, and one for each of its feeds.
const GROUPS_MAX: usize = 8;

/// A client per group.
pub(super) struct Groups {
    shared: Arc<Shared>,
    clients: Mutex<HashMap<String, Client>>,
}

struct Client {
    consumer: Arc<BaseConsumer<Reporter>>,
    used: Instant,
}

impl Groups {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            clients: Mutex::default(),
        }
    }

    /// A group's committed positions, in the order of the partitions.
    pub(super) fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<Committed>>, LogError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let doing = format!("asking for the committed offsets of group \"{group}\"");
        let place = Place::new(&doing);
        let client = self.client(group, &place)?;
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for at in partitions {
            list.add_partition(at.topic.as_str(), super::partition_id(at)?);
        }
        // A dead producer's transaction is decided when it times out.
        let within = self.shared.clients.transaction_timeout() + REQUEST_WITHIN;
        let answer = client.committed_offsets(list, within);
        super::offsets::serve(&client);
        let failed = |error: KafkaError| self.shared.failed(&error, &place);
        let answer = answer.map_err(failed)?;
        let answers = partitions.iter().map(|at| {
            let id = super::partition_id(at)?;
            let Some(element) = answer.find_partition(at.topic.as_str(), id) else {
                return Ok(None);
            };
            element.error().map_err(failed)?;
            Ok(match element.offset() {
                Offset::Offset(offset) => Some(Committed {
                    offset,
                    metadata: element.metadata().to_owned(),
                }),
                _ => None,
            })
        });
        answers.collect()
    }

    fn client(
        &self,
        group: &str,
        place: &Place<'_>,
    ) -> Result<Arc<BaseConsumer<Reporter>>, LogError> {
        let now = now();
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get_mut(group) {
            client.used = now;
            return Ok(Arc::clone(&client.consumer));
        }
        if clients.len() >= GROUPS_MAX {
            let oldest = clients.iter().min_by_key(|(_, client)| client.used);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                clients.remove(&name);
            }
        }
        let config = self.shared.clients.reader(group);
        let made = config
            .create_with_context(self.shared.reporter.clone())
            .map_err(|error| self.shared.failed(&error, place))?;
        let consumer = Arc::new(made);
        self.shared.sign_in(&consumer)?;
        let client = Client {
            consumer: Arc::clone(&consumer),
            used: now,
        };
        clients.insert(group.to_owned(), client);
        Ok(consumer)
    }

    /// Drops clients that no one has used for a while.
    pub(super) fn drop_idle(&self) {
        let now = now();
        self.clients
            .lock()
            .retain(|_, client| now.saturating_duration_since(client.used) < IDLE);
    }
}

fn now() -> Instant {
    Instant::now()
}
