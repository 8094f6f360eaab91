//! Pearson's chi-square test on a table of two rows: whether two samples fall into bins or categories alike.
//!
//! K. Pearson, Philosophical Magazine 50, 1900. No correction for continuity. Rules of thumb ask for five expected
//! values in a cell; the caller groups rare categories.

/// The statistic and how likely it is by chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquare {
    /// From 0 up.
    pub statistic: f64,
    /// Bins in which there is any value, less one.
    pub degrees_of_freedom: u64,
    /// Probability of at least this statistic if both samples fall alike; 1 without degrees of freedom.
    pub p_value: f64,
}

/// Compares counts in the same bins; bins empty in both are left out. Two samples of which one is empty are alike.
#[must_use]
pub fn chi_square(a: &[u64], b: &[u64]) -> ChiSquare {
    let total = |counts: &[u64]| counts.iter().sum::<u64>() as f64;
    let (all_a, all_b) = (total(a), total(b));
    let mut statistic = 0.0;
    let mut bins = 0_u64;
    for (a, b) in a.iter().zip(b).filter(|(a, b)| **a + **b > 0) {
        bins += 1;
        let both = (*a + *b) as f64;
        for (count, all) in [(*a, all_a), (*b, all_b)] {
            let expected = both * all / (all_a + all_b);
            if expected > 0.0 {
                statistic += (count as f64 - expected) * (count as f64 - expected) / expected;
            }
        }
    }
    let degrees_of_freedom = bins.saturating_sub(1);
    ChiSquare {
        statistic,
        degrees_of_freedom,
        p_value: tail(degrees_of_freedom, statistic),
    }
}

/// Probability that a chi-square variable of so many degrees of freedom is at least `x`: the regularised incomplete
/// gamma function Q(freedom/2, x/2), which for whole degrees is a finite sum (M. Abramowitz, I. A. Stegun, 26.4.4-5).
fn tail(freedom: u64, x: f64) -> f64 {
    if freedom == 0 || x <= 0.0 {
        return 1.0;
    }
    let half = x / 2.0;
    let is_odd = freedom % 2 == 1;
    let mut sum = match is_odd {
        true => libm::erfc(half.sqrt()),
        false => 0.0,
    };
    // Terms are half^s·exp(-half)/Γ(s + 1), s = 0, 1, … or ½, 3/2, …, up to freedom/2 - 1.
    let mut s = if is_odd { 0.5 } else { 0.0 };
    while s < freedom as f64 / 2.0 {
        sum += (s * half.ln() - half - libm::lgamma(s + 1.0)).exp();
        s += 1.0;
    }
    sum.min(1.0)
}
