//! The invariant of tiles over every model there is.

use std::path::{Path, PathBuf};

use crate::onnx::cases;
use crate::{LoadedModel, Matrix, Tensor, TensorData, load_file};

/// All models that take rows of numbers and are supported.
fn models() -> Vec<(PathBuf, LoadedModel)> {
    let folders = [Some(cases::fixtures()), cases::shared()];
    let cases = folders
        .into_iter()
        .flatten()
        .flat_map(|folder| cases::cases(&folder));
    let models =
        cases.filter_map(|case| Some((case.clone(), load_file(&case.join("model.onnx")).ok()?)));
    models.collect()
}

/// Rows like the case's own inputs, and further ones made from them: `count` in all.
fn rows(case: &Path, columns: usize, count: usize) -> Matrix {
    let mut own: Vec<f32> = Vec::new();
    for input in cases::tensors(case, "input") {
        let host = input.into_numbers().expect("numbers");
        own.extend_from_slice(host.values());
    }
    let values = (0..count * columns).map(|at| {
        let stretch = 1.0 + f32::from(u8::try_from(at % 7).expect("small")) / 64.0;
        own[at % own.len()] * stretch
    });
    Matrix {
        rows: count,
        columns,
        values: values.collect(),
    }
}

fn part(rows: &Matrix, first: usize, count: usize) -> Matrix {
    let values = rows.values[first * rows.columns..(first + count) * rows.columns].to_vec();
    Matrix {
        rows: count,
        columns: rows.columns,
        values,
    }
}

/// Appends answers as bits, so that NaN equals itself and zeros differ by their sign.
fn bits(tensors: &[Tensor], row: usize) -> Vec<String> {
    let mut bits = Vec::new();
    for tensor in tensors {
        let width: usize = tensor.shape[1..].iter().product();
        for at in row * width..(row + 1) * width {
            bits.push(match &tensor.data {
                TensorData::Float32(values) => format!("{:08x}", values[at].to_bits()),
                TensorData::Int64(values) => values[at].to_string(),
                TensorData::String(values) => values[at].clone(),
            });
        }
    }
    bits
}

#[test]
fn a_row_is_answered_the_same_whatever_rows_it_comes_with() {
    for (case, model) in models() {
        let all = rows(&case, model.columns(), 77);
        let together = model.infer(&all).expect("answers");
        for (first, count) in [
            (0, 1),
            (1, 1),
            (76, 1),
            (5, 2),
            (9, 31),
            (9, 32),
            (10, 33),
            (12, 65),
        ] {
            let apart = model.infer(&part(&all, first, count)).expect("answers");
            for row in 0..count {
                assert_eq!(
                    bits(&apart, row),
                    bits(&together, first + row),
                    "{}: row {} among {count}",
                    case.display(),
                    first + row
                );
            }
        }
    }
}

#[test]
fn no_rows_have_no_answers() {
    for (case, model) in models() {
        let none = Matrix {
            rows: 0,
            columns: model.columns(),
            values: Vec::new(),
        };
        for tensor in model.infer(&none).expect("answers") {
            assert_eq!(tensor.shape[0], 0, "{}", case.display());
            assert!(tensor.data.is_empty());
        }
    }
}
