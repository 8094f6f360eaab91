//! Card payments.

use std::collections::HashSet;
use std::path::Path;
use std::sync::LazyLock;

use super::*;

/// Days made here: past the 28 days after which as many terminals recover as are compromised.
const ROWS: u64 = 350_000;

struct Row {
    day: i64,
    time_of_day: f64,
    customer: u32,
    terminal: u32,
    amount: f64,
    scenario: i64,
}

/// Made once for all tests.
static PAYMENTS: LazyLock<Vec<Row>> = LazyLock::new(make);

fn make() -> Vec<Row> {
    let (rows, labels) = world(STEADY, 11, ROWS);
    let id = |row: &Value, name| text(row, name).parse().expect("digits");
    let rows = rows
        .iter()
        .zip(&labels)
        .enumerate()
        .map(|(i, (row, label))| {
            assert_eq!(row["tx_id"], i, "ids count payments");
            assert_eq!(row["tx_id"], label["tx_id"]);
            assert_eq!(row["terminal_id"], label["terminal_id"]);
            let scenario = integer(label, "scenario");
            assert_eq!(label["is_fraud"], scenario > 0);
            let time = integer(row, "ts");
            Row {
                day: time.div_euclid(DAY_MS),
                time_of_day: time.rem_euclid(DAY_MS) as f64,
                customer: id(row, "customer_id"),
                terminal: id(row, "terminal_id"),
                amount: number(row, "amount"),
                scenario,
            }
        });
    rows.collect()
}

#[test]
fn the_three_kinds_of_fraud_follow_their_rules() {
    let rows = &*PAYMENTS;
    let mut compromised: HashMap<i64, HashSet<u32>> = HashMap::new();
    let mut robbed: HashMap<i64, HashSet<u32>> = HashMap::new();
    for row in rows {
        match row.scenario {
            0 => assert!(row.amount <= 220.0, "{}", row.amount),
            1 => assert!(row.amount > 220.0, "{}", row.amount),
            2 => _ = compromised.entry(row.day).or_default().insert(row.terminal),
            _ => _ = robbed.entry(row.day).or_default().insert(row.customer),
        }
    }
    let most = |sets: &HashMap<i64, HashSet<u32>>| sets.values().map(HashSet::len).max();
    assert!(most(&compromised) <= Some(2 * 28), "two a day for 28 days");
    assert!(most(&robbed) <= Some(3 * 14), "three a day for 14 days");
    for row in rows {
        let there = compromised.get(&row.day);
        let is_compromised = there.is_some_and(|set| set.contains(&row.terminal));
        assert!(!is_compromised || row.scenario >= 2, "all of it is fraud");
    }
    let amounts = |wanted: i64| {
        rows.iter()
            .filter(move |r| r.scenario == wanted)
            .map(|r| r.amount)
    };
    assert_near(
        mean(amounts(3)),
        5.0 * mean(amounts(0)),
        0.25,
        "a stolen amount",
    );
    let count = |wanted| amounts(wanted).count() as f64 / ROWS as f64;
    assert!((0.005..0.015).contains(&(1.0 - count(0))), "{}", count(0));
    assert!((0.0002..0.0012).contains(&count(1)), "{}", count(1));
    assert!((0.003..0.007).contains(&count(2)), "{}", count(2));
    assert!((0.0015..0.004).contains(&count(3)), "{}", count(3));
}

#[test]
fn a_terminal_is_compromised_for_28_days_and_a_card_robbed_for_14() {
    let rows = &*PAYMENTS;
    for (scenario, longest) in [(2, 28), (3, 14)] {
        let mut spans: HashMap<u32, (i64, i64)> = HashMap::new();
        for row in rows.iter().filter(|r| r.scenario == scenario) {
            let who = if scenario == 2 {
                row.terminal
            } else {
                row.customer
            };
            spans.entry(who).or_insert((row.day, row.day)).1 = row.day;
        }
        // Twice afflicted ones are few, so nearly all spans are within the length, and some reach it.
        let lengths: Vec<i64> = spans
            .values()
            .map(|(first, last)| last - first + 1)
            .collect();
        let within = lengths.iter().filter(|l| **l <= longest).count();
        assert!(
            within * 100 >= lengths.len() * 93,
            "{within} of {}",
            lengths.len()
        );
        assert!(lengths.iter().any(|l| *l + 3 >= longest && *l <= longest));
    }
}

