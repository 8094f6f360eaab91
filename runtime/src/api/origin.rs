//! Who may ask from within a browser: the page that this daemon serves, and no page from elsewhere.
//!
//! Whoever reaches the API may do all of it; it listens on loopback for that reason. A browser on the same machine reaches it
//! too, and would carry there what any page it shows wants done. It names that page's origin in each such request.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::ForeignOrigin;

/// Refuses what a page of another origin asks. Clients that are no browsers name no origin.
pub(super) async fn same_origin(request: Request, next: Next) -> Response {
    match is_own(request.headers()) {
        true => next.run(request).await,
        false => ForeignOrigin.into_response(),
    }
}

fn is_own(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let asking = origin.to_str().ok().and_then(|text| text.split_once("://"));
    let own = headers.get(HOST).and_then(|host| host.to_str().ok());
    asking.is_some_and(|(_, asking)| Some(asking) == own)
}
