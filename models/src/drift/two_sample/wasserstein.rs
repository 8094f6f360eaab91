//! Wasserstein-1: how far values must be moved on average to make one sample of the other.
//!
//! L. N. Vaserstein 1969, earth mover's distance; on a line the area between both distribution functions.

use super::pooled::Pooled;

/// The distance, in units of the values. On binned counts it is off by at most the sum of share times width of the
/// bins, values being taken to lie at each bin's place.
#[must_use]
pub fn wasserstein(pooled: &Pooled) -> f64 {
    let (n, m) = pooled.sizes();
    let (mut a, mut b) = (0, 0);
    let mut area = 0.0;
    for pair in pooled.points().windows(2) {
        a += pair[0].a;
        b += pair[0].b;
        area += (a as f64 / n as f64 - b as f64 / m as f64).abs() * (pair[1].at - pair[0].at);
    }
    area
}
