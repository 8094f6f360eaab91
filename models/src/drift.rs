//! Has the world changed? Pure statistics: no clock, no I/O, no actors, no Burn.
//!
//! `detector` watches a sequence of numbers one by one (errors once labels come, or any value) and says at which it
//! changed.

mod error;
mod detector;
mod two_sample;

pub use detector::{
    Adwin, AdwinSettings, ChangeDetector, Ddm, DdmSettings, Detector, DetectorKind,
    DetectorSettings, Eddm, EddmSettings, HddmA, HddmASettings, HddmW, HddmWSettings, Input, Kswin,
    KswinSettings, PageHinkley, PageHinkleySettings, ParameterInfo, Side, Signal,
};
pub use error::DriftError;
