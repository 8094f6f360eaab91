//! A small topology and the tree that must come of it, drawn by hand from the design's picture.

use std::path::Path;

use config::{LoadOptions, NoModels, load_text};

use super::*;

const TOPOLOGY: &str = r#"
version = 1
name = "payments"

[[source]]
id = "raw"
topic = "raw"
format = "json"
partitions = 2
feed = { kind = "generator", profile = "card-fraud", seed = 1, records = 10 }
[source.schema]
customer_id = "string"
amount = "float64"

[[source]]
id = "corrections"
topic = "corrections"
format = "json"
partitions = 1
feed = { kind = "http" }
[source.schema]
customer_id = "string"
amount = "float64"

[[operator]]
id = "by-customer"
kind = "key-by"
input = "raw"
key = "customer_id"
partitions = 2

[[operator]]
id = "totals"
kind = "rolling"
input = "by-customer"
columns = { total = { fn = "sum", of = "amount", over = "7d" } }

[[sink]]
id = "sums"
input = "totals"
topic = "sums"
format = "json"

[[sink]]
id = "corrected"
input = "corrections"
topic = "corrected"
format = "json"
"#;

const TREE: &str = "\
root  rest_for_one, 3 restarts / 10min, backoff 100ms to 30s
├ store
├ models  one_for_one, 10 restarts / 1min, backoff 10ms to 5s
├ payments  one_for_one, 5 restarts / 10min, backoff 100ms to 30s
│ ├ shard-0  rest_for_one, 2 restarts / 2min, backoff 100ms to 30s
│ │ ├ consumer
│ │ └ tasks  one_for_all, 5 restarts / 2min, backoff 100ms to 30s
│ │   ├ sink-sums
│ │   ├ sink-corrected
│ │   ├ committer
│ │   ├ raw-0  one_for_all, escalates at once; itself parked after 5 restarts / 2min, tried again after 5min
│ │   │ └ partition
│ │   ├ raw-1  one_for_all, escalates at once; itself parked after 5 restarts / 2min, tried again after 5min
│ │   │ └ partition
│ │   ├ corrections-0  one_for_all, escalates at once; itself parked after 5 restarts / 2min, tried again after 5min
│ │   │ └ partition
│ │   ├ by-customer-0  one_for_all, escalates at once; itself parked after 5 restarts / 2min, tried again after 5min
│ │   │ ├ host-0
│ │   │ ├ host-1
│ │   │ └ partition
│ │   ├ by-customer-1  one_for_all, escalates at once; itself parked after 5 restarts / 2min, tried again after 5min
│ │   │ ├ host-0
│ │   │ ├ host-1
│ │   │ └ partition
│ │   └ intake
│ └ feeds  one_for_one, 5 restarts / 2min, backoff 100ms to 30s
│   └ feed-raw
└ admin  one_for_one, never escalates, backoff 100ms to 30s
  └ api
";

fn topology() -> Topology {
    let options = LoadOptions {
        overrides: Vec::new(),
        environment: &|_| None,
        models: &NoModels,
    };
    load_text(Path::new("payments.toml"), TOPOLOGY, &options).expect("it is valid")
}

#[test]
fn the_tree_of_a_topology_is_the_one_in_the_design() {
    let topology = topology();
    let plan = plan(
        &topology,
        &[all_tasks(&topology)],
        PlanOptions {
            session_hosts: 2,
            parked_retry: Millis(300_000),
        },
    );
    assert_eq!(plan.to_string(), TREE);
}

#[test]
fn each_shard_runs_its_own_tasks_and_every_task_is_in_one() {
    let topology = topology();
    let tasks = all_tasks(&topology);
    assert_eq!(tasks.len(), 5);
    let (left, right) = tasks.split_at(2);
    let shards = [left.to_vec(), right.to_vec()];
    let plan = plan(
        &topology,
        &shards,
        PlanOptions {
            session_hosts: 1,
            parked_retry: Millis(300_000),
        },
    );
    let below_topology = plan.root.children()[2].children();
    let of_shard = |shard: &ChildSpec| -> Vec<TaskId> {
        let task = |child: &ChildSpec| match child.kind {
            ChildKind::PartitionTree { task } => Some(task),
            _ => None,
        };
        let tasks = &shard.children()[1];
        tasks.children().iter().filter_map(task).collect()
    };
    assert_eq!(of_shard(&below_topology[0]), left);
    assert_eq!(of_shard(&below_topology[1]), right);
}
