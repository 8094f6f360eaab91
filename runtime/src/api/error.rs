//! Errors as the API gives them.

use axum::http::StatusCode;
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
        let (status, code, hint) = match &self.0 {
            ControlError::NotFound { .. } => (
                StatusCode::NOT_FOUND,
                "not-found",
                Some("GET /v1/topics and /v1/topology list what there is"),
            ),
            ControlError::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid", None),
            ControlError::Log(_) => (StatusCode::SERVICE_UNAVAILABLE, "log", Some("try again")),
        };
        let body =
            json!({ "error": { "code": code, "message": self.0.to_string(), "hint": hint } });
        (status, Json(body)).into_response()
    }
}
