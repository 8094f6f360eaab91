//! Errors as the API gives them.

use actors::log::LogError;
use axum::body::to_bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde_json::json;

use crate::control::ControlError;

/// An error on its way out.
pub(super) struct ApiError(ControlError);

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        Self(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = match &self.0 {
            ControlError::NotFound { .. }
            | ControlError::Log(LogError::NoTopic(_) | LogError::NoPartition(_)) => {
                (StatusCode::NOT_FOUND, "not-found")
            }
            ControlError::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid"),
            ControlError::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            ControlError::NotYet(_) => (StatusCode::SERVICE_UNAVAILABLE, "not-ready"),
            ControlError::Log(LogError::TooLarge { .. }) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too-large")
            }
            ControlError::Log(_) => (StatusCode::SERVICE_UNAVAILABLE, "log"),
            ControlError::State(_) | ControlError::Internal(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal")
            }
        };
        form(status, code, &text(&self.0), self.0.hint())
    }
}

/// A page of another origin asks.
pub(super) struct ForeignOrigin;

impl IntoResponse for ForeignOrigin {
    fn into_response(self) -> Response {
        let hint = "the page at / of this daemon may ask, and whoever is no browser";
        let message = "a page of another origin may not ask";
        form(StatusCode::FORBIDDEN, "foreign-origin", message, Some(hint))
    }
}

/// An error with its causes.
fn text(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", text(cause)),
        None => error.to_string(),
    }
}

fn form(status: StatusCode, code: &str, message: &str, hint: Option<&str>) -> Response {
    let body = json!({ "error": { "code": code, "message": message, "hint": hint } });
    (status, Json(body)).into_response()
}

/// Refusals that come from the framework (no such method, a parameter that cannot be read, a body
/// too large) get the error form too; their headers stay.
pub(super) async fn in_error_form(response: Response) -> Response {
    let status = response.status();
    let json = |value: &axum::http::HeaderValue| value.as_bytes().starts_with(b"application/json");
    let headers = response.headers();
    if status.as_u16() < 400 || headers.get(header::CONTENT_TYPE).is_some_and(json) {
        return response;
    }
    let (code, message, hint) = match status {
        StatusCode::METHOD_NOT_ALLOWED => (
            "method-not-allowed",
            "this path does not take this method",
            Some("the header `allow` names those it takes"),
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            "too-large",
            "the body is larger than 32 MiB",
            Some("send its records in several requests"),
        ),
        _ => ("invalid", "", Some("docs/http.md names the parameters")),
    };
    let (mut parts, body) = response.into_parts();
    // What axum says is short; more than this is not its own.
    let said = to_bytes(body, 64 << 10).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let message = if message.is_empty() {
        said.trim()
    } else {
        message
    };
    let mut response = form(status, code, message, hint);
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        parts.headers.remove(name);
    }
    response.headers_mut().extend(parts.headers);
    response
}
