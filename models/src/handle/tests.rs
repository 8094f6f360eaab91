//! Swapping under load.

use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, thread};

use config::{DeviceChoice, VersionChoice};

use super::ModelHandle;
use crate::onnx::cases;
use crate::{LoadedModel, Matrix, ModelError, load, load_file};

fn version(number: u64) -> LoadedModel {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join(number.to_string());
    fs::create_dir(&place).expect("a folder");
    let model = cases::fixtures().join("network_sigmoid/model.onnx");
    fs::copy(model, place.join("model.onnx")).expect("a copy");
    load(folder.path(), &VersionChoice::Latest, DeviceChoice::Cpu).expect("a model")
}

fn rows() -> Matrix {
    Matrix {
        rows: 3,
        columns: 5,
        values: vec![0.5; 15],
    }
}

#[test]
fn every_answer_names_the_version_that_gave_it_while_versions_change() {
    let handle = ModelHandle::new(version(1));
    let done = AtomicBool::new(false);
    let newest = thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut last = 0;
            while !done.load(Ordering::Acquire) {
                let answer = handle.answer(&rows()).expect("an answer");
                assert_eq!(answer.outputs[0].shape, [3, 1]);
                assert!(answer.version >= last, "versions never go back");
                last = answer.version;
            }
            handle.answer(&rows()).expect("an answer").version
        });
        for number in 2..6 {
            let old = handle.swap(version(number)).expect("a swap");
            assert_eq!(old.version(), number - 1);
        }
        done.store(true, Ordering::Release);
        asking.join().expect("no panic")
    });
    assert_eq!(newest, 5);
}

#[test]
fn an_answer_begun_before_a_swap_is_finished_by_the_old_version() {
    let handle = ModelHandle::new(version(1));
    let begun = handle.current();
    handle.swap(version(2)).expect("a swap");
    assert_eq!(begun.version(), 1);
    assert!(begun.infer(&rows()).is_ok());
    assert_eq!(handle.version(), 2);
}

#[test]
fn a_version_of_another_signature_stays_outside() {
    let handle = ModelHandle::new(version(1));
    let other = load_file(&cases::fixtures().join("network_softmax/model.onnx")).expect("a model");
    assert!(matches!(
        handle.swap(other),
        Err(ModelError::SignatureChanged { old: 1, .. })
    ));
    assert_eq!(handle.version(), 1);
}

#[test]
fn rows_of_another_width_are_refused() {
    let handle = ModelHandle::new(version(1));
    let narrow = Matrix {
        rows: 1,
        columns: 4,
        values: vec![0.0; 4],
    };
    let error = handle.infer(&narrow).expect_err("a refusal");
    assert!(
        error
            .to_string()
            .contains("takes 5 features, the rows have 4")
    );
    let short = Matrix {
        rows: 2,
        columns: 5,
        values: vec![0.0; 9],
    };
    assert!(matches!(
        handle.infer(&short),
        Err(ModelError::Matrix { values: 9, .. })
    ));
}
