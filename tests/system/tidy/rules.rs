//! Rules about single files.

use super::source::Source;
use super::text::{begins_path, code_of, has_word, lines, names_crate, raw_lines};

/// Something that no line of the source may do.
pub(super) struct Rule {
    /// What holds.
    pub(super) name: &'static str,
    /// What to do instead.
    pub(super) instead: &'static str,
    /// Whether it is about this file.
    about: fn(&Source) -> bool,
    /// Numbers of the lines that break it, from 1.
    breaks: fn(&Source) -> Vec<usize>,
    /// Path and text of a file that breaks it.
    pub(super) caught: (&'static str, &'static str),
    /// Path and text of one that looks alike and does not.
    pub(super) spared: (&'static str, &'static str),
}

impl Rule {
    /// Numbers of the lines of `source` that break this rule.
    pub(super) fn broken_in(&self, source: &Source) -> Vec<usize> {
        if (self.about)(source) {
            (self.breaks)(source)
        } else {
            Vec::new()
        }
    }
}

/// All of them; numbers in brackets are those of the invariants in the design.
pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "operators and watermarks are pure [1]",
        instead: "compute here, and let the node that calls wait, send, store and read the clock",
        about: |s| {
            s.path.starts_with("actors/src/operators/")
                || s.path.starts_with("actors/src/watermark")
        },
        breaks: |s| {
            lines(s, |l| {
                ["tokio", "ractor", "rdkafka", "sled"]
                    .iter()
                    .any(|name| names_crate(l, name))
                    || ["clock::", "Instant::now", "SystemTime"]
                        .iter()
                        .any(|name| l.contains(name))
            })
        },
        caught: (
            "actors/src/operators/rolling.rs",
            "use crate::clock::Clock;",
        ),
        spared: ("actors/src/nodes/partition.rs", "use crate::clock::Clock;"),
    },
    Rule {
        name: "only models/ names Burn [2]",
        instead: "go through models::ModelHandle",
        about: |s| s.is_rust() && !s.path.starts_with("models/"),
        breaks: |s| lines(s, |l| names_crate(l, "burn")),
        caught: ("actors/src/nodes/inference.rs", "use burn::tensor::Tensor;"),
        spared: ("models/src/onnx/plan.rs", "use burn::tensor::Tensor;"),
    },
    Rule {
        name: "only models/src/device names a backend [2]",
        instead: "take a burn Device as an argument; device.rs makes it",
        about: |s| {
            s.path.starts_with("models/src/")
                && !s.path.starts_with("models/src/device")
                && !s.is_test()
        },
        breaks: |s| {
            lines(s, |l| {
                ["flex", "wgpu"]
                    .iter()
                    .any(|name| has_word(&l.to_lowercase(), name))
            })
        },
        caught: (
            "models/src/handle.rs",
            "let device = DispatchDevice::Flex(default);",
        ),
        spared: (
            "models/src/device.rs",
            "let device = DispatchDevice::Flex(default);",
        ),
    },
    Rule {
        name: "only state/sled_store and log/embedded name sled [3]",
        instead: "go through StateStore or Log",
        about: |s| {
            s.is_rust()
                && !s.path.starts_with("actors/src/state/sled_store")
                && !s.path.starts_with("actors/src/log/embedded")
        },
        breaks: |s| lines(s, |l| names_crate(l, "sled")),
        caught: ("actors/src/nodes/store.rs", "let db = sled::open(path)?;"),
        spared: (
            "actors/src/state/sled_store.rs",
            "let db = sled::open(path)?;",
        ),
    },
    Rule {
        name: "only log/ names rdkafka [3]",
        instead: "go through Log",
        about: |s| s.is_rust() && !s.path.starts_with("actors/src/log/") && !s.is_test(),
        breaks: |s| lines(s, |l| names_crate(l, "rdkafka")),
        caught: (
            "actors/src/nodes/sink.rs",
            "use rdkafka::producer::BaseProducer;",
        ),
        spared: (
            "actors/src/log/kafka/producer.rs",
            "use rdkafka::producer::BaseProducer;",
        ),
    },
    Rule {
        name: "every queue has a bound [4]",
        instead: "use tokio::sync::mpsc::channel(n) or std's sync_channel(n) with a bound that config names",
        about: |s| s.is_rust() && !s.is_test() && !is_in(&s.path, CONTROL_QUEUES),
        breaks: |s| {
            lines(s, |l| {
                l.contains("unbounded_channel") || l.contains("mpsc::channel()")
            })
        },
        caught: (
            "actors/src/nodes/sink.rs",
            "let (tx, rx) = mpsc::unbounded_channel();",
        ),
        spared: (
            "actors/src/nodes/sink.rs",
            "let (tx, rx) = mpsc::channel(credits);",
        ),
    },
    Rule {
        name: "tasks belong to actors [8]",
        instead: "make it an actor in the tree, or part of one; or add its file to SPAWNERS with its owner",
        about: |s| s.is_rust() && !s.is_test() && !is_in(&s.path, SPAWNERS),
        breaks: |s| {
            lines(s, |l| {
                l.contains("tokio::spawn") || l.contains("task::spawn(")
            })
        },
        caught: (
            "actors/src/nodes/sink.rs",
            "tokio::spawn(async move { run().await });",
        ),
        spared: (
            "actors/src/nodes/sink.rs",
            "Sink::spawn_linked(None, sink, (), supervisor).await?;",
        ),
    },
    Rule {
        name: "time enters through the clock [10]",
        instead: "take an Arc<dyn Clock>",
        about: |s| s.is_rust() && s.path != "actors/src/clock.rs",
        breaks: |s| lines(s, |l| l.contains("SystemTime::now")),
        caught: ("runtime/src/daemon.rs", "let now = SystemTime::now();"),
        spared: ("runtime/src/daemon.rs", "let now = clock.now_ms();"),
    },
    Rule {
        name: "randomness enters through seeds [10]",
        instead: "take a seed, and make a ChaCha8Rng of it",
        about: Source::is_rust,
        breaks: |s| {
            lines(s, |l| {
                [
                    "thread_rng(",
                    "rand::rng(",
                    "rand::random",
                    "from_os_rng(",
                    "from_entropy(",
                ]
                .iter()
                .any(|source| l.contains(source))
            })
        },
        caught: (
            "actors/src/feeds/generator/mod.rs",
            "let mut rng = rand::rng();",
        ),
        spared: (
            "actors/src/feeds/generator/mod.rs",
            "let mut rng = ChaCha8Rng::seed_from_u64(seed);",
        ),
    },
    Rule {
        name: "nothing sleeps [10]",
        instead: "wait for a condition with a deadline, or pause tokio's clock",
        about: |s| s.is_rust() && !is_in(&s.path, SLEEPERS),
        breaks: |s| lines(s, |l| l.contains("thread::sleep")),
        caught: (
            "actors/src/log/tests.rs",
            "std::thread::sleep(Duration::from_millis(50));",
        ),
        spared: (
            "actors/src/log/tests.rs",
            "tokio::time::sleep(Duration::from_millis(50)).await;",
        ),
    },
    Rule {
        name: "no metric label is a key [11]",
        instead: "label by operator or partition; name keys in logs and dead letters",
        about: Source::is_rust,
        breaks: key_labels,
        caught: (
            "actors/src/nodes/metrics.rs",
            "counter!(\n    \"failures_total\",\n    \"key\" => key,\n)\n.increment(1);",
        ),
        spared: (
            "config/src/raw.rs",
            "match name { \"key\" => source.key, _ => other }",
        ),
    },
    Rule {
        name: "actors' metrics are named in one place",
        instead: "name it in nodes/metrics.rs, with unit, help and labels",
        about: |s| s.path.starts_with("actors/") && s.path != "actors/src/nodes/metrics.rs",
        breaks: |s| lines(s, |l| METRICS.iter().any(|call| l.contains(call))),
        caught: (
            "actors/src/nodes/sink.rs",
            "counter!(\"rows_total\").increment(1);",
        ),
        spared: (
            "actors/src/nodes/metrics.rs",
            "counter!(\"rows_total\").increment(1);",
        ),
    },
    Rule {
        name: "domain types are not Serialize [13]",
        instead: "give raw/ or the API a type of its own",
        about: |s| s.path.starts_with("config/src/") && !s.path.starts_with("config/src/raw"),
        breaks: |s| lines(s, |l| has_word(l, "Serialize")),
        caught: (
            "config/src/topology.rs",
            "#[derive(Debug, serde::Serialize)]",
        ),
        spared: (
            "config/src/raw/source.rs",
            "#[derive(Debug, serde::Serialize)]",
        ),
    },
    Rule {
        name: "every test runs",
        instead: "mend it or remove it",
        about: Source::is_rust,
        breaks: |s| lines(s, |l| l.contains("#[ignore")),
        caught: ("models/src/tests.rs", "#[ignore = \"slow\"]"),
        spared: ("models/src/tests.rs", "#[test]"),
    },
    Rule {
        name: "nothing is left open in the source",
        instead: "do it now, or file an issue",
        about: |s| !s.is_tidy(),
        breaks: |s| {
            raw_lines(s, |l| {
                ["TODO", "FIXME", "XXX"]
                    .iter()
                    .any(|mark| has_word(l, mark))
            })
        },
        caught: ("models/src/lib.rs", "// TODO: later"),
        spared: ("models/src/lib.rs", "// Later than the last."),
    },
    Rule {
        name: "no path of somebody's machine",
        instead: "make it relative, take it from the environment, or use a temporary folder",
        about: |s| !s.is_tidy(),
        breaks: |s| {
            raw_lines(s, |l| {
                ["/root/", "/home/", "/work/", "/Users/"]
                    .iter()
                    .any(|path| begins_path(l, path))
            })
        },
        caught: ("docs/benchmarks.md", "measured with /home/me/thalweg"),
        spared: ("docs/benchmarks.md", "measured with target/work/thalweg"),
    },
    Rule {
        name: "every file says first what it is",
        instead: "begin with `//!`: what, invariant, who calls",
        about: |s| s.is_rust(),
        breaks: |s| {
            if s.text.starts_with("//! ") {
                Vec::new()
            } else {
                vec![1]
            }
        },
        caught: ("models/src/lib.rs", "use std::fmt;\n"),
        spared: ("models/src/lib.rs", "//! Models.\n\nuse std::fmt;\n"),
    },
    Rule {
        name: "no placeholder stands for a description",
        instead: "say what the file is",
        about: |s| s.is_rust() && !s.is_tidy(),
        breaks: |s| raw_lines(s, |l| l.starts_with("//! Filled in")),
        caught: ("models/src/lib.rs", "//! Filled in below.\n"),
        spared: ("models/src/lib.rs", "//! Models.\n"),
    },
];

