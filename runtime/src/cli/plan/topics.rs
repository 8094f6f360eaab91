//! Topics that a topology needs, against those that are there. Pure.

use std::collections::HashSet;

use actors::log::TopicSpec;
use actors::nodes::topics::{Purpose, matching, patterns, topics};
use comfy_table::{Table, presets};
use config::{LogSettings, Millis, TopicName, Topology};
use serde::Serialize;

use super::found::{Found, FoundTopics};

/// A topic that a topology needs.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Planned {
    #[serde(skip)]
    pub(in crate::cli) spec: TopicSpec,
    name: String,
    purpose: &'static str,
    partitions: u32,
    /// Replicas that it has, or will have; `None`: the log has none, or the brokers' default holds.
    replication: Option<u16>,
    keeps: String,
    pub(in crate::cli) state: Fate,
    /// What is otherwise than it is needed.
    pub(in crate::cli) differences: Vec<String>,
}

/// What becomes of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum Fate {
    /// It is made when the topology runs, or by `thalweg apply`.
    ToCreate,
    /// It is missing, and made by `thalweg apply` only.
    Missing,
    /// As it is needed.
    There,
    /// With another number of partitions: the topology will not start.
    Differs,
    /// It matches a pattern, but has another number of partitions: it is not read.
    NotRead,
    /// Its settings lose what the topology rests on; or fewer replicas than asked for.
    Unsafe,
    /// The log cannot be asked.
    Unknown,
}

impl Fate {
    fn label(self) -> &'static str {
        match self {
            Self::ToCreate => "to create",
            Self::Missing => "missing: `thalweg apply` creates it",
            Self::There => "there",
            Self::Differs => "differs in partitions: the topology will not start",
            Self::NotRead => "differs in partitions: it is not read",
            Self::Unsafe => "there",
            Self::Unknown => "unknown",
        }
    }
}

/// What the topology needs, against what is there; `None` where the log cannot be asked.
pub(in crate::cli) fn planned(topology: &Topology, found: Option<&FoundTopics>) -> Vec<Planned> {
    let (wanted, creates) = match &topology.log {
        LogSettings::Embedded => (None, true),
        LogSettings::Kafka(kafka) => (kafka.replication, kafka.create_topics),
    };
    let needed = topics(topology);
    let names: HashSet<TopicName> = needed.iter().map(|(_, s)| s.name.clone()).collect();
    let named = |spec: &TopicSpec| names.contains(&spec.name);
    let needed = needed.into_iter();
    let all = needed.chain(matched(topology, found));
    let planned = all.map(|(purpose, spec)| {
        let there = found.map(|found| found.get(spec.name.as_str()));
        let differences = match there.flatten() {
            Some(found) => differences(purpose, &spec, wanted, found),
            None => Vec::new(),
        };
        Planned {
            name: spec.name.to_string(),
            purpose: purpose.label(),
            partitions: spec.partitions,
            replication: there.flatten().map_or(wanted, |found| found.replication),
            keeps: match (spec.compacted, purpose, there.flatten()) {
                (true, _, _) => "last per key".to_owned(),
                (false, Purpose::Repartition, _) => "until committed".to_owned(),
                (false, _, Some(found)) => kept(found),
                (false, _, None) => "all".to_owned(),
            },
            state: match there {
                None => Fate::Unknown,
                Some(None) if creates => Fate::ToCreate,
                Some(None) => Fate::Missing,
                Some(Some(found)) if found.partitions != spec.partitions => match named(&spec) {
                    true => Fate::Differs,
                    false => Fate::NotRead,
                },
                Some(Some(_)) if !differences.is_empty() => Fate::Unsafe,
                Some(Some(_)) => Fate::There,
            },
            differences,
            spec,
        }
    });
    planned.collect()
}

/// Topics that are there and match the patterns of sources.
fn matched(topology: &Topology, found: Option<&FoundTopics>) -> Vec<(Purpose, TopicSpec)> {
    let names = found.into_iter().flat_map(FoundTopics::keys);
    let names: Vec<TopicName> = names
        .filter_map(|name| TopicName::parse(name).ok())
        .collect();
    let mut matched = Vec::new();
    for (source, pattern) in patterns(topology) {
        for name in matching(topology, pattern, names.iter()) {
            let spec = TopicSpec {
                name,
                partitions: source.partitions,
                compacted: false,
                retention_ms: None,
                retention_bytes: None,
            };
            matched.push((Purpose::Source, spec));
        }
    }
    matched
}

