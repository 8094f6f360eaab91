//! The one door to a running topology: what the API and the commands may see and do.

mod records;
mod view;

use std::collections::HashMap;
use std::sync::Arc;

use actors::log::{LogError, Producer};
use actors::nodes::context::ShardContext;
use config::TopicName;
use parking_lot::{Mutex, RwLock};
use supervisors::TreeView;

pub use records::{Appended, ReadRequest, Record, append_unkeyed, read, topic_view};
pub use view::{LagView, PartitionView, TopicView, kind, topology_view};

/// A running topology, seen from outside. Cheap to clone.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    context: Arc<ShardContext>,
    tree: RwLock<Option<TreeSource>>,
    draining: std::sync::atomic::AtomicBool,
    producers: Mutex<HashMap<TopicName, Box<dyn Producer>>>,
}

/// Gives the supervision tree as it is now.
pub type TreeSource = Arc<dyn Fn() -> TreeView + Send + Sync>;

/// A request cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nothing of this name.
    #[error("{what} \"{name}\" does not exist")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The request itself is wrong.
    #[error("{0}")]
    Invalid(String),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Control {
    /// A door to what runs in this context.
    #[must_use]
    pub fn new(context: Arc<ShardContext>) -> Self {
        Self(Arc::new(Inner {
            context,
            tree: RwLock::new(None),
            draining: std::sync::atomic::AtomicBool::new(false),
            producers: Mutex::default(),
        }))
    }

    /// The whole tree has started: the topology is ready.
    pub fn ready(&self, tree: TreeSource) {
        *self.0.tree.write() = Some(tree);
    }

    /// From now on the topology is not ready: it drains.
    pub fn draining(&self) {
        self.0
            .draining
            .store(true, std::sync::atomic::Ordering::Release);
    }

    /// Whether all actors have started and the topology does not drain.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.tree.read().is_some() && !self.0.draining.load(std::sync::atomic::Ordering::Acquire)
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
