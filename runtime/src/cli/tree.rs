//! `thalweg tree`: the supervision tree of a running daemon, over its API.

use super::{DataArguments, Output, print, unavailable};
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
}

/// Prints the tree.
pub(super) fn tree(arguments: &TreeArguments) -> u8 {
    match fetch(arguments) {
        Ok(tree) => match arguments.format {
            Output::Json => print(&super::json(&tree)),
            Output::Text => {
                let mut text = String::new();
                draw(&tree, "", "", &mut text);
                print(text.trim_end())
            }
        },
        Err(error) => unavailable(&error),
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
