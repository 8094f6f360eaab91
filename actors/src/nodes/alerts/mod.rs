//! Alerts of this node: once a second it looks at the metrics that they name.
//!
//! An alert that only the process's log is told of has its [`Machine`] here, in memory. One that goes to
//! a topic has it in the operator `alert`: here it is only said, on the topic of control, whether the
//! condition holds, when that changes and from time to time while it matters; what the operator told is
//! read back and shown. [`webhook`] reads the same topic and calls.
//!
//! The daemon calls [`Alerts::look`] with what `GET /metrics` shows; nothing here may stop the stream.

mod samples;
mod measure;
mod watch;
mod told;
mod follow;
pub mod webhook;

use std::collections::{BTreeMap, VecDeque};

use config::alert::columns;
use config::{AlertRule, TopicName, Topology};
use parking_lot::Mutex;
use serde::Serialize;

use super::context::ShardContext;
use super::metrics;
use crate::log::{LogError, LogRecord, Producer, TopicPartition};
use crate::operators::alert::machine::{Machine, Observation};
use follow::Follower;
use measure::{Meter, Reading};
use samples::Samples;
use watch::Watch;

pub use told::{AlertState, Told};

/// Firings and their ends that are shown.
const RECENT: usize = 100;

/// What the outside may see.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AlertsView {
    /// Those that fire, by id.
    pub firing: Vec<Told>,
    /// Those whose condition holds on this node, but not yet for long enough.
    pub pending: Vec<Pending>,
    /// The last that fired or were resolved, the newest last.
    pub recent: Vec<Told>,
}

/// An alert that may fire soon.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pending {
    /// Its id.
    pub alert: String,
    /// Since when: milliseconds since 1970-01-01 UTC.
    pub since_ms: i64,
    /// How long it must hold, in milliseconds.
    pub for_ms: i64,
    /// What is measured.
    pub value: Option<f64>,
    /// Of which series of the metric.
    pub series: String,
    /// The condition as it is written.
    pub condition: String,
}

/// The alerts of a node.
pub struct Alerts {
    work: Mutex<Work>,
    board: Mutex<Board>,
}

/// What a look needs; one at a time.
struct Work {
    rules: Vec<Rule>,
    /// Alerts that fire by the topic, but that no rule is any more.
    retired: BTreeMap<String, Watch>,
    follower: Option<Follower>,
    producer: Option<Box<dyn Producer>>,
    /// The last observation could not be written, and that has been told.
    failing: bool,
}

struct Rule {
    rule: AlertRule,
    meter: Meter,
    keeper: Keeper,
    /// Since when the condition holds here.
    since: Option<i64>,
}

/// Who knows whether an alert fires.
enum Keeper {
    /// This process, while it lives.
    Here(Machine),
    /// The operator, in the epoch.
    Operator(Watch),
}

#[derive(Default)]
struct Board {
    firing: BTreeMap<String, Told>,
    pending: Vec<Pending>,
    recent: VecDeque<Told>,
}

/// What is to be said on the topic of control.
struct Saying {
    alert: String,
    value: serde_json::Value,
}

impl Alerts {
    /// Of a topology that starts now.
    #[must_use]
    pub fn new(topology: &Topology, now_ms: i64) -> Self {
        let rules = topology.alerts.rules.iter();
        let follower = rules.clone().any(|rule| rule.committed);
        let topic = TopicName::parse(&format!("{}.alerts", topology.name)).ok();
        let rule = |rule: &AlertRule| Rule {
            meter: Meter::new(&rule.condition),
            keeper: match rule.committed {
                true => Keeper::Operator(Watch::default()),
                false => Keeper::Here(Machine::default()),
            },
            since: None,
            rule: rule.clone(),
        };
        Self {
            work: Mutex::new(Work {
                rules: rules.map(rule).collect(),
                retired: BTreeMap::new(),
                follower: topic.filter(|_| follower).map(|t| Follower::new(t, now_ms)),
                producer: None,
                failing: false,
            }),
            board: Mutex::default(),
        }
    }

