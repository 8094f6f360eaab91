//! Whole files: what they become, and what is done to them on the way.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::fixtures::{load_file, load_str, load_with, shared};
use crate::{
    Aggregate, DataType, Expression, ExpressionKind, Feed, FileCompression, FileFormat,
    LogSettings, Millis, Node, OperatorKind, Order, Over, SinkTarget, Start, TimeUnit, Topology,
    VersionChoice,
};

const SMALL: &str = r#"
version = 1
name = "small"
[[source]]
id = "orders"
topic = "orders"
key = "customer"
[source.schema]
customer = "string"
amount = "float64?"
[[operator]]
id = "valid"
kind = "filter"
input = "orders"
where = "amount > 0"
[[sink]]
id = "out"
input = "valid"
topic = "valid-orders"
"#;

fn ids(topology: &Topology, nodes: &[crate::NodeIndex]) -> Vec<String> {
    nodes
        .iter()
        .map(|at| topology.node(*at).id().to_string())
        .collect()
}

fn operator<'t>(topology: &'t Topology, id: &str) -> &'t crate::Operator {
    let is_it = |node: &&Node| node.id().as_str() == id;
    match topology.nodes.iter().find(is_it) {
        Some(Node::Operator(operator)) => operator,
        _ => panic!("no operator {id}"),
    }
}

fn names(schema: &crate::Schema) -> Vec<&str> {
    schema
        .columns()
        .iter()
        .map(|column| &*column.name)
        .collect()
}

#[test]
fn the_example_is_cut_at_its_key_by() {
    let example =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/card-fraud/topology.toml");
    let topology = load_file(&example).unwrap_or_else(|problems| panic!("{problems}"));
    let [first, second] = topology.sub_topologies.as_slice() else {
        panic!("{:?}", topology.sub_topologies);
    };
    assert_eq!(
        (first.name.as_str(), first.order),
        ("transactions", Order::Arrival)
    );
    assert_eq!(
        ids(&topology, &first.nodes),
        ["valid", "customer-history", "by-terminal"]
    );
    assert_eq!(
        (second.name.as_str(), second.order),
        ("by-terminal", Order::EventTime)
    );
    assert_eq!(
        ids(&topology, &second.nodes),
        [
            "terminal-history",
            "calendar",
            "score",
            "decision",
            "blocked",
            "review",
            "scored"
        ]
    );
    assert_eq!(topology.dead_letter.as_str(), "card-fraud.dead-letters");
    assert_eq!(topology.models[0].version, VersionChoice::Latest);

    let score = operator(&topology, "score");
    let OperatorKind::Infer(infer) = &score.kind else {
        panic!("{:?}", score.kind);
    };
    assert_eq!(
        (infer.outputs[0].tensor, infer.outputs[0].index),
        (1, Some(1))
    );
    assert_eq!(infer.features.len(), 12);
    assert_eq!(
        score.ports[0]
            .schema
            .columns()
            .last()
            .map(|c| c.data_type.clone()),
        Some(DataType::Float32)
    );
    let ports: Vec<&str> = operator(&topology, "decision")
        .ports
        .iter()
        .map(|p| &*p.name)
        .collect();
    assert_eq!(ports, ["block", "review", "otherwise"]);

    let terminal = operator(&topology, "terminal-history");
    assert_eq!(
        &*terminal.input_schema.columns()[terminal.key.expect("a key")].name,
        "terminal_id"
    );
    let OperatorKind::Rolling(rolling) = &terminal.kind else {
        panic!("{:?}", terminal.kind);
    };
    assert_eq!(rolling.columns[2].over, Over::Time(Millis(7 * 86_400_000)));
    assert_eq!(rolling.columns[0].aggregate, Aggregate::Count);
}

#[test]
fn the_shared_topologies_load() {
    for path in shared() {
        let topology = load_file(&path).unwrap_or_else(|e| panic!("{}:\n{e}", path.display()));
        for node in &topology.nodes {
            if let Node::Source(source) = node
                && let Some(Feed::File {
                    path,
                    format,
                    compression,
                    ..
                }) = &source.feed
            {
                assert!(path.is_absolute() && path.ends_with("readings.csv.gz"));
                assert_eq!(
                    (*format, *compression),
                    (FileFormat::Csv, FileCompression::Gzip)
                );
            }
        }
    }
}

#[test]
fn the_shared_example_is_the_one_that_is_shipped() {
    let shipped =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/card-fraud/topology.toml");
    for path in shared() {
        if path.ends_with("card-fraud.toml") {
            let (ours, theirs) = (load_file(&shipped), load_file(&path));
            assert_eq!(ours.expect("loads").hash, theirs.expect("loads").hash);
        }
    }
}

