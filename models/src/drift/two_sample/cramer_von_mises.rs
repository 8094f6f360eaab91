//! Cramér-von Mises: the mean squared difference of two empirical distribution functions.
//!
//! T. W. Anderson: On the distribution of the two-sample Cramér-von Mises criterion. Annals of Mathematical Statistics
//! 33, 1962; the limit distribution by S. Csörgő, J. Faraway, Journal of the Royal Statistical Society B 58, 1996.

use std::f64::consts::PI;

use super::pooled::Pooled;

/// The statistic and how likely it is by chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CramerVonMises {
    /// From 0 up.
    pub statistic: f64,
    /// Asymptotic, as SciPy's `method="asymptotic"`; for samples of 20 and fewer it is only near.
    pub p_value: f64,
}

/// Compares two samples; ties, and all values of a bin, get their middle rank.
#[must_use]
pub fn cramer_von_mises(pooled: &Pooled) -> CramerVonMises {
    let (n, m) = pooled.sizes();
    let (mut before_a, mut before_b) = (0.0, 0.0);
    let (mut squares_a, mut squares_b) = (0.0, 0.0);
    for point in pooled.points() {
        let (a, b) = (point.a as f64, point.b as f64);
        let rank = before_a + before_b + (a + b + 1.0) / 2.0;
        squares_a += squares(rank, before_a, a);
        squares_b += squares(rank, before_b, b);
        before_a += a;
        before_b += b;
    }
    let (n, m) = (n as f64, m as f64);
    let (product, all) = (n * m, n + m);
    let u = n * squares_a + m * squares_b;
    let statistic = u / (product * all) - (4.0 * product - 1.0) / (6.0 * all);
    let mean = (1.0 + 1.0 / all) / 6.0;
    let variance = (all + 1.0) * (4.0 * product * all - 3.0 * (n * n + m * m) - 2.0 * product)
        / (45.0 * all * all * 4.0 * product);
    let normalised = 1.0 / 6.0 + (statistic - mean) / (45.0 * variance).sqrt();
    CramerVonMises {
        statistic,
        p_value: (1.0 - limit(normalised)).clamp(0.0, 1.0),
    }
}

/// Σ (rank - i)² over the `count` places i behind `before`.
fn squares(rank: f64, before: f64, count: f64) -> f64 {
    let middle = before + (count + 1.0) / 2.0;
    count * (rank - middle) * (rank - middle) + count * (count * count - 1.0) / 12.0
}

/// The limit distribution function; its series ends where a term is below 1e-7.
fn limit(x: f64) -> f64 {
    if x < 0.003 {
        return 0.0;
    }
    let mut sum = 0.0;
    // Γ(k + ½) / Γ(k + 1), from √π.
    let mut gammas = PI.sqrt();
    let mut k = 0.0_f64;
    loop {
        let y = 4.0 * k + 1.0;
        let term =
            gammas / (PI.powf(1.5) * x.sqrt()) * y.sqrt() * scaled_bessel(y * y / (16.0 * x));
        sum += term;
        if term < 1e-7 {
            return sum;
        }
        gammas *= (k + 0.5) / (k + 1.0);
        k += 1.0;
    }
}

/// exp(-q)·K(q), K the modified Bessel function of the second kind of order ¼: the integral of
/// exp(-q(1 + cosh t))·cosh(t/4) over t > 0, by the trapezoidal rule, which for it converges like exp(-π²/step).
fn scaled_bessel(q: f64) -> f64 {
    const STEP: f64 = 0.05;
    let mut sum = (-2.0 * q).exp() / 2.0;
    let mut t = STEP;
    loop {
        let term = (-q * (1.0 + t.cosh())).exp() * (t / 4.0).cosh();
        sum += term;
        if term <= 1e-18 * sum {
            return sum * STEP;
        }
        t += STEP;
    }
}
