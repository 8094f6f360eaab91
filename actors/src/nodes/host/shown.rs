//! What a host tells and shows of its keys: those that fail, those in quarantine, the busiest and largest.

use bytes::Bytes;
use ractor::ActorProcessingErr;

use super::HostState;
use super::top::{Found, Rank, SessionFigures, Top};
use crate::nodes::events::Happened;
use crate::nodes::metrics;
use crate::nodes::quarantine::Quarantined;
use crate::nodes::status::{KeyState, KeyStatus};

impl HostState {
    /// Tells of keys that came into quarantine.
    pub(super) fn tell(&self, keyed: usize, begun: &[(Bytes, Quarantined)]) {
        for (key, quarantined) in begun {
            let happened = Happened::Quarantined {
                operator: self.program.keyed[keyed].id.to_string(),
                key: String::from_utf8_lossy(key).into_owned(),
                failures: quarantined.failures,
                reason: quarantined.reason.clone(),
            };
            metrics::quarantine(self.program.keyed[keyed].id.as_str());
            self.context.events.tell(quarantined.since_ms, happened);
        }
    }

    /// The busiest or largest sessions in memory.
    pub(super) async fn top(
        &self,
        rank: Rank,
        limit: usize,
    ) -> Result<Vec<SessionFigures>, ActorProcessingErr> {
        let (mut top, now_ms) = (Top::new(rank, limit), self.context.clock.now_ms());
        for (nth, sessions) in self.operators.iter().enumerate() {
            sessions.see(nth, now_ms, &mut top).await?;
        }
        let figures = |found: Found| SessionFigures {
            operator: self.program.keyed[found.operator].id.to_string(),
            key: String::from_utf8_lossy(&found.key).into_owned(),
            task: self.context.task_name(self.task),
            rows_per_minute: found.rows_per_minute,
            bytes: found.bytes,
            hosting: found.hosting,
        };
        Ok(top.finish().into_iter().map(figures).collect())
    }

    /// Shows the keys that fail and those in quarantine.
    pub(super) fn report(&mut self) {
        let mut keys = Vec::new();
        let now_ms = self.context.clock.now_ms();
        for (sessions, step) in self.operators.iter().zip(&self.program.keyed) {
            let status = |key: &Bytes, state| KeyStatus {
                operator: step.id.to_string(),
                key: String::from_utf8_lossy(key).into_owned(),
                task: self.context.task_name(self.task),
                state,
            };
            for (key, quarantined) in sessions.quarantine().keys() {
                keys.push(status(
                    key,
                    KeyState::Quarantined(quarantined.clone().into()),
                ));
            }
            for (key, failures) in sessions.quarantine().failing(now_ms) {
                keys.push(status(key, KeyState::Failing { failures }));
            }
        }
        self.context.status.set_keys(self.task, keys);
    }
}
