//! The files that a daemon leaves in its data directory for other commands.
//!
//! | file | what |
//! |---|---|
//! | `daemon.json` | while it runs: its process and its API |
//! | `topologies/<name>.json` | what ran last under this name: the keyed operators, for `thalweg plan` |

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use config::{Node, Operator, OperatorKind, Topology};
use serde::{Deserialize, Serialize};

use crate::control::kind;

/// Where a running daemon is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonFile {
    /// Its process.
    pub pid: u32,
    /// Its API, `host:port`; `None` if it has none.
    pub listen: Option<String>,
}

/// `daemon.json` while the daemon runs; removed when dropped.
pub struct DaemonFileGuard(PathBuf);

/// What ran under a topology's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ran {
    /// Hash of what state depends on: another one rebuilds the stores.
    pub hash: u64,
    /// The keyed operators, by id.
    pub keyed: BTreeMap<String, RanOperator>,
}

/// A keyed operator that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RanOperator {
    /// Its kind.
    pub kind: String,
    /// All that its state depends on, as this version of Thalweg writes it.
    pub definition: String,
}

impl DaemonFile {
    /// The daemon that says it runs on a data directory; `None` if none does.
    #[must_use]
    pub fn read(data_dir: &Path) -> Option<Self> {
        let text = std::fs::read(path(data_dir)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Says that this process runs on a data directory.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(data_dir: &Path, listen: Option<String>) -> io::Result<DaemonFileGuard> {
        let pid = std::process::id();
        let path = path(data_dir);
        std::fs::write(&path, serde_json::to_vec(&Self { pid, listen })?)?;
        Ok(DaemonFileGuard(path))
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("daemon.json")
}

impl Drop for DaemonFileGuard {
    fn drop(&mut self) {
        // Gone already, or the disk is: nothing depends on it.
        drop(std::fs::remove_file(&self.0));
    }
}

impl Ran {
    /// What a topology leaves.
    #[must_use]
    pub fn of(topology: &Topology) -> Self {
        let keyed = topology.nodes.iter().filter_map(|node| match node {
            Node::Operator(operator) if operator.kind.is_keyed() => {
                let kind = kind(&operator.kind).to_owned();
                let definition = definition(operator);
                Some((operator.id.to_string(), RanOperator { kind, definition }))
            }
            Node::Operator(_) | Node::Source(_) | Node::Sink(_) => None,
        });
        Self {
            hash: topology.hash,
            keyed: keyed.collect(),
        }
    }

    /// Operators of this that `now` defines otherwise: their state cannot be theirs any more.
    #[must_use]
    pub fn redefined(&self, now: &Self) -> Vec<String> {
        let differs = |(id, new): &(&String, &RanOperator)| {
            self.keyed.get(*id).is_some_and(|old| old != *new)
        };
        now.keyed
            .iter()
            .filter(differs)
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// What ran last under a name; `None` if nothing did, or it is not known.
    #[must_use]
    pub fn read(data_dir: &Path, name: &str) -> Option<Self> {
        let text = std::fs::read(ran_path(data_dir, name)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Remembers what runs under a name.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, data_dir: &Path, name: &str) -> io::Result<()> {
        let path = ran_path(data_dir, name);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(path, serde_json::to_vec_pretty(self)?)
    }
}

/// What an operator's state depends on: its settings, with columns by name and type, so that other
/// columns may come and go.
fn definition(operator: &Operator) -> String {
    let column = |position: Option<usize>| {
        let column = position.map(|position| &operator.input_schema.columns()[position]);
        column.map_or_else(String::new, |column| {
            format!("{} {}", column.name, column.data_type)
        })
    };
    let mut parts = vec![format!("key {}", column(operator.key))];
    match &operator.kind {
        OperatorKind::Rolling(rolling) => parts.extend(rolling.columns.iter().map(|c| {
            let of = column(c.of);
            format!(
                "{} {:?} of {of} over {:?} {}",
                c.name, c.aggregate, c.over, c.exclude_current
            )
        })),
        OperatorKind::Window(window) => {
            parts.push(format!("{:?} {}", window.kind, window.allowed_lateness));
            let columns = window.columns.iter();
            parts.extend(
                columns.map(|c| format!("{} {:?} of {}", c.name, c.aggregate, column(c.of))),
            );
        }
        OperatorKind::Detect(detect) => {
            parts.extend(detect.columns.iter().map(|at| column(Some(*at))));
            parts.push(format!("memory {} quiet {}", detect.memory, detect.quiet));
            parts.extend(detect.methods.iter().map(|method| format!("{method:?}")));
        }
        OperatorKind::Label(label) => {
            parts.push(format!("{} {}", column(Some(label.label)), label.horizon));
        }
        OperatorKind::Steward(steward) => parts.push(column(Some(steward.score))),
        OperatorKind::Sketch(sketch) => {
            parts.extend(sketch.columns.iter().map(|(name, _)| name.to_string()));
        }
        OperatorKind::Watch(watch) => parts.push(format!("{} features", watch.features)),
        OperatorKind::Alert(_) => parts.push("alert".to_owned()),
        OperatorKind::Filter { .. }
        | OperatorKind::Select { .. }
        | OperatorKind::KeyBy { .. }
        | OperatorKind::Infer(_)
        | OperatorKind::Route(_)
        | OperatorKind::Union => {}
    }
    parts.join("; ")
}

fn ran_path(data_dir: &Path, name: &str) -> PathBuf {
    data_dir.join("topologies").join(format!("{name}.json"))
}
