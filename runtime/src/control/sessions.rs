//! Keys and their sessions, read from what their tasks have committed; and the end of a quarantine.

use std::cmp::Reverse;

use actors::log::partition_for_key;
use actors::nodes::ask;
use actors::nodes::host::{HostMessage, Rank, SessionFigures};
use actors::nodes::partition::{PartitionMessage, SessionAction};
use actors::nodes::program::KeyedStep;
use actors::nodes::quarantine::{Quarantined, entry_key};
use actors::nodes::status::{KeyStatus, QuarantineStatus};
use actors::operators::keyed::StateDecodeError;
use actors::state::envelope;
use actors::state::store::Space;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use supervisors::TaskId;

use super::{Control, ControlError};

/// Keys longer than this are refused.
const KEY_BYTES_MAX: usize = 4096;

/// Sessions that are listed at a time, at most.
pub const SESSIONS_MAX: usize = 1_000;

/// What sessions are listed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum SessionsBy {
    /// Rows of the last minute.
    Rate,
    /// Bytes in memory.
    Bytes,
    /// Those in quarantine, then those that failed within the last minute.
    #[default]
    Failures,
}

/// A session as its last committed epoch left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionView {
    /// The keyed operator.
    pub operator: String,
    /// The key as text.
    pub key: String,
    /// The task that owns it.
    pub task: String,
    /// Whether there is state of this key.
    pub present: bool,
    /// Size of its snapshot.
    pub bytes: usize,
    /// When it wants to be woken: event time, milliseconds since 1970-01-01 UTC.
    pub timer: Option<i64>,
    /// What it says, as its operator's kind has it.
    pub state: Option<serde_json::Value>,
    /// The key's quarantine, if it is in one.
    pub quarantine: Option<QuarantineStatus>,
}

/// A quarantine has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnded {
    /// Held rows that ran again.
    pub replayed: u64,
}

impl Control {
    /// The session of a key in a keyed operator. Blocks on the store.
    ///
    /// # Errors
    /// No such keyed operator, a key beyond 4,096 bytes, a task that has not started, state that
    /// cannot be read.
    pub fn session(&self, operator: &str, key: &str) -> Result<SessionView, ControlError> {
        let (task, space, step) = self.owner(operator, key)?;
        let name = self.context().task_name(task);
        let state = self.context().states.current(task);
        let state = state.map_err(|_| ControlError::NotYet(format!("task \"{name}\"")))?;
        let value = state.get(space, &Bytes::copy_from_slice(key.as_bytes()))?;
        let quarantine = state.get(space, &entry_key(key.as_bytes()))?;
        let quarantine = quarantine.as_ref().map(Quarantined::open).transpose();
        let quarantine = quarantine.map_err(|error| ControlError::Internal(error.to_string()))?;
        let opened = match &value {
            Some(value) => Some(
                envelope::open(value).map_err(|error| ControlError::Internal(error.to_string()))?,
            ),
            None => None,
        };
        let kernel = &step.operator;
        let shown = opened.as_ref().map(|opened| {
            let state = kernel.decode(&opened.payload)?;
            Ok::<_, StateDecodeError>(kernel.describe(&state))
        });
        let shown = shown.transpose();
        let shown = shown.map_err(|error| ControlError::Internal(error.to_string()))?;
        Ok(SessionView {
            operator: operator.to_owned(),
            key: key.to_owned(),
            task: name,
            present: opened.is_some(),
            bytes: opened.as_ref().map_or(0, |opened| opened.payload.len()),
            timer: opened.and_then(|opened| opened.timer),
            state: shown,
            quarantine: quarantine.map(QuarantineStatus::from),
        })
    }

    /// The keys that fail: those in quarantine first.
    #[must_use]
    pub fn failing_keys(&self) -> Vec<KeyStatus> {
        self.context().status.keys()
    }

    /// Ends a key's quarantine. Returns when that is committed; blocks, within a runtime.
    ///
    /// # Errors
    /// No such keyed operator, a key that is in no quarantine, a task that does not run here, held rows
    /// that are not all there.
    pub fn end_quarantine(
        &self,
        operator: &str,
        key: &str,
        action: SessionAction,
    ) -> Result<SessionEnded, ControlError> {
        let (task, space, _) = self.owner(operator, key)?;
        let name = self.context().task_name(task);
        let partition = self.context().wiring.partition(task);
        let partition =
            partition.ok_or_else(|| ControlError::NotYet(format!("task \"{name}\"")))?;
        let asked = ask(&partition, |reply| PartitionMessage::Session {
            keyed: usize::from(space),
            key: Bytes::copy_from_slice(key.as_bytes()),
            action,
            reply,
        });
        let told = tokio::runtime::Handle::current().block_on(asked);
        // The task has ended meanwhile: its epoch is done again, and the key still in quarantine.
        let told = told.map_err(|_| ControlError::NotYet(format!("task \"{name}\"")))?;
        match told.map_err(ControlError::Conflict)? {
            Some(replayed) => Ok(SessionEnded { replayed }),
            None => Err(ControlError::Conflict(format!(
                "key \"{key}\" of operator \"{operator}\" is in no quarantine"
            ))),
        }
    }

    /// The busiest or largest sessions in this node's memory, at most [`SESSIONS_MAX`]. Each host looks
    /// over all it has: some milliseconds for a million sessions.
    ///
    /// # Errors
    /// If a host ends meanwhile.
    pub async fn top_sessions(
        &self,
        rank: Rank,
        limit: usize,
    ) -> Result<Vec<SessionFigures>, ControlError> {
        let limit = limit.min(SESSIONS_MAX);
        let mut first: Vec<SessionFigures> = Vec::new();
        for task in self.context().assigned().iter() {
            let Some(host) = self.context().wiring.host(*task) else {
                continue;
            };
            let top = |reply| HostMessage::Top { rank, limit, reply };
            let name = || format!("task \"{}\"", self.context().task_name(*task));
            let found = ask(&host, top).await;
            first.extend(found.map_err(|_| ControlError::NotYet(name()))?);
        }
        first.sort_by_cached_key(|session| {
            let figure = match rank {
                Rank::Rate => session.rows_per_minute,
                Rank::Bytes => session.bytes as u64,
            };
            (
                Reverse(figure),
                session.operator.clone(),
                session.key.clone(),
            )
        });
        first.truncate(limit);
        Ok(first)
    }

    /// The task that a key belongs to, and the operator with its space in the task's store.
    fn owner(
        &self,
        operator: &str,
        key: &str,
    ) -> Result<(TaskId, Space, &KeyedStep), ControlError> {
        if key.len() > KEY_BYTES_MAX {
            let reason = format!("the key is longer than {KEY_BYTES_MAX} bytes");
            return Err(ControlError::Invalid(reason));
        }
        for (sub_topology, program) in self.context().programs.iter().enumerate() {
            let mut keyed = (0..).zip(&program.keyed);
            let Some((space, step)) = keyed.find(|(_, step)| step.id.as_str() == operator) else {
                continue;
            };
            let task = TaskId {
                sub_topology,
                partition: partition_for_key(key.as_bytes(), program.partitions),
            };
            return Ok((task, space, step));
        }
        Err(ControlError::NotFound {
            what: "keyed operator",
            name: operator.to_owned(),
        })
    }
}
