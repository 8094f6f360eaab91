//! Many tests at once: p-values corrected so that of the tests found significant only a wished share is so by chance.
//!
//! Y. Benjamini, Y. Hochberg: Controlling the false discovery rate. Journal of the Royal Statistical Society B 57, 1995.

/// Corrected p-values in the order given: each the smallest rate of false discoveries at which its test is one.
#[must_use]
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*b].total_cmp(&p_values[*a]));
    let mut corrected = vec![1.0; p_values.len()];
    let mut lowest = 1.0_f64;
    for (above, index) in order.into_iter().enumerate() {
        let rank = (p_values.len() - above) as f64;
        lowest = lowest.min(p_values[index] * p_values.len() as f64 / rank);
        corrected[index] = lowest;
    }
    corrected
}
