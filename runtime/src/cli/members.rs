//! `thalweg nodes`: who runs a topology. A file that names a cluster is enough; otherwise a running
//! daemon is asked.

use std::path::PathBuf;

use actors::clock::{Clock, SystemClock};
use comfy_table::{Table, presets};
use config::{LogSettings, Millis};

use super::load::load;
use super::{DataArguments, Output, TopologyArguments, json, print, unavailable};
use crate::access::{AccessError, Api, connect};
use crate::control::{ControlError, NodeTaskView, NodeView, nodes};

/// What `nodes` takes.
#[derive(Debug, clap::Args)]
pub(super) struct NodesArguments {
    /// The topology file: its cluster is asked, no daemon
    #[arg(conflicts_with = "api")]
    file: Option<PathBuf>,
    #[command(flatten)]
    data: DataArguments,
    /// The API of a daemon, `host:port`; without it, that of the daemon in the data directory
    #[arg(long)]
    api: Option<String>,
    /// How they are printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// Prints the nodes.
pub(super) fn members(arguments: &NodesArguments) -> u8 {
    let now_ms = SystemClock.now_ms();
    match fetch(arguments, now_ms) {
        Err(error) => unavailable(&error),
        Ok(nodes) => match arguments.format {
            Output::Json => print(&json(&nodes)),
            Output::Text => print(&text(&nodes, now_ms)),
        },
    }
}

fn fetch(arguments: &NodesArguments, now_ms: i64) -> Result<Vec<NodeView>, AccessError> {
    if let Some(file) = &arguments.file {
        let (file, set) = (file.clone(), Vec::new());
        let topology = load(&TopologyArguments { file, set })?;
        if let LogSettings::Kafka(kafka) = &topology.log {
            let log = connect(kafka)?;
            return Ok(nodes(&log, &topology, None, now_ms).map_err(ControlError::from)?);
        }
    }
    let api = match &arguments.api {
        Some(address) => Api::at(address),
        None => Api::of(&arguments.data.data_dir)?,
    };
    api.get("/v1/nodes")
}

/// A line a node.
fn text(nodes: &[NodeView], now_ms: i64) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "node", "state", "heard", "up", "version", "api", "lag", "tasks", "standby",
    ]);
    // Clocks of machines differ by a little: nothing was heard in the future.
    let since = |at_ms: i64| Millis((now_ms - at_ms).max(0) / 1000 * 1000);
    for node in nodes {
        let names = |tasks: &[NodeTaskView]| -> String {
            let names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
            names.join(" ")
        };
        table.add_row([
            node.node.clone(),
            node.state.label().to_owned(),
            format!("{} ago", since(node.heard_ms)),
            since(node.started_ms).to_string(),
            node.version.clone(),
            node.listen.clone().unwrap_or_else(|| "none".to_owned()),
            node.lag.to_string(),
            names(&node.tasks),
            names(&node.standby),
        ]);
    }
    table.trim_fmt()
}
