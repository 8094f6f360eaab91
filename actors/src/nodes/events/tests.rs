//! Bursts, bounds, and that each kind of event stands in the operations page.

use super::*;

fn letters(events: &Events) -> Vec<(u64, u64)> {
    let counts = events
        .since(0)
        .0
        .into_iter()
        .map(|event| match event.happened {
            Happened::DeadLetters { count, .. } => (event.number, count),
            other => panic!("{other:?}"),
        });
    counts.collect()
}

#[test]
fn a_burst_of_dead_letters_is_told_at_once_and_then_every_ten_seconds() {
    let events = Events::default();
    for second in 0..25 {
        events.dead_letters(second * 1_000, "decode", "bad", 3);
    }
    assert_eq!(letters(&events), [(1, 3), (2, 30), (3, 30)]);
    events.dead_letters(25_000, "score", "model-failed", 1);
    assert_eq!(letters(&events).len(), 4, "another stage has its own");
}

/// Every kind, as it is told and as docs/operations.md names it. A new one does not compile before it is
/// here.
fn kind(happened: &Happened) -> &'static str {
    match happened {
        Happened::DeadLetters { .. } => "dead-letters",
        Happened::Quarantined { .. } => "quarantined",
        Happened::Released { .. } => "released",
        Happened::Breaker { .. } => "breaker",
        Happened::Alert { .. } => "alert",
        Happened::Restarting { .. } => "restarting",
        Happened::Parked { .. } => "parked",
        Happened::Retried { .. } => "retried",
        Happened::Hung { .. } => "hung",
        Happened::Unread { .. } => "unread",
        Happened::Escalated { .. } => "escalated",
    }
}

fn an_alert() -> Happened {
    Happened::from(Told {
        alert: "late".into(),
        at_ms: 0,
        state: AlertState::Firing,
        number: 1,
        since_ms: 0,
        node: None,
        value: None,
        series: None,
        condition: None,
        see: None,
    })
}

fn one_of_each() -> Vec<Happened> {
    let text = String::new;
    let (cause, count) = ("panic", 1);
    vec![
        Happened::DeadLetters {
            stage: text(),
            code: "bad",
            count,
        },
        Happened::Quarantined {
            operator: text(),
            key: text(),
            failures: 3,
            reason: text(),
        },
        Happened::Released {
            operator: text(),
            key: text(),
            action: "skip",
            replayed: 0,
        },
        Happened::Breaker {
            model: text(),
            from: "closed",
            to: "open",
            reason: text(),
        },
        an_alert(),
        Happened::Restarting {
            actor: text(),
            kind: text(),
            cause,
            reason: text(),
            after_ms: 0,
            left: 1,
        },
        Happened::Parked {
            task: text(),
            cause,
            reason: text(),
            retry_ms: 1,
        },
        Happened::Retried { task: text() },
        Happened::Hung {
            actor: text(),
            at: "sink",
            stage: "at rest",
            thread: "sleeping",
            stuck_ms: 1,
            lost: 1,
        },
        Happened::Unread {
            topic: text(),
            partition: 0,
            offset: 0,
            unread_ms: 1,
        },
        Happened::Escalated {
            actor: text(),
            kind: text(),
            cause,
            reason: text(),
        },
    ]
}

#[test]
fn what_each_event_means_and_what_to_do_stands_in_the_operations_page() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let table = page.split("## Events").nth(1).expect("a chapter of events");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    let told: Vec<&str> = one_of_each().iter().map(kind).collect();
    assert_eq!(documented, told, "docs/operations.md, Events");
    for happened in one_of_each() {
        let json = serde_json::to_value(&happened).expect("it is plain data");
        assert_eq!(json["event"], kind(&happened));
    }
}

#[test]
fn the_last_thousand_are_kept_and_listeners_hear_what_comes() {
    let events = Events::default();
    let happened = |nth: u64| Happened::Breaker {
        model: nth.to_string(),
        from: "closed",
        to: "open",
        reason: String::new(),
    };
    (1..=1_500).for_each(|nth| events.tell(0, happened(nth)));
    let (last, mut stream) = events.since(0);
    assert_eq!(last.len(), KEPT);
    assert_eq!((last[0].number, last[KEPT - 1].number), (501, 1_500));
    assert_eq!(events.since(1_498).0.len(), 2);
    events.tell(0, happened(1_501));
    assert_eq!(stream.try_recv().map(|event| event.number), Ok(1_501));
}
