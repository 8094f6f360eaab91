//! Statistics and p-values against SciPy's: on the shared golden pairs (skipped aloud where they are not there), and on
//! 240 random pairs, tied and untied, committed with the script that made them.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::drift::detector::tests::{Dice, golden};

/// Within 1e-9 of a statistic, of its size where that is above 1.
fn same(ours: f64, theirs: f64, what: &str) {
    let allowed = 1e-9 * theirs.abs().max(1.0);
    assert!(
        (ours - theirs).abs() <= allowed,
        "{what}: {ours}, SciPy {theirs}"
    );
}

/// Within 1e-6 of a p-value, and within a 1,000th of small ones, which rank what to look at first.
fn same_p(ours: f64, theirs: f64, what: &str) {
    let allowed = 1e-6_f64.min(1e-3 * theirs + 1e-11);
    assert!(
        (ours - theirs).abs() <= allowed,
        "{what}: p {ours}, SciPy {theirs}"
    );
}

fn sample(dice: &mut Dice, count: usize, scale: f64, shift: f64, grain: f64) -> Vec<f64> {
    let value = |_| {
        let x = scale * (dice.roll() + dice.roll() + dice.roll()) + shift;
        match grain > 0.0 {
            true => (x * grain + 0.5).floor() / grain,
            false => x,
        }
    };
    (0..count).map(value).collect()
}

fn counts(values: &[f64]) -> Vec<u64> {
    let mut counts = vec![0; 16];
    for x in values {
        counts[(x * 4.0).floor().clamp(0.0, 15.0) as usize] += 1;
    }
    counts
}

#[derive(Deserialize)]
struct Pair {
    seed: u64,
    n: usize,
    m: usize,
    scale: f64,
    shift: f64,
    grain: f64,
    ks: f64,
    ks_asymptotic: f64,
    ks_exact: Option<f64>,
    cvm: f64,
    cvm_p: f64,
    wasserstein: f64,
    chi_square: f64,
    chi_square_p: f64,
    freedom: u64,
    psi: f64,
    jensen_shannon: f64,
    hellinger: f64,
}

#[derive(Deserialize)]
struct Corrected {
    benjamini_hochberg: Vec<f64>,
}

fn fixture() -> (Vec<Pair>, Corrected) {
    let text = include_str!("../../../tests/fixtures/drift/two_sample.jsonl");
    let (pairs, last) = text.trim_end().rsplit_once('\n').unwrap();
    let pairs = pairs
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    (pairs.collect(), serde_json::from_str(last).unwrap())
}

#[test]
fn statistics_and_p_values_are_scipys_on_random_pairs() {
    let (pairs, _) = fixture();
    assert_eq!(pairs.len(), 240);
    for pair in pairs {
        let mut dice = Dice(pair.seed);
        // Sizes, shift, scale and grain were drawn first.
        for _ in 0..5 - usize::from(pair.seed % 5 == 0) {
            dice.roll();
        }
        let a = sample(&mut dice, pair.n, 1.0, 0.0, pair.grain);
        let b = sample(&mut dice, pair.m, pair.scale, pair.shift, pair.grain);
        let what = |name: &str| format!("{name} of pair {}", pair.seed);
        let pooled = Pooled::from_samples(&a, &b).unwrap();
        let ks = kolmogorov_smirnov(&pooled);
        same(ks.statistic, pair.ks, &what("ks"));
        same_p(ks.p_asymptotic, pair.ks_asymptotic, &what("ks asymptotic"));
        assert_eq!(ks.p_exact.is_some(), pair.ks_exact.is_some());
        if let (Some(ours), Some(theirs)) = (ks.p_exact, pair.ks_exact) {
            same_p(ours, theirs, &what("ks exact"));
        }
        let cvm = cramer_von_mises(&pooled);
        same(cvm.statistic, pair.cvm, &what("cvm"));
        same_p(cvm.p_value, pair.cvm_p, &what("cvm"));
        same(wasserstein(&pooled), pair.wasserstein, &what("wasserstein"));
        let (a, b) = (counts(&a), counts(&b));
        let chi = chi_square(&a, &b);
        same(chi.statistic, pair.chi_square, &what("chi-square"));
        same_p(chi.p_value, pair.chi_square_p, &what("chi-square"));
        assert_eq!(chi.degrees_of_freedom, pair.freedom);
        same(psi(&a, &b), pair.psi, &what("psi"));
        same(
            jensen_shannon(&a, &b),
            pair.jensen_shannon,
            &what("jensen-shannon"),
        );
        same(hellinger(&a, &b), pair.hellinger, &what("hellinger"));
    }
}

#[test]
fn corrected_p_values_are_scipys() {
    let (pairs, corrected) = fixture();
    let p_values: Vec<f64> = pairs.iter().map(|pair| pair.ks_asymptotic).collect();
    let ours = benjamini_hochberg(&p_values);
    for (ours, theirs) in ours.iter().zip(&corrected.benjamini_hochberg) {
        same(*ours, *theirs, "benjamini-hochberg");
    }
    assert!(benjamini_hochberg(&[]).is_empty());
}

#[derive(Deserialize)]
struct Golden {
    two_sample: Vec<GoldenPair>,
}

