//! The page at `/` for people with a browser: HTML, style and script are part of the binary. What it shows and
//! does are the calls that docs/http.md lists; it loads nothing from elsewhere, and the policy it is sent with
//! forbids it to.

use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Json, Response};

const HTML: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
/// One script of several files; they share one scope, and the last starts it.
const SCRIPT: &str = concat!(
    include_str!("page/base.js"),
    include_str!("page/live.js"),
    include_str!("page/layout.js"),
    include_str!("page/topology.js"),
    include_str!("page/tree.js"),
    include_str!("page/partitions.js"),
    include_str!("page/sessions.js"),
    include_str!("page/chart.js"),
    include_str!("page/models.js"),
    include_str!("page/metrics.js"),
    include_str!("page/story.js"),
    include_str!("page/alerts.js"),
    include_str!("page/events.js"),
    include_str!("page/letters.js"),
    include_str!("page/app.js"),
);

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page for who accepts HTML; else the paths there are, for who knocks without knowing any.
pub(super) async fn front(headers: HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    if accepted.is_some_and(|kinds| kinds.contains("text/html")) {
        return file("text/html; charset=utf-8", HTML);
    }
    let paths: Vec<&str> = super::routes().into_iter().map(|(path, _)| path).collect();
    ([(VARY, "accept")], Json(paths)).into_response()
}

pub(super) async fn style() -> Response {
    file("text/css; charset=utf-8", STYLE)
}

pub(super) async fn script() -> Response {
    file("text/javascript; charset=utf-8", SCRIPT)
}

/// Asked for anew each time: a daemon of another version may have the same address.
fn file(kind: &'static str, text: &'static str) -> Response {
    let headers: [(HeaderName, &str); 6] = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
        (VARY, "accept"),
    ];
    (headers, text).into_response()
}
