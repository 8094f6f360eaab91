//! What a supervisor is asked from outside: to recycle its children, to try a parked one again, to give up one
//! that holds a thread.

use std::sync::Arc;
use std::time::Duration;

use super::Message;
use super::state::State;
use crate::group::Life;
use crate::ledger::Node;
use crate::{Errand, Exit, News, Role};

/// How long a worker may take to stop that restarts with one that was given up: it may wait for its answer.
const HASTY_WORKER: Duration = Duration::from_millis(250);
/// The same for a supervisor: it waits for its own.
const HASTY_SUPERVISOR: Duration = Duration::from_secs(1);

/// How long a child may take to stop in haste.
pub(super) fn hasty_stop(node: &Node) -> Duration {
    match node.spec.role {
        Role::Worker => HASTY_WORKER,
        Role::Supervisor { .. } => HASTY_SUPERVISOR,
    }
}

impl State {
    /// Does what is asked, or hands it down. A supervisor on the way that is not up will start its
    /// children anew anyway.
    pub(super) fn errand(&mut self, mut path: Vec<String>, errand: Errand) {
        if path.is_empty() {
            return match errand {
                Errand::Recycle => self.group.recycle(),
                Errand::Retry | Errand::GiveUp(_) => {
                    tracing::debug!(
                        path = self.node.path,
                        "asked of a child, told its supervisor"
                    );
                }
            };
        }
        let name = path.remove(0);
        let named = |node: &Arc<Node>| node.spec.name == name;
        let Some(child) = self.node.children.iter().position(named) else {
            return tracing::debug!(name, "asked something of an actor that is not in the tree");
        };
        match errand {
            Errand::Retry if path.is_empty() => {
                self.group.retry(child, self.environment.ledger.now_ms());
            }
            Errand::GiveUp(exit) if path.is_empty() => self.give_up(child, exit),
            errand => {
                let cell = self.slots[child].cell.as_ref();
                let message = Message::Errand(path, errand);
                if cell.is_none_or(|cell| cell.send_message(message).is_err()) {
                    tracing::debug!(name, "asked something of what does not run");
                }
            }
        }
    }

    /// Takes a child that holds a thread for ended.
    fn give_up(&mut self, child: usize, exit: Exit) {
        match self.group.life(child) {
            Life::Starting | Life::Up | Life::Stopping => {}
            Life::Idle | Life::Parked | Life::Left => return,
        }
        self.tell(child, News::Abandoned);
        self.in_haste = true;
        if let Some(start) = self.slots[child].starting.take() {
            start.abort();
        }
        if let Some(cell) = &self.slots[child].cell {
            cell.kill();
        }
        self.child_ended(child, exit);
    }
}
