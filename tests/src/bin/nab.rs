//! What `detect` reaches on the Numenta Anomaly Benchmark, method by method, beside the trivial baseline.
//!
//! `cargo run --release -p thalweg-tests --bin nab`
//!
//! "best": one threshold for all series, chosen on them, as NAB has it. "folds": chosen on four fifths of the series
//! (by the hash of the name), applied to the fifth. "given": `threshold` as it is unless a topology says otherwise.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use tests::nab::{
    PROFILES, Rows, Series, at, best, detect, golden_ewma, normalised, series, settings,
};
use tests::process::cpu_seconds;

/// Lines of a topology.
const DETECTORS: [(&str, &str); 7] = [
    ("as it comes", ""),
    ("knn, single rows", "methods = [{ kind = 'knn' }]"),
    (
        "knn, 40 rows",
        "methods = [{ kind = 'knn', window = 40, neighbours = 5 }]",
    ),
    ("ewma", "methods = [{ kind = 'ewma' }]"),
    (
        "half-space trees",
        "methods = [{ kind = 'half-space-trees' }]",
    ),
    ("as it comes, quiet 0", "quiet = 0"),
    ("as it comes, quiet 50", "quiet = 50"),
];
const FOLDS: u64 = 5;

fn main() {
    let Some(series) = series() else { return };
    println!(
        "{:<24} {:>8} {:>7} {:>7} {:>7} {:>7} {:>9} {:>13} {:>11}",
        "detector",
        "standard",
        "low FP",
        "low FN",
        "folds",
        "given",
        "windows",
        "false alarms",
        "rows/CPU-s"
    );
    let ewma: Vec<Rows> = series.iter().map(golden_ewma).collect();
    report("trivial: z / (1 + z)", &series, &ewma, None, None);
    for (name, lines) in DETECTORS {
        let all = settings(&format!("{lines}\nthreshold = 1.0"));
        let begun = cpu_seconds();
        let rows: Vec<Rows> = series.iter().map(|one| detect(one, &all)).collect();
        let spent = cpu_seconds() - begun;
        let threshold = -settings(lines).threshold.log10();
        report(name, &series, &rows, Some(threshold), Some(spent));
    }
}

fn report(
    name: &str,
    series: &[Series],
    rows: &[Rows],
    threshold: Option<f64>,
    cpu_seconds: Option<f64>,
) {
    let scored: Vec<_> = series.iter().zip(rows.iter().map(Vec::as_slice)).collect();
    let scores = PROFILES.map(|profile| normalised(series, profile, best(&scored, profile).raw));
    let standard = PROFILES[0];
    let mut folds = 0.0;
    for fold in 0..FOLDS {
        let is_of = |one: &&(&Series, &[f64])| hash(&one.0.name) % FOLDS == fold;
        let rest: Vec<_> = scored.iter().filter(|one| !is_of(one)).copied().collect();
        let chosen = best(&rest, standard).threshold;
        let raw = scored
            .iter()
            .filter(is_of)
            .map(|one| at(*one, standard, chosen).raw);
        folds += raw.sum::<f64>();
    }
    let folds = normalised(series, standard, folds);
    let given = threshold.map(|threshold| {
        let raw = scored.iter().map(|one| at(*one, standard, threshold).raw);
        normalised(series, standard, raw.sum())
    });
    let chosen = best(&scored, standard).threshold;
    let counts: Vec<_> = scored
        .iter()
        .map(|one| at(*one, standard, chosen))
        .collect();
    let found: usize = counts.iter().map(|counts| counts.found).sum();
    let alarms: usize = counts.iter().map(|counts| counts.false_positives).sum();
    let windows: usize = series.iter().map(|one| one.windows.len()).sum();
    #[expect(clippy::cast_precision_loss, reason = "a number of rows")]
    let speed = cpu_seconds.map(|spent| rows.iter().map(Vec::len).sum::<usize>() as f64 / spent);
    let or_dash = |number: Option<String>| number.unwrap_or_else(|| "-".into());
    println!(
        "{name:<24} {:>8.1} {:>7.1} {:>7.1} {folds:>7.1} {:>7} {:>9} {alarms:>13} {:>11}   (10^-{chosen:.2})",
        scores[0],
        scores[1],
        scores[2],
        or_dash(given.map(|score| format!("{score:.1}"))),
        format!("{found}/{windows}"),
        or_dash(speed.map(|speed| format!("{speed:.0}"))),
    );
}

/// FNV-1a (64 bits).
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
