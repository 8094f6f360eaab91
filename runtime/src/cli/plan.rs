//! `thalweg plan`: what a topology needs, before it runs.

use actors::nodes::topics::{Purpose, topics};
use comfy_table::{Table, presets};
use config::Topology;
use serde_json::json;
use supervisors::{PlanOptions, all_tasks};

use super::load::load_or_explain;
use super::{DataArguments, Output, TopologyArguments, code, print};
use crate::access::Access;
use crate::control::topology_view;

/// What `plan` takes.
#[derive(Debug, clap::Args)]
pub struct PlanArguments {
    #[command(flatten)]
    topology: TopologyArguments,
    #[command(flatten)]
    data: DataArguments,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// Prints the plan of a topology.
pub(super) fn plan(arguments: &PlanArguments) -> u8 {
    let topology = match load_or_explain(&arguments.topology) {
        Ok(topology) => topology,
        Err(code) => return code,
    };
    let existing = existing(arguments);
    let tree = supervisors::plan(
        &topology,
        &[all_tasks(&topology)],
        PlanOptions { session_hosts: 1 },
    );
    match arguments.format {
        Output::Text => {
            print(&format!(
                "{}\n\ntopics\n{}\n\ntree\n{tree}",
                super::graph::text(&topology),
                table(&topology, &existing)
            ));
        }
        Output::Json => {
            let topics: Vec<_> = topics(&topology)
                .into_iter()
                .map(|(purpose, spec)| {
                    json!({
                        "name": spec.name.as_str(), "purpose": purpose.label(),
                        "partitions": spec.partitions, "compacted": spec.compacted,
                        "state": state(&existing, spec.name.as_str(), spec.partitions),
                    })
                })
                .collect();
            print(&super::json(&json!({
                "topology": topology_view(&topology), "topics": topics, "tree": tree.to_string(),
            })));
        }
    }
    code::OK
}

/// Topics that are there already, with their partitions; empty where no log is yet.
fn existing(arguments: &PlanArguments) -> Vec<(String, usize)> {
    if !arguments.data.data_dir.join("log").exists() {
        return Vec::new();
    }
    match Access::open(&arguments.data.data_dir).and_then(|access| access.topics()) {
        Ok(topics) => topics
            .into_iter()
            .map(|t| (t.name, t.partitions.len()))
            .collect(),
        Err(error) => {
            super::warn(&format!(
                "warning: the log cannot be read, so nothing is known of its topics: {error}"
            ));
            Vec::new()
        }
    }
}

fn state(existing: &[(String, usize)], name: &str, partitions: u32) -> &'static str {
    match existing.iter().find(|(other, _)| other == name) {
        None => "to create",
        Some((_, found)) if *found == partitions as usize => "there",
        Some(_) => "differs",
    }
}

fn table(topology: &Topology, existing: &[(String, usize)]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["  topic", "for", "partitions", "keeps", "state"]);
    for (purpose, spec) in topics(topology) {
        let keeps = match (spec.compacted, purpose) {
            (true, _) => "last per key",
            (false, Purpose::Repartition) => "until committed",
            (false, _) => "all",
        };
        let state = state(existing, spec.name.as_str(), spec.partitions);
        table.add_row([
            &format!("  {}", spec.name),
            purpose.label(),
            &spec.partitions.to_string(),
            keeps,
            state,
        ]);
    }
    table.trim_fmt()
}
