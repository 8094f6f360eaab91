//! Calibrated detectors on fresh values that they have not been calibrated on.

use super::*;

fn errors(seed: u64, count: usize) -> Vec<f64> {
    let mut random = Random::new(seed);
    let error = |_| f64::from(u8::from(random.unit() < 0.2));
    (0..count).map(error).collect()
}

#[test]
fn a_calibrated_detector_alarms_about_as_often_as_wished_on_other_values_of_the_kind() {
    let (known, fresh) = (errors(1, 20_000), errors(2, 200_000));
    for kind in DetectorKind::ALL {
        // KSWIN on zeros and ones can only take few levels, and costs most.
        let wish = match kind {
            DetectorKind::Kswin => continue,
            _ => 0.000_5,
        };
        let settings = DetectorSettings::of(kind);
        let found = calibrate(&settings, Input::Error, &known, wish, 7).unwrap();
        assert!(found.rate <= wish, "{kind:?}: {found:?}");
        let fresh_rate =
            alarms(&found.settings, Input::Error, &fresh).unwrap() as f64 / fresh.len() as f64;
        assert!(fresh_rate < 2.5 * wish, "{kind:?}: {fresh_rate}, {found:?}");
        // ADWIN's bound alarms seldom even at delta = 1, and DDM never again once its lowest rate is settled.
        let floor = match kind {
            DetectorKind::Adwin | DetectorKind::Ddm => 0.0,
            _ => 0.3 * wish,
        };
        assert!(fresh_rate >= floor, "{kind:?}: {fresh_rate}, {found:?}");
        assert_eq!(
            found,
            calibrate(&settings, Input::Error, &known, wish, 7).unwrap()
        );
    }
}

#[test]
fn page_hinkleys_threshold_follows_the_scale_of_the_values() {
    let mut random = Random::new(3);
    let small: Vec<f64> = (0..5_000).map(|_| random.normal()).collect();
    let large: Vec<f64> = small.iter().map(|x| 1_000.0 * x).collect();
    let mut settings = DetectorSettings::of(DetectorKind::PageHinkley);
    settings.set("delta", "0").unwrap();
    let of = |values| {
        calibrate(&settings, Input::Value, values, 0.001, 1)
            .unwrap()
            .value
    };
    let ratio = of(&large) / of(&small);
    assert!((990.0..1_010.0).contains(&ratio), "{ratio}");
}

#[test]
fn what_cannot_be_calibrated_is_refused_with_a_reason() {
    let settings = DetectorSettings::of(DetectorKind::Adwin);
    let check = |values: &[f64], rate, says: &str| {
        let error = calibrate(&settings, Input::Value, values, rate, 1).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    };
    check(&[1.0; 99], 0.001, "99 values");
    check(&[1.0; 100], 0.5, "0.5 is not a rate");
    let mut broken = [1.0; 100];
    broken[50] = f64::NAN;
    check(&broken, 0.001, "NaN is not a finite number");
}
