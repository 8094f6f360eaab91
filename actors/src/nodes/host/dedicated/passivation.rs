//! Which dedicated sessions leave memory, and how.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{DEDICATED_OVERHEAD_BYTES, Dedicated, Job, Left, Live};
use crate::nodes::host::hosted::Hosted;
use crate::nodes::host::operator::HostingError;
use crate::nodes::host::session::SessionMessage;

impl Dedicated {
    /// Has sessions leave whose state is committed: those that are empty or rest since before
    /// `idle_before_ms`, and, while there are more than `budget` bytes, those that rest longest.
    pub(in crate::nodes::host) async fn passivate(
        &mut self,
        hosted: &mut Hosted,
        idle_before_ms: i64,
        budget: usize,
    ) -> Result<(), HostingError> {
        let resting = |live: &Live| live.touched_epoch <= self.committed;
        let resting = self.live.iter().filter(|(_, live)| resting(live));
        let mut resting: Vec<(i64, &Bytes, &Live)> = resting
            .map(|(key, live)| (live.used_ms, key, live))
            .collect();
        resting.sort_by_key(|(used_ms, key, _)| (*used_ms, *key));
        let (mut bytes, mut leaving) = (self.bytes(), Vec::new());
        for (used_ms, key, live) in resting {
            if bytes > budget || live.empty || used_ms < idle_before_ms {
                bytes -= DEDICATED_OVERHEAD_BYTES + key.len() + live.bytes;
                leaving.push(key.clone());
            }
        }
        self.leave(hosted, leaving).await
    }

    /// Has sessions leave, if need be, until those of a wave have room: first those whose state is
    /// committed, of them who rests longest.
    pub(super) async fn make_room(
        &mut self,
        hosted: &mut Hosted,
        wave: &[Job],
    ) -> Result<(), HostingError> {
        let wanted: BTreeSet<&Bytes> = wave.iter().map(|job| &job.key).collect();
        let absent = wanted.iter().filter(|key| !self.live.contains_key(**key));
        let over = (self.live.len() + absent.count()).saturating_sub(self.max);
        if over == 0 {
            return Ok(());
        }
        let others = self.live.iter().filter(|(key, _)| !wanted.contains(key));
        let mut others: Vec<(bool, i64, &Bytes)> = others
            .map(|(key, live)| (live.touched_epoch > self.committed, live.used_ms, key))
            .collect();
        others.sort();
        let leaving = others.iter().take(over).map(|(.., key)| (*key).clone());
        self.leave(hosted, leaving.collect()).await
    }

    /// Passivation in two phases: the sessions are told, give what they are, and end; only then they
    /// count as absent. Their host, which alone could send them rows, waits.
    async fn leave(&mut self, hosted: &mut Hosted, keys: Vec<Bytes>) -> Result<(), HostingError> {
        let states = self
            .ask_all(&keys, |reply| SessionMessage::Leave { reply })
            .await?;
        for (key, value) in keys.into_iter().zip(states) {
            let Some(live) = self.live.remove(&key) else {
                continue;
            };
            let quarantined = hosted.quarantine.get(&key).is_some();
            let timer = live.timer.filter(|_| !quarantined);
            hosted.timers.resume(&key, timer);
            if live.touched_epoch > self.committed {
                let epoch = live.touched_epoch;
                self.left.insert(key, Left { epoch, value });
            }
        }
        Ok(())
    }
}
