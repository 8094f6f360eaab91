//! Lanes: the threads that actors run on, one a task (its partition and its hosts), one for each other
//! worker. Code that never returns holds a thread, and nothing can take a thread back: so it is a thread
//! that can be left behind, with nobody on it but those who restart together anyway.
//!
//! A lane outlives its actors' restarts. One that is abandoned is replaced at the next start; its thread
//! ends when what holds it does, if ever. Actors of a task share a lane, so a batch changes no thread
//! between them. In a simulation there is one thread, and no lane.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use supervisors::ChildKind;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::pulse::{Pulse, Pulses};

/// The lanes of a shard, by whose they are.
#[derive(Debug, Default)]
pub struct Lanes(Mutex<HashMap<ChildKind, Lane>>);

/// A thread that runs actors.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) runtime: Handle,
    pub(super) pulse: Pulse,
    /// The thread ends when all of these are gone.
    _stop: Arc<oneshot::Sender<()>>,
}

impl Lanes {
    /// The lane that an actor of this kind runs on; `None`: beside its supervisor.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub(super) fn lane(
        &self,
        kind: &ChildKind,
        name: &str,
        pulses: &Arc<Pulses>,
    ) -> std::io::Result<Option<Lane>> {
        let Some(owner) = owner(kind) else {
            return Ok(None);
        };
        let mut lanes = self.0.lock();
        if let Some(lane) = lanes.get(&owner) {
            return Ok(Some(lane.clone()));
        }
        let lane = Lane::start(name, pulses.pulse(owner.clone()))?;
        lanes.insert(owner, lane.clone());
        Ok(Some(lane))
    }

    /// The owner's actors start on a new thread from now on.
    pub(super) fn abandon(&self, owner: &ChildKind) {
        self.0.lock().remove(owner);
    }
}

impl Lane {
    fn start(name: &str, pulse: Pulse) -> std::io::Result<Self> {
        // No input and output: what an actor waits for are others and the time.
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name(name.to_owned());
        thread.spawn(move || {
            // Nothing is ever sent: the senders' end is the word.
            drop(runtime.block_on(stopped));
            runtime.shutdown_background();
        })?;
        Ok(Self {
            runtime: handle,
            pulse,
            _stop: Arc::new(stop),
        })
    }
}

/// Whose lane an actor runs on: what is to be given up when it hangs. The actors of a task stand for each
/// other. The intake and the API only wait.
fn owner(kind: &ChildKind) -> Option<ChildKind> {
    match kind {
        ChildKind::Partition { task } | ChildKind::SessionHost { task, .. } => {
            Some(ChildKind::PartitionTree { task: *task })
        }
        ChildKind::Store
        | ChildKind::Inference { .. }
        | ChildKind::Director { .. }
        | ChildKind::Committer
        | ChildKind::Sink { .. }
        | ChildKind::Consumer
        | ChildKind::Feed { .. } => Some(kind.clone()),
        ChildKind::Root
        | ChildKind::Models
        | ChildKind::Topology
        | ChildKind::Shard { .. }
        | ChildKind::Tasks
        | ChildKind::PartitionTree { .. }
        | ChildKind::Feeds
        | ChildKind::Intake
        | ChildKind::Webhook { .. }
        | ChildKind::Admin => None,
    }
}

#[cfg(test)]
mod tests {
    use supervisors::TaskId;

    use super::*;

    #[tokio::test]
    async fn a_tasks_actors_share_a_thread_until_it_is_abandoned() {
        let (lanes, pulses) = (Lanes::default(), Arc::new(Pulses::default()));
        let task = TaskId {
            sub_topology: 0,
            partition: 1,
        };
        let thread = async |kind: ChildKind| {
            let lane = lanes.lane(&kind, "t-1", &pulses).expect("a thread");
            let here = lane.expect("a lane").runtime.spawn(async {
                let thread = std::thread::current();
                (thread.id(), thread.name().map(str::to_owned))
            });
            here.await.expect("it ran")
        };
        let partition = thread(ChildKind::Partition { task }).await;
        assert_eq!(partition.1.as_deref(), Some("t-1"));
        let host = ChildKind::SessionHost { task, host: 0 };
        assert_eq!(thread(host.clone()).await, partition);
        lanes.abandon(&ChildKind::PartitionTree { task });
        assert_ne!(thread(host).await.0, partition.0);
        let intake = lanes.lane(&ChildKind::Intake, "intake", &pulses);
        assert!(intake.expect("no thread is needed").is_none());
    }
}
