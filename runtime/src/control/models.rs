//! What a person tells the steward of a model: words on its topic of control, where they are committed
//! before anybody acts on them.

use actors::log::LogRecord;
use bytes::Bytes;
use config::{Node, OperatorKind};
use models::steward;
use serde::{Deserialize, Serialize};

use super::append::send;
use super::read::find;
use super::{Control, ControlError};

/// What can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelAction {
    /// Train a new version, of the newest labelled rows.
    Train,
    /// The version on trial takes over.
    Promote,
    /// The version on trial is taken back.
    Rollback,
}

impl ModelAction {
    /// All that there are.
    pub const ALL: [Self; 3] = [Self::Train, Self::Promote, Self::Rollback];

    /// Its name in paths and commands.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Promote => "promote",
            Self::Rollback => "rollback",
        }
    }
}

/// It was told. What comes of it is among the model's events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelTold {
    /// The topic of those events.
    pub events: String,
}

impl Control {
    /// Tells a model's steward.
    ///
    /// # Errors
    /// No such model, it has no labels, training is not set up, or the log refuses.
    pub fn tell_model(&self, model: &str, action: ModelAction) -> Result<ModelTold, ControlError> {
        let context = self.context();
        let topology = &context.topology;
        let settings = topology.models.iter();
        let settings = settings
            .clone()
            .find(|settings| settings.id.as_str() == model);
        let settings = settings.ok_or_else(|| ControlError::NotFound {
            what: "model",
            name: model.to_owned(),
        })?;
        let has_steward = topology.nodes.iter().any(|node| match node {
            Node::Operator(operator) => match &operator.kind {
                OperatorKind::Steward(steward) => topology.models[steward.model].id == settings.id,
                _ => false,
            },
            Node::Source(_) | Node::Sink(_) => false,
        });
        let learning = settings.learning.as_ref();
        if !has_steward || learning.is_none_or(|learning| learning.retrain.is_none()) {
            return Err(ControlError::Invalid(format!(
                "model \"{model}\" does not learn: it needs [model.labels] and [model.retrain]"
            )));
        }
        let told = match action {
            ModelAction::Train => steward::Control::Retrain,
            ModelAction::Promote => steward::Control::Promote,
            ModelAction::Rollback => steward::Control::Rollback,
        };
        // These types have nothing that JSON cannot say.
        let told = serde_json::to_string(&told).unwrap_or_default();
        let value = serde_json::json!({ "model": model, "control": told }).to_string();
        let key = Bytes::from(model.to_owned());
        let record = LogRecord::new(Some(key), Some(value.into()), context.clock.now_ms());
        let name = &topology.name;
        let spec = find(&*context.log, &format!("{name}.{model}.control"))?.spec;
        // Each node has its own, or they would fence each other.
        let id = format!("{name}.http.{}.{}", spec.name, context.node);
        send(&mut *context.log.producer(&id)?, &spec, vec![record])?;
        Ok(ModelTold {
            events: format!("{name}.{model}.events"),
        })
    }
}
