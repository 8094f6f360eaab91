//! The models' actor of a model that learns: the hands of its steward.
//!
//! It reads what the steward has committed on the topic of events, and does it: puts versions into
//! service and on trial, trains, judges, and writes what came of it on the topic of control, where the
//! steward reads it. So every decision is committed before it is acted on, and whoever starts anew reads
//! where the story stands: a training that was under way is done again, with the same rows, the same
//! seed and so the same weights. Each node serves; the one that runs the steward's task trains.

mod artefacts;
mod drift;
mod history;
mod profiles;
mod rows;
mod training;
mod versions;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use config::{Learning, ModelSettings, Node, NodeIndex, OperatorKind, TopicName};
use models::steward::Control;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::context::ShardContext;
use super::inference::{InferenceArguments, Trial};
use super::pulse::{self, Stage};
use super::{failure, metrics};
use crate::log::{LogError, LogRecord, Producer, TopicPartition};
use drift::DriftView;
use history::History;
use profiles::{ProfileKeeper, ProfilesError};
use training::{Training, with_causes};

/// How often it looks at what the steward has decided.
const EVERY: Duration = Duration::from_millis(200);

/// What the actor hears from its thread.
pub enum DirectorMessage {
    /// The thread has ended: by a panic, if the actor still stands.
    ThreadEnded,
}

/// The actor.
pub struct Director;