    /// What is to be seen now.
    #[must_use]
    pub fn view(&self) -> AlertsView {
        let board = self.board.lock();
        AlertsView {
            firing: board.firing.values().cloned().collect(),
            pending: board.pending.clone(),
            recent: board.recent.iter().cloned().collect(),
        }
    }

    /// Looks at metrics, as `GET /metrics` shows them. Blocks on the log where alerts go to a topic. What
    /// fails is told once and tried again with the next look.
    pub fn look(&self, context: &ShardContext, exposition: &str) {
        let mut work = self.work.lock();
        let now = context.clock.now_ms();
        let wanted = work.rules.iter().flat_map(|rule| rule.meter.metrics());
        let samples = Samples::of(exposition, &wanted.collect::<Vec<_>>());
        let looked = self.follow(&mut work, context);
        let looked = looked.and_then(|()| {
            let sayings = self.judge(&mut work, context, now, &samples);
            work.say(context, now, sayings)
        });
        work.tell_trouble(looked);
        metrics::alerts_firing(self.board.lock().firing.len());
    }

    /// Reads what the operator has told.
    fn follow(&self, work: &mut Work, context: &ShardContext) -> Result<(), LogError> {
        let Some(follower) = &mut work.follower else {
            return Ok(());
        };
        for (told, is_news) in follower.read(&*context.log)? {
            self.board.lock().put(told.clone());
            if is_news {
                context.events.tell(told.at_ms, told.into());
            }
        }
        Ok(())
    }

    /// Measures every rule; gives what the operator is to hear.
    fn judge(
        &self,
        work: &mut Work,
        context: &ShardContext,
        now: i64,
        samples: &Samples<'_>,
    ) -> Vec<Saying> {
        let mut sayings = Vec::new();
        let mut pending = Vec::new();
        for rule in &mut work.rules {
            let reading = rule.meter.read(now, samples);
            if let Some(holds) = reading.holds {
                rule.since = holds.then(|| rule.since.unwrap_or(now));
            }
            let id = rule.rule.id.as_str();
            let is_firing = self.board.lock().firing.contains_key(id);
            match (&mut rule.keeper, reading.holds) {
                (Keeper::Here(machine), Some(holds)) => {
                    let told = observe(machine, &rule.rule, &context.node, now, holds, &reading);
                    if let Some(told) = told {
                        self.board.lock().put(told.clone());
                        context.events.tell(now, told.into());
                    }
                }
                (Keeper::Operator(watch), Some(holds)) => {
                    let hold_ms = rule.rule.hold.0;
                    if watch.is_due(now, holds, rule.since, hold_ms, is_firing) {
                        sayings.push(saying(&rule.rule, &context.node, holds, &reading));
                    }
                }
                (Keeper::Here(_) | Keeper::Operator(_), None) => {}
            }
            let is_firing = self.board.lock().firing.contains_key(id);
            if let (Some(since_ms), false) = (rule.since, is_firing) {
                pending.push(rule.pending(since_ms, reading));
            }
        }
        sayings.extend(self.retire(work, context, now));
        self.board.lock().pending = pending;
        sayings
    }

    /// What fires by the topic and is no rule any more holds no more.
    fn retire(&self, work: &mut Work, context: &ShardContext, now: i64) -> Vec<Saying> {
        let firing: Vec<String> = self.board.lock().firing.keys().cloned().collect();
        let is_rule = |id: &String| {
            let mut rules = work.rules.iter();
            rules.any(|rule| rule.rule.id.as_str() == id)
        };
        let gone: Vec<String> = firing.into_iter().filter(|id| !is_rule(id)).collect();
        work.retired.retain(|id, _| gone.contains(id));
        let due = gone.into_iter().filter(|id| {
            let watch = work.retired.entry(id.clone()).or_default();
            watch.is_due(now, false, None, 0, true)
        });
        let due: Vec<String> = due.collect();
        let saying = |alert: String| Saying {
            value: serde_json::json!({
                columns::ALERT: alert, columns::NODE: context.node,
                columns::HOLDS: false, columns::HOLD_MS: 0,
            }),
            alert,
        };
        due.into_iter().map(saying).collect()
    }
}

