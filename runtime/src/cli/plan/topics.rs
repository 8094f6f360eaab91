//! Topics that a topology needs, against those that are there.

use std::path::Path;

use actors::nodes::topics::{Purpose, topics};
use comfy_table::{Table, presets};
use config::Topology;
use serde::Serialize;

use crate::access::Access;
use crate::cli::warn;
use crate::control::TopicView;

/// A topic that a topology needs.
#[derive(Debug, Serialize)]
pub(super) struct Planned {
    name: String,
    purpose: &'static str,
    partitions: u32,
    keeps: &'static str,
    state: Fate,
}

/// What becomes of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Fate {
    /// It is made when the topology runs.
    ToCreate,
    /// As it is needed.
    There,
    /// With another number of partitions: the topology will not start.
    Differs,
    /// The log cannot be asked.
    Unknown,
}

impl Fate {
    fn label(self) -> &'static str {
        match self {
            Self::ToCreate => "to create",
            Self::There => "there",
            Self::Differs => "differs in partitions: the topology will not start",
            Self::Unknown => "unknown",
        }
    }
}

/// Topics that are there already: none where no log is yet, `None` where the log cannot be asked.
pub(super) fn existing(data_dir: &Path) -> Option<Vec<TopicView>> {
    if !data_dir.join("log").exists() {
        return Some(Vec::new());
    }
    let found = Access::open(data_dir).and_then(|access| access.topics());
    found
        .inspect_err(|error| {
            warn(&format!(
                "warning: the log cannot be asked for its topics: {error}"
            ));
        })
        .ok()
}

pub(super) fn planned(topology: &Topology, existing: Option<&[TopicView]>) -> Vec<Planned> {
    let planned = topics(topology).into_iter().map(|(purpose, spec)| Planned {
        purpose: purpose.label(),
        partitions: spec.partitions,
        keeps: match (spec.compacted, purpose) {
            (true, _) => "last per key",
            (false, Purpose::Repartition) => "until committed",
            (false, _) => "all",
        },
        state: fate(existing, spec.name.as_str(), spec.partitions),
        name: spec.name.to_string(),
    });
    planned.collect()
}

fn fate(existing: Option<&[TopicView]>, name: &str, partitions: u32) -> Fate {
    let Some(existing) = existing else {
        return Fate::Unknown;
    };
    match existing.iter().find(|topic| topic.name == name) {
        None => Fate::ToCreate,
        Some(found) if found.partitions.len() == partitions as usize => Fate::There,
        Some(_) => Fate::Differs,
    }
}

pub(super) fn table(topics: &[Planned]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["  topic", "for", "partitions", "keeps", "state"]);
    for topic in topics {
        table.add_row([
            &format!("  {}", topic.name),
            topic.purpose,
            &topic.partitions.to_string(),
            topic.keeps,
            topic.state.label(),
        ]);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_created_taken_as_it_is_or_told_to_differ() {
        let there = [TopicView {
            name: "a".into(),
            compacted: false,
            partitions: vec![(0, 0); 4],
        }];
        assert_eq!(fate(Some(&there), "a", 4), Fate::There);
        assert_eq!(fate(Some(&there), "a", 8), Fate::Differs);
        assert_eq!(fate(Some(&there), "b", 4), Fate::ToCreate);
        assert_eq!(fate(None, "a", 4), Fate::Unknown);
    }
}
