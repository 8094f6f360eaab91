//! `[alerts]` and `[[alert]]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::key::{Key, Named};
use super::values::Duration;

/// Where alerts go.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Alerts {
    /// Where alerts go that do not say so themselves: `log`, `topic`, names of webhooks. Default: log.
    pub(crate) to: Option<Key<Vec<Key<String>>>>,
    /// Whether the standard alerts hold. Default: true.
    pub(crate) standard: Option<Key<bool>>,
    /// Who can be told by HTTP, by name.
    pub(crate) webhook: Option<Key<Named<Webhook>>>,
}

/// Somebody who is told by HTTP: a POST with the alert's record as JSON.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Webhook {
    /// Where requests go: `http://`, or `https://` in a build with the feature `tls`.
    pub(crate) url: Key<String>,
    /// Headers of each request. Secrets belong into `${env:NAME}` or `${file:path}`.
    pub(crate) headers: Option<Key<Named<String>>>,
    /// How long one request may take. Default: 10s.
    pub(crate) timeout: Option<Key<Duration>>,
    /// An alert that could not be handed over for so long is given up. Default: 1h.
    pub(crate) give_up: Option<Key<Duration>>,
}

/// Tells somebody when a metric is not as it should be.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Alert {
    /// Name. That of a standard alert changes what it says here and keeps the rest.
    pub(crate) id: Key<String>,
    /// The condition. Needed unless a standard alert has one.
    pub(crate) when: Option<Key<String>>,
    /// How long it must hold without a break. Default: 0s, or the standard alert's.
    #[serde(rename = "for")]
    pub(crate) hold: Option<Key<Duration>>,
    /// Where it goes: `log`, `topic`, names of webhooks. Default: `to` of `[alerts]`.
    pub(crate) to: Option<Key<Vec<Key<String>>>>,
    /// Where it stands what to do: handed on with the alert. Default: the alert's section in docs/operations.md.
    pub(crate) see: Option<Key<String>>,
    /// Whether it holds. Default: true.
    pub(crate) enabled: Option<Key<bool>>,
}
