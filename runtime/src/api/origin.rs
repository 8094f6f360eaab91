//! Who may ask from within a browser: the page that this daemon serves, and no page from elsewhere.
//!
//! Whoever reaches the API may do all of it; it listens on loopback for that reason. A browser on the same machine reaches it
//! too, and would carry there what any page it shows wants done. It names that page's origin in each such request.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::ForeignOrigin;

/// Refuses what a page of another origin asks. Clients that are no browsers name no origin.
pub(super) async fn same_origin(request: Request, next: Next) -> Response {
    let text = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let own = text(HOST);
    let is_own = match request.headers().get(ORIGIN) {
        None => true,
        Some(_) => text(ORIGIN)
            .and_then(|origin| origin.split_once("://"))
            .is_some_and(|(_, asking)| Some(asking) == own),
    };
    match is_own {
        true => next.run(request).await,
        false => ForeignOrigin.into_response(),
    }
}
