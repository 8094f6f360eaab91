//! The page in a browser, over a topology that runs in the test's own process: one of its keys is in quarantine,
//! and the key is markup that would call `alert`.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use actors::log::memory::MemoryLog;
use actors::log::{Log, LogRecord};
use actors::nodes::faults::Faults;
use actors::nodes::topics::topics;
use bytes::Bytes;
use serde_json::{Value, json};
use tests::browser::{Browser, ENTER, TAB};
use tests::daemon::Daemon;
use tests::inside::{self, Running};
use tokio::sync::oneshot;

use crate::http::till;

const TOPOLOGY: &str = r#"
version = 1
name = "held"
epoch = { interval = "20ms" }

[[source]]
id = "readings"
topic = "readings"
key = "series"
partitions = 1
[source.schema]
series = "string"
nth = "int64"

[[operator]]
id = "history"
kind = "rolling"
input = "readings"
[operator.columns]
n = { fn = "count", over = "all" }

[[sink]]
id = "out"
input = "history"
topic = "out"
key = "series"
"#;

/// Were it ever read as markup, it would say so.
const KEY: &str = "<img src=x onerror=\"document.title='broken in'\">";

/// A topology that runs, its API, and a browser that looks at it.
struct Shown {
    log: Arc<dyn Log>,
    running: Running,
    stop_api: oneshot::Sender<()>,
    browser: Browser,
    address: String,
}

impl Shown {
    async fn start(browser: Browser, data: &Path) -> Self {
        let topology = inside::topology(TOPOLOGY);
        let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
        for (_, spec) in topics(&topology) {
            log.ensure_topic(&spec).expect("created");
        }
        let faults = Faults::poison("session", *b"poison");
        let running = Running::start(topology, Arc::clone(&log), data, faults).await;
        let tree = Arc::clone(&running.daemon.tree);
        running.control.ready(Arc::new(move || tree.view()));
        let listener = runtime::api::bind(([127, 0, 0, 1], 0).into()).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let (stop_api, stopped) = oneshot::channel();
        let api = runtime::api::serve(listener, running.control.clone(), None, stopped);
        drop(tokio::spawn(api));
        Self {
            log,
            running,
            stop_api,
            browser,
            address,
        }
    }

    fn feed(&self, values: &[Value]) {
        let record = |value: &Value| {
            let key = value["series"]
                .as_str()
                .map(|key| Bytes::from(key.to_owned()));
            LogRecord::new(key, Some(value.to_string().into()), 1)
        };
        inside::append(&*self.log, "readings", values.iter().map(record).collect());
    }

    fn go(&self, view: &str) {
        self.browser.go(&format!("http://{}/{view}", self.address));
    }

    async fn stop(self) {
        drop(self.browser);
        drop(self.stop_api);
        self.running.stop().await;
    }
}

/// Runs a scenario with a browser, where there is one.
fn with_browser(scenario: impl AsyncFn(&Shown)) {
    let Some(browser) = Browser::open() else {
        return;
    };
    let dir = tempfile::tempdir().expect("a folder");
    inside::block_on(async {
        let shown = Shown::start(browser, dir.path()).await;
        scenario(&shown).await;
        shown.stop().await;
    });
}

fn reading(series: &str, nth: i64, what: &str) -> Value {
    json!({ "series": series, "nth": nth, "what": what })
}

/// Brings the key into quarantine, with two of its records held, and two letters that do not decode.
async fn trouble(shown: &Shown) {
    let poison = (0..3).map(|nth| reading(KEY, nth, "poison"));
    let held = (3..5).map(|nth| reading(KEY, nth, ""));
    let undecodable = (0..2).map(|_| json!({ "series": "dead", "nth": KEY }));
    let all: Vec<Value> = poison.chain(held).chain(undecodable).collect();
    shown.feed(&all);
    let held = || (inside::records(&*shown.log, "held.dead-letters")[0].len() == 7).then_some(());
    shown.running.until("seven dead letters", held).await;
}

