//! The life of a running topology: open the log, create its topics, start the tree, wait, drain, stop.

mod error;
mod news;
mod files;
mod node;
mod lock;
mod topics;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actors::clock::{Clock, SystemClock};
use actors::log::Log;
use actors::log::embedded::{EmbeddedLog, EmbeddedOptions};
use actors::log::kafka::{KafkaLog, NodeIdentity};
use actors::nodes::alerts::webhook;
use actors::nodes::committer::CommitterMessage;
use actors::nodes::consumer::drain;
use actors::nodes::context::{ShardContext, ShardSettings};
use actors::nodes::faults::Faults;
use actors::nodes::metrics;
use actors::nodes::starter::Starter;
use actors::nodes::threads::Threads;
use actors::nodes::watchdog::Watchdog;
use actors::state::sled_store;
use config::{LogSettings, Membership, Topology};
use supervisors::{PlanOptions, SupervisionNews, TreeHandle};

pub use error::{DaemonError, log_hint};
pub use files::{DaemonFile, DaemonFileGuard, Ran, RanOperator};
pub use lock::DirectoryLock;
pub use node::node_id;

/// How long a drain may take before the daemon stops all the same: what is not committed by then is
/// done again at the next start.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);
/// How long the actors may take to stop.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// How long the end waits until the other nodes can know of it: they find out by themselves too.
const FAREWELL_WITHIN: Duration = Duration::from_secs(2);

/// A running topology.
pub struct Daemon {
    /// What its actors share.
    pub context: Arc<ShardContext>,
    /// Its supervision tree.
    pub tree: Arc<TreeHandle>,
    _watchdog: Option<Watchdog>,
}

/// Opens the log that a topology names.
///
/// # Errors
/// If the directory is in use or cannot be written, or the log cannot be reached.
pub fn open_log(
    settings: &LogSettings,
    data_dir: &Path,
    node: &str,
) -> Result<Arc<dyn Log>, DaemonError> {
    match settings {
        LogSettings::Embedded => {
            let dir = data_dir.join("log");
            std::fs::create_dir_all(&dir).map_err(|source| DaemonError::DataDir {
                path: dir.clone(),
                source,
            })?;
            Ok(Arc::new(EmbeddedLog::open(
                &dir,
                EmbeddedOptions::default(),
            )?))
        }
        LogSettings::Kafka(kafka) => {
            let node = NodeIdentity {
                id: node.to_owned(),
                static_membership: kafka.membership == Membership::Static,
            };
            Ok(Arc::new(KafkaLog::connect(kafka, node)?))
        }
    }
}

/// Makes the folder of a topology's stores and sees whether it can be written: tasks would find out
/// one by one, and try again and again.
///
/// # Errors
/// If it cannot.
pub fn prepare_state(topology: &Topology, data_dir: &Path) -> Result<(), DaemonError> {
    let path = state_dir(topology, data_dir);
    let probe = path.join("probe");
    let made = std::fs::create_dir_all(&path)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe));
    made.map_err(|source| DaemonError::DataDir { path, source })
}

fn state_dir(topology: &Topology, data_dir: &Path) -> std::path::PathBuf {
    data_dir.join("state").join(topology.name.as_str())
}

/// What the actors of a topology will share: programs compiled, nothing started.
#[must_use]
pub fn context(
    topology: Topology,
    log: Arc<dyn Log>,
    data_dir: &Path,
    node: &str,
    faults: Faults,
) -> Arc<ShardContext> {
    let state_dir = state_dir(&topology, data_dir);
    let models_dir = data_dir.join("models").join(topology.name.as_str());
    ShardContext::new(ShardSettings {
        topology: Arc::new(topology),
        log,
        clock: Arc::new(SystemClock),
        seed: SystemClock.now_ms().unsigned_abs() ^ u64::from(std::process::id()),
        stores: sled_store::stores(state_dir),
        models_dir: Some(models_dir),
        faults,
        threads: Threads::Own,
        node: node.to_owned(),
    })
}

