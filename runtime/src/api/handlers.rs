//! The handlers: one a path, each one call of [`Control`](crate::control::Control).

use actors::nodes::alerts::AlertsView;
use actors::nodes::host::Rank;
use actors::nodes::partition::SessionAction;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Json, Response};
use serde::Deserialize;
use serde_json::Value;

use super::Shared;
use super::error::ApiError;
use crate::control::{
    Control, ControlError, LetterChoice, ModelAction, ReadRequest, SESSIONS_MAX, SessionsBy, lines,
    topology_view,
};

pub(super) type Answer = Result<Response, ApiError>;

pub(super) async fn live() -> &'static str {
    "ok\n"
}

pub(super) async fn ready(State(shared): State<Shared>) -> Answer {
    match shared.control.is_ready() {
        true => Ok("ready\n".into_response()),
        false => Err(not_ready().into()),
    }
}

fn not_ready() -> ControlError {
    ControlError::NotYet("the topology".into())
}

pub(super) async fn metrics(State(shared): State<Shared>) -> Response {
    let text = shared.metrics.map(|handle| handle.render());
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (kind, text.unwrap_or_default()).into_response()
}

pub(super) async fn topology(State(shared): State<Shared>) -> Json<Value> {
    Json(topology_view(&shared.control.context().topology))
}

pub(super) async fn tree(State(shared): State<Shared>) -> Answer {
    let tree = shared.control.tree().ok_or_else(not_ready)?;
    Ok(Json(tree).into_response())
}

pub(super) async fn partitions(State(shared): State<Shared>) -> Answer {
    ask(shared, |control| Ok(control.partitions()?)).await
}

pub(super) async fn retry_partition(
    State(shared): State<Shared>,
    Path(name): Path<String>,
) -> Answer {
    ask(shared, move |control| control.retry_partition(&name)).await
}

pub(super) async fn nodes(State(shared): State<Shared>) -> Answer {
    ask(shared, |control| Ok(control.nodes()?)).await
}

pub(super) async fn alerts(State(shared): State<Shared>) -> Json<AlertsView> {
    Json(shared.control.context().alerts.view())
}

pub(super) async fn session(
    State(shared): State<Shared>,
    Path((operator, key)): Path<(String, String)>,
) -> Answer {
    ask(shared, move |control| control.session(&operator, &key)).await
}

/// Which sessions: the first by `rate`, `bytes` or (unless it says so) `failures`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SessionsRequest {
    by: Option<SessionsBy>,
    limit: Option<usize>,
}

pub(super) async fn sessions(
    State(shared): State<Shared>,
    Query(request): Query<SessionsRequest>,
) -> Answer {
    let limit = request.limit.unwrap_or(SESSIONS_MAX).min(SESSIONS_MAX);
    let rank = match request.by.unwrap_or_default() {
        SessionsBy::Rate => Rank::Rate,
        SessionsBy::Bytes => Rank::Bytes,
        SessionsBy::Failures => {
            let mut keys = shared.control.failing_keys();
            keys.truncate(limit);
            return Ok(Json(keys).into_response());
        }
    };
    Ok(Json(shared.control.top_sessions(rank, limit).await?).into_response())
}

/// `release`, `replay` or `skip`.
pub(super) async fn end_quarantine(
    State(shared): State<Shared>,
    Path((operator, key, action)): Path<(String, String, String)>,
) -> Answer {
    let actions = [
        SessionAction::Release,
        SessionAction::Replay,
        SessionAction::Skip,
    ];
    let found = actions.into_iter().find(|known| known.label() == action);
    let action = found.ok_or(ControlError::NotFound {
        what: "path",
        name: format!("/v1/sessions/{operator}/{key}/{action}"),
    })?;
    let call = move |control: &Control| control.end_quarantine(&operator, &key, action);
    ask(shared, call).await
}

pub(super) async fn replay_letters(State(shared): State<Shared>, body: Bytes) -> Answer {
    let choice = choice(&body)?;
    ask(shared, move |control| control.replay_letters(&choice)).await
}

pub(super) async fn drop_letters(State(shared): State<Shared>, body: Bytes) -> Answer {
    let choice = choice(&body)?;
    ask(shared, move |control| control.drop_letters(&choice)).await
}

/// Which letters a body says.
fn choice(body: &[u8]) -> Result<LetterChoice, ControlError> {
    let parsed = serde_json::from_slice(body);
    parsed.map_err(|error| ControlError::Invalid(format!("the body says no letters: {error}")))
}

pub(super) async fn models(State(shared): State<Shared>) -> Json<Value> {
    Json(shared.control.models())
}

/// `train`, `promote` or `rollback`.
pub(super) async fn tell_model(
    State(shared): State<Shared>,
    Path((model, action)): Path<(String, String)>,
) -> Answer {
    let found = ModelAction::ALL
        .into_iter()
        .find(|known| known.label() == action);
    let action = found.ok_or(ControlError::NotFound {
        what: "path",
        name: format!("/v1/models/{model}/{action}"),
    })?;
    let answer = ask(shared, move |control| control.tell_model(&model, action)).await?;
    Ok((StatusCode::ACCEPTED, answer).into_response())
}

pub(super) async fn dead_letters(
    State(shared): State<Shared>,
    Query(request): Query<ReadRequest>,
) -> Answer {
    ask(shared, move |control| control.dead_letters(&request)).await
}

pub(super) async fn topics(State(shared): State<Shared>) -> Answer {
    ask(shared, |control| control.topics()).await
}

pub(super) async fn topic(State(shared): State<Shared>, Path(topic): Path<String>) -> Answer {
    ask(shared, move |control| control.topic(&topic)).await
}

pub(super) async fn records(
    State(shared): State<Shared>,
    Path(topic): Path<String>,
    Query(request): Query<ReadRequest>,
) -> Answer {
    ask(shared, move |control| control.read(&topic, &request)).await
}

/// The body's lines are the values.
pub(super) async fn append(
    State(shared): State<Shared>,
    Path(topic): Path<String>,
    body: Bytes,
) -> Answer {
    let values = lines(&body);
    if values.is_empty() {
        return Err(ControlError::Invalid("the body holds no records: one a line".into()).into());
    }
    let answer = ask(shared, move |control| control.append(&topic, values)).await?;
    Ok((StatusCode::CREATED, answer).into_response())
}

pub(super) async fn no_path(uri: Uri) -> ApiError {
    let name = uri.path().to_owned();
    ControlError::NotFound { what: "path", name }.into()
}

/// Answers with what a call gives. It may block on the log, so it has a thread of its own.
async fn ask<T: serde::Serialize + Send + 'static>(
    shared: Shared,
    call: impl FnOnce(&Control) -> Result<T, ControlError> + Send + 'static,
) -> Answer {
    let Shared {
        control,
        at_the_log,
        ..
    } = shared;
    let failed = |error: &dyn std::error::Error| ControlError::Internal(error.to_string());
    let turn = at_the_log.acquire_owned().await.map_err(|e| failed(&e))?;
    let called = tokio::task::spawn_blocking(move || {
        let result = call(&control);
        drop(turn);
        result
    });
    Ok(Json(called.await.map_err(|e| failed(&e))??).into_response())
}