#[test]
fn after_the_drift_stolen_cards_are_used_in_bursts() {
    const DAYS: u64 = 20;
    let drifting = Profile::CardFraud { drift: Some(DAYS) };
    let (rows, labels) = world(drifting, 11, ROWS);
    let first = integer(&rows[0], "ts").div_euclid(DAY_MS);
    let day = |row: &Value| (integer(row, "ts").div_euclid(DAY_MS) - first).cast_unsigned();
    let old = rows.iter().position(|row| day(row) >= DAYS);
    let old = old.expect("days after the drift");
    for (row, before) in rows[..old].iter().zip(&*PAYMENTS) {
        assert_eq!(
            number(row, "amount"),
            before.amount,
            "nothing changes before it"
        );
    }
    let (mut bursts, mut days) = (HashMap::<(u64, String), u32>::new(), HashSet::new());
    for (row, label) in rows.iter().zip(&labels) {
        let scenario = integer(label, "scenario");
        assert!(
            scenario != 3 || day(row) < DAYS,
            "the old way is given up: {row}"
        );
        assert!(
            scenario != 4 || day(row) >= DAYS,
            "the new one begins: {row}"
        );
        if scenario == 4 {
            *bursts
                .entry((day(row), text(row, "customer_id").to_owned()))
                .or_default() += 1;
            days.insert(day(row));
        }
    }
    let payments: u32 = bursts.values().sum();
    assert_near(
        f64::from(payments) / (rows.len() - old) as f64,
        0.02,
        0.1,
        "their share",
    );
    // Each day at most one customer for each of the last 14 days.
    let victims = bursts.len() as f64 / days.len() as f64;
    assert!((12.0..=14.0).contains(&victims), "{victims}");
}

#[test]
fn amounts_counts_and_times_are_those_of_the_handbooks_simulator() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/data/fraud/transactions-2018-06.csv.gz"
    );
    if !Path::new(path).exists() {
        eprintln!("SKIPPED: {path} is not there to compare with");
        return;
    }
    let file = std::fs::File::open(path).expect("opened");
    let mut text = String::new();
    let mut unpacked = flate2::read::MultiGzDecoder::new(file);
    std::io::Read::read_to_string(&mut unpacked, &mut text).expect("read");
    let theirs = text.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |i: usize| fields[i].parse::<f64>().expect("a number");
        (number(1) % 86_400.0 * 1e3, number(4))
    });
    let theirs: Vec<(f64, f64)> = theirs.collect();
    let ours: Vec<_> = PAYMENTS.iter().map(|r| (r.time_of_day, r.amount)).collect();
    let days = ROWS as f64 / PAYMENTS.iter().map(|r| r.day).collect::<HashSet<_>>().len() as f64;
    assert_near(days, theirs.len() as f64 / 30.0, 0.1, "payments a day");
    let moments = |rows: &[(f64, f64)]| {
        let amount = mean(rows.iter().map(|r| r.1));
        let square = mean(rows.iter().map(|r| (r.1 - amount).powi(2)));
        let time = mean(rows.iter().map(|r| r.0));
        let spread = mean(rows.iter().map(|r| (r.0 - time).powi(2)));
        [amount, square.sqrt(), time, spread.sqrt()]
    };
    let names = [
        "mean amount",
        "its deviation",
        "mean time of day",
        "its deviation",
    ];
    for ((our, their), name) in moments(&ours).into_iter().zip(moments(&theirs)).zip(names) {
        assert_near(our, their, 0.1, name);
    }
}
