//! A window of the stream against a reference: which columns have drifted, by which statistics.

use serde::{Deserialize, Serialize};

use super::reference::{Profile, Shape};
use super::two_sample::{
    Pooled, benjamini_hochberg, chi_square, cramer_von_mises, hellinger, jensen_shannon,
    kolmogorov_smirnov, psi, wasserstein,
};
use super::window::Counted;
use super::{DriftError, Reference, Window};

/// A statistic that compares a column of a window with the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// A test, of numbers; too low by at most a bin's share, 0.01 where values do not repeat.
    KolmogorovSmirnov,
    /// A test, of numbers.
    CramerVonMises,
    /// A test, of numbers by tenths or of categories.
    ChiSquare,
    /// A distance, of tenths or categories.
    Psi,
    /// A distance, of tenths or categories.
    JensenShannon,
    /// A distance, of tenths or categories.
    Hellinger,
    /// A distance, of numbers, in standard deviations of the reference.
    Wasserstein,
}

impl Method {
    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::KolmogorovSmirnov => "kolmogorov-smirnov",
            Self::CramerVonMises => "cramer-von-mises",
            Self::ChiSquare => "chi-square",
            Self::Psi => "psi",
            Self::JensenShannon => "jensen-shannon",
            Self::Hellinger => "hellinger",
            Self::Wasserstein => "wasserstein",
        }
    }
}

/// How a comparison is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompareSettings {
    /// Statistics of numeric columns; Kolmogorov-Smirnov and PSI.
    pub numeric: Vec<Method>,
    /// Statistics of categorical columns; chi-square and PSI. Tests of numbers are passed over.
    pub categorical: Vec<Method>,
    /// Share of false discoveries among the columns that a test finds, above 0 and below 1; 0.01.
    pub significance: f64,
    /// PSI from which a column has drifted; 0.2.
    pub psi: f64,
    /// Jensen-Shannon or Hellinger distance, or Wasserstein's in deviations, from which a column has drifted; 0.1.
    pub distance: f64,
    /// Change of the share of missing values from which a column has drifted; 0.05.
    pub missing: f64,
    /// Share of categories unknown to the reference from which a column has drifted; 0.01.
    pub new_categories: f64,
    /// Rows of the window below which nothing is compared; 100.
    pub least_rows: u64,
}

impl Default for CompareSettings {
    fn default() -> Self {
        Self {
            numeric: vec![Method::KolmogorovSmirnov, Method::Psi],
            categorical: vec![Method::ChiSquare, Method::Psi],
            significance: 0.01,
            psi: 0.2,
            distance: 0.1,
            missing: 0.05,
            new_categories: 0.01,
            least_rows: 100,
        }
    }
}

/// What a comparison says of one column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureDrift {
    /// The column's name.
    pub feature: String,
    /// The statistics asked for that apply to the column; none where the window has no value.
    pub statistics: Vec<Measured>,
    /// Share of missing values in the reference.
    pub missing_before: f64,
    /// Share of missing values in the window.
    pub missing: f64,
    /// Whether the window has one value only, and the reference more.
    pub is_constant: bool,
    /// Share of categories that the reference does not tell apart, less its own share of them; 0 for numbers.
    pub new_categories: f64,
    /// Whether any of this is beyond its limit.
    pub drifted: bool,
}

/// One statistic of one column.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measured {
    /// Which.
    pub method: Method,
    /// Its value; 0 is alike.
    pub value: f64,
    /// Of a test: how likely it is by chance.
    pub p_value: Option<f64>,
    /// The same, corrected for all columns tested by this method (Benjamini-Hochberg).
    pub p_corrected: Option<f64>,
    /// Whether it is beyond its limit.
    pub drifted: bool,
}

/// Compares each column of a window with the reference.
///
/// # Errors
/// If the window was made for another reference, or has fewer rows than `least_rows`.
pub fn compare(
    reference: &Reference,
    window: &Window,
    settings: &CompareSettings,
) -> Result<Vec<FeatureDrift>, DriftError> {
    window.fits(reference)?;
    if window.rows() < settings.least_rows {
        let found = window.rows() as usize;
        let needed = settings.least_rows as usize;
        return Err(DriftError::TooFew { found, needed });
    }
    let pairs = reference.columns.iter().zip(&window.columns);
    let mut features: Vec<FeatureDrift> = pairs
        .map(|(profile, counted)| feature(profile, counted, settings))
        .collect();
    correct(&mut features, settings.significance);
    for feature in &mut features {
        let measured = feature.statistics.iter().any(|measured| measured.drifted);
        feature.drifted = measured
            || feature.is_constant
            || (feature.missing - feature.missing_before).abs() >= settings.missing
            || feature.new_categories >= settings.new_categories;
    }
    Ok(features)
}

