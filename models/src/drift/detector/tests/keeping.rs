//! Detectors that are kept, misused, quiet, set, and run for long.

use super::*;

#[test]
fn a_detector_kept_and_read_back_at_any_moment_goes_on_as_if_nothing_had_happened() {
    let seed = (1..100).find(|seed| random_stream(*seed).iter().all(|x| *x == 0.0 || *x == 1.0));
    let stream = random_stream(seed.unwrap());
    for kind in DetectorKind::ALL {
        let whole = signals(&mut detector(kind.name(), &[]), &stream);
        let mut moved = detector(kind.name(), &[]);
        let mut pieces = Vec::new();
        for piece in stream.chunks(97) {
            pieces.extend(signals(&mut moved, piece));
            let kept = serde_json::to_vec(&moved).unwrap();
            let read: Detector = serde_json::from_slice(&kept).unwrap();
            assert_eq!(read, moved, "{}", kind.name());
            moved = read;
        }
        assert_eq!(pieces, whole, "{}", kind.name());
    }
}

#[test]
fn a_kept_detector_of_another_form_or_with_impossible_settings_is_refused() {
    let kept = serde_json::to_string(&detector("adwin", &[])).unwrap();
    let other = kept.replace("\"version\":1", "\"version\":2");
    let wild = kept.replace("\"delta\":0.002", "\"delta\":-1.0");
    for (text, says) in [(other, "form 2"), (wild, "delta = -1")] {
        let error = serde_json::from_str::<Detector>(&text).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn numbers_that_are_not_what_the_input_stands_for_are_refused_and_leave_no_trace() {
    let check = |kind, input, x: f64, says: &str| {
        let mut detector = Detector::try_new(&DetectorSettings::of(kind), input).unwrap();
        let before = detector.clone();
        let error = detector.update(x).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(detector, before);
    };
    check(DetectorKind::Ddm, Input::Error, 0.5, "0.5 is not an error");
    check(
        DetectorKind::Eddm,
        Input::Correct,
        2.0,
        "2 is not 1 (right)",
    );
    check(
        DetectorKind::HddmA,
        Input::Value,
        1.5,
        "1.5 is not from 0 to 1",
    );
    check(
        DetectorKind::HddmW,
        Input::Value,
        f64::NAN,
        "NaN is not a finite number",
    );
    check(
        DetectorKind::Adwin,
        Input::Value,
        f64::INFINITY,
        "inf is not a finite",
    );
    let refused = Detector::try_new(&DetectorSettings::of(DetectorKind::Ddm), Input::Value);
    assert!(matches!(
        refused,
        Err(DriftError::Input { detector: "ddm" })
    ));
}

#[test]
fn what_was_right_is_the_opposite_of_what_was_wrong() {
    let stream = random_stream(2);
    let errors: Vec<f64> = stream
        .iter()
        .map(|x| f64::from(u8::from(*x > 1.0)))
        .collect();
    let right: Vec<f64> = errors.iter().map(|x| 1.0 - x).collect();
    let settings = DetectorSettings::of(DetectorKind::HddmW);
    let mut of_errors = Detector::try_new(&settings, Input::Error).unwrap();
    let mut of_right = Detector::try_new(&settings, Input::Correct).unwrap();
    assert_eq!(
        signals(&mut of_errors, &errors),
        signals(&mut of_right, &right)
    );
}

#[test]
fn a_quiet_detector_says_nothing_in_its_warm_up_nor_right_behind_an_alarm() {
    let steps: Vec<f64> = (0..4_000).map(|i| f64::from(i / 500)).collect();
    let loud = alarms(&signals(&mut detector("adwin", &[]), &steps));
    assert!(loud.len() > 4, "{loud:?}");
    let mut quiet = detector("adwin", &[]).quiet(loud[0] as u64 + 1, 600);
    let mut expected: Vec<usize> = Vec::new();
    for index in loud.iter().skip(1) {
        if expected.last().is_none_or(|last| index - last > 600) {
            expected.push(*index);
        }
    }
    assert_eq!(alarms(&signals(&mut quiet, &steps)), expected);
    quiet.reset();
    assert_eq!(alarms(&signals(&mut quiet, &steps)), expected);
}

#[test]
fn parameters_are_set_by_rivers_names_and_refused_outside_their_range() {
    let mut settings = DetectorSettings::of(DetectorKind::parse("HDDM_W").unwrap());
    settings.set("lambda-val", "0.2").unwrap();
    settings.set("two_sided_test", "True").unwrap();
    assert_eq!(settings.parameters()[2].value, "0.2");
    let unknown = settings.set("delta", "1").unwrap_err();
    assert!(
        unknown
            .to_string()
            .ends_with("it has drift_confidence, warning_confidence, lambda_val, two_sided_test")
    );
    let before = settings.clone();
    for value in ["0", "1.1", "NaN", "inf", "x", ""] {
        assert!(settings.set("lambda_val", value).is_err(), "{value}");
    }
    assert_eq!(settings, before);
    let mut eddm = DetectorSettings::of(DetectorKind::Eddm);
    eddm.set("alpha", "0.5").unwrap();
    assert!(matches!(eddm.check(), Err(DriftError::Rule { .. })));
    assert!(DetectorKind::parse("cusum").is_err());
}

#[test]
fn memory_stays_small_however_long_the_stream() {
    let mut adwin = Adwin::new(&AdwinSettings::default());
    for i in 0..300_000_u32 {
        adwin.update(f64::from(i % 7));
    }
    assert_eq!(adwin.width(), 300_000);
    let buckets: usize = adwin.rows.iter().map(Vec::len).sum();
    assert!(buckets <= 5 * 17, "{buckets}");
}
