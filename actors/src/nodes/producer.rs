//! The shard's transactional producer on its own thread: its calls block.

use std::collections::HashSet;
use std::sync::Arc;

use config::TopicName;
use ractor::ActorRef;
use tokio::sync::mpsc;

use super::committer::CommitterMessage;
use super::context::ShardContext;
use super::faults::Faults;
use super::pulse::{self, Stage};
use crate::log::{GroupToken, LogError, LogRecord, OffsetCommit, Producer, TopicPartition};

/// What one epoch writes.
#[derive(Debug)]
pub struct Transaction {
    /// Which epoch.
    pub epoch: u64,
    /// Records by partition, in the order in which they are appended.
    pub sends: Vec<(TopicPartition, Vec<LogRecord>)>,
    /// The group's positions.
    pub offsets: Vec<OffsetCommit>,
    /// Proof of membership.
    pub token: GroupToken,
}

/// Hands transactions to the thread. The thread ends when this is dropped.
#[derive(Debug)]
pub struct ProducerThread(mpsc::Sender<Transaction>);

impl ProducerThread {
    /// Opens the producer, which fences the shard's former ones, and starts its thread. Blocks.
    ///
    /// # Errors
    /// If the log cannot be reached or no thread can be started.
    pub fn start(
        context: &Arc<ShardContext>,
        committer: ActorRef<CommitterMessage>,
    ) -> Result<Self, LogError> {
        let opened = context.log.producer(&context.shard_id(&context.node));
        let mut producer = opened.inspect_err(|error| context.refuse_for_good(error))?;
        let (sender, mut receiver) = mpsc::channel::<Transaction>(1);
        let group = context.group().to_owned();
        let faults = context.faults.clone();
        let keyed = context.programs.iter().flat_map(|program| &program.keyed);
        let changelogs: HashSet<TopicName> = keyed.map(|step| step.changelog.clone()).collect();
        let ended = Ended(committer);
        let shared = Arc::clone(context);
        let work = async move {
            while let Some(transaction) = receiver.recv().await {
                faults.reach("producer").await;
                let epoch = transaction.epoch;
                let result =
                    commit(&mut *producer, (&group, &changelogs), transaction, &faults).await;
                let failed = result.is_err();
                if let Err(error) = &result {
                    shared.refuse_for_good(error);
                }
                // A committer that is gone has no use for the outcome: its successor asks the log.
                let done = CommitterMessage::Done { epoch, result };
                drop(ended.0.send_message(done));
                if failed {
                    break;
                }
            }
        };
        let started = context.threads.start("producer", work);
        started.map_err(|e| LogError::Unavailable(format!("no thread for the producer: {e}")))?;
        Ok(Self(sender))
    }

    /// Hands a transaction over. False if the thread has ended or is still at work.
    #[must_use]
    pub fn hand_over(&self, transaction: Transaction) -> bool {
        self.0.try_send(transaction).is_ok()
    }
}

/// Tells the committer when the thread ends, by a panic too.
struct Ended(ActorRef<CommitterMessage>);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.send_message(CommitterMessage::ProducerEnded));
    }
}

async fn commit(
    producer: &mut dyn Producer,
    (group, changelogs): (&str, &HashSet<TopicName>),
    transaction: Transaction,
    faults: &Faults,
) -> Result<(), LogError> {
    faults.reach("before-begin").await;
    call(|| producer.begin())?;
    faults.reach("after-begin").await;
    for (at, records) in transaction.sends {
        match changelogs.contains(&at.topic) {
            true => call(|| producer.send_state(&at, records))?,
            false => call(|| producer.send(&at, records))?,
        }
        // Outputs first, then each task's rows, then its changelog.
        faults.reach("after-produce").await;
    }
    faults.reach("before-offsets").await;
    let (offsets, token) = (&transaction.offsets, &transaction.token);
    call(|| producer.send_offsets(group, offsets, Some(token)))?;
    faults.reach("before-commit").await;
    call(|| producer.commit())?;
    faults.reach("after-commit").await;
    Ok(())
}

/// A call to the log, which may take long.
fn call(call: impl FnOnce() -> Result<(), LogError>) -> Result<(), LogError> {
    let _call = pulse::enter(Stage::Log);
    call()
}
