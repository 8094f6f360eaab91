//! `thalweg dead-letter`: records that could not be processed.

mod handle;

use clap::Subcommand;
use comfy_table::{Table, presets};

use super::load::load;
use super::{DataArguments, Output, TopologyArguments, print, unavailable};
use crate::access::{Access, AccessError};
use crate::control::{ControlError, ReadRequest, Record};

/// What can be done with dead letters.
#[derive(Debug, Subcommand)]
pub(super) enum DeadLetterCommand {
    /// Lists dead letters: where each came from, and why it is here
    List(ListArguments),
    /// Shows one dead letter whole
    Show(ShowArguments),
    /// Puts dead letters back where they came from, to be processed again
    Replay(handle::ReplayArguments),
    /// Gives dead letters up: they stay, marked
    Drop(handle::HandleArguments),
}

/// What `dead-letter list` takes.
#[derive(Debug, clap::Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    topology: TopologyArguments,
    #[command(flatten)]
    data: DataArguments,
    /// From this offset on
    #[arg(long, value_parser = super::offset)]
    from: Option<i64>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = super::limit)]
    limit: usize,
    /// How they are printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// What `dead-letter show` takes.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArguments {
    #[command(flatten)]
    topology: TopologyArguments,
    #[command(flatten)]
    data: DataArguments,
    /// Its offset in the dead-letter topic
    #[arg(value_parser = super::offset)]
    offset: i64,
}

/// Carries out a `dead-letter` command.
pub(super) fn dead_letter(command: &DeadLetterCommand) -> u8 {
    let done = match command {
        DeadLetterCommand::List(arguments) => list(arguments),
        DeadLetterCommand::Show(arguments) => show(arguments),
        DeadLetterCommand::Replay(arguments) => handle::replay(arguments),
        DeadLetterCommand::Drop(arguments) => handle::give_up(arguments),
    };
    done.unwrap_or_else(|error| unavailable(&error))
}

fn read(
    topology: &TopologyArguments,
    data: &DataArguments,
    request: &ReadRequest,
) -> Result<Vec<Record>, AccessError> {
    let topology = load(topology)?;
    let access = Access::of(&topology.log, &data.data_dir)?;
    access.letters(&topology.dead_letter, request)
}

fn list(arguments: &ListArguments) -> Result<u8, AccessError> {
    let request = ReadRequest {
        partition: None,
        from: arguments.from,
        until: None,
        limit: Some(arguments.limit),
    };
    let records = read(&arguments.topology, &arguments.data, &request)?;
    if arguments.format == Output::Json {
        return Ok(print(&super::json(&records)));
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["offset", "input", "stage", "code", "done", "reason"]);
    for record in &records {
        table.add_row([
            record.offset.to_string(),
            header(record, "thalweg.input"),
            header(record, "thalweg.stage"),
            header(record, "thalweg.code"),
            header(record, "thalweg.mark"),
            header(record, "thalweg.reason"),
        ]);
    }
    Ok(print(&format!(
        "{}\n{} dead letters",
        table.trim_fmt(),
        records.len()
    )))
}

fn header(record: &Record, name: &str) -> String {
    let found = record.headers.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

fn show(arguments: &ShowArguments) -> Result<u8, AccessError> {
    let request = ReadRequest {
        partition: None,
        from: Some(arguments.offset),
        until: Some(arguments.offset + 1),
        limit: Some(1),
    };
    let records = read(&arguments.topology, &arguments.data, &request)?;
    match records.first() {
        Some(record) => Ok(print(&super::json(record))),
        None => Err(ControlError::NotFound {
            what: "dead letter",
            name: arguments.offset.to_string(),
        }
        .into()),
    }
}
