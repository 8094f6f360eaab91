//! A browser without a window, driven by chromedriver over WebDriver (W3C, plain HTTP).

#![expect(
    clippy::panic,
    clippy::print_stderr,
    reason = "used by tests only, where a panic is the way to fail and a skip is said loudly"
)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A page that is not as it should be after this will not become so.
const WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The key Tab in the code of WebDriver.
pub const TAB: &str = "\u{e004}";
/// The key Enter.
pub const ENTER: &str = "\u{e007}";

/// A browser with one page. It ends when it is dropped.
pub struct Browser {
    driver: Child,
    /// Beginning of the session's addresses.
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one. `None`, said on standard error, where there is none.
    ///
    /// # Panics
    /// If it does not start, or there is none and `THALWEG_REQUIRE_BROWSER` is 1.
    #[must_use]
    pub fn open() -> Option<Self> {
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut driver) = driver else {
            let cure = "it needs chromium and chromedriver (Debian: chromium chromium-driver)";
            let required = std::env::var("THALWEG_REQUIRE_BROWSER").is_ok_and(|one| one == "1");
            assert!(!required, "no browser: {cure}");
            eprintln!("SKIPPED: the page in a browser: {cure}");
            return None;
        };
        let said = BufReader::new(driver.stdout.take().expect("piped"));
        let port = said.lines().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let profile = tempfile::tempdir().expect("a folder");
        let base = format!("http://127.0.0.1:{}/session", port.expect("it starts"));
        let opened = call("POST", &base, Some(&capabilities(profile.path())));
        let id = opened["sessionId"].as_str().expect("a session");
        Some(Self {
            driver,
            session: format!("{base}/{id}"),
            _profile: profile,
        })
    }

    fn post(&self, command: &str, body: &Value) -> Value {
        call("POST", &format!("{}/{command}", self.session), Some(body))
    }

    /// Loads a page.
    pub fn go(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    /// Gives the page a size.
    pub fn size(&self, width: u32, height: u32) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": size });
        self.post("goog/cdp/execute", &command);
    }

    /// Runs a script in the page; gives what it returns.
    #[must_use]
    pub fn run(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until an expression is neither false nor null.
    ///
    /// # Panics
    /// If it does not become so; says what the page shows.
    pub fn until(&self, expression: &str) -> Value {
        let deadline = Instant::now() + WITHIN;
        loop {
            let found = self.run(&format!("return {expression} ?? null"));
            if !matches!(found, Value::Null | Value::Bool(false)) {
                return found;
            }
            if Instant::now() > deadline {
                let shown = self.run("return document.body.innerText");
                panic!("never: {expression}\nin {shown}\n{:?}", self.errors());
            }
            std::thread::park_timeout(LOOK_EVERY);
        }
    }

    /// Waits until the page shows a text.
    ///
    /// # Panics
    /// If it does not.
    pub fn shows(&self, text: &str) {
        self.until(&format!(
            "document.body.innerText.includes({})",
            json!(text)
        ));
    }

    /// Clicks on the element that a selector finds, as a person does.
    ///
    /// # Panics
    /// If there is none, or something covers it.
    pub fn click(&self, selector: &str) {
        self.until(&format!("document.querySelector({})", json!(selector)));
        let found = self.post(
            "element",
            &json!({ "using": "css selector", "value": selector }),
        );
        let found = found
            .as_object()
            .and_then(|element| element.values().next());
        let id = found.and_then(Value::as_str).expect("an element");
        self.post(&format!("element/{id}/click"), &json!({}));
    }

    /// Presses keys one after the other.
    pub fn keys(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| {
            ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
        });
        let strokes: Vec<Value> = strokes.collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.post("actions", &json!({ "actions": [keyboard] }));
    }

    /// What the page has complained of on its console since it was last asked.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        let told = self.post("se/log", &json!({ "type": "browser" }));
        let told = told.as_array().cloned().unwrap_or_default().into_iter();
        told.map(|entry| entry["message"].to_string()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser, which the driver's end alone may leave behind.
        let ended = ureq::delete(&self.session).call();
        drop(ended);
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

fn capabilities(profile: &std::path::Path) -> Value {
    let profile = format!("--user-data-dir={}", profile.display());
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        &profile,
    ];
    let wanted = json!({
        "goog:chromeOptions": { "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
    });
    json!({ "capabilities": { "alwaysMatch": wanted } })
}

/// A command of WebDriver; gives its value.
fn call(method: &str, url: &str, body: Option<&Value>) -> Value {
    let request = ureq::http::Request::builder().method(method).uri(url);
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = request
        .header("content-type", "application/json")
        .body(body);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(WITHIN))
        .http_status_as_error(false)
        .build()
        .into();
    let answer = agent.run(request.expect("a request"));
    let mut answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
    let text = answer.body_mut().read_to_string().unwrap_or_default();
    let said: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{url}: {e}: {text}"));
    assert!(answer.status().is_success(), "{url}: {}", said["value"]);
    said["value"].clone()
}
