//! `[alerts]` and `[[alert]]`: the standard alerts merged with the file's, and the operator `alert`.

use std::collections::BTreeSet;

use super::flow::{Flow, FlowKey, Found, Output, content};
use super::settings::span_of_time;
use super::{Context, nodes};
use crate::alert::{self, columns};
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::nearest::suggest;
use crate::raw::{self, Key};
use crate::{
    AlertColumns, AlertRule, Alerts, Column, Condition, DataType, Millis, NodeId, OperatorKind,
    Schema, Secret, Webhook, defaults,
};

/// Alerts of one topology, at most: each is looked at once a second.
const ALERTS_MAX: usize = 1_000;
/// Webhooks, at most: each has a thread.
const WEBHOOKS_MAX: usize = 8;
/// Words of `to` that are no webhooks.
const LOG: &str = "log";
const TOPIC: &str = "topic";
/// Headers that the runtime sets.
const OWN_HEADERS: [&str; 3] = ["idempotency-key", "content-type", "content-length"];

/// Checks all of it. What is wrong is reported, and as if it were not there.
pub(crate) fn check<'a>(
    document: &raw::Document,
    models: impl Iterator<Item = &'a str>,
    cx: &Context<'_>,
) -> Alerts {
    let table = document.alerts.as_ref().and_then(Key::get);
    let mut alerts = Alerts {
        rules: Vec::new(),
        webhooks: table.map_or_else(Vec::new, |table| webhooks(table, cx)),
    };
    let default_to = table.and_then(|table| table.to.as_ref());
    let default_to = targets(default_to, &alerts.webhooks, cx).unwrap_or_default();
    let standard = table.and_then(|table| table.standard.as_ref());
    let mut drafts: Vec<Draft> = match standard.and_then(Key::get) {
        Some(false) => Vec::new(),
        Some(true) | None => standard_drafts(models),
    };
    let mut seen = BTreeSet::new();
    for (span, raw) in nodes(document.alert_rules.as_ref()) {
        let Some(id) = cx.name(&raw.id, NodeId::parse) else {
            continue;
        };
        if !seen.insert(id.clone()) {
            let message = format!("there is an alert \"{id}\" already");
            cx.report(
                Finding::at(raw.id.span, Code::DUPLICATE_ID, message)
                    .hint("ids are unique among alerts"),
            );
            continue;
        }
        let at = drafts.iter().position(|draft| draft.id == id);
        let draft = merged(
            raw,
            span,
            id,
            at.map(|at| &drafts[at]),
            &alerts.webhooks,
            cx,
        );
        match (at, draft) {
            (Some(at), Some(draft)) => drafts[at] = draft,
            (None, Some(draft)) => drafts.push(draft),
            (_, None) => {}
        }
    }
    if drafts.len() > ALERTS_MAX
        && let Some(list) = &document.alert_rules
    {
        let message = format!("{} alerts; there are at most {ALERTS_MAX}", drafts.len());
        cx.report(Finding::at(list.span, Code::INVALID_VALUE, message));
    }
    let enabled = drafts.into_iter().filter(|draft| draft.enabled);
    alerts.rules = enabled.map(|draft| draft.rule(&default_to)).collect();
    alerts
}

/// Where an alert goes.
#[derive(Clone, Default)]
struct Targets {
    topic: bool,
    webhooks: Vec<usize>,
}

/// An alert before it is known where those go that do not say so.
struct Draft {
    id: NodeId,
    condition: Condition,
    hold: Millis,
    to: Option<Targets>,
    see: String,
    enabled: bool,
}

impl Draft {
    fn rule(self, default_to: &Targets) -> AlertRule {
        let to = self.to.unwrap_or_else(|| default_to.clone());
        AlertRule {
            id: self.id,
            condition: self.condition,
            hold: self.hold,
            // Webhooks are told what the topic says.
            committed: to.topic || !to.webhooks.is_empty(),
            webhooks: to.webhooks,
            see: self.see.as_str().into(),
        }
    }
}