#[test]
fn a_window_gives_the_key_the_bounds_and_its_columns() {
    let text = SMALL.replace("kind = \"filter\"", "kind = \"window\"").replace(
        "where = \"amount > 0\"",
        "window = { kind = \"session\", gap = \"5min\" }\ncolumns = { n = { fn = \"count\" }, top = { fn = \"max\", of = \"amount\" } }",
    );
    let topology = load_str(&text).expect("loads");
    let window = operator(&topology, "valid");
    assert_eq!(
        names(&window.ports[0].schema),
        ["customer", "window_start", "window_end", "n", "top"]
    );
    assert_eq!(
        (&*window.ports[1].name, names(&window.ports[1].schema)),
        ("late", vec!["customer", "amount"])
    );
}

#[test]
fn a_select_keeps_then_computes_and_the_key_follows_its_column() {
    let text = SMALL
        .replace("kind = \"filter\"", "kind = \"select\"")
        .replace(
            "where = \"amount > 0\"",
            "keep = [\"amount\"]\ncolumns = { who = \"customer\", double = \"amount * 2\" }",
        )
        + "[[operator]]\nid = \"count\"\nkind = \"rolling\"\ninput = \"valid\"\ncolumns = { n = { fn = \"count\" } }\n";
    let topology = load_str(&text).expect("loads");
    let count = operator(&topology, "count");
    assert_eq!(names(&count.input_schema), ["amount", "who", "double"]);
    assert_eq!(count.key, Some(1));
    let dropped = text.replace("keep = [\"amount\"]", "drop = [\"amount\", \"customer\"]");
    let topology = load_str(&dropped).expect("loads");
    assert_eq!(
        names(&operator(&topology, "count").input_schema),
        ["who", "double"]
    );
}

#[test]
fn a_union_joins_sources_in_one_sub_topology() {
    let text = SMALL
        .replace("kind = \"filter\"", "kind = \"union\"")
        .replace(
            "input = \"orders\"\nwhere = \"amount > 0\"",
            "input = [\"orders\", \"more\"]",
        )
        + "[[source]]\nid = \"more\"\ntopics = [\"a\", \"b\"]\nkey = \"customer\"\nstart = \"1970-01-02\"\ntime = { unit = \"s\" }\n\
           [source.schema]\ncustomer = \"string\"\namount = { type = \"float64?\", path = \"payment.amount\" }\n";
    let topology = load_str(&text).expect("loads");
    let [cut] = topology.sub_topologies.as_slice() else {
        panic!("{:?}", topology.sub_topologies);
    };
    assert_eq!(ids(&topology, &cut.entries), ["orders", "more"]);
    assert_eq!(ids(&topology, &cut.nodes), ["valid", "out"]);
    let Node::Source(more) = topology.node(cut.entries[1]) else {
        panic!("an entry that is no source");
    };
    assert_eq!(more.schema.columns()[1].path, ["payment", "amount"]);
    assert_eq!(
        (more.start, more.time.unit),
        (Start::Timestamp(86_400_000), TimeUnit::Second)
    );
}

#[test]
fn operators_may_stand_in_any_order() {
    let text = SMALL.replace("input = \"valid\"", "input = \"b\"")
        + "[[operator]]\nid = \"b\"\nkind = \"filter\"\ninput = \"a\"\nwhere = \"amount < 9\"\n\
           [[operator]]\nid = \"a\"\nkind = \"filter\"\ninput = \"valid\"\nwhere = \"amount < 10\"\n";
    let topology = load_str(&text).expect("loads");
    let all: Vec<&str> = topology
        .nodes
        .iter()
        .map(|node| node.id().as_str())
        .collect();
    assert_eq!(all, ["orders", "valid", "a", "b", "out"]);
}

