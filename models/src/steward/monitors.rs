//! Monitors as their detectors.

use config::{Learning, Monitor};

use crate::drift::{Detector, DetectorKind, DetectorSettings, DriftError, Input};

/// The detectors of all monitors, on errors.
pub(super) fn detectors(settings: &Learning) -> Result<Vec<(String, Detector)>, DriftError> {
    let monitors = settings.monitors.iter();
    monitors
        .map(|monitor| Ok((monitor.id.to_string(), detector(monitor)?)))
        .collect()
}

/// The detector of a monitor, which watches errors.
///
/// # Errors
/// If there is no such detector or parameter, or a value is outside its range.
pub(crate) fn detector(monitor: &Monitor) -> Result<Detector, DriftError> {
    let mut settings = DetectorSettings::of(DetectorKind::parse(&monitor.detector)?);
    for (name, value) in &monitor.parameters {
        settings.set(name, &value.to_string())?;
    }
    Detector::try_new(&settings, Input::Error)
}
