//! `thalweg doctor`: what a topology needs around it, looked at piece by piece. Each piece is well,
//! a warning or a problem, and says what to do. Writes nothing that anyone reads.

mod cluster;
mod machine;

use comfy_table::{Table, presets};
use config::LogSettings;
use serde::Serialize;

use super::load::load_or_explain;
use super::{DataArguments, Output, TopologyArguments, code, print};

/// What `doctor` takes.
#[derive(Debug, clap::Args)]
pub(super) struct DoctorArguments {
    #[command(flatten)]
    topology: TopologyArguments,
    #[command(flatten)]
    data: DataArguments,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// What was found of one piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    check: &'static str,
    state: State,
    message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    cure: Option<String>,
}

/// How a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Ok,
    /// The topology runs, but not as well as it could, or it could not be looked at.
    Warning,
    /// The topology does not run, or loses what it promises.
    Problem,
}

/// Looks at everything.
pub(super) fn doctor(arguments: &DoctorArguments) -> u8 {
    let topology = match load_or_explain(&arguments.topology) {
        Ok(topology) => topology,
        Err(code) => return code,
    };
    let mut findings = machine::look(&topology, &arguments.data.data_dir);
    if let LogSettings::Kafka(kafka) = &topology.log {
        findings.extend(cluster::look(kafka, &topology));
    }
    match arguments.format {
        Output::Text => print(&text(&findings)),
        Output::Json => print(&super::json(&findings)),
    };
    match findings.iter().any(|found| found.state == State::Problem) {
        true => code::UNAVAILABLE,
        false => code::OK,
    }
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            state: State::Ok,
            message: message.into(),
            cure: None,
        }
    }

    fn warning(check: &'static str, message: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            state: State::Warning,
            cure: Some(cure.into()),
            ..Self::ok(check, message)
        }
    }

    fn problem(check: &'static str, message: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            state: State::Problem,
            ..Self::warning(check, message, cure)
        }
    }
}

fn text(findings: &[Finding]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for found in findings {
        let state = match found.state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Problem => "PROBLEM",
        };
        let message = match &found.cure {
            None => found.message.clone(),
            Some(cure) => format!("{}\n→ {cure}", found.message),
        };
        table.add_row([state, found.check, &message]);
    }
    table.trim_fmt()
}
