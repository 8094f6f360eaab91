//! The brokers from outside: topics made, brokers killed and revived.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

/// The script that started the brokers, with its state.
#[derive(Debug, Clone)]
pub struct Brokers {
    script: PathBuf,
    dir: PathBuf,
    host: Option<String>,
}

impl Brokers {
    /// Starts so many brokers with their state in `dir`, on loopback or another address of this
    /// machine; gives the bootstrap list too.
    ///
    /// # Errors
    /// What the script says.
    pub fn start(
        dir: PathBuf,
        count: usize,
        host: Option<String>,
    ) -> Result<(Self, String), String> {
        let script = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/kafka/broker"));
        let brokers = Self { script, dir, host };
        let told = brokers.call(&["start", &count.to_string()])?;
        let bootstrap = told.lines().last().unwrap_or_default().to_owned();
        Ok((brokers, bootstrap))
    }

    pub(super) fn kill(&self, broker: usize) -> Result<(), String> {
        self.call(&["kill", &broker.to_string()]).map(drop)
    }

    pub(super) fn revive(&self, broker: usize) -> Result<(), String> {
        self.call(&["revive", &broker.to_string()]).map(drop)
    }

    /// Makes it stand still, as a machine that swaps does.
    pub(super) fn pause(&self, broker: usize) -> Result<(), String> {
        self.call(&["pause", &broker.to_string()]).map(drop)
    }

    pub(super) fn resume(&self, broker: usize) -> Result<(), String> {
        self.call(&["resume", &broker.to_string()]).map(drop)
    }

    /// Stops all of them.
    ///
    /// # Errors
    /// What the script says.
    pub fn stop(&self) -> Result<(), String> {
        self.call(&["stop"]).map(drop)
    }

    fn call(&self, arguments: &[&str]) -> Result<String, String> {
        // The brokers outlive the script: its output goes to a file, which they may keep open.
        let told = self.dir.with_extension("out");
        let file = std::fs::File::create(&told).map_err(|e| e.to_string())?;
        let status = Command::new(&self.script)
            .args(arguments)
            .env("THALWEG_BROKER_DIR", &self.dir)
            .envs(self.host.iter().map(|host| ("THALWEG_BROKER_HOST", host)))
            .stdin(Stdio::null())
            .stdout(file)
            .status()
            .map_err(|e| format!("{}: {e}", self.script.display()))?;
        if !status.success() {
            return Err(format!("broker {arguments:?} ended with {status}"));
        }
        std::fs::read_to_string(&told).map_err(|e| e.to_string())
    }
}

/// A client of the brokers.
pub(super) fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    config
}

/// Creates a topic with the cluster's replication.
pub(super) fn create_topic(bootstrap: &str, topic: &str, partitions: i32) -> Result<(), String> {
    let admin: AdminClient<DefaultClientContext> =
        client(bootstrap).create().map_err(|e| e.to_string())?;
    let replication = i32::try_from(bootstrap.split(',').count().min(3)).unwrap_or(1);
    let topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(replication));
    let topic = topic.set("min.insync.replicas", "1");
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| e.to_string())?;
    let made = runtime.block_on(admin.create_topics([&topic], &options));
    for outcome in made.map_err(|e| e.to_string())? {
        outcome.map_err(|(name, code)| format!("topic {name}: {code}"))?;
    }
    Ok(())
}
