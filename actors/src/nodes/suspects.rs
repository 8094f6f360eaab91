//! Records on which tasks failed as a whole: the last rung before a supervisor gives up.
//!
//! What a task was working on when it failed is noted here, where it outlives the task. When the
//! records come again they are worked on one by one, so that a second failure names the one to blame;
//! the third makes it a dead letter of stage `task`. Innocent records that a task was stopped over
//! (another actor of the shard failed) are not noted. Only records of sources: rows behind a key-by
//! come from a task of this topology, which has had them already. Bounded: one range a partition.

use std::collections::HashMap;

use parking_lot::Mutex;
use supervisors::TaskId;

use crate::log::{LogRecord, TopicPartition};

/// Times that a record may kill its task.
const KILLS_MAX: u32 = 3;

/// What is held against the records of each partition.
#[derive(Debug, Default)]
pub struct Suspects {
    held_against: Mutex<HashMap<TopicPartition, Suspect>>,
    /// What each task works on now: told for it if it hangs.
    at_work: Mutex<HashMap<TaskId, AtWork>>,
}

/// Records of a partition: from an offset until another, exclusive.
type AtWork = (TopicPartition, (i64, i64));

/// Offsets worked on when a task failed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Suspect {
    from: i64,
    /// Exclusive.
    until: i64,
    /// How often a task failed over them.
    kills: u32,
    reason: String,
}

/// Records to be worked on together.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// As they are.
    Work(Vec<LogRecord>),
    /// A dead letter, for this reason.
    Condemned(Box<LogRecord>, String),
}

impl Suspects {
    /// Records of a partition in the parts in which they are to be worked on, in their order.
    pub(super) fn parts(&self, at: &TopicPartition, records: Vec<LogRecord>) -> Vec<Part> {
        let suspects = self.held_against.lock();
        let Some(suspect) = suspects.get(at) else {
            return vec![Part::Work(records)];
        };
        let mut parts: Vec<Part> = Vec::new();
        for record in records {
            let suspected = (suspect.from..suspect.until).contains(&record.offset);
            let alone = suspect.until - suspect.from == 1;
            match parts.last_mut() {
                _ if suspected && alone && suspect.kills >= KILLS_MAX => {
                    parts.push(Part::Condemned(Box::new(record), suspect.reason.clone()));
                }
                Some(Part::Work(before))
                    if !suspected
                        && before.last().is_some_and(|last| last.offset < suspect.from) =>
                {
                    before.push(record);
                }
                Some(Part::Work(before))
                    if !suspected
                        && before
                            .first()
                            .is_some_and(|first| first.offset >= suspect.until) =>
                {
                    before.push(record);
                }
                _ => parts.push(Part::Work(vec![record])),
            }
        }
        parts
    }

    /// A task works on these records from now on; `None`: on none.
    pub(super) fn works_on(&self, task: TaskId, records: Option<AtWork>) {
        let mut at_work = self.at_work.lock();
        match records {
            Some(records) => drop(at_work.insert(task, records)),
            None => drop(at_work.remove(&task)),
        }
    }

    /// A task hangs: over the records that it works on, if it works on any.
    pub(super) fn hung(&self, task: TaskId, reason: &str) {
        let at_work = self.at_work.lock().remove(&task);
        if let Some((at, range)) = at_work {
            self.failed(&at, range, reason.to_owned());
        }
    }

    /// A task failed over the records `from..until`.
    pub(super) fn failed(&self, at: &TopicPartition, (from, until): (i64, i64), reason: String) {
        let mut suspects = self.held_against.lock();
        let suspect = suspects.entry(at.clone()).or_insert(Suspect {
            from,
            until,
            kills: 0,
            reason: String::new(),
        });
        // What killed together with others counts against each of them; elsewhere it begins anew.
        if from < suspect.from || until > suspect.until {
            suspect.kills = 0;
        }
        (suspect.from, suspect.until) = (from, until);
        suspect.kills += 1;
        suspect.reason = reason;
    }

    /// Everything before this offset is committed: nothing is held against it any more.
    pub(super) fn committed(&self, at: &TopicPartition, offset: i64) {
        let mut suspects = self.held_against.lock();
        if suspects
            .get(at)
            .is_some_and(|suspect| suspect.until <= offset)
        {
            suspects.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use config::TopicName;

    use super::*;

    fn at() -> TopicPartition {
        TopicPartition::new(TopicName::parse("t").expect("a name"), 0)
    }

    fn records(offsets: std::ops::Range<i64>) -> Vec<LogRecord> {
        let record = |offset| LogRecord {
            offset,
            ..LogRecord::new(None, None, 0)
        };
        offsets.map(record).collect()
    }

    /// The offsets of each part; negative: condemned.
    fn parts(suspects: &Suspects, offsets: std::ops::Range<i64>) -> Vec<Vec<i64>> {
        let parts = suspects.parts(&at(), records(offsets));
        let offsets = |part: &Part| match part {
            Part::Work(records) => records.iter().map(|record| record.offset).collect(),
            Part::Condemned(record, _) => vec![-record.offset],
        };
        parts.iter().map(offsets).collect()
    }

    #[test]
    fn the_third_failure_condemns_the_record_and_nothing_else() {
        let suspects = Suspects::default();
        assert_eq!(parts(&suspects, 0..4), [[0, 1, 2, 3]]);
        suspects.failed(&at(), (2, 4), "one".into());
        assert_eq!(
            parts(&suspects, 0..6),
            [vec![0, 1], vec![2], vec![3], vec![4, 5]]
        );
        suspects.failed(&at(), (3, 4), "two".into());
        assert_eq!(parts(&suspects, 0..6), [vec![0, 1, 2], vec![3], vec![4, 5]]);
        suspects.failed(&at(), (3, 4), "three".into());
        assert_eq!(parts(&suspects, 2..5), [vec![2], vec![-3], vec![4]]);
        suspects.committed(&at(), 3);
        assert_eq!(parts(&suspects, 3..5), [vec![-3], vec![4]], "not yet");
        suspects.committed(&at(), 4);
        assert_eq!(parts(&suspects, 3..5), [[3, 4]]);
    }

    #[test]
    fn a_failure_elsewhere_begins_anew() {
        let suspects = Suspects::default();
        suspects.failed(&at(), (2, 4), "one".into());
        suspects.failed(&at(), (3, 4), "two".into());
        suspects.failed(&at(), (9, 10), "another".into());
        suspects.failed(&at(), (9, 10), "another".into());
        assert_eq!(parts(&suspects, 9..11), [vec![9], vec![10]], "two kills");
    }
}
