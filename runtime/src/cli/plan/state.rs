//! What becomes of the state of what ran before under the same name. Pure.

use std::collections::BTreeSet;

use comfy_table::{Table, presets};
use serde::Serialize;

use crate::daemon::Ran;

/// A keyed operator and what becomes of its state.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct StateFate {
    operator: String,
    state: Fate,
}

/// What becomes of an operator's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Fate {
    /// There is none yet.
    New,
    /// The operator is as it was.
    Kept,
    /// The operator is another than the one whose state is there.
    Changed,
    /// The operator is gone.
    Dropped,
}

impl Fate {
    fn label(self) -> &'static str {
        match self {
            Self::New => "begins without state",
            Self::Kept => "kept",
            Self::Changed => {
                "defined otherwise than when its state was written: give it a new id to begin anew"
            }
            Self::Dropped => "no longer used; its changelog stays in the log",
        }
    }
}

/// The keyed operators of what ran before and of what will run, by id.
pub(super) fn fates(before: Option<&Ran>, now: &Ran) -> Vec<StateFate> {
    let none = std::collections::BTreeMap::new();
    let old = before.map_or(&none, |ran| &ran.keyed);
    let ids: BTreeSet<&String> = old.keys().chain(now.keyed.keys()).collect();
    let fate = |id: &String| match (old.get(id), now.keyed.get(id)) {
        (None, _) => Fate::New,
        (Some(_), None) => Fate::Dropped,
        (Some(old), Some(new)) if old == new => Fate::Kept,
        (Some(_), Some(_)) => Fate::Changed,
    };
    let fates = ids.into_iter().map(|id| StateFate {
        state: fate(id),
        operator: id.clone(),
    });
    fates.collect()
}

pub(super) fn table(fates: &[StateFate]) -> String {
    if fates.is_empty() {
        return "  none: no operator keeps any".to_owned();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for fate in fates {
        table.add_row([&format!("  {}", fate.operator), fate.state.label()]);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::RanOperator;

    fn ran(operators: &[(&str, &str)]) -> Ran {
        let operator = |(id, definition): &(&str, &str)| {
            let (kind, definition) = ("rolling".into(), (*definition).into());
            ((*id).into(), RanOperator { kind, definition })
        };
        Ran {
            hash: 0,
            keyed: operators.iter().map(operator).collect(),
        }
    }

    #[test]
    fn state_follows_the_id_as_long_as_the_operator_is_the_same() {
        let now = ran(&[("same", "x"), ("other", "y"), ("fresh", "z")]);
        let before = ran(&[("same", "x"), ("other", "x"), ("gone", "x")]);
        let told = |before| -> Vec<(String, Fate)> {
            let fates = fates(before, &now).into_iter();
            fates.map(|fate| (fate.operator, fate.state)).collect()
        };
        let expect = [
            ("fresh", Fate::New),
            ("gone", Fate::Dropped),
            ("other", Fate::Changed),
            ("same", Fate::Kept),
        ];
        assert_eq!(
            told(Some(&before)),
            expect.map(|(id, fate)| (id.into(), fate))
        );
        assert!(told(None).iter().all(|(_, fate)| *fate == Fate::New));
    }
}