impl Daemon {
    /// Creates the topics that are missing, starts the tree and waits until every actor is up.
    ///
    /// # Errors
    /// If topics cannot be created or an actor does not start.
    pub async fn start(context: Arc<ShardContext>) -> Result<Self, DaemonError> {
        metrics::describe();
        if let Some(lacking) = webhook::lacking(&context.topology) {
            return Err(DaemonError::Lacking(lacking));
        }
        topics::ready(&context).await?;
        let plan = supervisors::plan(
            &context.topology,
            std::slice::from_ref(&context.tasks),
            PlanOptions {
                session_hosts: 1,
                parked_retry: context.topology.supervision.parked_retry,
            },
        );
        let starter = Arc::new(Starter::new(Arc::clone(&context), None));
        let seed = context.seed;
        let ended = |error: supervisors::StartError| DaemonError::Ended {
            topology: context.topology.name.to_string(),
            exit: error.0,
        };
        let shared = Arc::clone(&context);
        let news = Arc::new(move |news: &SupervisionNews| news::tell(&shared, news));
        let tree = supervisors::open_tree(plan, starter, news, seed).await;
        let tree = Arc::new(tree.map_err(ended)?);
        let asked = Arc::downgrade(&tree);
        context.set_tree(Box::new(move |kind, errand| {
            if let Some(tree) = asked.upgrade() {
                tree.ask(kind, errand);
            }
        }));
        let watchdog = match context.threads {
            Threads::Own => Watchdog::start(Arc::clone(&context)).map(Some),
            // In a simulation nothing hangs but the test.
            Threads::One => Ok(None),
        };
        let watchdog = watchdog.map_err(DaemonError::NoThread)?;
        tokio::select! {
            biased;
            error = context.refused() => return Err(error.into()),
            ready = tree.ready() => ready.map_err(ended)?,
        }
        Ok(Self {
            _watchdog: watchdog,
            tree,
            context: Arc::clone(&context),
        })
    }

    /// A handle to what runs already, without a watchdog of its own.
    #[must_use]
    pub fn of(context: Arc<ShardContext>, tree: Arc<TreeHandle>) -> Self {
        Self {
            context,
            tree,
            _watchdog: None,
        }
    }

    /// Resolves when the tree has ended by itself, or the log refuses what it needs.
    pub async fn ended(&self) -> DaemonError {
        let ended = |exit| DaemonError::Ended {
            topology: self.context.topology.name.to_string(),
            exit,
        };
        tokio::select! {
            // What was refused is why the tree ends, if both.
            biased;
            error = self.context.refused() => error.into(),
            exit = self.tree.finished() => ended(exit),
        }
    }

    /// Waits until everything that can be read is read, processed and committed. Over a restart of
    /// the shard it asks again.
    pub async fn caught_up(&self) {
        self.context.status.set_until_caught_up();
        loop {
            if let Some(committer) = self.context.wiring.committer() {
                let told = committer
                    .call(|reply| CommitterMessage::WhenCaughtUp { reply }, None)
                    .await;
                if matches!(told, Ok(ractor::rpc::CallResult::Success(()))) {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Closes the intake, commits what is there, stops all actors and writes the state behind.
    ///
    /// # Errors
    /// If the tree had to be killed.
    pub async fn stop(self) -> Result<(), supervisors::StopError> {
        if tokio::time::timeout(DRAIN_WITHIN, self.leave())
            .await
            .is_err()
        {
            tracing::warn!(
                "the drain took too long: what is uncommitted is done again at the next start"
            );
        }
        let stopped = self.tree.stop(STOP_WITHIN).await;
        let context = Arc::clone(&self.context);
        let flush = move || context.states.flush();
        let flushed = self.context.blocking("last flush", flush).await;
        let context = Arc::clone(&self.context);
        let farewell = move || context.heartbeats.leave(&context);
        let left = self.context.blocking("farewell", farewell);
        if tokio::time::timeout(FAREWELL_WITHIN, left).await.is_err() {
            tracing::debug!("the brokers do not take this node's farewell");
        }
        if let Ok(Err(error)) = flushed {
            tracing::warn!(%error, "committed state was not written to its store; the changelog has it");
        }
        stopped
    }

    /// Commits what is there and leaves the group, so that other nodes take over at once.
    async fn leave(&self) {
        drain(&self.context).await;
        if let Some(consumer) = self.context.wiring.consumer()
            && consumer.leave().await.is_err()
        {
            tracing::debug!("the consumer had ended before it could leave the group");
        }
    }
}
