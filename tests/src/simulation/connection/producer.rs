//! A transactional producer, as a process has it.

use std::sync::Arc;

use actors::log::{GroupToken, LogError, LogRecord, OffsetCommit, Producer, TopicPartition};

use super::{Connection, digest};
use crate::simulation::cluster::Transaction;
use crate::simulation::mutation::Mutation;
use crate::simulation::process::Process;

struct SimulatedProducer {
    process: Arc<Process>,
    id: String,
    epoch: u64,
    open: Option<Transaction>,
}

pub(super) fn open(connection: &Connection, id: &str) -> Result<Box<dyn Producer>, LogError> {
    let opened = connection.call(format_args!("producer {id}"), |cluster| {
        Ok(cluster.open_producer(id))
    });
    Ok(Box::new(SimulatedProducer {
        process: Arc::clone(&connection.process),
        id: id.to_owned(),
        epoch: opened?,
        open: None,
    }))
}

/// How a commit goes.
enum Outcome {
    Made,
    Aborted,
    Fenced,
    UnknownMade,
    UnknownLost,
    UnknownPending,
    DiesBefore,
    DiesBehind,
    DiesPending,
}

impl Producer for SimulatedProducer {
    fn begin(&mut self) -> Result<(), LogError> {
        self.check()?;
        if self.open.is_some() {
            return Err(LogError::State("a transaction is open already"));
        }
        self.open = Some(Transaction::default());
        Ok(())
    }

    fn send(&mut self, to: &TopicPartition, records: Vec<LogRecord>) -> Result<(), LogError> {
        self.check()?;
        let Process { world, node, .. } = &*self.process;
        world.cluster.lock().range(to)?;
        let digest = digest(&records);
        world.note(format_args!(
            "{node} sends {} to {to}: {digest:x}",
            records.len()
        ));
        if world.is_mutated(Mutation::StoreFirst) {
            self.store_first(to, &records);
        }
        let Some(transaction) = &mut self.open else {
            return Err(LogError::State("send without an open transaction"));
        };
        transaction.sends.push((to.clone(), records));
        Ok(())
    }

    fn send_offsets(
        &mut self,
        group: &str,
        offsets: &[OffsetCommit],
        token: Option<&GroupToken>,
    ) -> Result<(), LogError> {
        self.check()?;
        let Process { world, node, .. } = &*self.process;
        world.note(format_args!("{node} offsets {offsets:?}"));
        let mut sent = Transaction::default();
        let offsets = offsets.iter().cloned();
        sent.offsets
            .extend(offsets.map(|offset| (group.to_owned(), offset)));
        if let Some((group, generation)) = token.and_then(GroupToken::as_local) {
            sent.members.push((group.to_owned(), generation));
        }
        self.is_the_token_fresh(&sent);
        let mut cluster = self.process.world.cluster.lock();
        cluster.check(&sent)?;
        let Some(transaction) = &mut self.open else {
            return Err(LogError::State("send_offsets without a transaction"));
        };
        if self.process.world.is_mutated(Mutation::OffsetsFirst) {
            return cluster.commit(sent);
        }
        transaction.offsets.extend(sent.offsets);
        transaction.members.extend(sent.members);
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LogError> {
        self.check()?;
        let Some(transaction) = self.open.take() else {
            return Err(LogError::State("commit without an open transaction"));
        };
        let again = transaction.clone();
        let mut done = self.end(transaction);
        if self
            .process
            .world
            .is_mutated(Mutation::RetryWithOldProducer)
            && matches!(done, Err(LogError::UnknownOutcome(_)))
        {
            done = self.end(again);
        }
        let Process { world, node, .. } = &*self.process;
        world.note(format_args!("{node} commit: {done:?}"));
        done
    }

    fn abort(&mut self) -> Result<(), LogError> {
        self.check()?;
        match self.open.take() {
            Some(transaction) => self.process.world.cluster.lock().abort(&transaction),
            None => Ok(()),
        }
    }
}

impl SimulatedProducer {
    fn check(&self) -> Result<(), LogError> {
        self.process.check()?;
        let cluster = self.process.world.cluster.lock();
        cluster.check_producer(&self.id, self.epoch)
    }

