//! Has the world changed? Pure statistics: no clock, no I/O, no actors, no Burn.
//!
//! `detector` watches a sequence of numbers one by one (errors once labels come, or any value) and says at which it
//! changed; `calibrate` finds its setting for a wished rate of false alarms. `two_sample` compares two samples.
//! `reference` keeps what a model was trained on, `window` counts a stretch of the stream in the same bins, `compare`
//! says which columns have drifted. `performance` estimates measures before labels come.

mod error;
mod detector;
mod calibrate;
mod two_sample;
mod bins;
mod reference;
mod window;
mod compare;
mod performance;

pub use bins::Bins;
pub use calibrate::{Calibration, calibrate};
pub use compare::{CompareSettings, FeatureDrift, Measured, Method, compare};
pub use detector::{
    Adwin, AdwinSettings, ChangeDetector, Ddm, DdmSettings, Detector, DetectorKind,
    DetectorSettings, Eddm, EddmSettings, HddmA, HddmASettings, HddmW, HddmWSettings, Input, Kswin,
    KswinSettings, PageHinkley, PageHinkleySettings, ParameterInfo, Side, Signal,
};
pub use error::DriftError;
pub use performance::{Cbpe, Estimate};
pub use reference::{Reference, Values};
pub use two_sample::{
    ChiSquare, CramerVonMises, KolmogorovSmirnov, PSI_FLOOR, Pooled, benjamini_hochberg,
    chi_square, cramer_von_mises, hellinger, jensen_shannon, kolmogorov_smirnov, psi, wasserstein,
};
pub use window::{Window, sampled};
