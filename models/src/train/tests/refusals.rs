//! What is refused, and trainings that come to no end.

use super::*;

/// The error of a training, in words.
fn refusal(rows: &Arc<Examples>, settings: TrainSettings) -> String {
    train(rows, settings).expect_err("a refusal").to_string()
}

#[test]
fn what_cannot_teach_is_refused() {
    let logistic = || settings(Architecture::Logistic);
    let few = drawn(39, 2, |row, _| f32::from(row[0] > 0.0));
    assert_eq!(
        refusal(&few, logistic()),
        "31 training rows; 32 are the least"
    );
    let one = drawn(100, 2, |_, _| 1.0);
    assert_eq!(
        refusal(&one, logistic()),
        "no training row of class 0, among 2 classes"
    );
    let halves = drawn(100, 2, |_, _| 0.5);
    assert!(refusal(&halves, logistic()).contains("label of row 1 is 0.5, no class"));
    let negative = drawn(100, 2, |_, _| -1.0);
    assert!(refusal(&negative, logistic()).contains("label of row 1 is -1, no class"));
    assert!(refusal(&one, settings(Architecture::Linear)).contains("every label is 1"));
    let unlabelled = examples(1, vec![0.0; 100], Vec::new());
    assert!(refusal(&unlabelled, logistic()).contains("no labels"));
    let weights = TrainSettings {
        class_weights: ClassWeights::Given(vec![1.0; 3]),
        ..logistic()
    };
    assert!(refusal(&exclusive_or(100), weights).contains("3 class weights for 2 classes"));
}

#[test]
fn rows_that_contradict_themselves_are_refused() {
    let rows = |values: Vec<f32>| Matrix {
        rows: values.len() / 2,
        columns: 2,
        values,
    };
    let refused = |result: Result<Examples, TrainError>| result.expect_err("a refusal").to_string();
    let infinite = Examples::try_new(names(2), rows(vec![0.0, 1.0, f32::INFINITY, 0.0]), vec![]);
    assert!(refused(infinite).contains("\"f1\" is infinite in row 2"));
    let labels = Examples::try_new(names(2), rows(vec![0.0; 4]), vec![0.0]);
    assert!(refused(labels).contains("1 labels for 2 rows"));
    let missing = Examples::try_new(names(2), rows(vec![0.0; 4]), vec![0.0, f32::NAN]);
    assert!(refused(missing).contains("label of row 2"));
    assert!(refused(Examples::try_new(names(1), rows(vec![0.0; 4]), vec![])).contains("1 names"));
}

#[test]
fn a_training_that_explodes_gives_an_error_and_no_model() {
    let rows = drawn(500, 3, |row, _| row[0]);
    let settings = TrainSettings {
        learning_rate: 1.0,
        weight_decay: 1.0,
        ..settings(Architecture::Linear)
    };
    // One number far beyond the others in the validation rows.
    let mut values = rows.rows().values.clone();
    *values.last_mut().expect("a value") = f32::MAX;
    let poisoned = examples(3, values, rows.labels().to_vec());
    let error = train(&poisoned, settings).expect_err("a refusal");
    assert!(
        matches!(error, TrainError::Diverged { epoch: 1, .. }),
        "{error}"
    );
}

#[test]
fn a_trainer_may_be_handed_to_a_thread_of_its_own() {
    fn is_send<T: Send>() {}
    is_send::<Trainer>();
}

#[test]
fn a_training_that_has_not_ended_gives_no_model() {
    let trainer = Trainer::new(exclusive_or(64), settings(mlp(&[4]))).expect("a trainer");
    let error = trainer.finish().expect_err("a refusal");
    assert!(
        matches!(error, TrainError::Unfinished { epoch: 1, .. }),
        "{error}"
    );
}
