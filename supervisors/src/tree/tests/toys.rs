//! Actors that misbehave on demand and keep a diary.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use config::{Backoff, Intensity, Millis, Strategy};
use parking_lot::Mutex;
use ractor::errors::ActorProcessingErr;
use ractor::{Actor, ActorCell, ActorRef};
use tokio::time::sleep;

use crate::{
    ChildKind, ChildSpec, ChildStarter, Failure, Role, StartFuture, TreeHandle, TreePlan, open_tree,
};

/// What a toy is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Do {
    Fail,
    Panic,
    Finish,
}

/// How a toy misbehaves, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vice {
    /// Fails so many starts, then behaves.
    FailStarts(u64),
    /// Panics in its first so many starts.
    PanicStarts(u64),
    /// Its start never ends.
    HangStart,
    /// Never stops.
    IgnoreStop,
    /// Fails as soon as it runs, in every generation, before its starter has answered.
    FailAtOnce,
    /// Its starter does not link it, so that its end is never heard of: as if it blocked its thread.
    Unlinked,
    /// The starter itself panics, once.
    StarterPanics,
}

/// Starts toys, and writes down what became of them: `+a0` a of generation 0 started, `-a0` stopped.
#[derive(Default)]
pub(super) struct ToyBox {
    vices: HashMap<&'static str, Vice>,
    diary: Mutex<Vec<String>>,
    toys: Mutex<HashMap<String, ActorRef<Do>>>,
}

pub(super) struct Toy {
    label: String,
    vice: Option<Vice>,
    generation: u64,
    owner: Arc<ToyBox>,
}

impl Actor for Toy {
    type Msg = Do;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Do>, (): ()) -> Result<(), ActorProcessingErr> {
        match self.vice {
            Some(Vice::FailStarts(count)) if self.generation < count => {
                return Err(Failure::new("no", "be kind").into());
            }
            Some(Vice::PanicStarts(count)) if self.generation < count => panic!("no start"),
            Some(Vice::HangStart) => pending::<()>().await,
            Some(Vice::FailAtOnce) => myself.send_message(Do::Fail)?,
            _ => {}
        }
        self.owner.note(format!("+{}", self.label));
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Do>, (): &mut ()) -> Result<(), ActorProcessingErr> {
        if self.vice == Some(Vice::IgnoreStop) {
            pending::<()>().await;
        }
        self.owner.note(format!("-{}", self.label));
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<Do>,
        message: Do,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Do::Fail => Err(Failure::new("told to fail", "do not tell it").into()),
            Do::Panic => panic!("told to panic"),
            Do::Finish => {
                myself.stop(None);
                Ok(())
            }
        }
    }
}

impl ToyBox {
    pub(super) fn with(vices: &[(&'static str, Vice)]) -> Arc<Self> {
        Arc::new(Self {
            vices: vices.iter().copied().collect(),
            ..Self::default()
        })
    }

    pub(super) fn note(&self, line: String) {
        self.diary.lock().push(line);
    }

    /// What was written since the last look.
    pub(super) fn read(&self) -> String {
        std::mem::take(&mut *self.diary.lock()).join(" ")
    }

    pub(super) fn tell(&self, name: &str, what: Do) {
        self.toys.lock()[name]
            .send_message(what)
            .expect("the toy runs");
    }
}

pub(super) struct Starter(pub(super) Arc<ToyBox>);

impl ChildStarter for Starter {
    fn start(&self, spec: &ChildSpec, generation: u64, supervisor: ActorCell) -> StartFuture {
        let owner = Arc::clone(&self.0);
        let name = spec.name.clone();
        let vice = owner.vices.get(name.as_str()).copied();
        assert!(
            vice != Some(Vice::StarterPanics) || generation > 0,
            "starter"
        );
        Box::pin(async move {
            let toy = Toy {
                label: format!("{name}{generation}"),
                vice,
                generation,
                owner: Arc::clone(&owner),
            };
            let (actor, _) = match vice {
                Some(Vice::Unlinked) => Toy::spawn(None, toy, ()).await?,
                _ => Toy::spawn_linked(None, toy, (), supervisor).await?,
            };
            if vice == Some(Vice::FailAtOnce) {
                sleep(Duration::from_millis(1)).await;
            }
            owner.toys.lock().insert(name, actor.clone());
            Ok(actor.get_cell())
        })
    }
}

pub(super) fn toy(name: &str) -> ChildSpec {
    ChildSpec::worker(name, ChildKind::Store, Millis(500))
}

pub(super) fn above(
    name: &str,
    strategy: Strategy,
    restarts: u32,
    children: Vec<ChildSpec>,
) -> ChildSpec {
    ChildSpec {
        name: name.into(),
        kind: ChildKind::Models,
        role: Role::Supervisor {
            strategy,
            intensity: Intensity {
                restarts,
                within: Millis(60_000),
            },
            backoff: Backoff {
                initial: Millis(100),
                max: Millis(1_000),
            },
            children,
        },
        shutdown: Millis(100),
        parking: None,
    }
}

pub(super) async fn open(root: ChildSpec, toys: &Arc<ToyBox>) -> TreeHandle {
    let starter = Arc::new(Starter(Arc::clone(toys)));
    open_tree(TreePlan { root }, starter, Arc::new(|_| {}), 7)
        .await
        .expect("the root is a supervisor")
}

pub(super) async fn start(root: ChildSpec, toys: &Arc<ToyBox>) -> TreeHandle {
    let tree = open(root, toys).await;
    tree.ready().await.expect("the tree starts");
    tree
}
