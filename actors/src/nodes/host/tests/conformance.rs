//! The contract of [`super::super::operator`], one behaviour a test, in every hosting: identity, order,
//! snapshots, life cycle, bounds. What fails: [`super::failing`].

use super::*;

#[test]
fn a_key_is_one_session_whatever_comes_between_and_outputs_keep_the_order_of_the_rows() {
    in_each(async |hosting| {
        let mut rig = Rig::new(&rolling(), false, hosting, Faults::default()).await;
        let keys = ["a", "b", "c", "a", "d", "b", "a", "e"];
        for round in 0..3 {
            let rows = keys.map(|key| row(key, 1));
            rig.rows(&rows, 0).await.expect("runs");
            let expected = [1, 1, 1, 2, 1, 2, 3, 1];
            let a_round = [3, 2, 1, 3, 1, 2, 3, 1];
            let expected = expected
                .iter()
                .zip(a_round)
                .map(|(sum, all)| sum + round * all);
            let expected: Vec<String> = expected.map(|sum| sum.to_string()).collect();
            assert_eq!(sums(&mut rig), expected, "round {round}");
            rig.close_and_commit().await;
            rig.passivate().await;
            assert_eq!(rig.sessions.live(), 0, "all rest");
        }
    });
}

#[test]
fn an_epoch_gives_one_snapshot_of_each_key_that_it_has_touched() {
    in_each(async |hosting| {
        let mut rig = Rig::new(&rolling(), false, hosting, Faults::default()).await;
        let mut touched = Vec::new();
        for keys in [&["a", "b", "c", "d", "a"][..], &["e", "a"], &["b"]] {
            let rows: Vec<Input> = keys.iter().map(|key| row(key, 1)).collect();
            rig.rows(&rows, 0).await.expect("runs");
            rig.passivate().await;
            // A second time, for who had to leave in the middle of the epoch.
            rig.rows(&rows[..1], 0).await.expect("runs");
            rig.close().await;
            let (_, entries) = rig.closed.last().expect("closed");
            let mut found: Vec<Bytes> = entries.iter().map(|entry| entry.key.clone()).collect();
            found.sort();
            touched.push(found);
        }
        let expected = [&["a", "b", "c", "d"][..], &["a", "e"], &["b"]];
        let expected: Vec<Vec<Bytes>> = expected
            .iter()
            .map(|keys| {
                keys.iter()
                    .map(|key| Bytes::from(key.to_string()))
                    .collect()
            })
            .collect();
        assert_eq!(touched, expected);
    });
}

#[test]
fn nobody_leaves_before_what_he_knows_is_committed_or_kept() {
    in_each(async |hosting| {
        let mut rig = Rig::new(&rolling(), false, hosting, Faults::default()).await;
        for round in 1..=3 {
            for key in ["a", "b", "c", "d"] {
                rig.rows(&[row(key, 1)], 0).await.expect("runs");
                rig.passivate().await;
                assert_eq!(sums(&mut rig), [round.to_string()], "{key}");
            }
            // Closed, and never committed.
            rig.close().await;
        }
        assert!(rig.states().is_empty());
    });
}

#[test]
fn a_restart_goes_on_where_the_last_commit_was() {
    in_each(async |hosting| {
        let mut rig = Rig::new(&window(Emit::Final), true, hosting, Faults::default()).await;
        let rows = ["a", "b", "c"].map(|key| at(key, 5, 1));
        rig.rows(&rows, 0).await.expect("runs");
        rig.close_and_commit().await;
        rig.rows(&[at("a", 100, 2), at("d", 100, 2)], 2)
            .await
            .expect("runs");
        rig.close().await;
        rig.restart();
        rig.rows(&[at("b", 1, 3)], 3).await.expect("runs");
        assert!(rig.outputs.is_empty(), "no window has ended");
        // Timers of sessions that are not in memory fire, by (time, key).
        rig.rows(&[], 10).await.expect("runs");
        let found: Vec<&str> = rig.outputs.iter().map(String::as_str).collect();
        let expected = [("\"a\"", "  5,"), ("\"b\"", "  6,"), ("\"c\"", "  5,")];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, (key, sum)) in found.iter().zip(expected) {
            assert!(
                found.contains(key) && found.contains(sum),
                "{found} {key} {sum}"
            );
        }
        rig.close_and_commit().await;
        assert!(
            rig.states().is_empty(),
            "windows that have fired leave nothing"
        );
        rig.passivate().await;
        assert_eq!(rig.sessions.live(), 0);
    });
}