fn standard_drafts<'a>(models: impl Iterator<Item = &'a str>) -> Vec<Draft> {
    let standard = alert::standard(models);
    let draft = |standard: alert::Standard| {
        Some(Draft {
            id: NodeId::parse(&standard.id).ok()?,
            condition: Condition::parse(&standard.when).ok()?,
            hold: standard.hold,
            to: None,
            see: format!("{}{}", defaults::ALERT_SEE, standard.section),
            enabled: true,
        })
    };
    standard.into_iter().filter_map(draft).collect()
}

/// An alert of the file, over the standard one of its id.
fn merged(
    raw: &raw::Alert,
    span: Span,
    id: NodeId,
    standard: Option<&Draft>,
    webhooks: &[Webhook],
    cx: &Context<'_>,
) -> Option<Draft> {
    let condition = match (&raw.when, standard) {
        (Some(when), _) => condition(when, cx),
        (None, Some(standard)) => Some(standard.condition.clone()),
        (None, None) => {
            cx.report(
                Finding::at(span, Code::MISSING_KEY, "missing key \"when\"")
                    .hint(format!("no standard alert has the id \"{id}\"")),
            );
            None
        }
    };
    let hold = match (&raw.hold, standard) {
        (Some(hold), _) => span_of_time(hold, 0, cx),
        (None, Some(standard)) => Some(standard.hold),
        (None, None) => Some(Millis(0)),
    };
    let to = match &raw.to {
        Some(to) => Some(targets(Some(to), webhooks, cx)?),
        None => None,
    };
    let see = match (&raw.see, standard) {
        (Some(see), _) => see.get()?.clone(),
        (None, Some(standard)) => standard.see.clone(),
        (None, None) => format!("{}alerts", defaults::ALERT_SEE),
    };
    Some(Draft {
        condition: condition?,
        hold: hold?,
        to,
        see,
        enabled: raw
            .enabled
            .as_ref()
            .is_none_or(|key| key.get() != Some(&false)),
        id,
    })
}

fn condition(key: &Key<String>, cx: &Context<'_>) -> Option<Condition> {
    match Condition::parse(key.get()?) {
        Ok(condition) => Some(condition),
        Err(error) => {
            let place = match content(cx.files.text(key.span), key.get()?) {
                Some(offset) => {
                    (key.span).part(&(offset + error.range.start..offset + error.range.end))
                }
                None => key.span,
            };
            cx.report(Finding::at(place, error.code, error.message).maybe_hint(error.hint));
            None
        }
    }
}

/// What `to` names; `None` if it was wrong or is not there.
fn targets(
    key: Option<&Key<Vec<Key<String>>>>,
    webhooks: &[Webhook],
    cx: &Context<'_>,
) -> Option<Targets> {
    let mut targets = Targets::default();
    for word in key?.get()? {
        match word.get()?.as_str() {
            LOG => {}
            TOPIC => targets.topic = true,
            name => {
                let found = webhooks.iter().position(|hook| hook.id.as_str() == name);
                let Some(found) = found else {
                    let names = webhooks.iter().map(|hook| hook.id.as_str());
                    let message = format!("no webhook has the name \"{name}\"");
                    cx.report(
                        Finding::at(word.span, Code::UNKNOWN_VALUE, message).maybe_hint(suggest(
                            name,
                            "alerts go to",
                            [LOG, TOPIC].into_iter().chain(names),
                        )),
                    );
                    return None;
                };
                if !targets.webhooks.contains(&found) {
                    targets.webhooks.push(found);
                }
            }
        }
    }
    Some(targets)
}

fn webhooks(table: &raw::Alerts, cx: &Context<'_>) -> Vec<Webhook> {
    let Some(named) = table
        .webhook
        .as_ref()
        .and_then(|key| Some((key.span, key.get()?)))
    else {
        return Vec::new();
    };
    let (span, named) = named;
    if named.0.len() > WEBHOOKS_MAX {
        let message = format!(
            "{} webhooks; there are at most {WEBHOOKS_MAX}",
            named.0.len()
        );
        cx.report(Finding::at(span, Code::INVALID_VALUE, message));
    }
    let hooks = named.0.iter();
    hooks
        .filter_map(|(name, hook)| webhook(name, hook.get()?, cx))
        .collect()
}

