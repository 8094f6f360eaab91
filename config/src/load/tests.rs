//! Whole files: what they become.

mod merging;
mod spoilt;

use crate::fixtures::{load_file, load_str, shared};
use crate::{
    Aggregate, DataType, Expression, ExpressionKind, Feed, FileCompression, FileFormat, Hosting,
    Millis, Node, OperatorKind, Order, Over, Start, TimeUnit, Topology, VersionChoice,
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

/// The card-fraud example without what makes its model learn.
fn scoring() -> &'static str {
    let whole = include_str!("../../../examples/card-fraud/topology.toml");
    let (scoring, _) = whole
        .split_once("\n# How the model learns.")
        .expect("a section on learning");
    scoring
}

#[test]
fn the_example_is_cut_at_its_key_by() {
    let topology = load_str(scoring()).unwrap_or_else(|problems| panic!("{problems}"));
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
    for path in shared() {
        if path.ends_with("card-fraud.toml") {
            let (ours, theirs) = (load_str(scoring()), load_file(&path));
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

#[test]
fn sessions_are_hosted_unless_the_file_says_otherwise_and_their_hosting_is_no_part_of_state() {
    let load = |sessions: &str| {
        let text = format!(
            "{SMALL}[[operator]]\nid = \"history\"\nkind = \"rolling\"\ninput = \"valid\"\n{sessions}\n\
             [operator.columns]\nn = {{ fn = \"count\" }}\n"
        );
        load_str(&text)
    };
    let default = load("").unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(
        operator(&default, "history").hosting,
        Hosting::Hosted { max: None }
    );
    for (text, hosting) in [
        (
            "{ hosting = \"hosted\", max = 10_000 }",
            Hosting::Hosted { max: Some(10_000) },
        ),
        (
            "{ hosting = \"dedicated\" }",
            Hosting::Dedicated { max: 1_000 },
        ),
        ("{ hosting = \"auto\", max = 5 }", Hosting::Auto { max: 5 }),
    ] {
        let topology = load(&format!("sessions = {text}"));
        let topology = topology.unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(operator(&topology, "history").hosting, hosting, "{text}");
        assert_eq!(topology.hash, default.hash, "{text}: the same state");
    }
    for text in [
        "{ hosting = \"dedicated\", max = 0 }",
        "{ hosting = \"mine\" }",
        "{ max = 3 }",
    ] {
        assert!(load(&format!("sessions = {text}")).is_err(), "{text}");
    }
}
