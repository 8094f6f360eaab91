//! Distances of two distributions over the same bins. All treat a sample without values as no distance.

/// Share below which a bin's share is raised for the population stability index: an empty bin would make it infinite.
pub const PSI_FLOOR: f64 = 1e-4;

/// Population stability index: Σ (p - q)·ln(p/q), both shares at least [`PSI_FLOOR`]. 0 is alike; by custom 0.1 is
/// a little apart and 0.25 much. The symmetric divergence of H. Jeffreys (1946), named so in credit scoring.
///
/// The bins of this crate's references are the deciles of the reference, kept with it.
#[must_use]
pub fn psi(a: &[u64], b: &[u64]) -> f64 {
    sum_of_shares(a, b, |p, q| {
        let (p, q) = (p.max(PSI_FLOOR), q.max(PSI_FLOOR));
        (p - q) * (p / q).ln()
    })
}

/// Jensen-Shannon distance, the root of the divergence in bits: 0 (alike) to 1 (apart). J. Lin, IEEE Transactions on
/// Information Theory 37, 1991; a metric by D. M. Endres, J. E. Schindelin 2003.
#[must_use]
pub fn jensen_shannon(a: &[u64], b: &[u64]) -> f64 {
    let divergence = sum_of_shares(a, b, |p, q| {
        let middle = (p + q) / 2.0;
        let part = |share: f64| match share > 0.0 {
            true => share * (share / middle).log2(),
            false => 0.0,
        };
        (part(p) + part(q)) / 2.0
    });
    divergence.max(0.0).sqrt()
}

/// Hellinger distance √(½ Σ (√p - √q)²): 0 (alike) to 1 (apart). E. Hellinger, Journal für die reine und angewandte
/// Mathematik 136, 1909.
#[must_use]
pub fn hellinger(a: &[u64], b: &[u64]) -> f64 {
    let squares = sum_of_shares(a, b, |p, q| (p.sqrt() - q.sqrt()) * (p.sqrt() - q.sqrt()));
    (squares / 2.0).sqrt()
}

fn sum_of_shares(a: &[u64], b: &[u64], of: impl Fn(f64, f64) -> f64) -> f64 {
    let total = |counts: &[u64]| counts.iter().sum::<u64>() as f64;
    let (all_a, all_b) = (total(a), total(b));
    if all_a == 0.0 || all_b == 0.0 {
        return 0.0;
    }
    let shares = a.iter().zip(b);
    shares
        .map(|(a, b)| of(*a as f64 / all_a, *b as f64 / all_b))
        .sum()
}
