//! Inference: one actor a model, whose own thread gathers rows of many partitions into one forward.
//!
//! Requests wait in a bounded queue. A forward begins when `batch.size` rows are there or the first
//! has waited for `batch.delay`. Each request is answered by one version of the model. When a forward
//! fails, each request is divided until the rows to blame are found; the others have their answers. A
//! model that fails on everything is not asked for a while ([`super::breaker`]).

mod answer;
mod ask;
mod trial;
mod worker;

use std::ops::Range;
use std::sync::Arc;

use config::{Millis, ModelId};
use models::steward::Arms;
use models::train::Progress;
use models::{LoadedModel, Matrix, ModelError, ModelHandle};
use parking_lot::{Mutex, RwLock};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::breaker::{Breaker, Signal, Verdict, decide};
use super::context::ShardContext;
use super::events::{Events, Happened};
use super::failure;
use super::metrics;
use crate::clock::Clock;

pub use answer::Answer;
pub use trial::Trial;
use worker::Worker;

/// Requests that may wait; more make their senders wait.
const QUEUE: usize = 64;

/// Where partitions send feature rows. Survives restarts of the actor behind it.
pub struct InferenceHandle {
    model: String,
    open: RwLock<Option<Open>>,
    /// Counts the actors.
    opened: watch::Sender<u64>,
    breaker: Mutex<Breaker>,
    /// Of a version that is trained on this node.
    training: Mutex<Option<Progress>>,
    /// Why the steward's decisions cannot be carried out, while that is so.
    trouble: Mutex<Option<String>>,
    /// What the last windows of its rows said; an array.
    drift: Mutex<serde_json::Value>,
}

/// The way to a running actor.
#[derive(Clone)]
struct Open {
    sender: mpsc::Sender<Request>,
    model: ModelHandle,
    trial: Option<Arc<Trial>>,
    /// Closed when the actor ends, however it does.
    alive: watch::Receiver<()>,
}

/// A version cannot be put into service.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The actor is not there (any more); it is being restarted.
    #[error("inference is not running")]
    Gone,
    /// It takes or gives something else.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// What is asked of a model.
pub struct Ask {
    /// Feature rows.
    pub rows: Matrix,
    /// The version asked; `None`: the one in service.
    pub version: Option<Arc<LoadedModel>>,
    /// The answer must be there by then.
    pub deadline: Option<Millis>,
}

/// Answers for the rows of one request, in their order: for each range the answer, or why there is none.
pub type Answered = Vec<(Range<usize>, Result<Answer, String>)>;

/// A request has no answer at all.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// The actor is not there (any more); it is being restarted.
    #[error("inference is not running")]
    Gone,
    /// The model is late, or is not asked.
    #[error("model failed: {0}")]
    Model(String),
}

struct Request {
    rows: Arc<Matrix>,
    /// The version asked for; `None`: the one in service.
    version: Option<Arc<LoadedModel>>,
    asked: Instant,
    reply: oneshot::Sender<Answered>,
}

impl InferenceHandle {
    /// The way to a model's actor, which does not run yet.
    #[must_use]
    pub fn new(model: &ModelId) -> Self {
        Self {
            model: model.to_string(),
            open: RwLock::new(None),
            opened: watch::Sender::default(),
            breaker: Mutex::default(),
            training: Mutex::default(),
            trouble: Mutex::default(),
            drift: Mutex::new(serde_json::Value::Array(Vec::new())),
        }
    }

