//! The command line: one file a command. Each gives an exit code from [`code`].

mod load;
mod validate;
mod run;
mod signals;
mod plan;
mod apply;
mod doctor;
mod graph;
mod nodes;
mod topic;
mod dead_letter;
mod tree;
mod alerts;
mod members;
mod models;
mod sessions;
mod learn;
mod partitions;
mod init;
mod drift;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

/// Runs models on streams: features, state and decisions, exactly once, in one process.
#[derive(Debug, Parser)]
#[command(name = "thalweg", version, propagate_version = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes a new topology with comments, ready to run
    Init(init::InitArguments),
    /// Checks topology files without running anything
    Validate(validate::ValidateArguments),
    /// Shows what a topology needs: topics, state, tasks, supervision tree
    Plan(plan::PlanArguments),
    /// Creates the topics that a topology needs and that are missing
    Apply(apply::ApplyArguments),
    /// Looks at all that a topology needs around it: cluster, rights, clocks, directory, devices
    Doctor(doctor::DoctorArguments),
    /// Draws a topology
    Graph(graph::GraphArguments),
    /// Runs a topology until it is stopped (Ctrl-C or SIGTERM drain it; a second one stops at once)
    Run(run::RunArguments),
    /// Lists, reads, writes, creates and describes topics of the log
    #[command(subcommand)]
    Topic(topic::TopicCommand),
    /// Lists and shows records that could not be processed
    #[command(subcommand)]
    DeadLetter(dead_letter::DeadLetterCommand),
    /// Lists keys of a running daemon that fail, and ends their quarantine
    #[command(subcommand)]
    Sessions(sessions::SessionsCommand),
    /// Shows the models of a running daemon; trains, promotes, rolls back by hand
    #[command(subcommand)]
    Models(models::ModelsCommand),
    /// Trains a version of a model from labelled rows, and judges it against the one in service
    Train(Box<learn::TrainArguments>),
    /// Measures a version of a model on labelled rows, by slice
    Evaluate(Box<learn::EvaluateArguments>),
    /// Lists the partitions of a running daemon, and tries parked ones again
    #[command(subcommand)]
    Partitions(partitions::PartitionsCommand),
    /// Shows the supervision tree of a running daemon
    Tree(tree::TreeArguments),
    /// Lists the nodes that run a topology, with their tasks and lag
    Nodes(members::NodesArguments),
    /// Shows the alerts of a running daemon that fire or may soon
    Alerts(alerts::AlertsArguments),
    /// Runs a change detector over a column of numbers
    Drift(drift::DriftArguments),
    /// Prints the JSON Schema of topology files
    Schema,
    /// Prints completions for a shell
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// How data are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Exit codes, as in sysexits.h where there is one.
pub mod code {
    /// All went well.
    pub const OK: u8 = 0;
    /// Wrong arguments.
    pub const USAGE: u8 = 2;
    /// What was given to read is not what it should be.
    pub const DATA: u8 = 65;
    /// Something that is needed is not there.
    pub const UNAVAILABLE: u8 = 69;
    /// It may work later.
    pub const TRY_AGAIN: u8 = 75;
    /// The topology file is wrong.
    pub const CONFIGURATION: u8 = 78;
}

/// What every command that reads a topology takes.
#[derive(Debug, clap::Args)]
pub struct TopologyArguments {
    /// The topology file
    pub file: PathBuf,
    /// Overrides a key of the file: `--set epoch.interval=50ms`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// What every command that works on a data directory takes.
#[derive(Debug, clap::Args)]
pub struct DataArguments {
    /// Where the embedded log and the state live
    #[arg(long, default_value = "data", env = "THALWEG_DATA_DIR")]
    pub data_dir: PathBuf,
}

/// What every command on the log's topics takes: where the log is.
#[derive(Debug, clap::Args)]
pub struct LogArguments {
    /// Where it is embedded.
    #[command(flatten)]
    pub data: DataArguments,
    /// The Kafka cluster that is the log, without TLS or identity
    #[arg(long, value_name = "HOST:PORT,…", conflicts_with = "topology")]
    pub brokers: Option<String>,
    /// The topology whose log it is, with all that its `[log]` says
    #[arg(long, value_name = "FILE")]
    pub topology: Option<PathBuf>,
}

/// Runs a command.
#[must_use]
pub fn run(arguments: Arguments) -> ExitCode {
    let code = match arguments.command {
        Command::Init(arguments) => init::init(&arguments),
        Command::Validate(arguments) => validate::validate(&arguments),
        Command::Plan(arguments) => plan::plan(&arguments),
        Command::Apply(arguments) => apply::apply(&arguments),
        Command::Doctor(arguments) => doctor::doctor(&arguments),
        Command::Graph(arguments) => graph::graph(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Topic(command) => topic::topic(&command),
        Command::DeadLetter(command) => dead_letter::dead_letter(&command),
        Command::Sessions(command) => sessions::sessions(&command),
        Command::Models(command) => models::models(&command),
        Command::Train(arguments) => learn::train(&arguments),
        Command::Evaluate(arguments) => learn::evaluate(&arguments),
        Command::Partitions(command) => partitions::partitions(&command),
        Command::Tree(arguments) => tree::tree(&arguments),
        Command::Nodes(arguments) => members::members(&arguments),
        Command::Alerts(arguments) => alerts::alerts(&arguments),
        Command::Drift(arguments) => drift::drift(&arguments),
        Command::Schema => print(&json(&config::json_schema())),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Arguments::command(),
                "thalweg",
                &mut std::io::stdout(),
            );
            code::OK
        }
    };
    ExitCode::from(code)
}

/// An offset of a topic, as an argument.
fn offset(text: &str) -> Result<i64, String> {
    let offset = text.parse().ok().filter(|offset| *offset >= 0);
    offset.ok_or_else(|| "an offset is a whole number from 0 on".to_owned())
}

/// A number of records, as an argument.
fn limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| *limit > 0);
    limit.ok_or_else(|| "a limit is a whole number from 1 on".to_owned())
}

/// Prints a text to standard output; a reader that has gone (`| head`) is no error.
fn print(text: &str) -> u8 {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    // A closed pipe: nobody wants the rest.
    drop(writeln!(out, "{text}").and_then(|()| out.flush()));
    code::OK
}

/// Prints an error with its causes, and what cures it, to standard error.
fn fail(error: &dyn std::error::Error, hint: Option<&str>, code: u8) -> u8 {
    let mut text = format!("error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    if let Some(hint) = hint {
        text.push_str(&format!("\n  hint: {hint}"));
    }
    warn(&text);
    code
}

/// Something that a command needs is not there, or the file that says where it is is wrong.
fn unavailable(error: &crate::access::AccessError) -> u8 {
    match error {
        crate::access::AccessError::Topology(problems) => {
            warn(&problems.to_string());
            code::CONFIGURATION
        }
        error => fail(error, error.hint(), code::UNAVAILABLE),
    }
}

/// Prints a line to standard error.
fn warn(text: &str) {
    use std::io::Write;
    drop(writeln!(std::io::stderr(), "{text}"));
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value)
        .unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"))
}
