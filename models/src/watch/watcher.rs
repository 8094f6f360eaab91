//! The state machine: sketches in, windows compared, events and metrics out.

use std::collections::BTreeMap;

use config::{Learning, Watch};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::findings::{Finding, findings};
use super::past::Past;
use super::{Profile, Sketch};
use crate::steward::{Control, Metric, Told};

/// Versions that are watched at a time, the newest: the champion, one on trial, and what of the last is on its way.
const VERSIONS_MAX: usize = 4;
/// Columns that an alarm names; all are among the metrics.
const NAMED_MAX: usize = 20;

/// Watches a model's windows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Watcher {
    versions: BTreeMap<u64, BTreeMap<String, Watching>>,
}

/// How far a watch is with a version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Watching {
    /// The window that is not full yet.
    open: Option<Sketch>,
    /// Windows so far.
    windows: u64,
    /// Windows up to this one do not alarm.
    quiet_until: u64,
    past: Past,
}

/// A sketch, and what is needed to judge it.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// How the model learns.
    pub learning: &'a Learning,
    /// How many of the columns are features.
    pub features: usize,
    /// Version that answered.
    pub version: u64,
    /// The version's.
    pub profile: &'a Profile,
}

impl Watcher {
    /// How far it is, for people.
    #[must_use]
    pub fn describe(&self) -> serde_json::Value {
        let of = |watching: &Watching| {
            let open = watching.open.as_ref().map_or(0, Sketch::rows);
            json!({ "windows": watching.windows, "rows": open, "quiet-until": watching.quiet_until })
        };
        let versions = self.versions.iter().map(|(version, watching)| {
            let watching = watching
                .iter()
                .map(|(id, watching)| (id.clone(), of(watching)));
            (version.to_string(), watching.collect())
        });
        serde_json::Value::Object(versions.collect())
    }

    /// Takes a sketch. One that is of another profile than the version's is left out: whoever put another profile in
    /// the version's place has begun anew.
    pub fn take(&mut self, given: &Given<'_>, sketch: &Sketch, out: &mut Vec<Told>) {
        let watching = self.versions.entry(given.version).or_default();
        for watch in &given.learning.watches {
            let watching = watching.entry(watch.id.to_string()).or_default();
            let added = match &mut watching.open {
                Some(open) => open.merge(sketch),
                open => {
                    *open = Some(sketch.clone());
                    Ok(())
                }
            };
            if added.is_err() {
                watching.open = Some(sketch.clone());
            }
            if let Some(window) = watching.open.take_if(|open| open.rows() >= watch.window) {
                watching.close(given, watch, window, out);
            }
        }
        watching.retain(|id, _| {
            let mut watches = given.learning.watches.iter();
            watches.any(|watch| watch.id.as_str() == id)
        });
        while self.versions.len() > VERSIONS_MAX {
            self.versions.pop_first();
        }
    }
}

impl Watching {
    fn close(&mut self, given: &Given<'_>, watch: &Watch, window: Sketch, out: &mut Vec<Told>) {
        self.windows += 1;
        let profile = given.profile;
        let reference = match watch.season {
            None => Some(profile.reference.clone()),
            Some(season) => {
                let past = self.past.season_ago(&window, season);
                past.and_then(|past| profile.reference.of_window(&past.window).ok())
            }
        };
        let found = reference.and_then(|reference| {
            // A window of another profile has begun anew above, so that this one can be compared.
            findings(watch, profile, &reference, &window, given.features).ok()
        });
        if let Some(found) = found {
            self.tell(given, watch, (&window, &found), out);
        }
        if let Some(season) = watch.season {
            self.past.keep(window, season);
        }
    }

    fn tell(
        &mut self,
        given: &Given<'_>,
        watch: &Watch,
        (window, found): (&Sketch, &[Finding]),
        out: &mut Vec<Told>,
    ) {
        let at = window.time.1;
        out.extend(found.iter().map(|finding| {
            Told::Metric(Metric {
                at,
                version: given.version,
                rows: window.rows(),
                metric: finding.metric,
                value: finding.value,
                monitor: Some(watch.id.to_string()),
                column: finding.column.clone(),
                p: finding.p,
                drifted: Some(finding.drifted),
                slice: None,
            })
        }));
        let drifted = || found.iter().filter(|finding| finding.drifted);
        let is_quiet = self.windows <= watch.warm_up.max(self.quiet_until);
        if is_quiet || drifted().next().is_none() {
            return;
        }
        self.quiet_until = self.windows + watch.cool_down;
        let of: Vec<_> = drifted()
            .take(NAMED_MAX)
            .map(|f| json!({ "column": f.column, "statistic": f.metric, "value": f.value, "p": f.p }))
            .collect();
        let detail = json!({
            "monitor": watch.id.as_str(),
            "window": self.windows,
            "rows": window.rows(),
            "time": window.time,
            "parts": window.parts,
            "drifted": of,
        });
        out.push(Told::Event {
            at,
            event: "alarm",
            version: Some(given.version),
            detail: detail.to_string(),
        });
        if watch.retrain {
            out.push(Told::Control(Control::Drifted {
                version: given.version,
                monitor: watch.id.to_string(),
            }));
        }
    }
}
