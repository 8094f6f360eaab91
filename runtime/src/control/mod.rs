//! The one door to a running topology: what the API and the commands may see and do.

mod error;
mod topology;
mod progress;
mod nodes;
mod sessions;
mod read;
mod append;
mod models;
mod dead_letters;
mod events;
mod pulse;

use std::collections::HashMap;
use std::sync::Arc;

use actors::log::Producer;
use actors::nodes::context::ShardContext;
use config::TopicName;
use parking_lot::{Mutex, RwLock};
use supervisors::TreeView;
use tokio::sync::watch;

pub use append::{Appended, append_direct, lines};
pub use dead_letters::{Handled, LetterChoice, drop_letters, letters, replay_letters};
pub use error::ControlError;
pub use models::{ModelAction, ModelTold};
pub use nodes::{NodeState, NodeTaskView, NodeView, nodes};
pub use progress::{LagView, PartitionRetried, PartitionView};
pub use pulse::{PULSE_EVERY, Pulse};
pub use read::{READ_RECORDS_MAX, ReadRequest, Record, TopicView, read, topic_view};
pub use sessions::{SESSIONS_MAX, SessionEnded, SessionView, SessionsBy};
pub use topology::{kind, topology_view};

/// A running topology, seen from outside. Cheap to clone.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    context: Arc<ShardContext>,
    tree: RwLock<Option<TreeSource>>,
    draining: watch::Sender<bool>,
    /// What appends to each topic. Locked over an append: they take turns.
    producers: Mutex<HashMap<TopicName, Box<dyn Producer>>>,
}

/// Gives the supervision tree as it is now.
pub type TreeSource = Arc<dyn Fn() -> TreeView + Send + Sync>;

impl Control {
    /// A door to what runs in this context.
    #[must_use]
    pub fn new(context: Arc<ShardContext>) -> Self {
        Self(Arc::new(Inner {
            context,
            tree: RwLock::new(None),
            draining: watch::Sender::new(false),
            producers: Mutex::default(),
        }))
    }

    /// The whole tree has started: the topology is ready.
    pub fn ready(&self, tree: TreeSource) {
        *self.0.tree.write() = Some(tree);
    }

    /// From now on the topology is not ready: it drains.
    pub fn draining(&self) {
        self.0.draining.send_replace(true);
    }

    /// Whether all actors have started and the topology does not drain.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.tree.read().is_some() && !*self.0.draining.borrow()
    }

    /// The supervision tree; `None` until it has started.
    #[must_use]
    pub fn tree(&self) -> Option<TreeView> {
        let source = self.0.tree.read().clone();
        source.map(|tree| tree())
    }

    /// What the actors share.
    pub(crate) fn context(&self) -> &Arc<ShardContext> {
        &self.0.context
    }
}
