//! Kolmogorov-Smirnov: the largest difference of two empirical distribution functions.
//!
//! N. V. Smirnov 1939; J. L. Hodges: The significance probability of the Smirnov two-sample test. Arkiv för Matematik
//! 3, 1958. Sensitive to shifts; the exact p-value is conservative where values are tied.

use super::kolmogorov;
use super::pooled::Pooled;

/// Product of the sizes up to which the exact p-value is computed: some milliseconds.
const EXACT: u64 = 1_000_000;

/// The statistic and how likely it is by chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KolmogorovSmirnov {
    /// 0 (the same) to 1 (apart).
    pub statistic: f64,
    /// From Kolmogorov's distribution for n·m/(n+m) values, as SciPy's `method="asymp"`.
    pub p_asymptotic: f64,
    /// Exact for samples without ties, as SciPy's `method="exact"`; `None` if the product of the sizes is above a
    /// million.
    pub p_exact: Option<f64>,
}

impl KolmogorovSmirnov {
    /// The exact p-value where there is one.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        self.p_exact.unwrap_or(self.p_asymptotic)
    }
}

/// Compares two samples. On binned counts the statistic is too low by at most the largest share of a bin.
#[must_use]
pub fn kolmogorov_smirnov(pooled: &Pooled) -> KolmogorovSmirnov {
    let (n, m) = pooled.sizes();
    let (mut a, mut b) = (0, 0);
    let mut statistic = 0.0_f64;
    for point in pooled.points() {
        a += point.a;
        b += point.b;
        statistic = statistic.max((a as f64 / n as f64 - b as f64 / m as f64).abs());
    }
    let (large, small) = (n.max(m) as f64, n.min(m) as f64);
    let equivalent = (large * small / (large + small)).round_ties_even().max(1.0);
    KolmogorovSmirnov {
        statistic,
        p_asymptotic: kolmogorov::tail(equivalent as u64, statistic),
        p_exact: exact(n, m, statistic),
    }
}

fn exact(n: u64, m: u64, statistic: f64) -> Option<f64> {
    let cells = n.checked_mul(m).filter(|cells| *cells <= EXACT)?;
    let divisor = common_divisor(n, m);
    let gap = (statistic * (cells / divisor) as f64).round() as u64;
    Some(match gap {
        0 => 1.0,
        gap if n == m => equal_size_p_value(n, gap).min(1.0),
        gap => leaving_probability(n, m, n / divisor, m / divisor, gap),
    })
}

fn common_divisor(a: u64, b: u64) -> u64 {
    match b {
        0 => a,
        b => common_divisor(b, a % b),
    }
}

/// Probability that a random path from (0, 0) to (n, m) somewhere has |x·m' - y·n'| ≥ gap, where n' and m' are n and m
/// without their common divisor. The path's next step is drawn from what is left to go, so that all paths are as
/// likely; what crosses the border is added up at the crossing, without any cancellation.
fn leaving_probability(n: u64, m: u64, n_reduced: u64, m_reduced: u64, gap: u64) -> f64 {
    let outside = |x: u64, y: u64| (x * m_reduced).abs_diff(y * n_reduced) >= gap;
    let mut left = 0.0;
    // At y, the probability of being inside at (x, y) when the path comes by there.
    let mut row = vec![0.0; m as usize + 1];
    row[0] = 1.0;
    for x in 0..=n {
        for y in 0..=m {
            let here = row[y as usize];
            if here == 0.0 {
                continue;
            }
            if outside(x, y) {
                left += here;
                row[y as usize] = 0.0;
                continue;
            }
            let steps = (n - x + m - y) as f64;
            if y < m {
                row[y as usize + 1] += here * (m - y) as f64 / steps;
            }
            // What remains here goes on to the next x.
            row[y as usize] = match x < n {
                true => here * (n - x) as f64 / steps,
                false => 0.0,
            };
        }
    }
    left.min(1.0)
}

/// Exact probability that the empirical distribution functions of two samples of `n` values each from one distribution
/// differ by at least `gap` values somewhere, for 1 ≤ `gap` ≤ `n`.
///
/// 2·(C(2n, n-gap) - C(2n, n-2·gap) + …) / C(2n, n), in Horner's form against cancellation (B. V. Gnedenko,
/// V. S. Korolyuk, 1951).
pub(in crate::drift) fn equal_size_p_value(n: u64, gap: u64) -> f64 {
    let mut sum = 0.0;
    for k in (0..=n / gap).rev() {
        let mut ratio = 1.0;
        for j in 0..gap {
            let above = n as f64 - (k * gap + j) as f64;
            ratio = above * ratio / (n + k * gap + j + 1) as f64;
        }
        sum = ratio * (1.0 - sum);
    }
    2.0 * sum
}
