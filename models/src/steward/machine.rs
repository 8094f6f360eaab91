//! The state machine.

use std::collections::{BTreeMap, VecDeque};

use config::Learning;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::message::{Arms, Control, Request, Row, Told, event};
use super::monitors::detectors;
use super::rollout::{Next, Rollout};
use super::sliced::{Sliced, measured};
use super::tally::Tally;
use crate::drift::{Detector, DriftError, Signal};

/// Labelled rows of a version between two of its metrics.
pub(super) const METRIC_ROWS: u64 = 500;
/// Every so many labelled rows the place is remembered, for ranges of training.
const MARK_ROWS: u64 = 50;
/// Trainings for one alarm, at most: what does not help three times needs a person.
const TRIES: u32 = 3;

/// Alarms put a training off by at most so many times what it waits for.
const PUT_OFF_MAX: u64 = 3;

/// A model's steward.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Steward {
    /// Labelled rows so far.
    rows: u64,
    champion: Option<u64>,
    /// The highest version there was.
    newest: u64,
    requests: u64,
    /// By monitor.
    detectors: Vec<(String, Detector)>,
    /// How each version does since its last metrics.
    tallies: BTreeMap<u64, Tally>,
    /// The same by slice.
    slices: Sliced,
    /// (labelled rows before it, offset), of the window.
    marks: VecDeque<(u64, i64)>,
    last_offset: i64,
    /// Labelled rows when training was last asked for or ended.
    settled_at: u64,
    wanted: Option<Wanted>,
    training: Option<Request>,
    rollout: Option<Rollout>,
}

/// A training that waits for enough rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wanted {
    reason: String,
    /// Labelled rows at which it begins.
    at: u64,
    /// However often alarms put it off, it begins at this one.
    latest: u64,
    /// Rows before this one are of the old world.
    since: u64,
    tries: u32,
}

impl Steward {
    /// A steward who has seen nothing.
    ///
    /// # Errors
    /// If a monitor's detector has no such parameter, or it is outside its range.
    pub fn try_new(settings: &Learning) -> Result<Self, DriftError> {
        Ok(Self {
            detectors: detectors(settings)?,
            ..Self::default()
        })
    }

    /// Keeps the detectors of monitors that are as they were, and begins the others.
    ///
    /// # Errors
    /// As [`Steward::try_new`].
    pub fn reconcile(&mut self, settings: &Learning) -> Result<(), DriftError> {
        let mut wanted = detectors(settings)?;
        for (id, detector) in &mut wanted {
            let same = self
                .detectors
                .iter()
                .find(|(other, kept)| other == id && kept.settings() == detector.settings());
            if let Some((_, kept)) = same {
                *detector = kept.clone();
            }
        }
        self.detectors = wanted;
        Ok(())
    }

    /// Who answers; `None` before the first row.
    #[must_use]
    pub fn arms(&self, settings: &Learning) -> Option<Arms> {
        let champion = self.champion?;
        Some(match &self.rollout {
            Some(rollout) => rollout.arms(champion, &settings.rollout),
            None => Arms {
                champion,
                challenger: None,
                share: 0.0,
                salt: String::new(),
            },
        })
    }

    /// Takes a labelled row.
    pub fn labelled(&mut self, settings: &Learning, row: &Row, out: &mut Vec<Told>) {
        if self.rows.is_multiple_of(MARK_ROWS) {
            self.mark(settings, row.offset);
        }
        self.rows += 1;
        self.last_offset = row.offset;
        self.newest = self.newest.max(row.version);
        if row.version > 0 {
            self.champion.get_or_insert(row.version);
            self.judge(settings, row, out);
        }
        self.train_if_due(settings, row.at, out);
    }

    /// Counts a labelled row in the slices that it belongs to, by their names.
    pub fn sliced(
        &mut self,
        settings: &Learning,
        row: &Row,
        slices: &[String],
        out: &mut Vec<Told>,
    ) {
        if row.version > 0 {
            let label = row.label > 0.5;
            let is_error = (row.score >= settings.threshold) != label;
            self.slices.add(row, (label, is_error), slices, out);
        }
    }

