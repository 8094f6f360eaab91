//! The transactional producer of a local log: gathers encoded records until the commit.

use std::sync::Arc;

use super::Shared;
use super::chunk::{CHUNK_BYTES_TARGET, ChunkBuilder, RECORD_BYTES_MAX, record_bytes};
use super::commit::Transaction;
use super::storage::Storage;
use crate::log::{
    GroupToken, LogError, LogRecord, Membership, OffsetCommit, Producer, TopicPartition,
};

/// Longest metadata of a committed offset, as in Kafka (`offset.metadata.max.bytes` less some room).
const METADATA_BYTES_MAX: usize = 4_000;

/// First buffer of a partition's records: most epochs are small.
const FIRST_BUFFER_BYTES: usize = 4 * 1024;

struct LocalProducer<S> {
    log: Arc<Shared<S>>,
    id: String,
    epoch: u64,
    open: Option<Transaction>,
}

/// Opens a producer; a commit in progress of an older one ends first, later ones are refused.
pub(super) fn open<S: Storage>(
    log: &Arc<Shared<S>>,
    id: &str,
) -> Result<impl Producer + use<S>, LogError> {
    let _writing = log.writing.lock();
    let mut state = log.state.lock();
    state.check_writable()?;
    let epoch = state.producers.entry(id.to_owned()).or_default();
    *epoch += 1;
    Ok(LocalProducer {
        log: Arc::clone(log),
        id: id.to_owned(),
        epoch: *epoch,
        open: None,
    })
}

impl<S: Storage> Producer for LocalProducer<S> {
    fn begin(&mut self) -> Result<(), LogError> {
        if self.open.is_some() {
            return Err(LogError::State("a transaction is open already"));
        }
        self.log.state.lock().check_producer(&self.id, self.epoch)?;
        self.open = Some(Transaction::default());
        Ok(())
    }

    fn send(&mut self, to: &TopicPartition, records: Vec<LogRecord>) -> Result<(), LogError> {
        let Some(transaction) = &mut self.open else {
            return Err(LogError::State("send without an open transaction"));
        };
        {
            let state = self.log.state.lock();
            state.check_producer(&self.id, self.epoch)?;
            state.partition(to)?;
        }
        let mut bytes = transaction.bytes;
        for record in &records {
            check_size(record_bytes(record), RECORD_BYTES_MAX)?;
            bytes += record_bytes(record);
        }
        check_size(bytes, self.log.options.transaction_bytes_max)?;
        transaction.bytes = bytes;
        if !records.is_empty() {
            append(transaction.records.entry(to.clone()).or_default(), &records);
        }
        Ok(())
    }

    fn send_offsets(
        &mut self,
        group: &str,
        offsets: &[OffsetCommit],
        token: Option<&GroupToken>,
    ) -> Result<(), LogError> {
        let Some(transaction) = &mut self.open else {
            return Err(LogError::State("send_offsets without an open transaction"));
        };
        let state = self.log.state.lock();
        state.check_producer(&self.id, self.epoch)?;
        if let Some(token) = token {
            let Membership::Local {
                group: member_of,
                generation,
            } = &token.0
            else {
                return Err(LogError::State("the token is another log's"));
            };
            if member_of != group {
                return Err(LogError::State("the token is another group's"));
            }
            state.check_member(group, *generation)?;
            transaction.members.push((group.to_owned(), *generation));
        }
        for commit in offsets {
            check_size(commit.metadata.len(), METADATA_BYTES_MAX)?;
            state.partition(&commit.at)?;
        }
        let offsets = offsets
            .iter()
            .map(|commit| (group.to_owned(), commit.clone()));
        transaction.offsets.extend(offsets);
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LogError> {
        let Some(transaction) = self.open.take() else {
            return Err(LogError::State("commit without an open transaction"));
        };
        self.log.commit(&self.id, self.epoch, transaction)
    }

    fn abort(&mut self) -> Result<(), LogError> {
        self.open = None;
        self.log.state.lock().check_producer(&self.id, self.epoch)
    }
}

/// Encodes records into the last chunk and, when it is full, into new ones.
fn append(chunks: &mut Vec<ChunkBuilder>, records: &[LogRecord]) {
    for record in records {
        match chunks.last_mut() {
            Some(last) if !last.is_full_for(record) => last.push(record, 0),
            last => {
                let capacity = if last.is_some() {
                    CHUNK_BYTES_TARGET
                } else {
                    FIRST_BUFFER_BYTES
                };
                let mut next = ChunkBuilder::with_capacity(capacity);
                next.push(record, 0);
                chunks.push(next);
            }
        }
    }
}

fn check_size(bytes: usize, limit: usize) -> Result<(), LogError> {
    if bytes > limit {
        return Err(LogError::TooLarge { bytes, limit });
    }
    Ok(())
}
