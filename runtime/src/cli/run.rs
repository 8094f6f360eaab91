//! `thalweg run`: the daemon.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use actors::nodes::faults::Faults;
use config::Topology;
use tokio::sync::oneshot;

use super::load::load_or_explain;
use super::{DataArguments, TopologyArguments, code, fail, warn};
use crate::access::DaemonFile;
use crate::control::Control;
use crate::daemon::{self, Daemon, DaemonError, open_log};
use crate::{api, live, telemetry};

/// What `run` takes.
#[derive(Debug, clap::Args)]
pub struct RunArguments {
    #[command(flatten)]
    topology: TopologyArguments,
    #[command(flatten)]
    data: DataArguments,
    /// Drains the inputs, commits, and ends
    #[arg(long)]
    until_caught_up: bool,
    /// Where the API listens (a loopback address), or `none`
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
    /// Name of this node in logs
    #[arg(long, default_value = "local")]
    node_id: String,
}

/// Runs a topology.
pub(super) fn run(arguments: &RunArguments) -> u8 {
    let topology = match load_or_explain(&arguments.topology) {
        Ok(topology) => topology,
        Err(code) => return code,
    };
    let listen = match listen(&arguments.listen) {
        Ok(listen) => listen,
        Err(reason) => {
            warn(&format!("error: --listen {}: {reason}", arguments.listen));
            return code::USAGE;
        }
    };
    telemetry::logs();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, code::UNAVAILABLE),
    };
    match runtime.block_on(serve(topology, arguments, listen)) {
        Ok(code) => code,
        Err(error) => fail(&error, code::UNAVAILABLE),
    }
}

fn listen(text: &str) -> Result<Option<SocketAddr>, String> {
    match text {
        "none" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| "not an address such as 127.0.0.1:8080".into()),
    }
}

async fn serve(
    topology: Topology,
    arguments: &RunArguments,
    listen: Option<SocketAddr>,
) -> Result<u8, DaemonError> {
    let data_dir = &arguments.data.data_dir;
    let log = open_log(&topology.log, data_dir)?;
    let metrics = telemetry::metrics();
    let context = daemon::context(topology, log, data_dir, Faults::default());
    let control = Control::new(Arc::clone(&context));
    let (stop_api, api_stopped) = oneshot::channel();
    let mut address = None;
    if let Some(listen) = listen {
        let listener = api::bind(listen)
            .await
            .map_err(|source| DaemonError::Listen {
                address: listen,
                source,
            })?;
        address = listener
            .local_addr()
            .ok()
            .map(|address| address.to_string());
        let serving = api::serve(listener, control.clone(), metrics.clone(), api_stopped);
        // The API is not part of the stream: if it ends, the stream goes on, and says so.
        tokio::task::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the API ended");
            }
        });
    }
    let _file = FileGuard::write(data_dir, address.clone());
    let running = Daemon::start(context).await?;
    let tree = Arc::clone(&running.tree);
    control.ready(Arc::new(move || tree.view()));
    tracing::info!(
        topology = %running.context.topology.name, node = arguments.node_id,
        listen = address.as_deref().unwrap_or("none"), "ready"
    );
    let shown = tokio::task::spawn(live::run(control.clone(), metrics));
    let result = until_stopped(&running, arguments.until_caught_up).await;
    shown.abort();
    control.draining();
    let code = match result {
        Err(error) => Err(error),
        Ok(()) => tokio::select! {
            stopped = running.stop() => {
                if let Err(error) = stopped {
                    tracing::warn!(%error, "not everything stopped in time");
                }
                Ok(code::OK)
            }
            () = signal() => Ok(code::TRY_AGAIN),
        },
    };
    // The API may be gone already.
    drop(stop_api.send(()));
    code
}

/// Waits until the daemon is to stop.
async fn until_stopped(running: &Daemon, until_caught_up: bool) -> Result<(), DaemonError> {
    tokio::select! {
        () = running.caught_up(), if until_caught_up => Ok(()),
        () = signal() => Ok(()),
        ended = running.ended() => Err(ended),
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// `daemon.json` while the daemon runs.
struct FileGuard(std::path::PathBuf);

impl FileGuard {
    fn write(data_dir: &Path, listen: Option<String>) -> Self {
        let path = data_dir.join("daemon.json");
        let file = DaemonFile {
            pid: std::process::id(),
            listen,
        };
        let written = serde_json::to_vec(&file)
            .map_err(std::io::Error::other)
            .and_then(|bytes| std::fs::write(&path, bytes));
        if let Err(error) = written {
            tracing::warn!(%error, path = %path.display(), "other commands will not find this daemon");
        }
        Self(path)
    }
}

impl Drop for FileGuard {
    fn drop(&mut self) {
        // Gone already, or the disk is: nothing depends on it.
        drop(std::fs::remove_file(&self.0));
    }
}