impl Actor for Director {
    type Msg = DirectorMessage;
    type State = Arc<AtomicBool>;
    type Arguments = InferenceArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<DirectorMessage>,
        arguments: InferenceArguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let InferenceArguments { context, model } = arguments;
        let stopping = Arc::new(AtomicBool::new(false));
        let Some(mut hands) = Hands::new(&context, model) else {
            return Ok(stopping);
        };
        // Rows flow behind this: the first is answered by whom the last committed decision names.
        let stand = move || hands.stand().map(|()| hands);
        let hands = context.blocking("serve model", stand).await??;
        let (ended, flag) = (Ended(myself), Arc::clone(&stopping));
        let work = async move {
            let _ended = ended;
            hands.run(&flag).await;
        };
        context.threads.start(&format!("models-{model}"), work)?;
        Ok(stopping)
    }

    async fn handle(
        &self,
        _: ActorRef<DirectorMessage>,
        message: DirectorMessage,
        stopping: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            DirectorMessage::ThreadEnded if stopping.load(Ordering::Relaxed) => Ok(()),
            DirectorMessage::ThreadEnded => Err(failure("the models' thread ended")),
        }
    }

    async fn post_stop(
        &self,
        _: ActorRef<DirectorMessage>,
        stopping: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        stopping.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Tells the actor when the thread ends, however it ends.
struct Ended(ActorRef<DirectorMessage>);

impl Drop for Ended {
    fn drop(&mut self) {
        // The actor may be gone already: then nobody needs to know.
        drop(self.0.send_message(DirectorMessage::ThreadEnded));
    }
}

/// The steward's hands could not do something; tried again in the next round.
#[derive(Debug, thiserror::Error)]
enum HandsError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("version {version} cannot be put into service")]
    Serve {
        version: u64,
        source: super::inference::ServeError,
    },
    #[error("version {version} cannot be loaded")]
    Load {
        version: u64,
        source: models::ModelError,
    },
    #[error("version {version} cannot be handed to other nodes")]
    Hand {
        version: u64,
        source: artefacts::ArtefactError,
    },
    #[error(transparent)]
    Profiles(#[from] ProfilesError),
    #[error("no thread for training")]
    Thread(#[from] std::io::Error),
}

/// What does the work.
struct Hands {
    context: Arc<ShardContext>,
    model: usize,
    settings: ModelSettings,
    learning: Learning,
    /// Position of the steward in the topology; `None` for a model without labels.
    steward: Option<NodeIndex>,
    history: History,
    /// Where windows are compared.
    profiles: Option<ProfileKeeper>,
    drift: Option<DriftView>,
    /// The version on trial that was reported as failing.
    reported: Option<u64>,
    training: Option<Training>,
    /// The request that was answered last.
    answered: Option<u64>,
    producer: Option<Box<dyn Producer>>,
}

impl Hands {
    /// `None` for a model that does not learn.
    fn new(context: &Arc<ShardContext>, model: usize) -> Option<Self> {
        let settings = context.topology.models[model].clone();
        let learning = settings.learning.clone()?;
        let steward = context.topology.nodes.iter().position(|node| match node {
            Node::Operator(operator) => match &operator.kind {
                OperatorKind::Steward(steward) => steward.model == model,
                _ => false,
            },
            Node::Source(_) | Node::Sink(_) => false,
        });
        let profiles = ProfileKeeper::new(context, model);
        if steward.is_none() && profiles.is_none() {
            return None;
        }
        let drift = profiles
            .as_ref()
            .and_then(|_| topic(context, &settings, "metrics"));
        Some(Self {
            profiles,
            drift: drift.map(DriftView::new),
            history: History::new(topic(context, &settings, "events")?),
            context: Arc::clone(context),
            model,
            settings,
            learning,
            steward: steward.map(NodeIndex),
            reported: None,
            training: None,
            answered: None,
            producer: None,
        })
    }

    async fn run(mut self, stopping: &AtomicBool) {
        while !stopping.load(Ordering::Relaxed) && !pulse::is_given_up() {
            pulse::progress();
            self.context.faults.hit("director");
            let trouble = self.round().err().map(|error| with_causes(&error));
            let model = &self.context.models[self.model];
            if let Some(trouble) = &trouble {
                // The same is told once, not five times a second.
                if model.trouble().as_ref() != Some(trouble) {
                    let model = self.settings.id.as_str();
                    tracing::warn!(model, trouble, "the steward's decision waits; trying again");
                }
                self.producer = None;
            }
            model.set_trouble(trouble);
            self.context.threads.sleep(EVERY).await;
        }
        if let Some(training) = &self.training {
            training.cancel();
        }
    }

    /// Reads the story so far, and serves what it says.
    fn stand(&mut self) -> Result<(), HandsError> {
        {
            let _call = pulse::enter(Stage::Log);
            self.history.read(&*self.context.log)?;
        }
        self.serve()?;
        self.learn_profiles()
    }

    /// What the versions in service were trained on, for those who compare.
    fn learn_profiles(&mut self) -> Result<(), HandsError> {
        let _call = pulse::enter(Stage::File);
        let model = &self.context.models[self.model];
        let (Some(profiles), Some(arms)) = (&mut self.profiles, model.arms()) else {
            return Ok(());
        };
        profiles.learn(&self.context, arms.champion)?;
        if let Some(challenger) = arms.challenger {
            profiles.learn(&self.context, challenger)?;
        }
        Ok(())
    }

    /// Shows what the last windows said.
    fn show_drift(&mut self) -> Result<(), HandsError> {
        let _call = pulse::enter(Stage::Log);
        if let Some(drift) = &mut self.drift
            && drift.read(&*self.context.log)?
        {
            self.context.models[self.model].set_drift(drift.view());
        }
        Ok(())
    }

    fn round(&mut self) -> Result<(), HandsError> {
        self.stand()?;
        self.show_drift()?;
        self.report_failures()?;
        self.train()?;
        let progress = self.training.as_ref().and_then(Training::progress);
        self.context.models[self.model].set_training(progress);
        self.show_trouble();
        Ok(())
    }

    /// Puts into service what the steward has committed last.
    fn serve(&mut self) -> Result<(), HandsError> {
        let Some(arms) = self.history.arms().cloned() else {
            return Ok(());
        };
        // The inference actor may have been restarted, with the version that the topology names.
        if self.context.models[self.model].arms().as_ref() == Some(&arms) {
            return Ok(());
        }
        // Files are read, and every thread of the model takes it over.
        let _call = pulse::enter(Stage::File);
        let load = |version: u64| {
            versions::load(&self.context, &self.settings, version)
                .map_err(|source| HandsError::Load { version, source })
        };
        let champion = load(arms.champion)?;
        let trial = match arms.challenger {
            Some(version) => {
                let trial = load(version)?;
                Some(Trial::new(Arc::new(trial), arms.share, &arms.salt))
            }
            None => None,
        };
        let version = arms.champion;
        self.context.models[self.model]
            .serve(champion, trial)
            .map_err(|source| HandsError::Serve { version, source })
    }

    /// Shows what has befallen the model lately, on the node that runs its steward.
    fn show_trouble(&self) {
        let is_here = self.is_steward();
        let now = self.context.clock.now_ms();
        for (what, is_so) in self.history.troubles(now) {
            metrics::model_trouble(self.settings.id.as_str(), what, is_here && is_so);
        }
    }

    /// Tells the steward of a version on trial that fails row after row.
    fn report_failures(&mut self) -> Result<(), HandsError> {
        let Some(trial) = self.context.models[self.model].trial() else {
            return Ok(());
        };
        let (version, failures) = (trial.model().version(), trial.failures());
        if failures < self.learning.rollout.failures || self.reported == Some(version) {
            return Ok(());
        }
        let reason = format!("it has failed on {failures} rows in sequence");
        self.tell(&Control::VersionFailed { version, reason }, Vec::new())?;
        self.reported = Some(version);
        Ok(())
    }

    /// Starts the training that is asked for, and tells how it ended.
    fn train(&mut self) -> Result<(), HandsError> {
        let wanted = self
            .history
            .pending()
            .filter(|_| self.is_steward())
            .cloned();
        if let Some(training) = &self.training
            && wanted.as_ref().map(|request| request.id) != Some(training.request())
        {
            training.cancel();
            self.training = None;
        }
        let Some(request) = wanted.filter(|request| self.answered != Some(request.id)) else {
            return Ok(());
        };
        let Some(training) = &self.training else {
            let training = Training::start(&self.context, self.model, request)?;
            self.training = Some(training);
            return Ok(());
        };
        let Some(control) = training.outcome() else {
            return Ok(());
        };
        let files = self.files(&control, request.version)?;
        self.tell(&control, files)?;
        self.answered = Some(request.id);
        self.training = None;
        Ok(())
    }

    /// Whether the steward's task is this node's.
    fn is_steward(&self) -> bool {
        let Some(steward) = self.steward else {
            return false;
        };
        let mut subs = self.context.topology.sub_topologies.iter();
        let sub = subs.position(|sub| sub.nodes.contains(&steward));
        let assigned = self.context.assigned();
        assigned.iter().any(|task| Some(task.sub_topology) == sub)
    }

    /// The files of a version that may come to serve, for the other nodes.
    fn files(&self, control: &Control, version: u64) -> Result<Vec<LogRecord>, HandsError> {
        let folder = versions::folder(&self.context, &self.settings);
        let (Control::Trained { verdict, .. }, Some(folder)) = (control, folder) else {
            return Ok(Vec::new());
        };
        if !verdict.promoted {
            return Ok(Vec::new());
        }
        let now = self.context.clock.now_ms();
        artefacts::records(&folder, version, now)
            .map_err(|source| HandsError::Hand { version, source })
    }

    /// Appends a message to the topic of control, and a version's files to theirs, in one transaction.
    fn tell(&mut self, control: &Control, files: Vec<LogRecord>) -> Result<(), HandsError> {
        let Some(topic) = topic(&self.context, &self.settings, "control") else {
            return Ok(());
        };
        let _call = pulse::enter(Stage::Log);
        let versions = self.context.topology.versions_topic(&self.settings.id);
        let id = self.settings.id.as_str();
        let text = serde_json::to_string(control).unwrap_or_default();
        let value = serde_json::json!({ "model": id, "control": text });
        let producer = match &mut self.producer {
            Some(producer) => producer,
            None => {
                let (topology, node) = (&self.context.topology.name, &self.context.node);
                let id = format!("{topology}.models.{id}.{node}");
                self.producer.insert(self.context.log.producer(&id)?)
            }
        };
        let now = self.context.clock.now_ms();
        let key = id.to_owned().into();
        let record = LogRecord::new(Some(key), Some(value.to_string().into()), now);
        producer.begin()?;
        if let (false, Some(versions)) = (files.is_empty(), versions) {
            producer.send(&TopicPartition::new(versions, 0), files)?;
        }
        producer.send(&TopicPartition::new(topic, 0), vec![record])?;
        producer.commit()?;
        Ok(())
    }
}

/// One of the topics of a model's loop.
fn topic(context: &ShardContext, settings: &ModelSettings, what: &str) -> Option<TopicName> {
    let name = format!("{}.{}.{what}", context.topology.name, settings.id);
    // The names were checked with the topology, where sources and sinks have them.
    TopicName::parse(&name).ok()
}