#[test]
fn the_count_of_sessions_is_bounded() {
    in_each(async |hosting| {
        let mut rig = Rig::new(&rolling(), false, hosting, Faults::default()).await;
        for round in 1..=3 {
            let rows: Vec<Input> = (0..40).map(|key| row(&format!("k{key}"), 1)).collect();
            rig.rows(&rows, 0).await.expect("runs");
            assert_eq!(sums(&mut rig), vec![round.to_string(); 40]);
            if let Hosting::Dedicated { max } = hosting {
                assert!(rig.sessions.live() <= max as usize, "also within an epoch");
            }
            rig.close_and_commit().await;
            // As the host does it: not for want of bytes.
            for _ in 0..2 {
                let passivated = rig.sessions.passivate(rig.epoch - 1, i64::MIN, 1);
                passivated.await.expect("sessions answer");
            }
            if let Hosting::Hosted { max: Some(max) } = hosting {
                assert!(rig.sessions.live() <= max as usize);
            }
        }
    });
}

#[test]
fn those_that_rest_leave_when_bytes_are_short_and_idle_ones_in_any_case() {
    in_each(async |hosting| {
        let mut rig = Rig::new(&rolling(), false, hosting, Faults::default()).await;
        rig.rows(&[row("a", 1), row("b", 1)], 0)
            .await
            .expect("runs");
        rig.close_and_commit().await;
        let before = rig.sessions.bytes();
        let passivated = rig.sessions.passivate(rig.epoch - 1, i64::MIN, 1).await;
        passivated.expect("sessions answer");
        assert_eq!(
            (rig.sessions.live(), rig.sessions.bytes()),
            (2, before),
            "there is room"
        );
        rig.now_ms = 1_000;
        rig.rows(&[row("b", 1)], 0).await.expect("runs");
        rig.close_and_commit().await;
        let passivated = rig.sessions.passivate(rig.epoch - 1, 1_000, 1).await;
        passivated.expect("sessions answer");
        assert_eq!(rig.sessions.live(), 1, "one was idle");
        rig.passivate().await;
        assert_eq!((rig.sessions.live(), rig.sessions.bytes()), (0, 0));
    });
}

#[test]
fn the_busiest_and_the_largest_sessions_are_seen_in_every_hosting() {
    in_each(async |hosting| {
        let mut rig = Rig::new(&rolling(), false, hosting, Faults::default()).await;
        rig.now_ms = 90_000;
        let rows = ["a", "b", "b", "much-longer-than-others-are", "b"].map(|key| row(key, 1));
        rig.rows(&rows, 0).await.expect("runs");
        for (rank, first) in [
            (Rank::Rate, ("b", 3)),
            (Rank::Bytes, ("much-longer-than-others-are", 1)),
        ] {
            let mut top = top::Top::new(rank, 1);
            rig.sessions
                .see(0, rig.now_ms, &mut top)
                .await
                .expect("sessions answer");
            let found = top.finish();
            // Only two of the three may be there at a time; who has left is not seen.
            if matches!(hosting, Hosting::Dedicated { max: 2 }) {
                assert_eq!(found.len(), 1);
            } else if !matches!(hosting, Hosting::Auto { .. }) {
                let found = (found[0].key.clone(), found[0].rows_per_minute);
                assert_eq!(
                    found,
                    (Bytes::from(first.0), first.1),
                    "{hosting:?} {rank:?}"
                );
            }
        }
    });
}

#[test]
fn what_a_session_knows_can_be_shown() {
    on_threads(async {
        let hosting = Hosting::Hosted { max: None };
        let cases = [
            (
                (rolling(), false),
                serde_json::json!({"columns": {"all": 9, "last": 8}, "rows_kept": 3}),
            ),
            (
                (window(Emit::Final), true),
                serde_json::json!({
                    "windows": [
                        {"start": "1970-01-01T00:00:00.000Z", "end": "1970-01-01T00:00:00.010Z", "columns": {"sum": 6}},
                        {"start": "1970-01-01T00:00:00.010Z", "end": "1970-01-01T00:00:00.020Z", "columns": {"sum": 3}},
                    ],
                    "closed": [],
                    "open": 2,
                }),
            ),
        ];
        for ((operator, fires), expected) in cases {
            let mut rig = Rig::new(&operator, fires, hosting, Faults::default()).await;
            let rows = [at("a", 1, 1), at("a", 3, 2), at("a", 2, 3), at("a", 3, 12)];
            rig.rows(&rows, 5).await.expect("runs");
            rig.close_and_commit().await;
            let states = rig.states();
            let opened = crate::state::envelope::open(&states[0].1).expect("sealed");
            let state = operator.decode(&opened.payload).expect("its own");
            assert_eq!(operator.describe(&state), expected);
        }
    });
}
