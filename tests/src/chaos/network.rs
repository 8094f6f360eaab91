//! A network of its own for each daemon, so that one can be cut off: namespaces on a bridge, whose
//! address the brokers listen on. Needs root, `ip` (iproute2), and a kernel with veth and bridges.

use std::process::Command;

/// The bridge and what hangs on it. Taken down when dropped.
#[derive(Debug)]
pub struct Network {
    /// Of this process: names of interfaces are short, and shared by the machine.
    id: u32,
    nodes: usize,
}

impl Network {
    /// A network for so many daemons.
    ///
    /// # Errors
    /// What the machine does not permit.
    pub fn new(nodes: usize) -> Result<Self, String> {
        let network = Self {
            id: std::process::id() % 10_000,
            nodes,
        };
        network.bridge()?;
        for node in 0..nodes {
            network.attach(node)?;
        }
        Ok(network)
    }

    /// Where brokers must listen to be reached from it.
    #[must_use]
    pub fn host(&self) -> String {
        format!("10.213.{}.1", self.id % 250)
    }

    /// A command that runs a program as a daemon's: its process is the program's.
    pub(super) fn command(&self, node: usize) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(node)]);
        command
    }

    /// Packets from and to a daemon are lost from now on; nobody is told.
    pub(super) fn cut(&self, node: usize) -> Result<(), String> {
        ip(&format!("link set {} nomaster", self.outer(node)))
    }

    /// They arrive again.
    pub(super) fn heal(&self, node: usize) -> Result<(), String> {
        ip(&format!(
            "link set {} master {}",
            self.outer(node),
            self.name()
        ))
    }

    fn bridge(&self) -> Result<(), String> {
        let (name, host) = (self.name(), self.host());
        ip(&format!("link add {name} type bridge"))?;
        ip(&format!("addr add {host}/24 dev {name}"))?;
        ip(&format!("link set {name} up"))
    }

    fn attach(&self, node: usize) -> Result<(), String> {
        let (space, outer, inner) = (self.namespace(node), self.outer(node), self.inner(node));
        let address = format!("10.213.{}.{}/24", self.id % 250, node + 10);
        ip(&format!("netns add {space}"))?;
        ip(&format!("link add {outer} type veth peer name {inner}"))?;
        ip(&format!("link set {inner} netns {space}"))?;
        ip(&format!("link set {outer} up"))?;
        self.heal(node)?;
        ip(&format!("-n {space} addr add {address} dev {inner}"))?;
        ip(&format!("-n {space} link set {inner} up"))?;
        // The daemon's API is there.
        ip(&format!("-n {space} link set lo up"))
    }

    fn name(&self) -> String {
        format!("twb{}", self.id)
    }

    fn namespace(&self, node: usize) -> String {
        format!("thalweg-{}-{node}", self.id)
    }

    fn outer(&self, node: usize) -> String {
        format!("two{}n{node}", self.id)
    }

    fn inner(&self, node: usize) -> String {
        format!("twi{}n{node}", self.id)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // What is not there need not be taken down.
        for node in 0..self.nodes {
            drop(ip(&format!("link del {}", self.outer(node))));
            drop(ip(&format!("netns del {}", self.namespace(node))));
        }
        drop(ip(&format!("link del {}", self.name())));
    }
}

fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    let output = output.map_err(|error| format!("ip: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let told = String::from_utf8_lossy(&output.stderr);
            Err(format!("ip {arguments}: {}", told.trim()))
        }
    }
}
