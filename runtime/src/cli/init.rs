//! `thalweg init`: a new topology with comments, ready to run.

use std::path::PathBuf;

use super::{code, fail, print, warn};

/// What `init` takes.
#[derive(Debug, clap::Args)]
pub(super) struct InitArguments {
    /// The folder; made if it is not there
    dir: PathBuf,
}

/// What is written: it must stay valid (a test loads it).
const TEMPLATE: &str = include_str!("init.toml");

/// Writes the template into a folder; never over a file that is there.
pub(super) fn init(arguments: &InitArguments) -> u8 {
    let path = arguments.dir.join("topology.toml");
    if path.exists() {
        warn(&format!(
            "error: \"{}\" is there already\n  hint: remove it, or choose another folder",
            path.display()
        ));
        return code::USAGE;
    }
    let written =
        std::fs::create_dir_all(&arguments.dir).and_then(|()| std::fs::write(&path, TEMPLATE));
    match written {
        Ok(()) => print(&format!(
            "wrote {0}; run it:\n  thalweg run {0}",
            path.display()
        )),
        Err(error) => {
            let hint = Some("choose a folder that can be written");
            fail(&error, hint, code::UNAVAILABLE)
        }
    }
}
