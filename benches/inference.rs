//! Inference by batch size: microseconds a call and rows a second, one thread, copies in and out included.
//!
//! Needs the shared models; a model that is absent is skipped, said on stderr.

use std::path::Path;

use divan::Bencher;
use divan::counter::ItemsCount;
use models::{LoadedModel, Matrix, load_file};

const BATCHES: [usize; 4] = [1, 32, 256, 1024];

fn main() {
    divan::main();
}

#[expect(
    clippy::print_stderr,
    reason = "a benchmark that is left out must be heard"
)]
fn model(name: &str) -> Option<LoadedModel> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/onnx/models");
    let path = Path::new(folder).join(name).join("model.onnx");
    if !path.is_file() {
        eprintln!("SKIPPED: no model at {}", path.display());
        return None;
    }
    Some(load_file(&path).expect("a model that is supported"))
}

/// Rows between -1 and 1, all different.
fn rows(rows: usize, columns: usize) -> Matrix {
    let mut state = 7_u32;
    let values = (0..rows * columns).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(i16::from_be_bytes([
            state.to_be_bytes()[0],
            state.to_be_bytes()[1],
        ])) / 32_768.0
    });
    Matrix {
        rows,
        columns,
        values: values.collect(),
    }
}

fn infer(bencher: Bencher<'_, '_>, name: &str, batch: usize) {
    let Some(model) = model(name) else { return };
    let rows = rows(batch, model.columns());
    bencher
        .counter(ItemsCount::new(batch))
        .bench(|| model.infer(&rows).expect("an answer"));
}

#[divan::bench(args = BATCHES)]
fn feed_forward_784_32x4_10(bencher: Bencher<'_, '_>, batch: usize) {
    infer(bencher, "bench_ffnn_784", batch);
}

#[divan::bench(args = BATCHES)]
fn perceptron_30_64_32_1(bencher: Bencher<'_, '_>, batch: usize) {
    infer(bencher, "bench_mlp_30", batch);
}

#[divan::bench(args = BATCHES)]
fn autoencoder_38_64_16_64_38(bencher: Bencher<'_, '_>, batch: usize) {
    infer(bencher, "bench_ae_38", batch);
}

#[divan::bench(args = BATCHES)]
fn boosted_trees_100_of_depth_6(bencher: Bencher<'_, '_>, batch: usize) {
    infer(bencher, "bench_gbdt_100x6", batch);
}
