//! Drift: change detectors per value, counting a window's columns per value, and one comparison of a hundred features.
//!
//! `cargo bench -p thalweg-benches --bench drift`

use divan::counter::ItemsCount;
use models::drift::{
    CompareSettings, Detector, DetectorKind, DetectorSettings, Input, Reference, Values, Window,
    compare, sampled,
};

const VALUES: usize = 100_000;
const FEATURES: usize = 100;
const ROWS: usize = 1_000;

fn main() {
    divan::main();
}

/// Random numbers of a fixed seed (SplitMix64), from 0 to 1.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Steady values: errors at a rate of 0.2, or numbers from 0 to 1.
fn values(errors: bool) -> Vec<f64> {
    let mut dice = Dice(7);
    let value = |_| match errors {
        true => f64::from(u8::from(dice.roll() < 0.2)),
        false => dice.roll(),
    };
    (0..VALUES).map(value).collect()
}

#[divan::bench(args = DetectorKind::ALL.map(DetectorKind::name), sample_count = 20)]
fn detector(bencher: divan::Bencher<'_, '_>, name: &str) {
    let kind = DetectorKind::parse(name).expect("a detector");
    let errors = kind.watches_errors();
    let input = if errors { Input::Error } else { Input::Value };
    let values = values(errors);
    let fresh = Detector::try_new(&DetectorSettings::of(kind), input).expect("the defaults");
    bencher.counter(ItemsCount::new(VALUES)).bench_local(|| {
        let mut detector = fresh.clone();
        for x in &values {
            divan::black_box(detector.update(*x)).expect("as its input");
        }
    });
}

/// A hundred columns of so many rows of bell-shaped numbers.
fn columns(rows: usize) -> Vec<Vec<f64>> {
    let mut dice = Dice(9);
    let mut bell = move || (0..12).map(|_| dice.roll()).sum::<f64>() - 6.0;
    (0..FEATURES)
        .map(|_| (0..rows).map(|_| bell()).collect())
        .collect()
}

fn reference() -> Reference {
    let columns = columns(10_000);
    let names: Vec<String> = (0..FEATURES).map(|n| format!("f{n}")).collect();
    let named = names.iter().zip(&columns);
    let named: Vec<_> = named
        .map(|(name, values)| (name.as_str(), Values::Numeric(values)))
        .collect();
    Reference::of(&named).expect("columns of numbers")
}

/// Every row of batches of 1,000 rows of 100 features, or one row in 16, picked by its offset.
#[divan::bench(args = [1, 16])]
fn window(bencher: divan::Bencher<'_, '_>, one_in: u64) {
    let (reference, columns) = (reference(), columns(ROWS));
    let mut window = Window::new(&reference);
    let mut offset = 0;
    bencher
        .counter(ItemsCount::new(FEATURES * ROWS))
        .bench_local(|| {
            let rows = offset..offset + ROWS as u64;
            offset += ROWS as u64;
            let picked: Vec<usize> = rows
                .zip(0..)
                .filter(|(row, _)| sampled(*row, one_in))
                .map(|(_, index)| index)
                .collect();
            let picked: Vec<Vec<f64>> = columns
                .iter()
                .map(|column| picked.iter().map(|index| column[*index]).collect())
                .collect();
            let values: Vec<Values<'_>> = picked
                .iter()
                .map(|column| Values::Numeric(column))
                .collect();
            window.observe(&reference, &values).expect("its columns");
        });
}

#[divan::bench]
fn comparison(bencher: divan::Bencher<'_, '_>) {
    let (reference, columns) = (reference(), columns(ROWS));
    let values: Vec<Values<'_>> = columns
        .iter()
        .map(|column| Values::Numeric(column))
        .collect();
    let mut window = Window::new(&reference);
    window.observe(&reference, &values).expect("its columns");
    let settings = CompareSettings::default();
    bencher.bench_local(|| compare(&reference, &window, &settings).expect("rows enough"));
}