    /// Takes what it is told. What is not for it any more, or no such message, changes nothing.
    pub fn control(&mut self, settings: &Learning, at: i64, text: &str, out: &mut Vec<Told>) {
        let Ok(control) = serde_json::from_str::<Control>(text) else {
            return;
        };
        match control {
            Control::Trained { request, verdict } => {
                if let Some(training) = self.training.take_if(|training| training.id == request) {
                    let detail = json!({ "request": training, "verdict": verdict });
                    out.push(event(at, "verdict", Some(training.version), &detail));
                    match verdict.promoted {
                        true => self.try_out(settings, at, &training, out),
                        false => self.refused(settings, at, &training, &verdict.words(), out),
                    }
                }
            }
            Control::TrainingFailed { request, reason } => {
                if let Some(training) = self.training.take_if(|training| training.id == request) {
                    let detail = json!({ "request": training, "failed": reason });
                    out.push(event(at, "verdict", Some(training.version), &detail));
                    self.refused(settings, at, &training, &reason, out);
                }
            }
            Control::VersionFailed { version, reason } => {
                if self.rollout.as_ref().is_some_and(|r| r.version == version) {
                    self.roll_back(settings, at, reason, out);
                }
            }
            Control::Drifted { version, monitor } => {
                let is_watched = self.training.is_none() && self.rollout.is_none();
                if is_watched && self.champion == Some(version) {
                    self.want_new_world(settings, format!("drift seen by {monitor}"));
                }
            }
            Control::Promote => self.advance(settings, at, Next::Promote, out),
            Control::Rollback => {
                self.roll_back(settings, at, "by hand".to_owned(), out);
            }
            Control::Retrain => {
                if self.wanted.is_none() && self.training.is_none() && self.rollout.is_none() {
                    self.want("by hand".to_owned(), self.rows, 0, 0);
                    self.train_if_due(settings, at, out);
                }
            }
        }
    }

    /// Remembers where a stretch of labelled rows begins; what is older than the window is forgotten.
    fn mark(&mut self, settings: &Learning, offset: i64) {
        self.marks.push_back((self.rows, offset));
        let window = settings.retrain.map_or(0, |retrain| retrain.window);
        let first = self.rows.saturating_sub(window);
        while self.marks.get(1).is_some_and(|(rows, _)| *rows <= first) {
            self.marks.pop_front();
        }
    }

    /// Metrics, detectors and the trial.
    fn judge(&mut self, settings: &Learning, row: &Row, out: &mut Vec<Told>) {
        let label = row.label > 0.5;
        let is_error = (row.score >= settings.threshold) != label;
        let tally = self.tallies.entry(row.version).or_default();
        tally.add(row.score, label, is_error);
        if tally.rows >= METRIC_ROWS {
            let tally = std::mem::take(tally);
            out.extend(measured(row, &tally, None));
        }
        let outcome = (row.score, label, is_error);
        match &mut self.rollout {
            Some(rollout) if rollout.version == row.version => {
                let next = rollout.challenger(outcome, &settings.rollout);
                self.advance(settings, row.at, next, out);
            }
            Some(rollout) if Some(row.version) == self.champion => {
                rollout.champion(is_error);
            }
            Some(_) => {}
            None if Some(row.version) == self.champion => {
                self.watch(settings, row.at, is_error, out);
            }
            // A late label of a version that answers no more.
            None => {}
        }
    }

    /// Gives an error, or none, of the champion to the detectors.
    fn watch(&mut self, settings: &Learning, at: i64, is_error: bool, out: &mut Vec<Told>) {
        let value = f64::from(u8::from(is_error));
        let mut alarmed = None;
        for (id, detector) in &mut self.detectors {
            // An error is 0 or 1, which every detector takes.
            if detector.update(value) == Ok(Signal::Drift) {
                let rows = self.rows;
                let kind = detector.settings().kind().name();
                let detail = json!({ "monitor": id, "detector": kind, "row": rows });
                out.push(event(at, "alarm", self.champion, &detail));
                alarmed.get_or_insert_with(|| format!("drift seen by {id}"));
            }
        }
        if let Some(reason) = alarmed {
            self.want_new_world(settings, reason);
        }
    }

    /// The world has changed: a version is wanted that knows the new one.
    fn want_new_world(&mut self, settings: &Learning, reason: String) {
        let Some(retrain) = settings.retrain else {
            return;
        };
        let rows = self.rows;
        match &mut self.wanted {
            // The world has changed once more: rows of the time before are of no use, but training must
            // not be put off for ever.
            Some(wanted) => {
                wanted.since = rows;
                wanted.at = (rows + retrain.after).min(wanted.latest);
            }
            None => self.want(reason, rows + retrain.after, rows, retrain.after),
        }
    }

