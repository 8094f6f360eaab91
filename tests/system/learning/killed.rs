//! The loop as a process that is killed whenever something happens in it.

use std::path::Path;
use std::sync::Arc;

use actors::log::Log;
use actors::log::embedded::{EmbeddedLog, EmbeddedOptions};
use actors::log::kafka::{KafkaLog, NodeIdentity};
use config::LogSettings;
use serde_json::Value;
use tests::daemon::Daemon;
use tests::inside;

use crate::kafka::brokers;

use super::{BLOCK, Loop, NEW, OLD, TAKES_OVER, first_version, label, row, topology, truth};

/// The loop as a process that is killed, fed over HTTP.
struct Killed {
    /// Of the topology.
    name: String,
    folder: tempfile::TempDir,
    daemon: Daemon,
    fed: usize,
    kills: usize,
}

impl Killed {
    /// A topology of this name, with this table `[log]`, if any.
    fn new(name: &str, log: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        first_version(&folder.path().join("sea"));
        let text = topology(name, &folder.path().join("sea"), log);
        std::fs::write(folder.path().join("topology.toml"), text).expect("a file");
        std::fs::create_dir(folder.path().join("data")).expect("a folder");
        let daemon = Self::start(folder.path());
        Self {
            name: name.to_owned(),
            folder,
            daemon,
            fed: 0,
            kills: 0,
        }
    }

    fn start(folder: &Path) -> Daemon {
        Daemon::start(&folder.join("topology.toml"), &folder.join("data"), &[])
    }

    /// Kills it with SIGKILL and starts it again.
    fn kill(&mut self) {
        self.daemon.signal("KILL");
        self.daemon.ended();
        self.daemon = Self::start(self.folder.path());
        self.kills += 1;
    }

    /// Feeds rows with the labels of a world.
    fn feed(&mut self, rows: usize, is_new: bool) {
        let range = self.fed..self.fed + rows;
        let lines = |value: &dyn Fn(usize) -> Value| -> String {
            let lines = range.clone().map(|nth| format!("{}\n", value(nth)));
            lines.collect()
        };
        for (topic, body) in [
            ("rows", lines(&row)),
            ("outcomes", lines(&|nth| label(nth, truth(nth, is_new)))),
        ] {
            let path = format!("/v1/topics/{}.{topic}/records", self.name);
            let answer = self.daemon.post(&path, body.as_bytes());
            assert_eq!(answer.status, 201, "{}", answer.text);
        }
        self.fed += rows;
    }

    /// Records of a topic so far, of all partitions.
    fn end(daemon: &Daemon, name: &str, topic: &str) -> u64 {
        let topic = daemon.get(&format!("/v1/topics/{name}.sea.{topic}")).json();
        let partitions = topic["partitions"].as_array().cloned().unwrap_or_default();
        let ends = partitions.iter().map(|partition| partition[1].as_u64());
        ends.map(Option::unwrap_or_default).sum()
    }

    /// Records of a topic of one partition so far. On Kafka its end counts the brokers' own records too.
    fn count(daemon: &Daemon, name: &str, topic: &str) -> u64 {
        let (mut count, mut from) = (0, 0);
        loop {
            let path = format!("/v1/topics/{name}.sea.{topic}/records?partition=0&from={from}");
            let page = daemon.get(&path).json();
            let records = page.as_array().map(Vec::as_slice).unwrap_or_default();
            let Some(last) = records.last() else {
                return count;
            };
            count += records.len() as u64;
            from = last["offset"].as_u64().unwrap_or_default() + 1;
        }
    }

    /// Feeds on until the story has `events` events, and each time that it goes on in between, kills.
    fn live(&mut self, events: u64) {
        let mut seen = 0;
        let name = &self.name.clone();
        while seen < events {
            assert!(self.fed < OLD + NEW, "the story stops after {seen} events");
            let (fed, before) = (self.fed as u64, seen);
            seen = self.daemon.wait("labels or an event", |daemon| {
                let told = Self::count(daemon, name, "events");
                let is_fed = Self::end(daemon, name, "labelled") >= fed;
                (told > before || is_fed).then_some(told)
            });
            if seen > before {
                self.kill();
            } else {
                self.feed(BLOCK, true);
            }
        }
    }

    /// Stops it; the story as its log has it, which `open` opens.
    fn stop(mut self, open: impl FnOnce(&Path) -> Arc<dyn Log>) -> Loop {
        let (fed, name) = (self.fed as u64, &self.name);
        self.daemon.wait("all labels", |daemon| {
            let end = Self::end(daemon, name, "labelled");
            (end >= fed && Self::count(daemon, name, "labelled") >= fed).then_some(())
        });
        self.daemon.signal("TERM");
        assert_eq!(self.daemon.ended(), 0);
        Loop {
            name: self.name,
            log: open(self.folder.path()),
            fed: self.fed,
            folder: self.folder,
        }
    }
}

/// Tells the story to its end with a kill at each event, and looks whether it is the same.
fn story(name: &str, log: &str, open: impl FnOnce(&Path) -> Arc<dyn Log>) {
    let mut killed = Killed::new(name, log);
    killed.feed(OLD, false);
    let old = OLD as u64;
    killed.daemon.wait("the old world", |daemon| {
        (Killed::end(daemon, name, "labelled") >= old).then_some(())
    });
    killed.live(TAKES_OVER.len() as u64);
    assert!(killed.kills >= 3, "only {} kills", killed.kills);
    let story = killed.stop(open);
    assert_eq!(story.names(), TAKES_OVER, "{:?}", story.events());
    let versions = story.check_answers();
    assert!(versions.contains_key(&2), "{versions:?}");
}

#[test]
fn killed_whenever_something_happens_the_story_goes_on_where_it_was() {
    story("sea", "", |folder| {
        let data = folder.join("data/log");
        Arc::new(EmbeddedLog::open(&data, EmbeddedOptions::default()).expect("the log"))
    });
}

#[test]
fn on_kafka_too() {
    let Some(brokers) = brokers() else { return };
    let name = format!("sea-{}", std::process::id());
    let brokers: Vec<&str> = brokers.split(',').collect();
    let log = format!("[log]\nkind = \"kafka\"\nbrokers = {brokers:?}\n");
    story(&name, &log, |folder| {
        let topology = inside::topology(&topology(&name, &folder.join("sea"), &log));
        let LogSettings::Kafka(settings) = topology.log else {
            unreachable!("the table says so");
        };
        let identity = NodeIdentity {
            id: "judge".to_owned(),
            static_membership: false,
        };
        Arc::new(KafkaLog::connect(&settings, identity).expect("a log"))
    });
}