    /// The version in service; `None` while the actor is not running.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.open.read().as_ref().map(|open| open.model.version())
    }

    /// The version on trial; `None` without one, and while the actor is not running.
    #[must_use]
    pub fn trial(&self) -> Option<Arc<Trial>> {
        let open = self.open.read();
        open.as_ref().and_then(|open| open.trial.clone())
    }

    /// Who answers now; `None` while the actor is not running.
    #[must_use]
    pub fn arms(&self) -> Option<Arms> {
        let open = self.open.read();
        let open = open.as_ref()?;
        let trial = open.trial.as_ref();
        Some(Arms {
            champion: open.model.version(),
            challenger: trial.map(|trial| trial.model().version()),
            share: trial.map_or(0.0, |trial| trial.share()),
            salt: trial.map_or_else(String::new, |trial| trial.salt().to_owned()),
        })
    }

    /// Puts a version into service, unless it is, and another on trial, or none.
    ///
    /// # Errors
    /// If the actor is not running, or a version takes or gives something else: nothing has changed then.
    pub fn serve(&self, champion: LoadedModel, trial: Option<Trial>) -> Result<(), ServeError> {
        let mut open = self.open.write();
        let open = open.as_mut().ok_or(ServeError::Gone)?;
        if champion.version() != open.model.version() {
            open.model.swap(champion)?;
        }
        open.trial = trial.map(Arc::new);
        Ok(())
    }

    /// How far the training of a new version is on this node; `None`: none is trained here.
    #[must_use]
    pub fn training(&self) -> Option<Progress> {
        *self.training.lock()
    }

    /// Why the decisions of the model's steward cannot be carried out here; `None`: they are.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }

    /// The newest number of each column and statistic that a monitor of windows has found.
    #[must_use]
    pub fn drift(&self) -> serde_json::Value {
        self.drift.lock().clone()
    }

    pub(super) fn set_drift(&self, drift: serde_json::Value) {
        *self.drift.lock() = drift;
    }

    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock() = trouble;
    }

    pub(super) fn set_training(&self, progress: Option<Progress>) {
        *self.training.lock() = progress;
    }

    /// Requests that wait for the thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let open = self.open.read();
        open.as_ref().map_or(0, |open| {
            open.sender.max_capacity() - open.sender.capacity()
        })
    }

    /// Where the circuit breaker stands: `closed` is well.
    #[must_use]
    pub fn breaker(&self) -> &'static str {
        self.breaker.lock().label()
    }

    /// Runs the model on feature rows, unless its circuit breaker is open.
    ///
    /// # Errors
    /// If the actor ends before it answers, does not answer within the deadline, or is not asked.
    pub async fn infer(
        &self,
        ask: Ask,
        clock: &dyn Clock,
        events: &Events,
    ) -> Result<Answered, InferenceError> {
        let Ask {
            rows,
            version,
            deadline,
        } = ask;
        // What a version on trial does is its own affair: the breaker is the model's in service.
        let on_trial = version.is_some();
        let signal = |signal, reason: &str| self.signal(signal, reason, clock.now_ms(), events);
        if !on_trial && signal(Signal::Ask, "") == Verdict::Refuse {
            let reason = "its circuit breaker is open".to_owned();
            return Err(InferenceError::Model(reason));
        }
        let asked = self.ask(Arc::new(rows), version);
        let answered = match deadline {
            None => asked.await,
            Some(deadline) => match tokio::time::timeout(deadline.duration(), asked).await {
                Ok(answered) => answered,
                Err(_) => Err(InferenceError::Model(format!(
                    "no answer within {deadline}"
                ))),
            },
        };
        let outcome = match &answered {
            Err(InferenceError::Model(reason)) => Some((Signal::Failed, reason.as_str())),
            Ok(parts) => {
                let failed = parts.iter().filter_map(|(_, part)| part.as_ref().err());
                match failed.clone().next() {
                    Some(reason) if failed.count() == parts.len() => {
                        Some((Signal::Failed, reason.as_str()))
                    }
                    _ => Some((Signal::Succeeded, "")),
                }
            }
            // No word on the model: its actor is being restarted.
            Err(InferenceError::Gone) => None,
        };
        if let Some((outcome, reason)) = outcome.filter(|_| !on_trial) {
            signal(outcome, reason);
        }
        answered
    }

    /// Tells the breaker; its changes are told to everyone.
    fn signal(&self, signal: Signal, reason: &str, now_ms: i64, events: &Events) -> Verdict {
        let (before, after, verdict) = {
            let mut breaker = self.breaker.lock();
            let before = *breaker;
            let (after, verdict) = decide(before, signal, now_ms);
            *breaker = after;
            (before.label(), after.label(), verdict)
        };
        if before != after {
            metrics::breaker(&self.model, after);
            let changed = Happened::Breaker {
                model: self.model.clone(),
                from: before,
                to: after,
                reason: reason.to_owned(),
            };
            events.tell(now_ms, changed);
        }
        verdict
    }
}

/// The actor: owns the thread and answers for its life.
pub struct Inference;

/// How it starts.
pub struct InferenceArguments {
    /// The shard.
    pub context: Arc<ShardContext>,
    /// Position of the model in the topology.
    pub model: usize,
}

/// What the actor holds.
pub struct InferenceState {
    context: Arc<ShardContext>,
    model: usize,
    /// Who waits for an answer sees this go.
    _life: watch::Sender<()>,
}

/// What the actor hears from its thread.
pub enum InferenceMessage {
    /// The thread has ended: by a panic, if the actor still stands.
    ThreadEnded,
}

impl Actor for Inference {
    type Msg = InferenceMessage;
    type State = InferenceState;
    type Arguments = InferenceArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<InferenceMessage>,
        arguments: InferenceArguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let InferenceArguments { context, model } = arguments;
        let settings = context.topology.models[model].clone();
        let load = move || models::load(&settings.path, &settings.version, settings.device);
        let loaded = context.blocking("load model", load).await??;
        let handle = ModelHandle::new(loaded);
        let (sender, receiver) = mpsc::channel(QUEUE);
        let (life, alive) = watch::channel(());
        *context.models[model].open.write() = Some(Open {
            sender,
            model: handle.clone(),
            trial: None,
            alive,
        });
        context.models[model]
            .opened
            .send_modify(|times| *times += 1);
        let worker = Worker {
            handle,
            receiver,
            context: Arc::clone(&context),
            model,
        };
        let ended = Ended(myself);
        let work = async move {
            let _ended = ended;
            worker.run().await;
        };
        context.threads.start(&format!("infer-{model}"), work)?;
        Ok(InferenceState {
            context,
            model,
            _life: life,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<InferenceMessage>,
        message: InferenceMessage,
        _: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            InferenceMessage::ThreadEnded => Err(failure("the inference thread ended")),
        }
    }

    async fn post_stop(
        &self,
        _: ActorRef<InferenceMessage>,
        state: &mut InferenceState,
    ) -> Result<(), ActorProcessingErr> {
        // Closes the queue: the thread ends after what it is doing.
        *state.context.models[state.model].open.write() = None;
        Ok(())
    }
}

/// Tells the actor when the thread ends, however it ends.
struct Ended(ActorRef<InferenceMessage>);

impl Drop for Ended {
    fn drop(&mut self) {
        // The actor may be gone already: then nobody needs to know.
        drop(self.0.send_message(InferenceMessage::ThreadEnded));
    }
}