fn feature(profile: &Profile, counted: &Counted, settings: &CompareSettings) -> FeatureDrift {
    let before = profile.counts();
    let share = |part: u64, counts: &[u64], missing: u64| {
        let all = counts.iter().sum::<u64>() + missing;
        part as f64 / all.max(1) as f64
    };
    let has_values = counted.counts.iter().any(|count| *count > 0);
    let (methods, was_constant, new_categories) = match &profile.shape {
        Shape::Numeric(numeric) => (&settings.numeric, numeric.is_constant, 0.0),
        Shape::Categorical(_) => {
            let others = |counts: &[u64]| share(counts.last().copied().unwrap_or(0), counts, 0);
            let was_constant = before.iter().filter(|count| **count > 0).count() == 1;
            let new = (others(&counted.counts) - others(before)).max(0.0);
            (&settings.categorical, was_constant, new)
        }
    };
    let measure = |method: &Method| measure(*method, profile, counted, settings);
    FeatureDrift {
        feature: profile.name.clone(),
        statistics: match has_values {
            true => methods.iter().filter_map(measure).collect(),
            false => Vec::new(),
        },
        missing_before: share(profile.missing, before, profile.missing),
        missing: share(counted.missing, &counted.counts, counted.missing),
        is_constant: !was_constant && counted.is_constant(profile),
        new_categories,
        drifted: false,
    }
}

/// A statistic of a column, if it applies to columns of its kind.
fn measure(
    method: Method,
    profile: &Profile,
    counted: &Counted,
    settings: &CompareSettings,
) -> Option<Measured> {
    let (before, now) = (profile.counts(), counted.counts.as_slice());
    let (pooled, scale, grouped) = match &profile.shape {
        Shape::Numeric(numeric) => (
            Some(Pooled::from_counts(&numeric.centres, before, now).ok()?),
            numeric.deviation,
            (numeric.grouped(before), numeric.grouped(now)),
        ),
        Shape::Categorical(_) => (None, 1.0, (before.to_vec(), now.to_vec())),
    };
    let (a, b) = (&grouped.0, &grouped.1);
    let test = |value, p_value| (value, Some(p_value), f64::INFINITY);
    let (value, p_value, limit) = match method {
        Method::KolmogorovSmirnov => {
            let found = kolmogorov_smirnov(&pooled?);
            test(found.statistic, found.p_value())
        }
        Method::CramerVonMises => {
            let found = cramer_von_mises(&pooled?);
            test(found.statistic, found.p_value)
        }
        Method::ChiSquare => {
            let found = chi_square(a, b);
            test(found.statistic, found.p_value)
        }
        Method::Psi => (psi(a, b), None, settings.psi),
        Method::JensenShannon => (jensen_shannon(a, b), None, settings.distance),
        Method::Hellinger => (hellinger(a, b), None, settings.distance),
        Method::Wasserstein => {
            let moved = wasserstein(&pooled?);
            // Of a constant reference there is no deviation to measure by.
            let scale = if scale > 0.0 { scale } else { 1.0 };
            (moved / scale, None, settings.distance)
        }
    };
    Some(Measured {
        method,
        value,
        p_value,
        p_corrected: None,
        drifted: value >= limit,
    })
}

/// Corrects the p-values of each test over all columns that it was used on.
fn correct(features: &mut [FeatureDrift], significance: f64) {
    for method in [
        Method::KolmogorovSmirnov,
        Method::CramerVonMises,
        Method::ChiSquare,
    ] {
        let of_method = features
            .iter_mut()
            .flat_map(|feature| &mut feature.statistics);
        let mut tested: Vec<&mut Measured> = of_method
            .filter(|measured| measured.method == method)
            .collect();
        let p_values: Vec<f64> = tested
            .iter()
            .filter_map(|measured| measured.p_value)
            .collect();
        for (measured, corrected) in tested.iter_mut().zip(benjamini_hochberg(&p_values)) {
            measured.p_corrected = Some(corrected);
            measured.drifted = corrected <= significance;
        }
    }
}
