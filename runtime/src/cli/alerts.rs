//! `thalweg alerts`: what a running daemon's alerts say.

use actors::clock::{Clock, SystemClock};
use comfy_table::{Table, presets};
use serde_json::Value;

use super::{DataArguments, Output, json, print, unavailable};
use crate::access::{AccessError, Api};

/// What is printed of each alert.
const COLUMNS: [&str; 6] = ["alert", "state", "since", "value", "series", "condition"];

/// Which daemon, and how it is printed.
#[derive(Debug, clap::Args)]
pub(super) struct AlertsArguments {
    #[command(flatten)]
    data: DataArguments,
    /// The daemon's API, `host:port`; without it, that of the daemon in the data directory
    #[arg(long)]
    api: Option<String>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// Prints the alerts that fire and those that may soon; as JSON, the last hundred too.
pub(super) fn alerts(arguments: &AlertsArguments) -> u8 {
    match asked(arguments) {
        Ok(alerts) => print(&match arguments.format {
            Output::Json => json(&alerts),
            Output::Text => text(&alerts),
        }),
        Err(error) => unavailable(&error),
    }
}

fn asked(arguments: &AlertsArguments) -> Result<Value, AccessError> {
    let api = match &arguments.api {
        Some(address) => Api::at(address),
        None => Api::of(&arguments.data.data_dir)?,
    };
    api.get("/v1/alerts")
}

fn text(alerts: &Value) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(COLUMNS);
    for state in ["firing", "pending"] {
        for alert in alerts[state].as_array().into_iter().flatten() {
            table.add_row(COLUMNS.map(|column| match column {
                "state" => state.to_owned(),
                "since" => since(&alert["since_ms"]),
                column => shown(&alert[column]),
            }));
        }
    }
    match table.row_count() {
        0 => "no alert fires".to_owned(),
        _ => table.trim_fmt(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

fn since(ms: &Value) -> String {
    let seconds = (SystemClock.now_ms() - ms.as_i64().unwrap_or_default()) / 1_000;
    format!("{seconds} s ago")
}
