//! Starting a child on a task of its own: it may hang, fail or panic, and gets exactly one answer.

use std::sync::Arc;

use ractor::{Actor, ActorRef};
use tokio::task::{AbortHandle, JoinError};

use super::{Arguments, Environment, Message, OnReady, Supervisor};
use crate::ledger::Node;
use crate::{Exit, Role, StartError, StartFuture};

/// One start of one child.
pub(super) struct Launch {
    pub(super) node: Arc<Node>,
    /// Its position among its supervisor's children.
    pub(super) child: usize,
    pub(super) generation: u64,
    pub(super) environment: Arc<Environment>,
    pub(super) supervisor: ActorRef<Message>,
}

impl Launch {
    /// Begins the start and returns what cancels it; its supervisor is sent [`Message::StartDone`].
    pub(super) fn begin(self) -> AbortHandle {
        let (child, generation) = (self.child, self.generation);
        let answer_to = self.supervisor.clone();
        // A task around the call too, not only around its future: a starter may panic.
        let start = tokio::spawn(async move { self.run().await });
        let cancel = start.abort_handle();
        tokio::spawn(async move {
            let result = match start.await {
                Ok(Ok(cell)) => Ok(cell),
                Ok(Err(StartError(exit))) => Err(exit),
                Err(join) => Err(exit_of_join(join)),
            };
            let answer = Message::StartDone {
                child,
                generation,
                result,
            };
            if answer_to.send_message(answer).is_err() {
                // The supervisor is gone, and ractor has ended all that was linked to it.
                tracing::debug!(child, generation, "start outlived its supervisor");
            }
        });
        cancel
    }

    fn run(self) -> StartFuture {
        match self.node.spec.role {
            Role::Worker => {
                let supervisor = self.supervisor.get_cell();
                let starter = &self.environment.starter;
                starter.start(&self.node.spec, self.generation, supervisor)
            }
            Role::Supervisor { .. } => Box::pin(self.open()),
        }
    }

    /// Starts a supervisor, which tells its own supervisor when all below it is up.
    async fn open(self) -> Result<ractor::ActorCell, StartError> {
        let (child, generation) = (self.child, self.generation);
        let parent = self.supervisor.clone();
        let on_ready: OnReady = Box::new(move || {
            let ready = Message::ChildReady { child, generation };
            if parent.send_message(ready).is_err() {
                tracing::debug!(child, generation, "ready, but its supervisor has ended");
            }
        });
        let arguments = Arguments {
            node: self.node,
            generation,
            environment: self.environment,
            on_ready,
        };
        let parent = self.supervisor.get_cell();
        let (actor, _) = Supervisor::spawn_linked(None, Supervisor, arguments, parent).await?;
        Ok(actor.get_cell())
    }
}

/// How a start's task ended when it gave no answer: cancelled, or the starter panicked.
fn exit_of_join(error: JoinError) -> Exit {
    match error.try_into_panic() {
        Err(_cancelled) => Exit::Killed,
        Ok(payload) => {
            let text = payload
                .downcast_ref::<&str>()
                .map(ToString::to_string)
                .or_else(|| payload.downcast_ref::<String>().cloned());
            Exit::Panic {
                text: text.unwrap_or_else(|| "a panic without a text".into()),
            }
        }
    }
}
