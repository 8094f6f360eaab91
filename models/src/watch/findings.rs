//! What a window says beside its reference, column by column.

use config::{Statistic, Watch, Watched};

use super::{Profile, Sketch};
use crate::drift::{CompareSettings, DriftError, FeatureDrift, Method, Reference, compare};

/// One number of a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    /// `None`: of the whole.
    pub(super) column: Option<String>,
    /// Which number.
    pub(super) metric: &'static str,
    pub(super) value: f64,
    /// Of a test: how likely it is by chance, corrected for all columns.
    pub(super) p: Option<f64>,
    /// Whether it is beyond its limit.
    pub(super) drifted: bool,
}

/// Compares a window with its reference. `features`: so many of the columns are features.
pub(super) fn findings(
    watch: &Watch,
    profile: &Profile,
    reference: &Reference,
    window: &Sketch,
    features: usize,
) -> Result<Vec<Finding>, DriftError> {
    if watch.on == Watched::Performance {
        return Ok(performance(watch, profile, window));
    }
    let wanted = columns(watch, profile, features);
    let compared = compare(
        &reference.select(&wanted),
        &window.window.select(&wanted),
        &settings(watch),
    )?;
    Ok(compared
        .iter()
        .flat_map(|of| of_column(watch, of))
        .collect())
}

/// Positions of the columns that are watched.
fn columns(watch: &Watch, profile: &Profile, features: usize) -> Vec<usize> {
    let names = profile.reference.names().enumerate();
    let is_watched = |at: usize, name: &str| match watch.columns.is_empty() {
        true => (at < features) == (watch.on == Watched::Features),
        false => watch.columns.iter().any(|column| **column == *name),
    };
    let watched = names.filter(|(at, name)| is_watched(*at, name));
    watched.map(|(at, _)| at).collect()
}

fn settings(watch: &Watch) -> CompareSettings {
    let methods = watch.statistics.iter();
    let methods = methods.map(|statistic| match statistic {
        Statistic::KolmogorovSmirnov => Method::KolmogorovSmirnov,
        Statistic::CramerVonMises => Method::CramerVonMises,
        Statistic::ChiSquare => Method::ChiSquare,
        Statistic::Psi => Method::Psi,
        Statistic::JensenShannon => Method::JensenShannon,
        Statistic::Hellinger => Method::Hellinger,
        Statistic::Wasserstein => Method::Wasserstein,
    });
    let limits = watch.limits;
    CompareSettings {
        numeric: methods.collect(),
        significance: limits.significance,
        psi: limits.psi,
        distance: limits.distance,
        missing: limits.missing,
        least_rows: 1,
        ..CompareSettings::default()
    }
}

fn of_column(watch: &Watch, of: &FeatureDrift) -> Vec<Finding> {
    let finding = |metric, value, p, drifted| Finding {
        column: Some(of.feature.clone()),
        metric,
        value,
        p,
        drifted,
    };
    let measured = of.statistics.iter();
    let mut found: Vec<Finding> = measured
        .map(|m| finding(m.method.word(), m.value, m.p_corrected, m.drifted))
        .collect();
    let moved = (of.missing - of.missing_before).abs() >= watch.limits.missing;
    found.push(finding("missing", of.missing, None, moved));
    if of.is_constant {
        found.push(finding("constant", 1.0, None, true));
    }
    found
}

fn performance(watch: &Watch, profile: &Profile, window: &Sketch) -> Vec<Finding> {
    let (Some(expected), Some(calibration)) = (&window.expected, &profile.calibration) else {
        return Vec::new();
    };
    let worse = |metric, value| {
        metric == "expected-accuracy" && calibration.accuracy - value >= watch.limits.performance
    };
    let measures = expected.measures();
    measures
        .map(|(metric, value)| Finding {
            column: None,
            metric,
            value,
            p: None,
            drifted: worse(metric, value),
        })
        .collect()
}
