//! A running tree and the handle to it.

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorRef};
use tokio::sync::watch;

use crate::ledger::{Ledger, Node};
use crate::supervisor::{Arguments, Environment, KILL_GRACE, Message, Supervisor};
use crate::{ChildStarter, ChildState, EventSink, Exit, StartError, TreePlan, TreeView};

/// Handle to a running tree. Clones are handles to the same tree; dropping them stops nothing.
#[derive(Clone)]
pub struct TreeHandle {
    root: ActorRef<Message>,
    node: Arc<Node>,
    environment: Arc<Environment>,
    ready: watch::Receiver<bool>,
}

/// The tree did not stop in time and was killed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not stopped in time: {}", still_running.join(", "))]
pub struct StopError {
    /// Names of the actors that were still running.
    pub still_running: Vec<String>,
}

/// Begins to start a tree and returns at once, so that it can be watched and stopped while it starts.
///
/// `jitter_seed` draws the backoffs; give each process another, so that they do not restart in step.
///
/// # Errors
/// If the root itself cannot start: its role is `Worker`.
pub async fn open_tree(
    plan: TreePlan,
    starter: Arc<dyn ChildStarter>,
    events: EventSink,
    jitter_seed: u64,
) -> Result<TreeHandle, StartError> {
    let node = Node::root(plan.root);
    let environment = Arc::new(Environment {
        starter,
        events,
        ledger: Ledger::new(&node),
        jitter_seed,
    });
    let generation = environment.ledger.begin(&node);
    environment.ledger.set_state(&node, ChildState::Starting);
    let (is_ready, ready) = watch::channel(false);
    let on_ready = {
        let (environment, node) = (Arc::clone(&environment), Arc::clone(&node));
        Box::new(move || {
            environment.ledger.set_state(&node, ChildState::Running);
            is_ready.send_replace(true);
        })
    };
    let arguments = Arguments {
        node: Arc::clone(&node),
        generation,
        environment: Arc::clone(&environment),
        on_ready,
    };
    let (root, _) = Supervisor::spawn(None, Supervisor, arguments).await?;
    Ok(TreeHandle {
        root,
        node,
        environment,
        ready,
    })
}

/// Starts a tree and waits until every actor is up, each after the one before it.
///
/// A child that fails to start is tried again within its supervisor's budget. To be able to stop a
/// tree that does not come up, use [`open_tree`].
///
/// # Errors
/// If the root gave up; nothing is left running then.
pub async fn start_tree(
    plan: TreePlan,
    starter: Arc<dyn ChildStarter>,
    events: EventSink,
    jitter_seed: u64,
) -> Result<TreeHandle, StartError> {
    let tree = open_tree(plan, starter, events, jitter_seed).await?;
    tree.ready().await?;
    Ok(tree)
}

impl TreeHandle {
    /// Waits until every actor has been up once.
    ///
    /// # Errors
    /// If the tree ended before.
    pub async fn ready(&self) -> Result<(), StartError> {
        let mut ready = self.ready.clone();
        // The root holds the sending side until it is ready or has ended.
        match ready.wait_for(|ready| *ready).await {
            Ok(_) => Ok(()),
            Err(_) => Err(StartError(self.finished().await)),
        }
    }

    /// The tree as it is now. Never waits for an actor.
    #[must_use]
    pub fn view(&self) -> TreeView {
        self.environment.ledger.view(&self.node)
    }

    /// Waits until the root has ended: [`Exit::Normal`] after [`TreeHandle::stop`] or when the root
    /// was stopped in time, an error when it gave up, [`Exit::Killed`] when it was killed.
    pub async fn finished(&self) -> Exit {
        // Without a timeout, this wait cannot fail.
        let _: Result<(), _> = self.root.wait(None).await;
        let ledger = &self.environment.ledger;
        ledger.set_state(&self.node, ChildState::Ended);
        ledger.end_below(&self.node);
        ledger.exit(&self.node).unwrap_or(Exit::Killed)
    }

    /// Stops the children of the supervisor at `path` (names below the root, joined by `/`) in reverse
    /// order, each with its deadline, and starts them again: for a change of what they are to do. It
    /// costs no restart budget. Returns at once; a supervisor that does not run is left alone.
    pub fn recycle(&self, path: &str) {
        let path = path.split('/').map(str::to_owned).collect();
        if self.root.send_message(Message::Recycle(path)).is_err() {
            tracing::debug!("asked to recycle a part of a tree that has ended");
        }
    }

    /// Stops all actors in reverse order of starting, each with its own deadline, and kills what is
    /// left after `deadline`. Works at any time: during start, backoff, or another stop.
    ///
    /// # Errors
    /// If something had to be killed because `deadline` passed.
    pub async fn stop(&self, deadline: Duration) -> Result<(), StopError> {
        if self.root.send_message(Message::Stop).is_err() {
            return Ok(());
        }
        self.environment
            .ledger
            .set_state(&self.node, ChildState::Stopping);
        if tokio::time::timeout(deadline, self.finished())
            .await
            .is_ok()
        {
            return Ok(());
        }
        let still_running = running(&self.view());
        self.root.kill();
        // What blocks a thread does not even end now; the process has to.
        let _: Result<_, _> = tokio::time::timeout(KILL_GRACE, self.finished()).await;
        Err(StopError { still_running })
    }
}

/// Names of workers that have not ended.
fn running(view: &TreeView) -> Vec<String> {
    view.walk()
        .filter(|node| node.children.is_empty())
        .filter(|node| matches!(node.state, ChildState::Running | ChildState::Stopping))
        .map(|node| node.name.clone())
        .collect()
}

#[cfg(test)]
mod tests;
