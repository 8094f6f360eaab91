//! Sensor readings.

use super::*;

const SERIES: usize = 50;
const STEPS_A_DAY: usize = 288;
const DAYS: usize = 9;

/// Per series: values and kinds of anomaly in the order of time.
fn series() -> Vec<Vec<(f64, String)>> {
    let rows = (SERIES * STEPS_A_DAY * DAYS) as u64;
    let (rows, labels) = world(Profile::Sensor, 5, rows);
    let mut series: HashMap<String, Vec<(f64, String)>> = HashMap::new();
    for (row, label) in rows.iter().zip(&labels) {
        assert_eq!(row["series"], label["series"]);
        let kind = text(label, "kind").to_owned();
        assert_eq!(label["is_anomaly"], kind != "none");
        let readings = series.entry(text(row, "series").to_owned()).or_default();
        readings.push((number(row, "value"), kind));
    }
    series.into_values().collect()
}

#[test]
fn each_series_has_a_reading_every_five_minutes() {
    let (rows, _) = world(Profile::Sensor, 5, 50_000);
    let mut last: HashMap<&str, i64> = HashMap::new();
    for row in &rows {
        let time = integer(row, "timestamp");
        if let Some(before) = last.insert(text(row, "series"), time) {
            assert_eq!(time - before, 300_000);
        }
    }
    assert_eq!(last.len(), SERIES);
}

#[test]
fn anomalies_are_rare_labelled_and_unlike_their_neighbours() {
    let all: Vec<_> = series().into_iter().flatten().collect();
    let share = |kind| all.iter().filter(|r| r.1 == kind).count() as f64 / all.len() as f64;
    assert!((0.005..0.05).contains(&(1.0 - share("none"))));
    for kind in ["spike", "level-shift", "dropout"] {
        assert!(share(kind) > 0.0001, "{kind}: {}", share(kind));
    }
    for (value, kind) in &all {
        assert_eq!(*value == 0.0, kind == "dropout");
    }
}

#[test]
fn days_resemble_each_other_noise_is_correlated_and_midnight_does_not_show() {
    let (mut daily, mut lagged, mut at_midnight, mut elsewhere) =
        (0.0, 0.0, Vec::new(), Vec::new());
    for readings in series() {
        let values: Vec<f64> = readings.iter().map(|r| r.0).collect();
        let usual = |i: usize| readings[i].1 == "none";
        let pairs = |lag: usize, of: &[f64]| -> Vec<(f64, f64)> {
            let both = (lag..of.len()).filter(|i| usual(*i) && usual(*i - lag));
            both.map(|i| (of[i - lag], of[i])).collect()
        };
        daily += correlation(&pairs(STEPS_A_DAY, &values)) / SERIES as f64;
        let level = mean(values.iter().copied());
        // The second difference leaves noise, whose own correlation shows in it.
        for i in (2..values.len()).filter(|i| (i - 2..=*i).all(usual)) {
            let step = (values[i] - 2.0 * values[i - 1] + values[i - 2]).abs();
            match i % STEPS_A_DAY {
                0 | 1 => at_midnight.push(step / level),
                _ => elsewhere.push(step / level),
            }
        }
        lagged += correlation(&pairs(1, &values)) / SERIES as f64;
    }
    assert!(daily > 0.7, "{daily}");
    assert!(lagged > 0.9, "{lagged}");
    assert_near(mean(at_midnight), mean(elsewhere), 0.1, "step at midnight");
}

/// Pearson's.
fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let (a, b) = (
        mean(pairs.iter().map(|p| p.0)),
        mean(pairs.iter().map(|p| p.1)),
    );
    let covariance = mean(pairs.iter().map(|p| (p.0 - a) * (p.1 - b)));
    let spread =
        |of: fn(&(f64, f64)) -> f64, m: f64| mean(pairs.iter().map(|p| (of(p) - m).powi(2)));
    covariance / (spread(|p| p.0, a) * spread(|p| p.1, b)).sqrt()
}