#[test]
fn every_view_shows_what_runs_without_an_error_and_fits_a_telephone() {
    with_browser(async |shown| {
        trouble(shown).await;
        let browser = &shown.browser;
        browser.size(400, 800);
        for (view, text) in [
            ("#/topology", "history"),
            ("#/topology/readings", "Last records"),
            ("#/tree", "committer"),
            ("#/partitions", "readings-0"),
            ("#/sessions", "quarantined"),
            ("#/models", "This topology has no model."),
            ("#/events", "is set aside"),
            ("#/dead-letters", "wrong-type"),
        ] {
            shown.go(view);
            browser.shows(text);
            browser.until("document.querySelector('#state').innerText.includes('live')");
            let beyond = "document.documentElement.scrollWidth > innerWidth";
            let is_wider = browser.run(&format!("return {beyond}"));
            assert_eq!(is_wider, false, "{view} is wider than its screen");
        }
        assert_eq!(
            browser.run("return document.querySelectorAll('img').length"),
            0
        );
        assert_ne!(browser.run("return document.title"), "broken in");
        assert_eq!(browser.errors(), Vec::<String>::new());
    });
}

#[test]
fn a_key_in_quarantine_is_found_and_replayed_and_dead_letters_go_back() {
    with_browser(async |shown| {
        trouble(shown).await;
        let browser = &shown.browser;
        shown.go("#/sessions");
        browser.shows("quarantined");
        browser.click(".sessions td a");
        browser.shows("2 records held");
        browser.click("[data-do=replay]");
        browser.shows("goes on; 2 records ran again");
        let replayed = || (inside::records(&*shown.log, "out")[0].len() == 2).then_some(());
        shown.running.until("the held records", replayed).await;

        shown.go("#/dead-letters");
        browser.shows("wrong-type");
        browser.click(".letters summary");
        browser.until("document.querySelector('.letters details[open] textarea')");
        let _ = browser.run("document.querySelector('.letters details[open] textarea').value = '{\"series\": \"dead\", \"nth\": 7}'");
        browser.click(".letters details[open] button[type=submit]");
        browser.shows("1 letter put back");
        let repaired = || (inside::records(&*shown.log, "out")[0].len() == 3).then_some(());
        shown.running.until("the repaired record", repaired).await;
        assert_eq!(browser.errors(), Vec::<String>::new());
    });
}

#[test]
fn a_daemon_that_is_gone_is_said_to_be_so_and_found_again() {
    let Some(browser) = Browser::open() else {
        return;
    };
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    let daemon = Daemon::start(&till(), &data, &[]);
    let address = daemon.address().to_owned();
    browser.go(&format!("http://{address}/#/partitions"));
    browser.shows("payments-0");
    // Killed, with no word of farewell.
    drop(daemon);
    browser.shows("The daemon does not answer.");
    browser.shows("payments-0");
    let mut again = tests::daemon::thalweg();
    again.arg("run").arg(till()).arg("--data-dir").arg(&data);
    let again = again.args(["--listen", &address]).stderr(Stdio::null());
    let mut again = again.spawn().expect("it starts");
    browser.until("document.querySelector('#state').innerText.includes('live')");
    browser.until("!document.body.innerText.includes('does not answer')");
    again.kill().expect("it runs");
    again.wait().expect("it ends");
}

#[test]
fn the_keyboard_alone_is_enough() {
    with_browser(async |shown| {
        trouble(shown).await;
        let browser = &shown.browser;
        let focus = |wanted: &str| {
            let is = format!("document.activeElement.matches({})", json!(wanted));
            let mut presses = 0;
            while browser.run(&format!("return {is}")) != true {
                assert!(presses < 60, "Tab never comes to {wanted}");
                browser.keys(TAB);
                presses += 1;
            }
        };
        shown.go("#/topology");
        browser.shows("history");
        browser.keys(TAB);
        assert_eq!(
            browser.run("return document.activeElement.className"),
            "skip"
        );
        focus("nav a[href='#/sessions']");
        browser.keys(ENTER);
        browser.shows("quarantined");
        focus(".sessions td a");
        browser.keys(ENTER);
        browser.shows("2 records held");
        focus("[data-do=skip]");
        browser.keys(ENTER);
        browser.until("document.querySelector('dialog[open]')");
        focus("[data-do=confirm]");
        browser.keys(ENTER);
        browser.shows("what was held is given up");
        // Focus is seen.
        focus("nav a");
        let outline = "getComputedStyle(document.activeElement).outlineStyle";
        assert_eq!(browser.run(&format!("return {outline}")), "solid");
    });
}
