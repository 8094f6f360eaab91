//! `thalweg run`: the daemon.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actors::nodes::faults::Faults;
use config::Topology;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::load::load_or_explain;
use super::signals::Signals;
use super::{DataArguments, TopologyArguments, code, fail};
use crate::control::Control;
use crate::daemon::{self, Daemon, DaemonError, DaemonFile, DirectoryLock, Ran, node_id, open_log};
use crate::telemetry::{self, Screen};
use crate::{allocator, api, live};

/// What `run` takes.
#[derive(Debug, clap::Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    topology: TopologyArguments,
    #[command(flatten)]
    data: DataArguments,
    /// Drains the inputs, commits, and ends
    #[arg(long)]
    until_caught_up: bool,
    /// Where the API listens (a loopback address; port 0 takes a free one), or `none`
    #[arg(long, default_value = "127.0.0.1:8080", value_parser = listen)]
    listen: Listen,
    /// This node among those that share the topology [default: a name kept in the data directory]
    #[arg(long)]
    node_id: Option<String>,
}

/// Where the API listens, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Listen(Option<SocketAddr>);

/// How long threads that are still at work may hold up the end of the process.
const THREADS_END_WITHIN: Duration = Duration::from_secs(1);

/// Runs a topology.
pub(super) fn run(arguments: &RunArguments) -> u8 {
    let topology = match load_or_explain(&arguments.topology) {
        Ok(topology) => topology,
        Err(code) => return code,
    };
    allocator::limit();
    let screen = Screen::stderr();
    telemetry::logs(&screen);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, None, code::UNAVAILABLE),
    };
    let served = runtime.block_on(serve(topology, arguments, &screen));
    runtime.shutdown_timeout(THREADS_END_WITHIN);
    served.unwrap_or_else(|error| {
        let code = match error {
            DaemonError::StateRedefined(_) => code::CONFIGURATION,
            _ => code::UNAVAILABLE,
        };
        fail(&error, error.hint(), code)
    })
}

fn listen(text: &str) -> Result<Listen, String> {
    if text == "none" {
        return Ok(Listen(None));
    }
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "not an address such as 127.0.0.1:8080, nor `none`".to_owned())?;
    match address.ip().is_loopback() {
        true => Ok(Listen(Some(address))),
        false => Err(
            "only loopback addresses: others need TLS and a token, which this version has not"
                .into(),
        ),
    }
}

/// From the first look at the port to the last commit.
async fn serve(
    topology: Topology,
    arguments: &RunArguments,
    screen: &Screen,
) -> Result<u8, DaemonError> {
    let data_dir = &arguments.data.data_dir;
    let unusable = |source| DaemonError::DataDir {
        path: data_dir.clone(),
        source,
    };
    let mut signals = Signals::catch().map_err(unusable)?;
    // What may be somebody else's is taken first: a port in use leaves no trace, a directory in use
    // is left as it is.
    let listener = bind(arguments.listen).await?;
    let address = listener.as_ref().and_then(|l| l.local_addr().ok());
    let address = address.map(|address| address.to_string());
    let _lock = DirectoryLock::take(data_dir)?;
    let node = node_id(arguments.node_id.as_deref(), data_dir).map_err(unusable)?;
    let log = open_log(&topology.log, data_dir, &node)?;
    daemon::prepare_state(&topology, data_dir)?;
    let _file = DaemonFile::write(data_dir, address.clone()).map_err(unusable)?;
    remember(&topology, data_dir)?;

    let metrics = telemetry::metrics();
    let context = daemon::context(topology, log, data_dir, &node, Faults::default());
    if let Some(address) = &address {
        context.heartbeats.set_listen(address.clone());
    }
    let control = Control::new(Arc::clone(&context));
    let (stop_api, api_stopped) = oneshot::channel();
    if let Some(listener) = listener {
        spawn_api(api::serve(
            listener,
            control.clone(),
            metrics.clone(),
            api_stopped,
        ));
    }
    let running = tokio::select! {
        started = Daemon::start(context) => started?,
        // Nothing was taken in yet that a drain could bring home.
        () = signals.next() => return Ok(code::OK),
    };
    let tree = Arc::clone(&running.tree);
    control.ready(Arc::new(move || tree.view()));
    tracing::info!(
        topology = %running.context.topology.name, node,
        listen = address.as_deref().unwrap_or("none"), "ready"
    );
    let shown = tokio::task::spawn(live::run(control.clone(), metrics, screen.clone()));
    let result = until_stopped(&running, arguments.until_caught_up, &mut signals).await;
    shown.abort();
    control.draining();
    let code = match result {
        Err(error @ DaemonError::Log(_)) => {
            // The actors are well: what they have done is committed, and others take over at once.
            drain(running, &mut signals).await;
            Err(error)
        }
        Err(error) => Err(error),
        Ok(()) => Ok(drain(running, &mut signals).await),
    };
    drop(stop_api);
    code
}

/// Leaves what runs in the data directory, unless its state would be taken for another's.
fn remember(topology: &Topology, data_dir: &Path) -> Result<(), DaemonError> {
    let (name, now) = (topology.name.as_str(), Ran::of(topology));
    let redefined = Ran::read(data_dir, name).map(|before| before.redefined(&now));
    if let Some(redefined) = redefined.filter(|redefined| !redefined.is_empty()) {
        return Err(DaemonError::StateRedefined(redefined));
    }
    now.write(data_dir, name)
        .map_err(|source| DaemonError::DataDir {
            path: data_dir.to_owned(),
            source,
        })
}

async fn bind(listen: Listen) -> Result<Option<TcpListener>, DaemonError> {
    let Listen(Some(address)) = listen else {
        return Ok(None);
    };
    let bound = api::bind(address).await;
    bound
        .map(Some)
        .map_err(|source| DaemonError::Listen { address, source })
}

/// The API is not part of the stream: if it ends, the stream goes on, and says so.
fn spawn_api(serving: impl Future<Output = std::io::Result<()>> + Send + 'static) {
    tokio::task::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the API ended");
        }
    });
}

/// Waits until the daemon is to stop.
async fn until_stopped(
    running: &Daemon,
    until_caught_up: bool,
    signals: &mut Signals,
) -> Result<(), DaemonError> {
    tokio::select! {
        () = running.caught_up(), if until_caught_up => Ok(()),
        () = signals.next() => {
            tracing::info!("draining; a second signal stops at once");
            Ok(())
        }
        ended = running.ended() => Err(ended),
    }
}

/// Commits what is there and stops; a second signal ends it at once.
async fn drain(running: Daemon, signals: &mut Signals) -> u8 {
    tokio::select! {
        stopped = running.stop() => {
            match stopped {
                Ok(()) => tracing::info!("stopped"),
                Err(error) => tracing::warn!(%error, "not everything stopped in time"),
            }
            code::OK
        }
        () = signals.next() => {
            tracing::warn!("stopped before the drain was done: what is uncommitted is done again at the next start");
            code::TRY_AGAIN
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_listens_on_loopback_or_not_at_all() {
        assert_eq!(listen("none"), Ok(Listen(None)));
        for good in ["127.0.0.1:0", "[::1]:8080"] {
            assert!(matches!(listen(good), Ok(Listen(Some(_)))), "{good}");
        }
        for bad in ["0.0.0.0:8080", "192.168.1.1:80", "localhost", "8080", ""] {
            assert!(listen(bad).is_err(), "{bad}");
        }
    }
}
