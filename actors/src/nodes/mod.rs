//! The actors, in the order of a record's way: `feed` fills a topic from outside; `consumer` reads
//! partitions and hands them on, once the `intake` is open, while they have `credit`; `partition` takes a batch through its
//! `program`; `host` keeps the `sessions` of a share of its keys; `inference` runs models, `director` trains and swaps them; `sink`
//! makes output records; `committer` closes the epoch through `producer`. `alerts` looks at the metrics. `starter` is the index of
//! them all. They meet in `context` and find each other through `wiring`.

pub mod restoring;
pub mod status;
pub mod metrics;
pub mod faults;
pub mod pulse;
pub mod lanes;
pub mod threads;
pub mod boundary;
mod bisect;
pub mod breaker;
pub mod events;
pub mod progress;
pub mod marker;
pub mod topics;
pub mod pruning;
pub mod program;
pub mod read_topics;
pub mod credit;
pub mod states;
pub mod wiring;
pub mod context;
pub mod input;
pub mod dead_letter;
pub mod feed;
pub mod consumer;
pub mod intake;
pub mod partition;
pub mod sessions;
pub mod quarantine;
pub mod suspects;
pub mod parked;
pub mod unread;
pub mod host;
pub mod infer;
pub mod inference;
pub mod director;
pub mod sink;
pub mod producer;
pub mod committer;
pub mod heartbeat;
pub mod alerts;
mod leftover;
mod standby;
pub mod housekeeping;
mod watched;
pub mod watchdog;
pub mod starter;

use std::time::Duration;

use ractor::rpc::CallResult;
use ractor::{ActorProcessingErr, ActorRef, Message, RpcReplyPort};
use supervisors::Failure;

/// How long an actor waits for another's answer before it counts as failed: far beyond any honest
/// batch, well below what a person would wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// An actor that another needs is not there: the shard is coming down or not yet up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not running")]
pub(crate) struct Gone(pub(crate) &'static str);

/// A reason to end an actor, as the error it returns.
pub(crate) fn failure(reason: impl Into<String>) -> ActorProcessingErr {
    Box::new(Failure {
        reason: reason.into(),
        remedy: None,
    })
}

/// Answers who asked.
pub(crate) fn answer<T: Send + 'static>(reply: RpcReplyPort<T>, value: T) -> Result<(), Gone> {
    reply.send(value).map_err(|_| Gone("the actor that asked"))
}

/// Asks an actor and waits for its answer.
///
/// # Errors
/// If it ends before it answers, or does not answer within a minute.
pub async fn ask<M: Message, T: Send + 'static>(
    actor: &ActorRef<M>,
    message: impl FnOnce(RpcReplyPort<T>) -> M,
) -> Result<T, ActorProcessingErr> {
    match actor.call(message, Some(ANSWER_WITHIN)).await {
        Ok(CallResult::Success(answer)) => Ok(answer),
        Ok(CallResult::Timeout) => Err(failure("an actor did not answer in time")),
        Ok(CallResult::SenderError) | Err(_) => Err(Gone("the actor that was asked").into()),
    }
}