    fn outcome(&self) -> Outcome {
        let (world, chances) = (&self.process.world, &self.process.world.chances);
        if world.strikes(chances.commit_aborted) {
            Outcome::Aborted
        } else if world.strikes(chances.commit_fenced) {
            Outcome::Fenced
        } else if world.strikes(chances.unknown_made) {
            Outcome::UnknownMade
        } else if world.strikes(chances.unknown_lost) {
            Outcome::UnknownLost
        } else if world.strikes(chances.unknown_pending) {
            Outcome::UnknownPending
        } else if world.strikes(chances.dies_in_commit) {
            match world.draw(0..3) {
                0 => Outcome::DiesBefore,
                1 => Outcome::DiesBehind,
                _ => Outcome::DiesPending,
            }
        } else {
            Outcome::Made
        }
    }

    /// Commits, or what is told so.
    fn end(&self, transaction: Transaction) -> Result<(), LogError> {
        let outcome = self.outcome();
        let world = &self.process.world;
        // Drawn also where it is not needed: the dice do not depend on the outcome.
        let decided = |world: &crate::simulation::world::World| world.draw(0..2) == 0;
        let unknown = || Err(LogError::UnknownOutcome("an injected fault".to_owned()));
        let dead = || Err(LogError::Unavailable("the process is dead".to_owned()));
        let pending = matches!(outcome, Outcome::UnknownPending | Outcome::DiesPending);
        let commits = pending && decided(world);
        let mut cluster = world.cluster.lock();
        if let Err(refused) = cluster.check(&transaction) {
            cluster.abort(&transaction)?;
            return Err(refused);
        }
        let told = match outcome {
            Outcome::Made => {
                cluster.commit(transaction)?;
                Ok(())
            }
            Outcome::Aborted => {
                cluster.abort(&transaction)?;
                Err(LogError::Aborted("an injected fault".to_owned()))
            }
            Outcome::Fenced => {
                cluster.abort(&transaction)?;
                cluster.open_producer(&self.id);
                Err(LogError::Fenced(self.id.clone()))
            }
            Outcome::UnknownMade => {
                cluster.commit(transaction)?;
                unknown()
            }
            Outcome::UnknownLost => {
                cluster.abort(&transaction)?;
                unknown()
            }
            Outcome::UnknownPending => {
                cluster.leave_pending(&self.id, transaction, commits)?;
                unknown()
            }
            Outcome::DiesBefore => {
                cluster.abort(&transaction)?;
                dead()
            }
            Outcome::DiesBehind => {
                cluster.commit(transaction)?;
                dead()
            }
            Outcome::DiesPending => {
                cluster.leave_pending(&self.id, transaction, commits)?;
                dead()
            }
        };
        drop(cluster);
        if matches!(
            outcome,
            Outcome::DiesBefore | Outcome::DiesBehind | Outcome::DiesPending
        ) {
            self.process.die();
        }
        told
    }

    /// Law: the membership is proven when the epoch is ready, not before. A generation that had ended
    /// then cannot be in the token; what ends it later is only as old as the producer was slow.
    fn is_the_token_fresh(&self, sent: &Transaction) {
        let world = &self.process.world;
        let mut cluster = world.cluster.lock();
        let mut ended = None;
        for (group, generation) in &sent.members {
            ended = ended.max(cluster.group(group).ended(*generation));
        }
        drop(cluster);
        let age = ended.map(|ended| world.elapsed().saturating_sub(ended));
        if let Some(age) = age
            && age > self.process.producing()
        {
            world.break_law(format!(
                "the group token was taken too early: its generation ended {age:?} before its use"
            ));
        }
    }

    /// The deliberate error: what a changelog is to get is in the store before it is committed.
    fn store_first(&self, to: &TopicPartition, records: &[LogRecord]) {
        let Some((program, space)) = self.process.changelogs.get(&to.topic) else {
            return;
        };
        let store = format!("{program}-{}", to.partition);
        self.process.disk.put_early(&store, *space, records);
    }
}