impl Rule {
    fn pending(&self, since_ms: i64, reading: Reading) -> Pending {
        Pending {
            alert: self.rule.id.to_string(),
            since_ms,
            for_ms: self.rule.hold.0,
            value: reading.value,
            series: reading.series,
            condition: self.rule.condition.text.to_string(),
        }
    }
}

impl Board {
    fn put(&mut self, told: Told) {
        match told.state {
            AlertState::Firing => drop(self.firing.insert(told.alert.clone(), told.clone())),
            AlertState::Resolved => drop(self.firing.remove(&told.alert)),
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(told);
    }
}

impl Work {
    /// Appends observations in one transaction, and remembers that they were said.
    fn say(
        &mut self,
        context: &ShardContext,
        now: i64,
        sayings: Vec<Saying>,
    ) -> Result<(), LogError> {
        if sayings.is_empty() {
            return Ok(());
        }
        let name = format!("{}.alerts.control", context.topology.name);
        let Ok(topic) = TopicName::parse(&name) else {
            return Ok(());
        };
        let mut producer = match self.producer.take() {
            Some(producer) => producer,
            None => {
                let id = format!("{}.alerts.{}", context.topology.name, context.node);
                context.log.producer(&id)?
            }
        };
        let record = |saying: &Saying| {
            let key = saying.alert.clone().into();
            LogRecord::new(Some(key), Some(saying.value.to_string().into()), now)
        };
        producer.begin()?;
        let records = sayings.iter().map(record).collect();
        producer.send(&TopicPartition::new(topic, 0), records)?;
        producer.commit()?;
        self.producer = Some(producer);
        for saying in sayings {
            let holds = saying.value[columns::HOLDS] == true;
            let mut rules = self.rules.iter_mut();
            let rule = rules.find(|rule| rule.rule.id.as_str() == saying.alert);
            match rule.map(|rule| &mut rule.keeper) {
                Some(Keeper::Operator(watch)) => watch.said(now, holds),
                Some(Keeper::Here(_)) => {}
                None => {
                    let watch = self.retired.get_mut(&saying.alert);
                    watch.into_iter().for_each(|watch| watch.said(now, holds));
                }
            }
        }
        Ok(())
    }

    fn tell_trouble(&mut self, looked: Result<(), LogError>) {
        match looked {
            Ok(()) => self.failing = false,
            Err(error) if !self.failing => {
                self.failing = true;
                tracing::warn!(%error, "alerts cannot be read or written: trying again");
            }
            Err(error) => tracing::debug!(%error, "alerts cannot be read or written"),
        }
    }
}

/// Lets a machine of this process see a reading.
fn observe(
    machine: &mut Machine,
    rule: &AlertRule,
    node: &str,
    at: i64,
    holds: bool,
    reading: &Reading,
) -> Option<Told> {
    let change = machine.observe(&Observation {
        node,
        at,
        holds,
        hold_ms: rule.hold.0,
    })?;
    Some(Told {
        alert: rule.id.to_string(),
        at_ms: at,
        state: match change.firing {
            true => AlertState::Firing,
            false => AlertState::Resolved,
        },
        number: change.number,
        since_ms: change.since,
        node: Some(node.to_owned()),
        value: reading.value,
        series: Some(reading.series.clone()),
        condition: Some(rule.condition.text.to_string()),
        see: Some(rule.see.to_string()),
    })
}

/// What the operator is to hear of a reading.
fn saying(rule: &AlertRule, node: &str, holds: bool, reading: &Reading) -> Saying {
    Saying {
        alert: rule.id.to_string(),
        value: serde_json::json!({
            columns::ALERT: rule.id.as_str(),
            columns::NODE: node,
            columns::HOLDS: holds,
            columns::HOLD_MS: rule.hold.0,
            columns::VALUE: reading.value,
            columns::SERIES: reading.series,
            columns::CONDITION: &*rule.condition.text,
            columns::SEE: &*rule.see,
        }),
    }
}

#[cfg(test)]
mod tests;
