//! `thalweg apply`: the topics that a topology needs, created where they are missing.

use actors::log::TopicSpec;
use config::{LogSettings, Topology};
use serde_json::json;

use super::load::load_or_explain;
use super::plan::{Fate, found, planned};
use super::{DataArguments, Output, TopologyArguments, code, print, unavailable, warn};
use crate::access::{Access, AccessError};

/// What `apply` takes.
#[derive(Debug, clap::Args)]
pub(super) struct ApplyArguments {
    #[command(flatten)]
    topology: TopologyArguments,
    #[command(flatten)]
    data: DataArguments,
    /// Says what would be created, and creates nothing
    #[arg(long)]
    dry_run: bool,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// What was done about one topic.
struct Applied {
    spec: TopicSpec,
    done: &'static str,
    differences: Vec<String>,
}

/// Creates missing topics.
pub(super) fn apply(arguments: &ApplyArguments) -> u8 {
    let topology = match load_or_explain(&arguments.topology) {
        Ok(topology) => topology,
        Err(code) => return code,
    };
    let applied = match carry_out(&topology, arguments) {
        Ok(applied) => applied,
        Err(error) => return unavailable(&error),
    };
    match arguments.format {
        Output::Text => {
            let lines = applied.iter().map(line);
            print(&lines.collect::<Vec<_>>().join("\n"))
        }
        Output::Json => {
            let topics = applied.iter().map(|applied| {
                json!({
                    "name": applied.spec.name.as_str(), "done": applied.done,
                    "differences": applied.differences,
                })
            });
            print(&super::json(&topics.collect::<Vec<_>>()))
        }
    };
    let mut result = code::OK;
    for applied in applied.iter().filter(|applied| applied.done == "differs") {
        warn(&format!(
            "error: topic \"{}\": {}\n  hint: set the node's `partitions` to what is there, or take another topic",
            applied.spec.name,
            applied.differences.join("; ")
        ));
        result = code::UNAVAILABLE;
    }
    result
}

fn carry_out(topology: &Topology, arguments: &ApplyArguments) -> Result<Vec<Applied>, AccessError> {
    let data_dir = &arguments.data.data_dir;
    let found = found(topology, data_dir)?;
    let mut access = None;
    let mut applied = Vec::new();
    for topic in planned(topology, Some(&found)) {
        let done = match topic.state {
            Fate::There | Fate::Unsafe | Fate::Unknown => "there",
            Fate::NotRead => "not read",
            Fate::Differs => "differs",
            Fate::ToCreate | Fate::Missing if arguments.dry_run => "to create",
            Fate::ToCreate | Fate::Missing => {
                let log = match &mut access {
                    Some(log) => log,
                    none => none.insert(open(topology, arguments)?),
                };
                match log.create_topic(&topic.spec, data_dir)? {
                    true => "created",
                    // Someone else was faster.
                    false => "there",
                }
            }
        };
        applied.push(Applied {
            spec: topic.spec,
            done,
            differences: topic.differences,
        });
    }
    Ok(applied)
}

fn open(topology: &Topology, arguments: &ApplyArguments) -> Result<Access, AccessError> {
    match &topology.log {
        LogSettings::Embedded => Access::create(&arguments.data.data_dir),
        LogSettings::Kafka(kafka) => Access::cluster(kafka),
    }
}

fn line(applied: &Applied) -> String {
    let spec = &applied.spec;
    let kept = match spec.compacted {
        true => ", compacted",
        false => "",
    };
    let differences = match applied.differences.is_empty() {
        true => String::new(),
        false => format!(": {}", applied.differences.join("; ")),
    };
    format!(
        "{:<9}  {} ({} partition{}{kept}){differences}",
        applied.done,
        spec.name,
        spec.partitions,
        if spec.partitions == 1 { "" } else { "s" },
    )
}
