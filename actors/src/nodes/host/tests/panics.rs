//! Panics at random rows and timers leave the states and outputs of a run over the good rows alone.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;
use crate::nodes::quarantine::WITHIN_MS;

/// What becomes of a row when it is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Good,
    /// Panics always.
    Poison,
    /// Panics the first time.
    Stumbles,
}

#[derive(Debug, Clone)]
enum Step {
    Rows(Vec<(u8, i64, Fate)>),
    Close,
    Commit,
    Passivate,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fate =
        prop_oneof![6 => Just(Fate::Good), 1 => Just(Fate::Poison), 1 => Just(Fate::Stumbles)];
    let rows = prop::collection::vec((0u8..4, 0i64..30, fate), 0..12);
    let step = prop_oneof![
        4 => rows.prop_map(Step::Rows),
        1 => Just(Step::Close),
        1 => Just(Step::Commit),
        1 => Just(Step::Passivate),
    ];
    prop::collection::vec(step, 1..30)
}

/// Panics as the rows' fates have it, and on every third timer of a key, once each.
fn panics() -> Faults {
    let stumbled: Mutex<HashSet<Vec<u8>>> = Mutex::default();
    let timers: Mutex<HashMap<Vec<u8>, u32>> = Mutex::default();
    Faults::by_content(Arc::new(move |stage, bytes| {
        if stage == "timer" {
            let mut timers = timers.lock();
            let fired = timers.entry(bytes.to_vec()).or_default();
            *fired += 1;
            assert!(!fired.is_multiple_of(3), "a timer stumbles");
            return;
        }
        // Half of the rows panic before they have done anything, half when all is done.
        if bytes.ends_with(b"1") != (stage == "session") {
            return;
        }
        assert!(!bytes.starts_with(b"Poison"), "a poison row");
        let first = bytes.starts_with(b"Stumbles") && stumbled.lock().insert(bytes.to_vec());
        assert!(!first, "a row stumbles");
    }))
}

/// The same steps; good rows only, if `clean`. Gives how many rows were left out.
async fn run(rig: &mut Rig, steps: &[Step], clean: bool) -> usize {
    let (mut nth, mut failed) = (0, 0);
    for step in steps {
        match step {
            Step::Rows(rows) => {
                let mut failures = [0; 4];
                let mut inputs = Vec::new();
                for (key, value, fate) in rows {
                    nth += 1;
                    // At most two failures a key and batch, and a minute between batches: nobody is
                    // quarantined.
                    let failures = &mut failures[usize::from(*key)];
                    *failures += usize::from(*fate == Fate::Poison);
                    let fate = if *failures > 2 { Fate::Good } else { *fate };
                    if !clean || fate != Fate::Poison {
                        inputs.push(Input {
                            key: format!("k{key}"),
                            value: *value,
                            time: nth * 2 - value % 7,
                            record: format!("{fate:?} {nth} {}", nth % 2),
                        });
                    }
                }
                rig.now_ms += WITHIN_MS;
                let worked = rig.rows(&inputs, nth * 2 - 7).await;
                let worked = worked.expect("every session comes back");
                assert!(worked.held.is_empty(), "keys fail too seldom for that");
                failed += worked.failed.len();
            }
            Step::Close => rig.close().await,
            Step::Commit => rig.commit(),
            Step::Passivate => rig.passivate().await,
        }
    }
    rig.close_and_commit().await;
    failed
}

fn poison(steps: &[Step]) -> usize {
    let mut poison = 0;
    for step in steps {
        let mut failures = [0; 4];
        let Step::Rows(rows) = step else { continue };
        for (key, _, fate) in rows {
            let failures = &mut failures[usize::from(*key)];
            *failures += usize::from(*fate == Fate::Poison);
            poison += usize::from(*failures <= 2 && *fate == Fate::Poison);
        }
    }
    poison
}

proptest! {
    #[test]
    fn panics_at_random_rows_leave_what_the_good_rows_alone_give(
        steps in steps(), kind in 0..3, hosting in 0..HOSTINGS.len(),
    ) {
        let (operator, fires) = match kind {
            0 => (rolling(), false),
            1 => (window(Emit::Final), true),
            _ => (window(Emit::Updates), true),
        };
        let (found, expected) = on_threads(async {
            let hosted = Hosting::Hosted { max: None };
            let mut expected = Rig::new(&operator, fires, hosted, Faults::default()).await;
            run(&mut expected, &steps, true).await;
            let mut found = Rig::new(&operator, fires, HOSTINGS[hosting], panics()).await;
            let failed = run(&mut found, &steps, false).await;
            let all = |rig: &Rig, failed| (rig.outputs.clone(), rig.states(), failed);
            (all(&found, failed), all(&expected, poison(&steps)))
        });
        prop_assert_eq!(found, expected, "hosting {:?}", HOSTINGS[hosting]);
    }
}
