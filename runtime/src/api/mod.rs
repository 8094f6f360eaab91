//! HTTP: what a running topology shows, and what may be asked of it. Every handler is one call of
//! [`Control`]; errors are `{"error": {"code", "message", "hint"}}`. docs/http.md tells all of it.

mod error;
mod handlers;
mod live;
mod origin;
mod page;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, map_response};
use axum::routing::{MethodRouter, get, post};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

use crate::control::Control;
use handlers as h;

/// Bodies larger than this are refused: a record has at most 16 MiB.
const BODY_BYTES_MAX: usize = 32 << 20;
/// Requests that may be at the log or the stores at once; more wait. Each may hold 16 MiB of records.
const AT_THE_LOG_MAX: usize = 8;

/// What the handlers share.
#[derive(Clone)]
struct Shared {
    control: Control,
    metrics: Option<Arc<PrometheusHandle>>,
    at_the_log: Arc<Semaphore>,
}

/// Binds the address that the API listens on.
///
/// # Errors
/// If it is in use or not of this machine.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves until `stop` resolves or is dropped.
///
/// # Errors
/// If the listener fails.
pub async fn serve(
    listener: TcpListener,
    control: Control,
    metrics: Option<Arc<PrometheusHandle>>,
    stop: oneshot::Receiver<()>,
) -> std::io::Result<()> {
    let stopped = async {
        // Dropped without a word is a stop too.
        drop(stop.await);
    };
    let shared = Shared {
        control,
        metrics,
        at_the_log: Arc::new(Semaphore::new(AT_THE_LOG_MAX)),
    };
    axum::serve(listener, router(shared))
        .with_graceful_shutdown(stopped)
        .await
}

/// Every path there is.
fn routes() -> Vec<(&'static str, MethodRouter<Shared>)> {
    vec![
        ("/health/live", get(h::live)),
        ("/health/ready", get(h::ready)),
        ("/metrics", get(h::metrics)),
        ("/v1/topology", get(h::topology)),
        ("/v1/tree", get(h::tree)),
        ("/v1/partitions", get(h::partitions)),
        ("/v1/partitions/{name}/retry", post(h::retry_partition)),
        ("/v1/nodes", get(h::nodes)),
        ("/v1/events", get(live::events)),
        ("/v1/sessions", get(h::sessions)),
        ("/v1/sessions/{operator}/{key}", get(h::session)),
        (
            "/v1/sessions/{operator}/{key}/{action}",
            post(h::end_quarantine),
        ),
        ("/v1/alerts", get(h::alerts)),
        ("/v1/models", get(h::models)),
        ("/v1/models/{model}/{action}", post(h::tell_model)),
        ("/v1/dead-letters", get(h::dead_letters)),
        ("/v1/dead-letters/replay", post(h::replay_letters)),
        ("/v1/dead-letters/drop", post(h::drop_letters)),
        ("/v1/topics", get(h::topics)),
        ("/v1/topics/{topic}", get(h::topic)),
        (
            "/v1/topics/{topic}/records",
            get(h::records).post(h::append),
        ),
        ("/", get(page::front)),
        ("/page.css", get(page::style)),
        ("/page.js", get(page::script)),
    ]
}

fn router(shared: Shared) -> Router {
    let router = routes()
        .into_iter()
        .fold(Router::new(), |router, (path, method)| {
            router.route(path, method)
        });
    router
        .fallback(h::no_path)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(map_response(error::in_error_form))
        .layer(from_fn(origin::same_origin))
        .with_state(shared)
}
