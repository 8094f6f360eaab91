//! `thalweg dead-letter replay` and `drop`: letters put back where they came from, or given up.

use crate::access::{Access, AccessError};
use crate::cli::load::load;
use crate::cli::{DataArguments, TopologyArguments, offset, print};
use crate::control::LetterChoice;

/// Which letters; all conditions hold.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct HandleArguments {
    #[command(flatten)]
    topology: TopologyArguments,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    which: Which,
}

/// What `dead-letter replay` takes.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ReplayArguments {
    #[command(flatten)]
    handle: HandleArguments,
    /// Takes the place of the value of the letter at --offset: repaired
    #[arg(long, requires = "offset")]
    value: Option<String>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Which {
    /// The letter at this offset of the dead-letter topic
    #[arg(long, value_parser = offset, conflicts_with_all = ["from", "until"])]
    offset: Option<i64>,
    /// Letters from this offset on
    #[arg(long, value_parser = offset)]
    from: Option<i64>,
    /// Letters before this offset
    #[arg(long, value_parser = offset)]
    until: Option<i64>,
    /// Letters of this code
    #[arg(long)]
    code: Option<String>,
    /// Letters of this stage: `decode`, or a node's id
    #[arg(long)]
    stage: Option<String>,
}

/// Puts letters back.
pub(super) fn replay(arguments: &ReplayArguments) -> Result<u8, AccessError> {
    let choice = choice(&arguments.handle.which, arguments.value.clone());
    let topology = load(&arguments.handle.topology)?;
    let access = Access::of(&topology.log, &arguments.handle.data.data_dir)?;
    let handled = access.replay_letters(&topology.dead_letter, &choice)?;
    Ok(print(&format!("{} dead letters put back", handled.letters)))
}

/// Gives letters up.
pub(super) fn give_up(arguments: &HandleArguments) -> Result<u8, AccessError> {
    let topology = load(&arguments.topology)?;
    let access = Access::of(&topology.log, &arguments.data.data_dir)?;
    let choice = choice(&arguments.which, None);
    let handled = access.drop_letters(&topology.dead_letter, &choice)?;
    Ok(print(&format!("{} dead letters dropped", handled.letters)))
}

fn choice(which: &Which, value: Option<String>) -> LetterChoice {
    LetterChoice {
        offset: which.offset,
        from: which.from,
        until: which.until,
        code: which.code.clone(),
        stage: which.stage.clone(),
        value,
    }
}
