//! How every command loads its topology.

use config::{LoadOptions, Problems, Topology};
use models::ModelFolders;

use super::{TopologyArguments, code, warn};

/// Loads and checks a topology file.
///
/// # Errors
/// All that is wrong with it.
pub(super) fn load(arguments: &TopologyArguments) -> Result<Topology, Problems> {
    let overrides = overrides(&arguments.set);
    let environment = |name: &str| std::env::var(name).ok();
    let options = LoadOptions {
        overrides,
        environment: &environment,
        models: &ModelFolders,
    };
    config::load(&arguments.file, &options)
}

/// Loads a topology file or prints what is wrong with it.
pub(super) fn load_or_explain(arguments: &TopologyArguments) -> Result<Topology, u8> {
    load(arguments).map_err(|problems| {
        warn(&problems.to_string());
        code::CONFIGURATION
    })
}

fn overrides(set: &[String]) -> Vec<(String, String)> {
    let pair = |text: &String| {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        (key.to_owned(), value.to_owned())
    };
    set.iter().map(pair).collect()
}
