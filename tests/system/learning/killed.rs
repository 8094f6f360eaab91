//! The loop as a process that is killed whenever something happens in it.

use std::path::Path;
use std::sync::Arc;

use actors::log::embedded::{EmbeddedLog, EmbeddedOptions};
use serde_json::Value;
use tests::daemon::Daemon;

use super::{BLOCK, Loop, NEW, OLD, TAKES_OVER, first_version, label, row, topology, truth};

/// The loop as a process that is killed, fed over HTTP.
struct Killed {
    folder: tempfile::TempDir,
    daemon: Daemon,
    fed: usize,
    kills: usize,
}

impl Killed {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        first_version(&folder.path().join("sea"));
        let text = topology(&folder.path().join("sea"));
        std::fs::write(folder.path().join("topology.toml"), text).expect("a file");
        std::fs::create_dir(folder.path().join("data")).expect("a folder");
        let daemon = Self::start(folder.path());
        Self {
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
            let path = format!("/v1/topics/{topic}/records");
            let answer = self.daemon.post(&path, body.as_bytes());
            assert_eq!(answer.status, 201, "{}", answer.text);
        }
        self.fed += rows;
    }

    /// Records of a topic so far, of all partitions.
    fn end(daemon: &Daemon, topic: &str) -> u64 {
        let topic = daemon.get(&format!("/v1/topics/{topic}")).json();
        let partitions = topic["partitions"].as_array().cloned().unwrap_or_default();
        let ends = partitions.iter().map(|partition| partition[1].as_u64());
        ends.map(Option::unwrap_or_default).sum()
    }

    /// Feeds on until the story has `events` events, and each time that it goes on in between, kills.
    fn live(&mut self, events: u64) {
        let mut seen = 0;
        while seen < events {
            assert!(self.fed < OLD + NEW, "the story stops after {seen} events");
            let (fed, before) = (self.fed as u64, seen);
            seen = self.daemon.wait("labels or an event", |daemon| {
                let told = Self::end(daemon, "sea.sea.events");
                let is_fed = Self::end(daemon, "sea.sea.labelled") >= fed;
                (told > before || is_fed).then_some(told)
            });
            if seen > before {
                self.kill();
            } else {
                self.feed(BLOCK, true);
            }
        }
    }

    /// Stops it; the story as its log has it.
    fn stop(mut self) -> Loop {
        let fed = self.fed as u64;
        self.daemon.wait("all labels", |daemon| {
            (Self::end(daemon, "sea.sea.labelled") >= fed).then_some(())
        });
        self.daemon.signal("TERM");
        assert_eq!(self.daemon.ended(), 0);
        let data = self.folder.path().join("data/log");
        let log = EmbeddedLog::open(&data, EmbeddedOptions::default()).expect("the log");
        Loop {
            log: Arc::new(log),
            fed: self.fed,
            folder: self.folder,
        }
    }
}

#[test]
fn killed_whenever_something_happens_the_story_goes_on_where_it_was() {
    let mut killed = Killed::new();
    killed.feed(OLD, false);
    let old = OLD as u64;
    killed.daemon.wait("the old world", |daemon| {
        (Killed::end(daemon, "sea.sea.labelled") >= old).then_some(())
    });
    killed.live(TAKES_OVER.len() as u64);
    assert!(killed.kills >= 4, "only {} kills", killed.kills);
    let story = killed.stop();
    assert_eq!(story.names(), TAKES_OVER, "{:?}", story.events());
    let versions = story.check_answers();
    assert!(versions.contains_key(&2), "{versions:?}");
}