    fn want(&mut self, reason: String, at: u64, since: u64, after: u64) {
        self.wanted = Some(Wanted {
            reason,
            at,
            latest: at + PUT_OFF_MAX * after,
            since,
            tries: 0,
        });
    }

    /// Asks for a training if one is wanted and its rows are there.
    fn train_if_due(&mut self, settings: &Learning, at: i64, out: &mut Vec<Told>) {
        let Some(retrain) = settings.retrain else {
            return;
        };
        if self.training.is_some() || self.rollout.is_some() {
            return;
        }
        if self.wanted.is_none()
            && let Some(every) = retrain.every
            && self.rows >= self.settled_at + every
        {
            self.want(format!("{every} labelled rows"), self.rows, 0, 0);
        }
        let is_due = |wanted: &Wanted| wanted.at <= self.rows;
        let (Some(wanted), Some(champion)) = (
            self.wanted.as_ref().filter(|wanted| is_due(wanted)),
            self.champion,
        ) else {
            return;
        };
        // A training that alarms have put off for as long as may be takes the rows before the last one too:
        // too few rows teach nothing.
        let since = wanted.since.min(self.rows.saturating_sub(retrain.after));
        let from = self.rows.saturating_sub(retrain.window).max(since);
        let first = self.marks.iter().rev().find(|(rows, _)| *rows <= from);
        let Some((_, first)) = first.or(self.marks.front()).copied() else {
            return;
        };
        self.requests += 1;
        self.newest += 1;
        let request = Request {
            id: self.requests,
            version: self.newest,
            champion,
            reason: wanted.reason.clone(),
            from: first,
            to: self.last_offset,
            seed: self.requests,
        };
        out.push(event(at, "train", Some(request.version), &request));
        self.training = Some(request);
        self.settled_at = self.rows;
    }

    /// A version may take rows: a few first.
    fn try_out(&mut self, settings: &Learning, at: i64, request: &Request, out: &mut Vec<Told>) {
        self.settled_at = self.rows;
        self.wanted = None;
        self.rollout = Some(Rollout::new(request.version, request.id.to_string()));
        self.tell_arms(settings, at, out);
    }

    /// A version takes no row. More rows may help: those of the old world stay left out.
    fn refused(
        &mut self,
        settings: &Learning,
        at: i64,
        request: &Request,
        reason: &str,
        out: &mut Vec<Told>,
    ) {
        self.settled_at = self.rows;
        let detail = json!({ "reason": reason });
        out.push(event(at, "refused", Some(request.version), &detail));
        let after = settings.retrain.map_or(0, |retrain| retrain.after);
        self.wanted = self.wanted.take().and_then(|wanted| {
            let tries = wanted.tries + 1;
            let at = self.rows + after.max(1);
            (tries < TRIES).then_some(Wanted {
                at,
                latest: at + PUT_OFF_MAX * after,
                tries,
                ..wanted
            })
        });
    }

    fn advance(&mut self, settings: &Learning, at: i64, next: Next, out: &mut Vec<Told>) {
        match next {
            Next::Stay => {}
            Next::Grow => self.tell_arms(settings, at, out),
            Next::Back(reason) => self.roll_back(settings, at, reason, out),
            Next::Promote => {
                let Some(rollout) = self.rollout.take() else {
                    return;
                };
                let before = self.champion.replace(rollout.version);
                let detail = json!({ "champion": rollout.version, "before": before });
                out.push(event(at, "promoted", Some(rollout.version), &detail));
                self.begin_anew(settings, at, out);
            }
        }
    }

    fn roll_back(&mut self, settings: &Learning, at: i64, reason: String, out: &mut Vec<Told>) {
        let Some(rollout) = self.rollout.take() else {
            return;
        };
        let detail = json!({ "reason": reason });
        out.push(event(at, "rolled-back", Some(rollout.version), &detail));
        self.begin_anew(settings, at, out);
    }

    /// Behind a trial: the champion is watched from here on.
    fn begin_anew(&mut self, settings: &Learning, at: i64, out: &mut Vec<Told>) {
        self.settled_at = self.rows;
        for (_, detector) in &mut self.detectors {
            detector.reset();
        }
        self.tell_arms(settings, at, out);
    }

    fn tell_arms(&self, settings: &Learning, at: i64, out: &mut Vec<Told>) {
        if let Some(arms) = self.arms(settings) {
            let version = arms.challenger.or(Some(arms.champion));
            out.push(event(at, "arms", version, &arms));
        }
    }
}
