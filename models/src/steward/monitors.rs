//! Monitors as their detectors.

use config::Learning;

use crate::drift::{Detector, DetectorKind, DetectorSettings, DriftError, Input};

/// The detectors of all monitors, on errors.
pub(super) fn detectors(settings: &Learning) -> Result<Vec<(String, Detector)>, DriftError> {
    let monitors = settings.monitors.iter();
    monitors
        .map(|monitor| {
            let kind = DetectorKind::parse(&monitor.detector)?;
            let mut parameters = DetectorSettings::of(kind);
            for (name, value) in &monitor.parameters {
                parameters.set(name, &value.to_string())?;
            }
            let detector = Detector::try_new(&parameters, Input::Error)?;
            Ok((monitor.id.to_string(), detector))
        })
        .collect()
}
