//! The page at `/`: part of the binary, small, shut in by its policy, and doing only what the API's docs list.

mod browser;

use std::collections::BTreeSet;

use tests::daemon::Daemon;
use ureq::http::Response;

use crate::http::till;

/// Bytes of page, style and script together, at most.
const BYTES_MAX: usize = 100_000;
const FILES: [(&str, &str); 3] = [
    ("/", "text/html; charset=utf-8"),
    ("/page.css", "text/css; charset=utf-8"),
    ("/page.js", "text/javascript; charset=utf-8"),
];

/// Asks as a browser does.
fn browse(daemon: &Daemon, path: &str) -> Response<ureq::Body> {
    let asked = ureq::get(format!("http://{}{path}", daemon.address()));
    let asked = asked.header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    asked.call().expect("an answer")
}

fn text(daemon: &Daemon, path: &str) -> String {
    let body = browse(daemon, path).into_body().read_to_string();
    body.expect("text")
}

#[test]
fn a_browser_gets_the_page_and_other_clients_the_paths() {
    let dir = tempfile::tempdir().expect("a folder");
    let daemon = Daemon::start(&till(), &dir.path().join("data"), &[]);
    let mut bytes = 0;
    for (path, kind) in FILES {
        let answer = browse(&daemon, path);
        let header = |name| {
            answer
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        assert_eq!(header("content-type"), Some(kind));
        assert_eq!(header("x-content-type-options"), Some("nosniff"));
        let policy = header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
        assert!(
            !policy.contains("unsafe") && !policy.contains("http"),
            "{policy}"
        );
        let body = text(&daemon, path);
        // A name space is no address: nothing is loaded from it.
        let foreign = body.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !foreign.contains("http:") && !foreign.contains("https:"),
            "{path}"
        );
        bytes += body.len();
    }
    assert!(bytes < BYTES_MAX, "{bytes} bytes");
    let html = text(&daemon, "/");
    assert!(!html.contains("<style") && !html.contains("style=") && !html.contains("<script>"));
    assert!(
        daemon.get("/").json().as_array().is_some(),
        "who asks for no HTML gets the paths"
    );
}

#[test]
fn a_page_from_elsewhere_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let daemon = Daemon::start(&till(), &dir.path().join("data"), &[]);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let url = format!("http://{}/v1/topics/payments/records", daemon.address());
    let post = |origin: &str| {
        let asked = agent.post(&url).header("origin", origin);
        let answer = asked.send("{\"card\": \"c\", \"ts\": 1, \"amount\": 1.0}");
        answer.expect("an answer").status().as_u16()
    };
    assert_eq!(post("https://elsewhere.example"), 403);
    assert_eq!(post("null"), 403);
    assert_eq!(
        daemon.get("/v1/topics/payments/records").json(),
        serde_json::json!([])
    );
    assert_eq!(post(&format!("http://{}", daemon.address())), 201);
}

/// `/v1/…` in a text, with `{}` for whatever stands in braces, without what follows a `?`.
fn paths(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (start, _) in text.match_indices("/v1/") {
        let ends = ['`', '"', '\'', '?', '\n', ' ', ')', '<', ','];
        let (mut depth, mut path) = (0, String::new());
        for letter in text
            .chars()
            .skip(text.get(..start).expect("whole").chars().count())
        {
            match letter {
                '{' => depth += 1,
                '}' => {
                    depth -= 1;
                    path.push_str("{}");
                }
                _ if depth > 0 => {}
                _ if ends.contains(&letter) => break,
                '$' => {}
                _ => path.push(letter),
            }
        }
        found.insert(path);
    }
    found
}

#[test]
fn every_path_that_the_script_calls_is_in_the_docs() {
    let dir = tempfile::tempdir().expect("a folder");
    let daemon = Daemon::start(&till(), &dir.path().join("data"), &[]);
    let called = paths(&text(&daemon, "/page.js"));
    assert!(
        called.contains("/v1/sessions/{}/{}/{}") && called.len() > 8,
        "{called:?}"
    );
    let listed = paths(include_str!("../../docs/http.md"));
    let missing: Vec<_> = called.difference(&listed).collect();
    assert!(missing.is_empty(), "not in docs/http.md: {missing:?}");
}
