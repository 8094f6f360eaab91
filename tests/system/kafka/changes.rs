//! Topics that change under a daemon that runs: it says so and does what is right, and never goes on
//! as if nothing were.

use std::path::Path;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use tests::daemon::Daemon;

use super::{Till, WITHIN, brokers};
use crate::cli::fails;
use crate::cli::topic::{feed, lines};

/// Asks the brokers for something.
fn admin<T>(
    brokers: &str,
    ask: impl AsyncFnOnce(AdminClient<DefaultClientContext>, AdminOptions) -> T,
) -> T {
    let client = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .expect("an admin client");
    let options = AdminOptions::new().operation_timeout(Some(WITHIN));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(ask(client, options))
}

#[test]
fn a_partition_that_is_added_stops_the_daemon_which_says_what_to_do() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "raised", "");
    let data = till.data();
    let mut daemon = Daemon::start(Path::new(&till.file), data.as_ref(), &[]);
    let payments = till.topic("payments");
    admin(&brokers, async |client, options| {
        let more = NewPartitions::new(&payments, 3);
        let raised = client.create_partitions([&more], &options).await;
        assert!(raised.expect("an answer").iter().all(Result::is_ok));
    });
    assert_eq!(daemon.ended(), 69, "{}", daemon.log());
    let told = [
        "has 3 partitions, not 2",
        "hint: set the node's `partitions`",
    ];
    for part in told {
        assert!(daemon.log().contains(part), "{part:?} in {}", daemon.log());
    }
    // And it does not start so, nor with state that would be other keys'.
    let run = ["run", &till.file, "--data-dir", &data, "--listen", "none"];
    fails(&run, 69, &told);
    let text = std::fs::read_to_string(&till.file).expect("written");
    let raised = text.replacen("partitions = 2", "partitions = 3", 1);
    std::fs::write(&till.file, raised).expect("written");
    fails(&run, 69, &["has 2 partitions, not 3"]);
}

#[test]
fn a_topic_that_is_deleted_ends_the_daemon_and_another_of_its_name_is_read_from_the_start() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "deleted", "");
    let data = till.data();
    let payments = till.topic("payments");
    let pay = || {
        let write = ["topic", "write", &payments, "--topology", &till.file];
        feed(&write, &lines(10))
    };
    let alerts = format!("/v1/topics/{}/records", till.topic("alerts"));
    let decided = |daemon: &mut Daemon, what: &str, count: usize| {
        daemon.wait(what, |daemon| {
            let records = daemon.get(&alerts).json();
            (records.as_array()?.len() >= count).then_some(())
        });
    };
    let mut daemon = Daemon::start(Path::new(&till.file), data.as_ref(), &[]);
    pay();
    decided(&mut daemon, "decisions", 10);
    admin(&brokers, async |client, options| {
        let deleted = client.delete_topics(&[&payments], &options).await;
        assert!(deleted.expect("an answer").iter().all(Result::is_ok));
    });
    assert_eq!(daemon.ended(), 69, "{}", daemon.log());
    let told = format!("topic \"{payments}\", which is read, was deleted");
    assert!(daemon.log().contains(&told), "{told:?} in {}", daemon.log());
    // As many records as before: offsets alone would take them for those that were read.
    let mut daemon = Daemon::start(Path::new(&till.file), data.as_ref(), &[]);
    pay();
    decided(&mut daemon, "decisions about the new topic", 20);
}
