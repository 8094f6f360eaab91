//! The nodes that a model's log and labels add.

use crate::fixtures::load_str;
use crate::{Node, OperatorKind, Topology};

/// A topology with a model that learns.
const LEARNS: &str = r#"
version = 1
name = "shop"

[[source]]
id = "orders"
topic = "orders"
key = "customer"
[source.schema]
order = "int64"
customer = "string"
amount = "float64"
hour = "float64"

[[operator]]
id = "score"
kind = "infer"
input = "orders"
model = "fraud"
features = ["amount", "hour"]
outputs = { score = "y[0]" }

[[sink]]
id = "scored"
input = "score"
topic = "scored"

[[model]]
id = "fraud"
path = "named"
[model.log]
id = "order"
[model.labels]
topic = "chargebacks"
id = "order"
label = "is fraud"
schema = { order = "int64", "is fraud" = "bool" }
[model.train]
arch = "logistic"
label = "is fraud"
[model.retrain]

[[monitor]]
id = "errors"
model = "fraud"
detector = "adwin"
set = { delta = 0.01 }
"#;

fn operator<'t>(topology: &'t Topology, id: &str) -> &'t crate::Operator {
    let found = topology.nodes.iter().find(|node| node.id().as_str() == id);
    match found {
        Some(Node::Operator(operator)) => operator,
        _ => panic!("no operator {id}"),
    }
}

#[test]
fn a_model_with_labels_has_its_log_joined_to_them_and_a_steward() {
    let topology = load_str(LEARNS).unwrap_or_else(|problems| panic!("{problems}"));
    let label = operator(&topology, "fraud-label");
    let OperatorKind::Label(settings) = &label.kind else {
        panic!("{label:?}")
    };
    let names: Vec<&str> = (label.input_schema.columns().iter())
        .map(|column| &*column.name)
        .collect();
    assert_eq!(
        names,
        [
            "row_id",
            "amount",
            "hour",
            "score",
            "model_version",
            "label"
        ]
    );
    assert_eq!((settings.label, label.key), (5, Some(0)));
    let steward = operator(&topology, "fraud-steward");
    assert!(matches!(steward.kind, OperatorKind::Steward(_)));
    let ports: Vec<&str> = steward.ports.iter().map(|port| &*port.name).collect();
    assert_eq!(ports, ["", "metrics"]);
    let learning = topology.models[0].learning.as_ref().expect("it learns");
    assert_eq!(learning.monitors[0].parameters[0].1, 0.01);
    assert!(learning.retrain.is_some());
}

#[test]
fn the_users_rows_are_as_they_were() {
    let learns = load_str(LEARNS).unwrap_or_else(|problems| panic!("{problems}"));
    let (plain, _) = LEARNS.split_once("[model.log]").expect("a log");
    let plain = load_str(plain).unwrap_or_else(|problems| panic!("{problems}"));
    let schema = |topology: &Topology| operator(topology, "score").ports[0].schema.clone();
    assert_eq!(schema(&learns), schema(&plain));
}

#[test]
fn alerts_add_nodes_only_where_somebody_but_the_log_is_told() {
    let (plain, _) = LEARNS.split_once("[model.log]").expect("a log");
    let ids = |alerts: &str| {
        let topology = load_str(&format!("{plain}\n{alerts}"));
        let topology = topology.unwrap_or_else(|problems| panic!("{problems}"));
        let nodes = topology.nodes.iter().map(|node| node.id().to_string());
        let committed = topology.alerts.rules.iter().filter(|rule| rule.committed);
        (nodes.collect::<Vec<_>>(), committed.count())
    };
    let quiet = "[[alert]]\nid = \"late\"\nwhen = \"lag_records > 1\"\nto = [\"log\"]\n";
    let (nodes, committed) = ids("");
    assert_eq!(ids(quiet), (nodes.clone(), committed));
    assert_eq!(committed, 0);
    let (told, committed) = ids(&quiet.replace("[\"log\"]", "[\"log\", \"topic\"]"));
    let added: Vec<&String> = told.iter().filter(|id| !nodes.contains(id)).collect();
    assert_eq!(added.len(), 3, "{added:?}");
    assert_eq!(committed, 1);
    let (_, all) = ids("[alerts]\nto = [\"topic\"]\n");
    // The standard ones, and that of the model.
    assert_eq!(all, 10);
}
