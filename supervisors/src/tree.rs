//! A running tree and the handle to it.

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorRef};
use tokio::sync::watch;

use crate::ledger::{Ledger, Node};
use crate::supervisor::{Arguments, Environment, KILL_GRACE, Message, Supervisor};
use crate::{ChildKind, ChildStarter, ChildState, EventSink, Exit, StartError, TreePlan, TreeView};

/// Handle to a running tree. Clones are handles to the same tree; dropping them stops nothing.
#[derive(Clone)]
pub struct TreeHandle {
    root: ActorRef<Message>,
    node: Arc<Node>,
    environment: Arc<Environment>,
    ready: watch::Receiver<bool>,
}

/// What can be asked of an actor of a running tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Of a supervisor: stop the children in reverse order, each with its deadline, and start them again,
    /// for a change of what they are to do. Costs no restart budget.
    Recycle,
    /// Of a parked actor: it is tried again now instead of when its time comes; those that restart with it
    /// begin again beside it. Costs no budget. An actor that is not parked is left alone.
    Retry,
    /// Of an actor that holds a thread, so that it could not be waited for: it is taken for ended like
    /// this, at once. It and those below it are told to die, and left behind. Of the root: everything ends. Whoever asks this must see to
    /// it that what is left behind does no harm if it ever goes on.
    GiveUp(Exit),
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

    /// Asks something of the actor of this kind. Returns at once; nothing happens if there is none in the
    /// tree, or one on the way to it does not run.
    pub fn ask(&self, kind: &ChildKind, errand: Errand) {
        if kind == self.node.kind() {
            return self.send(Vec::new(), errand);
        }
        match path_of(&self.node, kind) {
            Some(path) => self.ask_at(&path, errand),
            None => tracing::debug!(?kind, "asked something of an actor that is not in the tree"),
        }
    }

    /// Asks something of the actor at `path`: names below the root, joined by `/`.
    fn ask_at(&self, path: &str, errand: Errand) {
        self.send(path.split('/').map(str::to_owned).collect(), errand);
    }

    fn send(&self, path: Vec<String>, errand: Errand) {
        if self
            .root
            .send_message(Message::Errand(path, errand))
            .is_err()
        {
            tracing::debug!("asked something of a tree that has ended");
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

/// The path of the first actor of a kind, parents first.
fn path_of(node: &Node, kind: &ChildKind) -> Option<String> {
    if node.kind() == kind {
        return Some(node.path.clone());
    }
    node.children.iter().find_map(|child| path_of(child, kind))
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
