//! What a task must remember of an input partition beside its offset. It travels in the offset's
//! metadata, so that it commits with the epoch.
//!
//! Forms (text, fields separated by `;`): a source's `s1;<highest event time or ->`; a repartition
//! topic's `r1;<released>;<read>;<pace of each upstream partition, comma-separated>` with a pace as
//! `a<ms>`, `i<ms>`, `e`.

use crate::watermark::Pace;

/// Progress in a source's partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SourceProgress {
    /// Highest event time seen.
    pub highest: Option<i64>,
}

/// Progress in a partition of a repartition topic.
///
/// The committed offset is that of the earliest row still held. From there to `read`, rows at or
/// after `released` are held and the others were processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldProgress {
    /// Rows with an earlier event time have been processed.
    pub released: i64,
    /// Next offset to read for the first time.
    pub read: i64,
    /// What each upstream partition last said.
    pub paces: Vec<Pace>,
}

impl SourceProgress {
    /// As metadata.
    #[must_use]
    pub fn encode(self) -> String {
        self.highest
            .map_or_else(|| "s1;-".to_owned(), |highest| format!("s1;{highest}"))
    }

    /// From metadata; `None` if it is not of this form.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        match text.strip_prefix("s1;")? {
            "-" => Some(Self { highest: None }),
            number => Some(Self {
                highest: Some(number.parse().ok()?),
            }),
        }
    }
}

impl HeldProgress {
    /// Nothing read, nothing heard.
    #[must_use]
    pub fn new(upstream_partitions: usize) -> Self {
        Self {
            released: i64::MIN,
            read: 0,
            paces: vec![Pace::Active(i64::MIN); upstream_partitions],
        }
    }

    /// As metadata.
    #[must_use]
    pub fn encode(&self) -> String {
        let paces: Vec<String> = self
            .paces
            .iter()
            .map(|pace| match pace {
                Pace::Active(at) => format!("a{at}"),
                Pace::Idle(at) => format!("i{at}"),
                Pace::Ended => "e".to_owned(),
            })
            .collect();
        format!("r1;{};{};{}", self.released, self.read, paces.join(","))
    }

    /// From metadata; `None` if it is not of this form.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let mut fields = text.strip_prefix("r1;")?.split(';');
        let released = fields.next()?.parse().ok()?;
        let read = fields.next()?.parse().ok()?;
        let paces = fields
            .next()?
            .split(',')
            .map(decode_pace)
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            released,
            read,
            paces,
        })
    }
}

fn decode_pace(text: &str) -> Option<Pace> {
    match text.split_at_checked(1)? {
        ("a", number) => Some(Pace::Active(number.parse().ok()?)),
        ("i", number) => Some(Pace::Idle(number.parse().ok()?)),
        ("e", "") => Some(Pace::Ended),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_survives_its_metadata() {
        for highest in [None, Some(-5), Some(1_522_540_831_000)] {
            let progress = SourceProgress { highest };
            assert_eq!(SourceProgress::decode(&progress.encode()), Some(progress));
        }
        let held = HeldProgress {
            released: 7,
            read: 42,
            paces: vec![Pace::Active(i64::MIN), Pace::Idle(3), Pace::Ended],
        };
        assert_eq!(HeldProgress::decode(&held.encode()), Some(held));
    }

    #[test]
    fn foreign_metadata_is_not_taken_for_progress() {
        for text in ["", "s1", "s1;x", "r1;1;2", "r1;1;2;q9", "s2;5"] {
            assert_eq!(SourceProgress::decode(text), None);
            assert_eq!(HeldProgress::decode(text), None);
        }
    }
}