fn webhook(name: &Key<String>, raw: &raw::Webhook, cx: &Context<'_>) -> Option<Webhook> {
    let id = cx.name(name, NodeId::parse)?;
    if matches!(id.as_str(), LOG | TOPIC) {
        let message = format!("\"{id}\" is no name of a webhook: it has a meaning of its own");
        cx.report(Finding::at(name.span, Code::CONFLICT, message).hint("take another"));
        return None;
    }
    let within = |key: &Option<Key<raw::Duration>>, silent: Millis| match key {
        None => Some(silent),
        Some(key) => span_of_time(key, 100, cx),
    };
    Some(Webhook {
        url: url(&raw.url, cx)?,
        headers: headers(raw, cx)?,
        timeout: within(&raw.timeout, defaults::WEBHOOK_TIMEOUT)?,
        give_up: within(&raw.give_up, defaults::WEBHOOK_GIVE_UP)?,
        id,
    })
}

/// An address that a request can be sent to. It may hold a secret, so no message repeats it.
fn url(key: &Key<String>, cx: &Context<'_>) -> Option<Secret> {
    let url = key.get()?;
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let is_right = host.is_some_and(|host| !host.is_empty() && !host.starts_with(':'))
        && url.bytes().all(|byte| byte.is_ascii_graphic());
    if is_right {
        return Some(Secret::new(url.as_str()));
    }
    cx.report(
        Finding::at(
            key.span,
            Code::INVALID_VALUE,
            "not an address that can be called",
        )
        .hint("write it as http://host:port/path"),
    );
    None
}

fn headers(raw: &raw::Webhook, cx: &Context<'_>) -> Option<Vec<(String, Secret)>> {
    let mut headers = Vec::new();
    let named = raw.headers.as_ref().and_then(Key::get);
    for (name, span, value) in named.into_iter().flat_map(raw::Named::iter) {
        let value_text = value.get()?;
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!#$%&'*+^`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            let message = format!("\"{name}\" is no name of a header");
            cx.report(Finding::at(span, Code::INVALID_VALUE, message));
            return None;
        }
        if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            let message = format!("the runtime sets \"{name}\" itself");
            cx.report(Finding::at(span, Code::CONFLICT, message).hint("leave it out"));
            return None;
        }
        if !value_text
            .bytes()
            .all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))
        {
            let message = format!("the value of \"{name}\" has bytes that a header cannot carry");
            cx.report(Finding::at(value.span, Code::INVALID_VALUE, message));
            return None;
        }
        headers.push((name.to_owned(), Secret::new(value_text.as_str())));
    }
    Some(headers)
}

/// Checks the operator: its input is what the nodes say of their metrics.
pub(crate) fn check_operator(
    flow: &Flow,
    span: Span,
    cx: &Context<'_>,
) -> (Option<OperatorKind>, Vec<Output>) {
    let key = flow.keyed("alert", span, cx);
    let at = |name: &str| match flow.column_named(name, span, cx) {
        Some(Found::At(index, _)) => Some(index),
        Some(Found::Doubtful) | None => None,
    };
    let kind = (|| {
        key?;
        Some(OperatorKind::Alert(AlertColumns {
            node: at(columns::NODE)?,
            holds: at(columns::HOLDS)?,
            hold_ms: at(columns::HOLD_MS)?,
            value: at(columns::VALUE)?,
            passed: [
                at(columns::SERIES)?,
                at(columns::CONDITION)?,
                at(columns::SEE)?,
            ],
        }))
    })();
    let key = key.and_then(|key| flow.schema.columns().get(key).cloned());
    let known = key.is_some();
    let others = [
        (columns::AT, DataType::Int64, false),
        (columns::STATE, DataType::String, false),
        (columns::NUMBER, DataType::Int64, false),
        (columns::SINCE, DataType::Int64, false),
        (columns::NODE, DataType::String, true),
        (columns::VALUE, DataType::Float64, true),
        (columns::SERIES, DataType::String, true),
        (columns::CONDITION, DataType::String, true),
        (columns::SEE, DataType::String, true),
    ];
    let others = others.map(|(name, data_type, nullable)| Column::new(name, data_type, nullable));
    let flow = Flow {
        schema: Schema::new(key.into_iter().chain(others).collect()),
        doubtful: Vec::new(),
        open: !known,
        key: if known {
            FlowKey::At(0)
        } else {
            FlowKey::Doubtful
        },
    };
    (kind, flow.main())
}
