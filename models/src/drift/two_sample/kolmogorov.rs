//! Kolmogorov's distribution for n values: how likely it is that an empirical distribution function strays at least
//! `d` from the true one.
//!
//! Which method where is the choice of R. Simard, P. L'Ecuyer: Computing the two-sided Kolmogorov-Smirnov
//! distribution. Journal of Statistical Software 39(11), 2011. Right to some 10 digits up to n = 140, and to 1e-7
//! absolutely above.

use std::f64::consts::PI;

/// n above which a tail is taken from its expansion instead of its sum.
const SUMMED: u64 = 100_000;

/// Probability that the distance of `n` values is at least `d`.
pub(super) fn tail(n: u64, d: f64) -> f64 {
    let count = n as f64;
    let t = count * d;
    if d >= 1.0 {
        return 0.0;
    }
    // Below 0.2/√n the probability of being nearer is under 1e-12; every step is at least half a value high.
    if t <= 0.5 || t * d < 0.04 && n > 140 {
        return 1.0;
    }
    if t <= 1.0 {
        let log = libm::lgamma(count + 1.0) - count * count.ln() + count * (2.0 * t - 1.0).ln();
        return (1.0 - log.exp()).clamp(0.0, 1.0);
    }
    if t >= count - 1.0 {
        return 2.0 * (1.0 - d).powf(count);
    }
    let is_tail = match n <= 140 {
        true => t * d > 4.0,
        false => t * d >= 2.2,
    };
    if d >= 0.5 || is_tail {
        return (2.0 * one_sided(n, d)).min(1.0);
    }
    let nearer = match n <= 140 || n <= 100_000 && count * d.powf(1.5) <= 1.4 {
        true => matrix(n, d),
        false => expansion(count, d),
    };
    (1.0 - nearer).clamp(0.0, 1.0)
}

/// Probability that the distribution function strays at least `d` to one side (N. V. Smirnov; Z. W. Birnbaum,
/// F. H. Tingey 1951), which twice is that of both sides where it is small.
fn one_sided(n: u64, d: f64) -> f64 {
    let count = n as f64;
    if n > SUMMED {
        // U. R. Maag, G. Dicaire 1971; relative error of the order of 1/n.
        let z = 6.0 * count * d + 1.0;
        return (-z * z / (18.0 * count)).exp();
    }
    let all = libm::lgamma(count + 1.0);
    let mut sum = 0.0;
    for v in 0..=(count * (1.0 - d)).floor() as u64 {
        let (v, rest) = (v as f64, (n - v) as f64);
        let choices = all - libm::lgamma(v + 1.0) - libm::lgamma(rest + 1.0);
        let (reached, left) = (d + v / count, 1.0 - d - v / count);
        if left > 0.0 {
            sum += (choices + (v - 1.0) * reached.ln() + rest * left.ln()).exp();
        }
    }
    d * sum
}

/// Probability of being nearer than `d`: J. Durbin's matrix, as G. Marsaglia, W. W. Tsang and J. Wang raise it to the
/// n-th power (Journal of Statistical Software 8(18), 2003).
fn matrix(n: u64, d: f64) -> f64 {
    let count = n as f64;
    let k = (count * d).ceil() as usize;
    let h = k as f64 - count * d;
    let size = 2 * k - 1;
    let mut power = Square::identity(size);
    let mut factor = durbin(size, h);
    let (mut exponent, mut factor_exponent) = (0, 0);
    let mut left = n;
    while left > 0 {
        if left % 2 == 1 {
            power = power.times(&factor);
            exponent += factor_exponent;
        }
        factor = factor.times(&factor);
        factor_exponent *= 2;
        factor_exponent += factor.scale_down(k - 1);
        left /= 2;
        exponent += power.scale_down(k - 1);
    }
    let mut probability = power.values[(k - 1) * size + k - 1];
    for i in 1..=n {
        probability *= i as f64 / count;
        if probability < 1e-140 {
            probability *= 1e140;
            exponent -= 140;
        }
    }
    probability * 10_f64.powi(exponent)
}

