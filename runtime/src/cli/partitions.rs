//! `thalweg partitions`: how far the partitions of a running daemon are, and parked ones tried again.

use clap::Subcommand;
use comfy_table::{Table, presets};
use serde_json::Value;

use super::sessions::{DaemonArguments, api, segment};
use super::{Output, print, unavailable};
use crate::access::AccessError;
use crate::control::PartitionRetried;

/// What can be done with partitions.
#[derive(Debug, Subcommand)]
pub(super) enum PartitionsCommand {
    /// Lists the partitions with their lag, and which are parked and why
    List(ListArguments),
    /// Tries a parked partition again now
    Retry(RetryArguments),
}

/// What `partitions list` takes.
#[derive(Debug, clap::Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    daemon: DaemonArguments,
    /// How they are printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// What `partitions retry` takes.
#[derive(Debug, clap::Args)]
pub(super) struct RetryArguments {
    /// The partition, as `list` names it
    name: String,
    #[command(flatten)]
    daemon: DaemonArguments,
}

/// Carries out a `partitions` command.
pub(super) fn partitions(command: &PartitionsCommand) -> u8 {
    let done = match command {
        PartitionsCommand::List(arguments) => list(arguments),
        PartitionsCommand::Retry(arguments) => retry(arguments),
    };
    done.unwrap_or_else(|error| unavailable(&error))
}

fn list(arguments: &ListArguments) -> Result<u8, AccessError> {
    let partitions: Vec<Value> = api(&arguments.daemon)?.get("/v1/partitions")?;
    if arguments.format == Output::Json {
        return Ok(print(&super::json(&partitions)));
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["partition", "state", "lag", "held", "waits for", "reason"]);
    for partition in &partitions {
        let text = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let parked = &partition["parked"];
        let state = match (parked.is_null(), partition["restoring"].is_null()) {
            (false, _) => "parked",
            (true, false) => "restoring",
            (true, true) => "running",
        };
        table.add_row([
            text(&partition["name"]),
            state.to_owned(),
            text(&partition["lag"]),
            text(&partition["held"]),
            text(&partition["held_back_by"]),
            text(&parked["reason"]),
        ]);
    }
    let count = partitions.len();
    Ok(print(&format!("{}\n{count} partitions", table.trim_fmt())))
}

fn retry(arguments: &RetryArguments) -> Result<u8, AccessError> {
    let path = format!("/v1/partitions/{}/retry", segment(&arguments.name));
    let PartitionRetried { partition } = api(&arguments.daemon)?.post(&path, b"")?;
    Ok(print(&format!("partition \"{partition}\" is tried again")))
}
