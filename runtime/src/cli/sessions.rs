//! `thalweg sessions`: keys of a running daemon that fail, and the end of their quarantine.

use clap::Subcommand;
use comfy_table::{Table, presets};
use serde_json::Value;

use super::{DataArguments, Output, print, unavailable};
use crate::access::{AccessError, Api};
use crate::control::{SessionEnded, SessionsBy};

/// What is printed of sessions that fail, and of others.
const FAILURES: [&str; 6] = ["operator", "key", "state", "failures", "held", "reason"];
const FIGURES: [&str; 6] = [
    "operator",
    "key",
    "rows_per_minute",
    "bytes",
    "hosting",
    "task",
];

/// What can be done with sessions.
#[derive(Debug, Subcommand)]
pub(super) enum SessionsCommand {
    /// Lists the sessions that fail, those in quarantine first; or the busiest; or the largest
    List(ListArguments),
    /// Shows a key's session
    Show(KeyArguments),
    /// Ends a key's quarantine: it goes on from now, the held records stay in the dead letters
    Release(KeyArguments),
    /// Runs a key's held records first, in their order, then it goes on
    Replay(KeyArguments),
    /// Gives a key's held records up, and it goes on
    Skip(KeyArguments),
}

/// Which daemon.
#[derive(Debug, clap::Args)]
pub(super) struct DaemonArguments {
    #[command(flatten)]
    data: DataArguments,
    /// The daemon's API, `host:port`; without it, that of the daemon in the data directory
    #[arg(long)]
    api: Option<String>,
}

/// What `sessions list` takes.
#[derive(Debug, clap::Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    daemon: DaemonArguments,
    /// Which come first
    #[arg(long, value_enum, default_value_t = SessionsBy::Failures)]
    by: SessionsBy,
    /// How many, at most 1,000
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// How they are printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// What commands for one key take.
#[derive(Debug, clap::Args)]
pub(super) struct KeyArguments {
    /// The keyed operator
    operator: String,
    /// The key, as text
    key: String,
    #[command(flatten)]
    daemon: DaemonArguments,
}

/// Carries out a `sessions` command.
pub(super) fn sessions(command: &SessionsCommand) -> u8 {
    let done = match command {
        SessionsCommand::List(arguments) => list(arguments),
        SessionsCommand::Show(arguments) => show(arguments),
        SessionsCommand::Release(arguments) => end(arguments, "release"),
        SessionsCommand::Replay(arguments) => end(arguments, "replay"),
        SessionsCommand::Skip(arguments) => end(arguments, "skip"),
    };
    done.unwrap_or_else(|error| unavailable(&error))
}

pub(super) fn api(daemon: &DaemonArguments) -> Result<Api, AccessError> {
    match &daemon.api {
        Some(address) => Ok(Api::at(address)),
        None => Api::of(&daemon.data.data_dir),
    }
}

fn list(arguments: &ListArguments) -> Result<u8, AccessError> {
    let ListArguments { by, limit, .. } = arguments;
    let (name, columns) = match by {
        SessionsBy::Rate => ("rate", &FIGURES[..]),
        SessionsBy::Bytes => ("bytes", &FIGURES[..]),
        SessionsBy::Failures => ("failures", &FAILURES[..]),
    };
    let path = format!("/v1/sessions?by={name}&limit={limit}");
    let keys: Vec<Value> = api(&arguments.daemon)?.get(&path)?;
    if arguments.format == Output::Json {
        return Ok(print(&super::json(&keys)));
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns);
    for key in &keys {
        let field = |name: &str| match &key[name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        table.add_row(columns.iter().map(|column| field(column)));
    }
    let count = keys.len();
    let what = match by {
        SessionsBy::Rate | SessionsBy::Bytes => format!("the first {count} by {name}"),
        SessionsBy::Failures => format!("{count} keys fail"),
    };
    Ok(print(&format!("{}\n{what}", table.trim_fmt())))
}

fn show(arguments: &KeyArguments) -> Result<u8, AccessError> {
    let session: Value = api(&arguments.daemon)?.get(&path(arguments))?;
    Ok(print(&super::json(&session)))
}

fn end(arguments: &KeyArguments, action: &str) -> Result<u8, AccessError> {
    let path = format!("{}/{action}", path(arguments));
    let SessionEnded { replayed } = api(&arguments.daemon)?.post(&path, b"")?;
    let key = &arguments.key;
    Ok(print(&match action {
        "replay" => format!("key \"{key}\" goes on; {replayed} held records ran first"),
        _ => format!("key \"{key}\" goes on"),
    }))
}

fn path(arguments: &KeyArguments) -> String {
    let (operator, key) = (segment(&arguments.operator), segment(&arguments.key));
    format!("/v1/sessions/{operator}/{key}")
}

/// A text as one segment of a path: everything but letters, digits and `-._~` is escaped (RFC 3986).
pub(super) fn segment(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escape = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_segment_of_the_path_whatever_it_holds() {
        assert_eq!(segment("C42"), "C42");
        assert_eq!(segment("a/b c?ü"), "a%2Fb%20c%3F%C3%BC");
    }
}