#[test]
fn overrides_reach_into_tables_and_nodes() {
    let topology = load_with(
        SMALL,
        &[
            ("epoch.interval", "1s"),
            ("epoch.records", "50"),
            ("source.orders.partitions", "8"),
            ("operator.valid.where", "amount > 5"),
            ("sink.out.headers", "{ a = \"b\" }"),
        ],
    )
    .expect("loads");
    assert_eq!(
        (topology.epoch.interval, topology.epoch.records),
        (Millis(1_000), 50)
    );
    let Node::Sink(sink) = &topology.nodes[2] else {
        panic!("{:?}", topology.nodes[2]);
    };
    assert_eq!((sink.partitions, sink.headers.len()), (8, 1));
    for (key, value, code, line) in [
        (
            "epoch.interval",
            "soon",
            "invalid-value",
            "epoch.interval=soon",
        ),
        (
            "source.ordres.partitions",
            "8",
            "override",
            "source.ordres.partitions=8",
        ),
        ("name.first", "8", "override", "name.first=8"),
        ("epoch..interval", "1s", "override", "epoch..interval=1s"),
        ("epohc.interval", "1s", "unknown-key", "epohc.interval=1s"),
    ] {
        let problems = load_with(SMALL, &[(key, value)]).expect_err(key);
        let [problem] = problems.0.as_slice() else {
            panic!("{problems}");
        };
        let place = problem.location.as_ref().expect("a place");
        assert_eq!((problem.code, place.text.as_str()), (code, line));
        assert_eq!((place.file.as_path(), place.line), (Path::new("--set"), 1));
    }
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}

#[test]
fn included_files_are_merged_and_keep_their_places() {
    let main = format!("include = [\"parts/common.toml\"]\n{SMALL}\n[epoch]\nrecords = 7\n");
    let common = "[epoch]\nrecords = 5\ninterval = \"2s\"\n\
                  [[sink]]\nid = \"file\"\ninput = \"orders\"\nfile = \"out.csv\"\nformat = \"csv\"\n";
    let dir = folder(&[("main.toml", main.as_str()), ("parts/common.toml", common)]);
    let topology = load_file(&dir.path().join("main.toml")).expect("loads");
    assert_eq!(
        (topology.epoch.records, topology.epoch.interval),
        (7, Millis(2_000))
    );
    let targets: Vec<&SinkTarget> = topology
        .nodes
        .iter()
        .filter_map(|node| match node {
            Node::Sink(sink) => Some(&sink.target),
            Node::Source(_) | Node::Operator(_) => None,
        })
        .collect();
    assert_eq!(
        *targets[0],
        SinkTarget::File(dir.path().join("parts/out.csv"))
    );

    std::fs::write(
        dir.path().join("parts/common.toml"),
        common.replace("2s", "2 s s"),
    )
    .expect("a file");
    let problems = load_file(&dir.path().join("main.toml")).expect_err("a wrong duration");
    let place = problems.0[0].location.as_ref().expect("a place");
    assert_eq!(
        (place.file.clone(), place.line),
        (dir.path().join("parts/common.toml"), 3)
    );
}

#[test]
fn files_that_include_each_other_are_told_so() {
    let dir = folder(&[
        ("a.toml", &format!("include = [\"b.toml\"]\n{SMALL}")),
        ("b.toml", "include = [\"a.toml\"]\n"),
    ]);
    let problems = load_file(&dir.path().join("a.toml")).expect_err("a circle");
    assert_eq!((problems.0.len(), problems.0[0].code), (1, "include"));
}

#[test]
fn a_file_that_is_not_there_is_one_problem() {
    let problems = load_file(Path::new("no/such.toml")).expect_err("no file");
    assert_eq!(
        (problems.0.len(), problems.0[0].code),
        (1, "unreadable-file")
    );
}

#[test]
fn secrets_reach_the_client_and_no_output() {
    let dir = folder(&[("password", "s3cret-of-file\n")]);
    let text = format!(
        "{SMALL}\n[log]\nkind = \"kafka\"\nbrokers = [\"${{env:BROKERS}}\", \"${{env:NONE:-three:9092}}\"]\n\
         security = {{ protocol = \"sasl_ssl\", mechanism = \"scram-sha-512\", username = \"u\", password = \"${{env:SECRET}}\", ca = \"ca.pem\", key-password = \"${{file:{}/password}}\" }}\n\
         client = {{ \"fetch.min.bytes\" = 1, \"socket.keepalive.enable\" = true }}\n",
        dir.path().display()
    );
    let topology = load_str(&text).unwrap_or_else(|e| panic!("{e}"));
    let LogSettings::Kafka(kafka) = &topology.log else {
        panic!("{:?}", topology.log);
    };
    assert_eq!(kafka.brokers, ["one:9092", "two:9092", "three:9092"]);
    let client: Vec<(&str, &str)> = kafka
        .client
        .iter()
        .map(|(k, v)| (k.as_str(), v.expose()))
        .collect();
    assert_eq!(
        client,
        [
            ("security.protocol", "sasl_ssl"),
            ("sasl.mechanisms", "SCRAM-SHA-512"),
            ("sasl.username", "u"),
            ("sasl.password", "hunter2-hunter2"),
            ("ssl.ca.location", "dir/ca.pem"),
            ("ssl.key.password", "s3cret-of-file"),
            ("fetch.min.bytes", "1"),
            ("socket.keepalive.enable", "true"),
        ]
    );
    let printed = format!("{topology:?}");
    assert!(
        !printed.contains("hunter2") && !printed.contains("s3cret"),
        "{printed}"
    );

    let misplaced = text.replace("\"sasl_ssl\"", "\"${env:SECRET}\"");
    let problems = load_str(&misplaced).expect_err("no protocol").to_string();
    assert!(
        problems.contains("${env:SECRET}") && !problems.contains("hunter2"),
        "{problems}"
    );
}