fn durbin(size: usize, h: f64) -> Square {
    let mut inverse_factorial = vec![1.0; size + 1];
    for i in 1..=size {
        inverse_factorial[i] = inverse_factorial[i - 1] / i as f64;
    }
    let mut values = vec![0.0; size * size];
    for row in 0..size {
        for column in 0..size.min(row + 2) {
            values[row * size + column] = inverse_factorial[row + 1 - column];
        }
    }
    for i in 0..size {
        let cut = h.powi(i as i32 + 1);
        values[i * size] -= cut * inverse_factorial[i + 1];
        values[(size - 1) * size + size - 1 - i] -= cut * inverse_factorial[i + 1];
    }
    let corner = (2.0 * h - 1.0).max(0.0).powi(size as i32);
    values[(size - 1) * size] += corner * inverse_factorial[size];
    Square { size, values }
}

/// A square matrix, row by row.
struct Square {
    size: usize,
    values: Vec<f64>,
}

impl Square {
    fn identity(size: usize) -> Self {
        let mut values = vec![0.0; size * size];
        for i in 0..size {
            values[i * size + i] = 1.0;
        }
        Self { size, values }
    }

    fn times(&self, other: &Self) -> Self {
        let size = self.size;
        let mut values = vec![0.0; size * size];
        for row in 0..size {
            for inner in 0..size {
                let factor = self.values[row * size + inner];
                for column in 0..size {
                    values[row * size + column] += factor * other.values[inner * size + column];
                }
            }
        }
        Self { size, values }
    }

    /// Divides by 1e140 if the middle is too large; the exponent taken out.
    fn scale_down(&mut self, middle: usize) -> i32 {
        if self.values[middle * self.size + middle] <= 1e140 {
            return 0;
        }
        for value in &mut self.values {
            *value *= 1e-140;
        }
        140
    }
}

/// Probability of being nearer than `d` for large n: W. Pelz, I. J. Good (Journal of the Royal Statistical Society B
/// 38, 1976), four terms of a series in 1/√n whose coefficients are theta functions of z = d√n.
fn expansion(n: f64, d: f64) -> f64 {
    let z = n.sqrt() * d;
    let (z2, pi2) = (z * z, PI * PI);
    let (z4, z6) = (z2 * z2, z2 * z2 * z2);
    let (pi4, pi6) = (pi2 * pi2, pi2 * pi2 * pi2);
    let (mut k0, mut k1, mut k2, mut k3) = (0.0, 0.0, 0.0, 0.0);
    // Terms fall like exp(-(πm)²/8z²); z is at most √2.2 here.
    let last = (16.0 * z / PI).ceil() as u32;
    for k in 1..=last {
        let m2 = f64::from(2 * k - 1).powi(2);
        let weight = (-pi2 * m2 / (8.0 * z2)).exp();
        k0 += weight;
        k1 += weight * (pi2 / 4.0 * m2 - z2);
        k2 += weight
            * (6.0 * z6
                + 2.0 * z4
                + pi2 / 4.0 * (2.0 * z4 - 5.0 * z2) * m2
                + pi4 / 16.0 * (1.0 - 2.0 * z2) * m2 * m2);
        k3 += weight
            * (-30.0 * z6 - 90.0 * z4 * z4
                + pi2 / 4.0 * (135.0 * z4 - 96.0 * z6) * m2
                + pi4 / 16.0 * (212.0 * z4 - 60.0 * z2) * m2 * m2
                + pi6 / 64.0 * (5.0 - 30.0 * z2) * m2 * m2 * m2);
    }
    let (mut even2, mut even3) = (0.0, 0.0);
    for k in 1..=last {
        let k2 = f64::from(k).powi(2);
        let weight = (-pi2 * k2 / (2.0 * z2)).exp();
        even2 += weight * k2;
        even3 += weight * k2 * (3.0 * z2 - pi2 * k2);
    }
    let root = (2.0 * PI).sqrt();
    let first = root / z * k0;
    let second = root / (6.0 * z4) * k1;
    let third = root / (72.0 * z6 * z) * k2 - root * pi2 / (36.0 * z2 * z) * even2;
    let fourth = root / (6_480.0 * z6 * z4) * k3 + root * pi2 / (216.0 * z6) * even3;
    first + second / n.sqrt() + third / n + fourth / (n * n.sqrt())
}