/// Calls that name a metric.
const METRICS: [&str; 3] = ["counter!(", "gauge!(", "histogram!("];

/// Files that may spawn tasks, and whom the tasks belong to.
const SPAWNERS: &[&str] = &[
    // A start under way belongs to the supervisor that it answers.
    "supervisors/src/supervisor/launch.rs",
    // The live line and the HTTP server belong to the command: they watch the tree from outside it.
    "runtime/src/cli/run.rs",
    // In a simulation what blocks is a task of whoever starts it; in production it has a thread.
    "actors/src/nodes/threads.rs",
    // A restore belongs to the consumer that began it, and tells it how it went.
    "actors/src/nodes/consumer.rs",
];

/// Files with queues for control only: as many messages as there are barriers, seeks and stops.
const CONTROL_QUEUES: &[&str] = &["actors/src/nodes/consumer.rs"];

/// Files that may sleep, in a loop with an end, since what they wait for cannot tell.
const SLEEPERS: &[&str] = &[
    // The lock of a database that another process, or this one a moment ago, has open.
    "actors/src/log/embedded/disk_storage.rs",
];

fn is_in(path: &str, list: &[&str]) -> bool {
    list.contains(&path)
}

/// Lines of metric macros that label by key, over however many lines the call goes.
fn key_labels(source: &Source) -> Vec<usize> {
    let mut found = Vec::new();
    let mut in_call = false;
    for (at, line) in source.text.lines().enumerate() {
        let code = code_of(line);
        in_call |= METRICS.iter().any(|call| code.contains(call));
        let is_label = ["\"key\" =>", "\"key\", "]
            .iter()
            .any(|label| code.contains(label));
        if !source.is_tidy() && is_label && (in_call || code.contains("Label::new(")) {
            found.push(at + 1);
        }
        in_call &= !code.contains(')');
    }
    found
}
