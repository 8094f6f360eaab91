//! `thalweg plan`: what a topology needs, before it runs: its graph, its topics, what becomes of the
//! state that is there, its supervision tree.

mod found;
mod topics;
mod promises;
mod state;

use config::LogSettings;
use serde_json::json;
use supervisors::{PlanOptions, all_tasks};

use super::load::load_or_explain;
use super::{DataArguments, Output, TopologyArguments, nodes, print, warn};
use crate::control::topology_view;
use crate::daemon::Ran;

pub(super) use found::found;
pub(super) use topics::{Fate, planned};

/// What `plan` takes.
#[derive(Debug, clap::Args)]
pub(super) struct PlanArguments {
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
    let data_dir = &arguments.data.data_dir;
    let found = found(&topology, data_dir).inspect_err(|error| {
        warn(&format!(
            "warning: the log cannot be asked for its topics: {error}"
        ));
    });
    let topics = planned(&topology, found.ok().as_ref());
    let promises = promises::promises(&topology);
    let before = Ran::read(data_dir, topology.name.as_str());
    // A store is a cache: of another hash, it is made anew from the changelogs.
    let stores_are_kept = before.as_ref().is_none_or(|ran| ran.hash == topology.hash);
    let states = state::fates(before.as_ref(), &Ran::of(&topology));
    let tree = supervisors::plan(
        &topology,
        &[all_tasks(&topology)],
        PlanOptions {
            session_hosts: 1,
            parked_retry: topology.supervision.parked_retry,
        },
    );
    match arguments.format {
        Output::Text => print(&format!(
            "{}\n\ntopics\n{}\n\nafter a crash\n{}\n\nstate\n{}{}\n\ntree\n{tree}",
            nodes::text(&topology),
            topics::table(&topics, topology.log != LogSettings::Embedded),
            promises::table(&promises),
            state::table(&states),
            match stores_are_kept {
                true => "",
                false => "\n  the local stores are rebuilt from the changelogs at the next start",
            }
        )),
        Output::Json => print(&super::json(&json!({
            "topology": topology_view(&topology),
            "topics": topics,
            "sinks": promises,
            "state": states,
            "stores_are_kept": stores_are_kept,
            "tree": tree.to_string(),
        }))),
    }
}
