//! `thalweg topic`: the log's topics.

mod list;
mod read;
mod write;

use clap::Subcommand;

use super::unavailable;

/// What can be done with topics.
#[derive(Debug, Subcommand)]
pub(super) enum TopicCommand {
    /// Lists all topics
    List(list::ListArguments),
    /// Prints a topic's records
    Read(read::ReadArguments),
    /// Appends the lines of standard input to a topic
    Write(write::WriteArguments),
    /// Creates a topic (while no daemon runs)
    Create(write::CreateArguments),
    /// Shows a topic's partitions
    Describe(list::DescribeArguments),
}

/// Carries out a `topic` command.
pub(super) fn topic(command: &TopicCommand) -> u8 {
    let done = match command {
        TopicCommand::List(arguments) => list::list(arguments),
        TopicCommand::Describe(arguments) => list::describe(arguments),
        TopicCommand::Read(arguments) => read::read(arguments),
        TopicCommand::Write(arguments) => write::write(arguments),
        TopicCommand::Create(arguments) => write::create(arguments),
    };
    done.unwrap_or_else(|error| unavailable(&error))
}