#[test]
fn the_hash_follows_what_state_depends_on_and_nothing_else() {
    let rolling = SMALL
        .replace("kind = \"filter\"", "kind = \"rolling\"")
        .replace(
            "where = \"amount > 0\"",
            "columns = { n = { fn = \"count\", over = \"1d\" } }",
        );
    let hash = |text: &str| load_str(text).unwrap_or_else(|e| panic!("{e}")).hash;
    let before = hash(&rolling);
    // FNV-1a (in Python) of "thalweg state 1\noperator valid partitions 4\nkey customer:string\ninput
    // customer string\ninput amount float64?\nrolling n count - time 86400000 false\n".
    assert_eq!(before, 0xab4a_a6d8_e065_d221);
    for same in [
        rolling.replace("name = \"small\"", "name = \"other\""),
        rolling.replace("topic = \"valid-orders\"", "topic = \"elsewhere\""),
        rolling.replace("\"1d\"", "\"24h\""),
        format!("{rolling}[epoch]\nrecords = 3\n"),
    ] {
        assert_eq!(hash(&same), before);
    }
    for other in [
        rolling.replace("\"1d\"", "\"2d\""),
        rolling.replace("\"valid\"", "\"renamed\""),
        rolling.replace("float64?", "float64"),
        rolling.replace("topic = \"orders\"", "topic = \"orders\"\npartitions = 8"),
        rolling.replace("fn = \"count\"", "fn = \"first\", of = \"amount\""),
    ] {
        assert_ne!(hash(&other), before, "{other}");
    }
}

#[test]
fn conditions_are_typed_over_the_columns_that_come_in() {
    let topology = load_str(SMALL).expect("loads");
    let OperatorKind::Filter { condition } = &operator(&topology, "valid").kind else {
        panic!("no filter");
    };
    let ExpressionKind::Binary(_, left, _) = &condition.kind else {
        panic!("{condition:?}");
    };
    let amount = Expression {
        kind: ExpressionKind::Column(1),
        data_type: DataType::Float64,
        nullable: true,
    };
    assert_eq!(**left, amount);
}

/// Files that load, to be spoilt.
fn valid_texts() -> Vec<String> {
    let example: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/card-fraud/topology.toml");
    let mut texts = vec![SMALL.to_owned()];
    texts.extend(std::fs::read_to_string(example));
    texts.extend(
        shared()
            .iter()
            .filter_map(|path| std::fs::read_to_string(path).ok()),
    );
    texts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_spoilt_file_is_a_list_of_problems_and_never_a_panic(
        which in 0_usize..8,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..40, "[a-z0-9 \"'\\[\\]{}=.,\n#$:*?()ß-]{0,6}"), 1..6),
    ) {
        let texts = valid_texts();
        let mut text: Vec<char> = texts[which % texts.len()].chars().collect();
        for (at, removed, inserted) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, inserted.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(problems) = load_str(&text) {
            prop_assert!(!problems.0.is_empty());
            for problem in &problems.0 {
                if let Some(place) = &problem.location {
                    // A place can be shown: it lies in the line that it names.
                    prop_assert_eq!(text.lines().nth(place.line - 1).unwrap_or_default(), &place.text);
                    prop_assert!(place.column <= place.text.chars().count() + 1);
                    prop_assert!(text.is_char_boundary(place.span.start));
                }
            }
            prop_assert!(problems.to_string().contains("error["));
        }
    }

    #[test]
    fn swapped_words_are_problems_and_never_a_panic(
        which in 0_usize..8,
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
    ) {
        let texts = valid_texts();
        let text = &texts[which % texts.len()];
        let words: Vec<&str> = text
            .split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')
            .filter(|word| !word.is_empty())
            .collect();
        let swapped = text.replace(words[from.index(words.len())], words[to.index(words.len())]);
        let _ = load_str(&swapped).map_err(|problems| problems.to_string());
    }
}
