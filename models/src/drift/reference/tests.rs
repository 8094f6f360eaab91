//! References, windows and comparisons, against the same statistics on the values themselves.

use proptest::prelude::*;

use super::*;
use crate::drift::{
    CompareSettings, FeatureDrift, Method, Pooled, compare, kolmogorov_smirnov, sampled,
    wasserstein,
};
use crate::random::Random;

fn normal(seed: u64, count: usize, shift: f64) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..count).map(|_| random.normal() + shift).collect()
}

fn reference(columns: &[(&str, Values<'_>)]) -> Reference {
    Reference::of(columns).unwrap()
}

fn window(reference: &Reference, columns: &[Values<'_>]) -> Window {
    let mut window = Window::new(reference);
    window.observe(reference, columns).unwrap();
    window
}

fn all_methods() -> CompareSettings {
    let methods = vec![
        Method::KolmogorovSmirnov,
        Method::CramerVonMises,
        Method::ChiSquare,
        Method::Psi,
        Method::JensenShannon,
        Method::Hellinger,
        Method::Wasserstein,
    ];
    CompareSettings {
        numeric: methods.clone(),
        categorical: methods,
        ..CompareSettings::default()
    }
}

fn value(feature: &FeatureDrift, method: Method) -> f64 {
    let mut found = feature.statistics.iter();
    found
        .find(|measured| measured.method == method)
        .unwrap()
        .value
}

#[test]
fn statistics_on_bins_are_those_on_the_values_within_the_stated_error() {
    for (seed, shift) in [(1, 0.0), (2, 0.1), (3, 0.5), (4, 3.0)] {
        let (before, now) = (normal(seed, 5_000, 0.0), normal(seed + 50, 3_000, shift));
        let reference = reference(&[("x", Values::Numeric(&before))]);
        let window = window(&reference, &[Values::Numeric(&now)]);
        let found = compare(&reference, &window, &all_methods()).unwrap();
        let exact = Pooled::from_samples(&before, &now).unwrap();
        let ks = kolmogorov_smirnov(&exact).statistic;
        let binned = value(&found[0], Method::KolmogorovSmirnov);
        assert!(
            binned <= ks + 1e-12 && binned >= ks - 0.011,
            "{binned}, exact {ks}"
        );
        let w1 = wasserstein(&exact);
        let binned = value(&found[0], Method::Wasserstein);
        // Values beyond the reference's own are taken to lie in its outermost bin.
        let allowed = 0.03 + 0.3 * shift;
        assert!((binned - w1).abs() < allowed, "{binned}, exact {w1}");
    }
}

#[test]
fn numbers_of_few_values_are_compared_exactly() {
    let before: Vec<f64> = (0..1_000).map(|i| f64::from(i % 4)).collect();
    let now: Vec<f64> = (0..900).map(|i| f64::from(i % 3)).collect();
    let reference = reference(&[("x", Values::Numeric(&before))]);
    let found = compare(
        &reference,
        &window(&reference, &[Values::Numeric(&now)]),
        &all_methods(),
    );
    let exact = kolmogorov_smirnov(&Pooled::from_samples(&before, &now).unwrap());
    let feature = &found.unwrap()[0];
    assert!((value(feature, Method::KolmogorovSmirnov) - exact.statistic).abs() < 1e-12);
    assert!(feature.drifted);
}

#[test]
fn of_a_hundred_columns_only_those_that_moved_have_drifted() {
    let before: Vec<Vec<f64>> = (0..100).map(|seed| normal(seed, 2_000, 0.0)).collect();
    let shift = |seed| if seed < 3 { 0.4 } else { 0.0 };
    let now: Vec<Vec<f64>> = (0..100)
        .map(|seed| normal(seed + 500, 1_000, shift(seed)))
        .collect();
    let names: Vec<String> = (0..100).map(|n| format!("f{n}")).collect();
    let columns = names.iter().zip(&before);
    let columns: Vec<_> = columns
        .map(|(name, values)| (name.as_str(), Values::Numeric(values)))
        .collect();
    let reference = reference(&columns);
    let now: Vec<Values<'_>> = now.iter().map(|values| Values::Numeric(values)).collect();
    let found = compare(
        &reference,
        &window(&reference, &now),
        &CompareSettings::default(),
    );
    let drifted: Vec<String> = found
        .unwrap()
        .into_iter()
        .filter(|feature| feature.drifted)
        .map(|feature| feature.feature)
        .collect();
    assert_eq!(drifted, ["f0", "f1", "f2"]);
}

#[test]
fn missing_constant_and_new_values_are_told() {
    let numbers = normal(1, 400, 0.0);
    let words: Vec<Option<&str>> = (0..400).map(|i| Some(["a", "b"][i % 2])).collect();
    let reference = reference(&[
        ("gone", Values::Numeric(&numbers)),
        ("stuck", Values::Numeric(&numbers)),
        ("word", Values::Categorical(&words)),
        ("steady", Values::Categorical(&words)),
    ]);
    let gone: Vec<f64> = (0..200)
        .map(|i| if i % 2 == 0 { f64::NAN } else { numbers[i] })
        .collect();
    let stuck = [1.5; 200];
    let new: Vec<Option<&str>> = (0..200)
        .map(|i| Some(["a", "b", "c", "d"][i % 4]))
        .collect();
    let columns = [
        Values::Numeric(&gone),
        Values::Numeric(&stuck),
        Values::Categorical(&new),
        Values::Categorical(&words[..200]),
    ];
    let found = compare(
        &reference,
        &window(&reference, &columns),
        &CompareSettings::default(),
    )
    .unwrap();
    assert_eq!((found[0].missing, found[0].missing_before), (0.5, 0.0));
    assert!(found[0].drifted && found[1].is_constant && !found[0].is_constant);
    assert_eq!(found[2].new_categories, 0.5);
    assert!(found[2].drifted && !found[3].drifted);
}

#[test]
fn a_reference_kept_and_read_back_is_the_same_and_a_broken_one_is_refused() {
    let numbers = normal(1, 1_000, 0.0);
    let words = vec![Some("a"); 1_000];
    let reference = reference(&[
        ("x", Values::Numeric(&numbers)),
        ("w", Values::Categorical(&words)),
    ]);
    let kept = serde_json::to_string(&reference).unwrap();
    assert_eq!(serde_json::from_str::<Reference>(&kept).unwrap(), reference);
    for broken in [
        kept.replace("\"version\":1", "\"version\":9"),
        kept.replace("\"counts\":[", "\"counts\":[7,"),
    ] {
        assert!(serde_json::from_str::<Reference>(&broken).is_err());
    }
}

#[test]
fn a_window_of_last_week_can_be_the_reference() {
    let (training, week) = (normal(1, 2_000, 0.0), normal(2, 2_000, 1.0));
    let reference = reference(&[("x", Values::Numeric(&training))]);
    let last = window(&reference, &[Values::Numeric(&week)]);
    let season = reference.of_window(&last).unwrap();
    let now = window(&season, &[Values::Numeric(&normal(3, 2_000, 1.0))]);
    let settings = CompareSettings::default();
    assert!(!compare(&season, &now, &settings).unwrap()[0].drifted);
    assert!(compare(&reference, &now, &settings).unwrap()[0].drifted);
}

#[test]
fn what_does_not_fit_the_reference_is_refused() {
    let numbers = normal(1, 200, 0.0);
    let reference = reference(&[("x", Values::Numeric(&numbers))]);
    let mut window = Window::new(&reference);
    let words = [None; 200];
    let refused = [
        window.observe(&reference, &[]),
        window.observe(&reference, &[Values::Categorical(&words)]),
        compare(&reference, &window, &CompareSettings::default()).map(drop),
    ];
    assert!(refused.iter().all(Result::is_err), "{refused:?}");
    assert_eq!(window.rows(), 0);
    assert!(Reference::of(&[("x", Values::Numeric(&[f64::NAN]))]).is_err());
}

#[test]
fn one_row_in_ten_is_picked_and_always_the_same() {
    let picked = (0..100_000).filter(|row| sampled(*row, 10)).count();
    assert!((9_500..10_500).contains(&picked), "{picked}");
    assert!(sampled(7, 1) && sampled(7, 0));
}

proptest! {
    #[test]
    fn merging_windows_is_counting_all_their_rows_in_any_order(
        parts in prop::collection::vec(prop::collection::vec(-50_i32..50, 0..30), 1..6),
        rotation in 0_usize..6,
    ) {
        let numbers = normal(1, 500, 0.0);
        let words: Vec<Option<&str>> = (0..500).map(|i| Some(["a", "b", "c"][i % 3])).collect();
        let reference = reference(&[
            ("x", Values::Numeric(&numbers)),
            ("w", Values::Categorical(&words)),
        ]);
        let observed = |part: &[i32]| {
            let numbers: Vec<f64> = part
                .iter()
                .map(|x| if x % 9 == 0 { f64::NAN } else { f64::from(*x) / 20.0 })
                .collect();
            let word = |x: &i32| ["a", "b", "new"].get(x.unsigned_abs() as usize % 4).copied();
            let words: Vec<Option<&str>> = part.iter().map(word).collect();
            window(&reference, &[Values::Numeric(&numbers), Values::Categorical(&words)])
        };
        let all = observed(&parts.concat());
        let mut merged = Window::new(&reference);
        for index in 0..parts.len() {
            let part = &parts[(index + rotation) % parts.len()];
            merged.merge(&observed(part)).unwrap();
        }
        prop_assert_eq!(&merged, &all);
        // Pairs first, then the pairs.
        let mut halves = [Window::new(&reference), Window::new(&reference)];
        for (index, part) in parts.iter().enumerate() {
            halves[index % 2].merge(&observed(part)).unwrap();
        }
        let [mut first, second] = halves;
        first.merge(&second).unwrap();
        prop_assert_eq!(&first, &all);
    }
}
