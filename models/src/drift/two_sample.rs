//! How far apart two samples lie, and how likely that is by chance; on values or on counts in bins.
//!
//! The statistics are SciPy's to 1e-9, their p-values to 1e-6 (most to ten digits): `tests` compares them.

mod pooled;
mod kolmogorov;
mod kolmogorov_smirnov;
mod cramer_von_mises;
mod chi_square;
mod distances;
mod wasserstein;
mod benjamini_hochberg;
#[cfg(test)]
mod tests;

pub use benjamini_hochberg::benjamini_hochberg;
pub use chi_square::{ChiSquare, chi_square};
pub use cramer_von_mises::{CramerVonMises, cramer_von_mises};
pub use distances::{PSI_FLOOR, hellinger, jensen_shannon, psi};
pub(super) use kolmogorov_smirnov::equal_size_p_value;
pub use kolmogorov_smirnov::{KolmogorovSmirnov, kolmogorov_smirnov};
pub use pooled::Pooled;
pub use wasserstein::wasserstein;
