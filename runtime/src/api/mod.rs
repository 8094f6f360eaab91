//! HTTP: what a running topology shows, and what may be asked of it. Every handler is one call of
//! [`Control`]; errors are `{"error": {"code", "message", "hint"}}`.

mod error;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::control::{Control, ControlError, ReadRequest, topic_view, topology_view};
use error::ApiError;

/// Bodies larger than this are refused: a record has at most 16 MiB.
const BODY_MAX: usize = 32 << 20;

/// What the handlers share.
#[derive(Clone)]
struct Shared {
    control: Control,
    metrics: Option<Arc<PrometheusHandle>>,
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
    axum::serve(listener, router(Shared { control, metrics }))
        .with_graceful_shutdown(stopped)
        .await
}

/// Binds the address that the API listens on.
///
/// # Errors
/// If it is in use, or not loopback: anything else needs TLS and a token, which this version has not.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        let reason =
            "only loopback addresses: others need TLS and a token, which this version has not";
        return Err(std::io::Error::new(std::io::ErrorKind::Unsupported, reason));
    }
    TcpListener::bind(address).await
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/health/live", get(|| async { "ok\n" }))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/v1/topology", get(topology))
        .route("/v1/tree", get(tree))
        .route("/v1/partitions", get(partitions))
        .route("/v1/models", get(models))
        .route("/v1/dead-letters", get(dead_letters))
        .route("/v1/topics", get(topics))
        .route("/v1/topics/{topic}", get(topic))
        .route("/v1/topics/{topic}/records", get(records).post(append))
        .fallback(|| async {
            ApiError::from(ControlError::NotFound {
                what: "path",
                name: "as asked".into(),
            })
        })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(shared)
}

async fn ready(State(shared): State<Shared>) -> Response {
    match shared.control.is_ready() {
        true => "ready\n".into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response(),
    }
}

async fn metrics(State(shared): State<Shared>) -> Response {
    match &shared.metrics {
        Some(handle) => {
            let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
            (kind, handle.render()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn topology(State(shared): State<Shared>) -> Json<Value> {
    Json(topology_view(&shared.control.context().topology))
}

async fn tree(State(shared): State<Shared>) -> Response {
    match shared.control.tree() {
        Some(tree) => Json(tree).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "not started\n").into_response(),
    }
}

async fn partitions(State(shared): State<Shared>) -> Result<Response, ApiError> {
    let partitions = blocking(move || shared.control.partitions().map_err(Into::into)).await?;
    Ok(Json(partitions).into_response())
}

async fn models(State(shared): State<Shared>) -> Json<Value> {
    let context = shared.control.context();
    let model = |(model, settings): (_, &config::ModelSettings)| {
        let handle: &actors::nodes::inference::InferenceHandle = model;
        json!({
            "id": settings.id.as_str(),
            "path": settings.path.display().to_string(),
            "version": handle.version(),
        })
    };
    let models: Vec<Value> = context
        .models
        .iter()
        .zip(&context.topology.models)
        .map(model)
        .collect();
    Json(Value::Array(models))
}

async fn dead_letters(
    State(shared): State<Shared>,
    Query(request): Query<ReadRequest>,
) -> Result<Response, ApiError> {
    let topic = shared.control.context().topology.dead_letter.to_string();
    let records = blocking(move || shared.control.read(&topic, &request)).await?;
    Ok(Json(records).into_response())
}

async fn topics(State(shared): State<Shared>) -> Result<Response, ApiError> {
    let topics = blocking(move || Ok(shared.control.context().log.topics()?)).await?;
    Ok(Json(topics.iter().map(topic_view).collect::<Vec<_>>()).into_response())
}

async fn topic(
    State(shared): State<Shared>,
    Path(topic): Path<String>,
) -> Result<Response, ApiError> {
    let missing = || ControlError::NotFound {
        what: "topic",
        name: topic.clone(),
    };
    let name = config::TopicName::parse(&topic).map_err(|_| missing())?;
    let info = blocking(move || Ok(shared.control.context().log.topic(&name)?)).await?;
    Ok(Json(topic_view(&info.ok_or_else(missing)?)).into_response())
}

async fn records(
    State(shared): State<Shared>,
    Path(topic): Path<String>,
    Query(request): Query<ReadRequest>,
) -> Result<Response, ApiError> {
    let records = blocking(move || shared.control.read(&topic, &request)).await?;
    Ok(Json(records).into_response())
}

/// The body's lines are the values.
async fn append(
    State(shared): State<Shared>,
    Path(topic): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let values = lines(&body);
    if values.is_empty() {
        return Err(ControlError::Invalid("the body holds no records: one a line".into()).into());
    }
    let appended = blocking(move || shared.control.append(&topic, values)).await?;
    Ok((StatusCode::CREATED, Json(appended)).into_response())
}

fn lines(body: &Bytes) -> Vec<Bytes> {
    let lines = body
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines
        .filter(|line| !line.is_empty())
        .map(|line| body.slice_ref(line))
        .collect()
}

/// The log's calls block: they have threads of their own.
async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, ControlError> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(call).await {
        Ok(result) => result.map_err(Into::into),
        Err(error) => Err(ControlError::Invalid(format!("the request failed: {error}")).into()),
    }
}
