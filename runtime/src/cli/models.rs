//! `thalweg models`: the models of a running daemon, and what a person tells their stewards.

use clap::Subcommand;
use serde_json::Value;

use super::sessions::{DaemonArguments, api, segment};
use super::{print, unavailable};
use crate::access::AccessError;
use crate::control::{ModelAction, ModelTold};

/// What can be done with models.
#[derive(Debug, Subcommand)]
pub(super) enum ModelsCommand {
    /// Shows the models: versions, arms, training, drift; as JSON
    List(DaemonArguments),
    /// Trains a new version now, of the newest labelled rows; the gate judges it
    Train(ModelArguments),
    /// The version on trial takes over at once
    Promote(ModelArguments),
    /// The version on trial is taken back
    Rollback(ModelArguments),
}

/// What commands for one model take.
#[derive(Debug, clap::Args)]
pub(super) struct ModelArguments {
    /// Its id
    model: String,
    #[command(flatten)]
    daemon: DaemonArguments,
}

/// Carries out a `models` command.
pub(super) fn models(command: &ModelsCommand) -> u8 {
    let done = match command {
        ModelsCommand::List(daemon) => list(daemon),
        ModelsCommand::Train(arguments) => tell(arguments, ModelAction::Train),
        ModelsCommand::Promote(arguments) => tell(arguments, ModelAction::Promote),
        ModelsCommand::Rollback(arguments) => tell(arguments, ModelAction::Rollback),
    };
    done.unwrap_or_else(|error| unavailable(&error))
}

fn list(daemon: &DaemonArguments) -> Result<u8, AccessError> {
    let models: Value = api(daemon)?.get("/v1/models")?;
    Ok(print(&super::json(&models)))
}

fn tell(arguments: &ModelArguments, action: ModelAction) -> Result<u8, AccessError> {
    let path = format!(
        "/v1/models/{}/{}",
        segment(&arguments.model),
        action.label()
    );
    let ModelTold { events } = api(&arguments.daemon)?.post(&path, b"")?;
    Ok(print(&format!(
        "told; what comes of it is on topic {events}"
    )))
}
