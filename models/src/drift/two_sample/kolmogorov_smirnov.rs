//! Kolmogorov-Smirnov.

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