/// How long a topic keeps records.
fn kept(found: &Found) -> String {
    match (found.compacted, found.retention_ms) {
        (true, None) => "last per key".to_owned(),
        (true, Some(ms)) => format!("last per key, {}", Millis(ms)),
        (false, Some(ms)) => Millis(ms).to_string(),
        (false, None) => "all".to_owned(),
    }
}

/// What is otherwise than it is needed. How long a topic of the user's keeps records is the user's.
fn differences(
    purpose: Purpose,
    spec: &TopicSpec,
    replication: Option<u16>,
    found: &Found,
) -> Vec<String> {
    let mut told = Vec::new();
    if found.partitions != spec.partitions {
        told.push(format!(
            "{} partitions instead of {}",
            found.partitions, spec.partitions
        ));
    }
    match (purpose, found.compacted) {
        (Purpose::Changelog | Purpose::Nodes, false) => {
            told.push("not compacted: it grows without bound".to_owned());
        }
        (Purpose::Repartition, true) => {
            told.push("compacted: rows of the same key are lost".to_owned());
        }
        _ => {}
    }
    if let Some(ms) = found.retention_ms
        && matches!(purpose, Purpose::Changelog | Purpose::Repartition)
    {
        let (age, what) = (Millis(ms), if spec.compacted { "state" } else { "rows" });
        told.push(format!(
            "deletes what is older than {age}: {what} may be lost"
        ));
    }
    if let (Some(wanted), Some(found)) = (replication, found.replication)
        && found < wanted
    {
        told.push(format!("{found} replicas instead of {wanted}"));
    }
    told
}

/// `replicated`: the log has replicas.
pub(super) fn table(topics: &[Planned], replicated: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut header = vec!["  topic", "for", "partitions", "keeps", "state"];
    if replicated {
        header.insert(3, "replicas");
    }
    table.set_header(header);
    for topic in topics {
        let state = match (topic.state, topic.differences.is_empty()) {
            (state, true) => state.label().to_owned(),
            (Fate::Unsafe, false) => topic.differences.join("; "),
            (state, false) => format!("{} ({})", state.label(), topic.differences.join("; ")),
        };
        let mut row = vec![
            format!("  {}", topic.name),
            topic.purpose.to_owned(),
            topic.partitions.to_string(),
            topic.keeps.clone(),
            state,
        ];
        if replicated {
            let replicas = topic.replication.map(|n| n.to_string());
            row.insert(3, replicas.unwrap_or_else(|| "default".to_owned()));
        }
        table.add_row(row);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_topology_rests_on_is_a_difference() {
        let spec = |compacted| TopicSpec {
            name: TopicName::parse("t").expect("a name"),
            partitions: 4,
            compacted,
            retention_ms: None,
            retention_bytes: None,
        };
        let found = |partitions, compacted, retention_ms, replication| Found {
            partitions,
            compacted,
            retention_ms,
            replication: Some(replication),
        };
        let week = Some(7 * 86_400_000);
        let cases = [
            (Purpose::Source, false, found(4, false, week, 3), vec![]),
            (Purpose::Sink, false, found(4, true, None, 3), vec![]),
            (
                Purpose::Source,
                false,
                found(8, false, None, 3),
                vec!["8 partitions instead of 4"],
            ),
            (Purpose::Changelog, true, found(4, true, None, 3), vec![]),
            (
                Purpose::Changelog,
                true,
                found(4, false, week, 3),
                vec![
                    "not compacted: it grows without bound",
                    "deletes what is older than 1w: state may be lost",
                ],
            ),
            (
                Purpose::Repartition,
                false,
                found(4, true, None, 1),
                vec![
                    "compacted: rows of the same key are lost",
                    "1 replicas instead of 3",
                ],
            ),
        ];
        for (purpose, compacted, found, expect) in cases {
            let told = differences(purpose, &spec(compacted), Some(3), &found);
            assert_eq!(told, expect, "{purpose:?}");
        }
    }
}