#[derive(Deserialize)]
struct GoldenPair {
    seed: u64,
    shift: f64,
    n: usize,
    m: usize,
    ks_stat: f64,
    ks_p_asymp: f64,
    ks_p_exact: Option<f64>,
    cvm_stat: f64,
    cvm_p: f64,
    wasserstein: f64,
    #[serde(alias = "psi10_refquantile_floor1e4")]
    psi_floor1e4: f64,
    #[serde(alias = "js_base2")]
    js_distance_base2: f64,
    chi2: f64,
    chi2_p: f64,
    inner_edges: Option<Vec<f64>>,
    counts_a: Option<Vec<u64>>,
    counts_b: Option<Vec<u64>>,
}

#[test]
fn statistics_and_p_values_are_scipys_on_the_golden_pairs() {
    let files = ["golden_drift.json", "streams.json"];
    let golden: Vec<Golden> = files.into_iter().filter_map(golden).collect();
    for pair in golden.iter().flat_map(|golden| &golden.two_sample) {
        let mut dice = Dice(pair.seed);
        let a = sample(&mut dice, pair.n, 1.0, 0.0, 0.0);
        let b = sample(&mut dice, pair.m, 1.0, pair.shift, 0.0);
        let what = |name: &str| format!("{name} of pair {}", pair.seed);
        let pooled = Pooled::from_samples(&a, &b).unwrap();
        let ks = kolmogorov_smirnov(&pooled);
        same(ks.statistic, pair.ks_stat, &what("ks"));
        same_p(ks.p_asymptotic, pair.ks_p_asymp, &what("ks asymptotic"));
        if let (Some(ours), Some(theirs)) = (ks.p_exact, pair.ks_p_exact) {
            same_p(ours, theirs, &what("ks exact"));
        }
        let cvm = cramer_von_mises(&pooled);
        same(cvm.statistic, pair.cvm_stat, &what("cvm"));
        same_p(cvm.p_value, pair.cvm_p, &what("cvm"));
        same(wasserstein(&pooled), pair.wasserstein, &what("wasserstein"));
        let mut sorted = a.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let profile = crate::drift::reference::deciles(&sorted);
        let (ours_a, ours_b) = (profile.counts_of(&a), profile.counts_of(&b));
        if let (Some(edges), Some(a), Some(b)) = (&pair.inner_edges, &pair.counts_a, &pair.counts_b)
        {
            profile
                .edges()
                .iter()
                .zip(edges)
                .for_each(|(ours, theirs)| same(*ours, *theirs, "edge"));
            assert_eq!((&ours_a, &ours_b), (a, b), "pair {}", pair.seed);
        }
        same(psi(&ours_a, &ours_b), pair.psi_floor1e4, &what("psi"));
        same(
            jensen_shannon(&ours_a, &ours_b),
            pair.js_distance_base2,
            &what("js"),
        );
        let chi = chi_square(&ours_a, &ours_b);
        same(chi.statistic, pair.chi2, &what("chi-square"));
        same_p(chi.p_value, pair.chi2_p, &what("chi-square"));
    }
}

#[test]
fn samples_that_cannot_be_compared_are_refused() {
    assert!(Pooled::from_samples(&[], &[1.0]).is_err());
    assert!(Pooled::from_samples(&[1.0], &[f64::NAN]).is_err());
    assert!(Pooled::from_counts(&[0.0, 1.0], &[0, 0], &[1, 2]).is_err());
}

/// The share of ways to deal the pooled values out to both samples with a statistic at least this high.
fn share_of_all_deals(n: usize, m: usize, statistic: f64) -> f64 {
    let (mut all, mut beyond) = (0_u32, 0_u32);
    for deal in 0_u32..1 << (n + m) {
        if deal.count_ones() as usize != n {
            continue;
        }
        let (a, b): (Vec<usize>, Vec<usize>) = (0..n + m).partition(|place| deal >> place & 1 == 1);
        let float = |places: Vec<usize>| places.into_iter().map(|x| x as f64).collect::<Vec<_>>();
        let pooled = Pooled::from_samples(&float(a), &float(b)).unwrap();
        all += 1;
        beyond += u32::from(kolmogorov_smirnov(&pooled).statistic >= statistic - 1e-12);
    }
    f64::from(beyond) / f64::from(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_exact_p_value_is_the_share_of_all_deals(
        a in prop::collection::hash_set(0_u16..1_000, 2..6),
        b in prop::collection::hash_set(1_000_u16..2_000, 2..6),
        shift in 0_u16..1_500,
    ) {
        // Distinct values: those of b are odd halves.
        let a: Vec<f64> = a.into_iter().map(f64::from).collect();
        let b: Vec<f64> = b.into_iter().map(|x| f64::from(x) - f64::from(shift) + 0.5).collect();
        let ks = kolmogorov_smirnov(&Pooled::from_samples(&a, &b).unwrap());
        let expected = share_of_all_deals(a.len(), b.len(), ks.statistic);
        prop_assert!((ks.p_exact.unwrap() - expected).abs() < 1e-12);
    }

    #[test]
    fn distances_are_symmetric_and_nothing_between_a_sample_and_itself(
        a in prop::collection::vec(1_u64..50, 8),
        b in prop::collection::vec(0_u64..50, 8),
    ) {
        for distance in [psi, jensen_shannon, hellinger] {
            prop_assert!((distance(&a, &b) - distance(&b, &a)).abs() < 1e-12);
            prop_assert!(distance(&a, &a) < 1e-7);
        }
    }
}
