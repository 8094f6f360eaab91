//! `thalweg tree`: the supervision tree of a running daemon, over its API.

use std::io::IsTerminal as _;
use std::time::Duration;

use super::{DataArguments, Output, code, print, unavailable};
use crate::access::{AccessError, Api};
use serde_json::Value;

/// What `tree` takes.
#[derive(Debug, clap::Args)]
pub(super) struct TreeArguments {
    #[command(flatten)]
    data: DataArguments,
    /// The daemon's API, `host:port`; without it, that of the daemon in the data directory
    #[arg(long)]
    api: Option<String>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
    /// Prints it again whenever it changes, until the daemon ends
    #[arg(long)]
    watch: bool,
}

/// How often a watched tree is asked for.
const WATCH_EVERY: Duration = Duration::from_millis(500);
/// Clears a terminal and begins at its top.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Prints the tree.
pub(super) fn tree(arguments: &TreeArguments) -> u8 {
    let mut shown = None;
    loop {
        let text = match fetch(arguments) {
            Ok(tree) => text(&tree, arguments.format),
            Err(error) => return unavailable(&error),
        };
        if shown.as_ref() != Some(&text) {
            let clear = arguments.watch && std::io::stdout().is_terminal();
            let lead = if clear { CLEAR } else { "" };
            print(&format!("{lead}{text}"));
            shown = Some(text);
        }
        if !arguments.watch {
            return code::OK;
        }
        std::thread::park_timeout(WATCH_EVERY);
    }
}

fn text(tree: &Value, format: Output) -> String {
    match format {
        Output::Json => super::json(tree),
        Output::Text => {
            let mut text = String::new();
            draw(tree, "", "", &mut text);
            text.trim_end().to_owned()
        }
    }
}

fn fetch(arguments: &TreeArguments) -> Result<Value, AccessError> {
    let api = match &arguments.api {
        Some(address) => Api::at(address),
        None => Api::of(&arguments.data.data_dir)?,
    };
    api.get("/v1/tree")
}

fn draw(node: &Value, lead: &str, margin: &str, text: &mut String) {
    let field = |name: &str| {
        node.get(name)
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned()
    };
    let generation = node.get("generation").and_then(Value::as_u64).unwrap_or(0);
    text.push_str(&format!("{lead}{}  {}", field("name"), field("state")));
    if generation > 0 {
        text.push_str(&format!(", generation {generation}"));
    }
    if let Some(exit) = node.get("last_exit").filter(|exit| !exit.is_null()) {
        let reason = exit.get("reason").and_then(Value::as_str).unwrap_or("");
        text.push_str(&format!(", last: {reason}"));
    }
    text.push('\n');
    let children = node.get("children").and_then(Value::as_array);
    let children = children.map(Vec::as_slice).unwrap_or_default();
    for (nth, child) in children.iter().enumerate() {
        let last = nth + 1 == children.len();
        let (branch, below) = if last {
            ("└ ", "  ")
        } else {
            ("├ ", "│ ")
        };
        draw(
            child,
            &format!("{margin}{branch}"),
            &format!("{margin}{below}"),
            text,
        );
    }
}
