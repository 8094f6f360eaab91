//! A test of two arms that may be looked at after every observation.
//!
//! For each arm a confidence sequence of its mean: an interval that contains the mean at *all* times together with
//! probability 1 - alpha/2, whatever the distribution of the observations, as long as they lie in [0, 1] and have the
//! same mean given the past. The arms differ once the two intervals are apart; between equal arms that ever happens with
//! probability alpha at most, however often one looks.
//!
//! The predictable plug-in empirical-Bernstein confidence sequence: Waudby-Smith, Ramdas: *Estimating means of bounded
//! random variables by betting*, JRSS B 86, 2024, theorem 2 and equations 13 to 15. Its width falls with the variance of
//! the observations, so rare errors are told apart soon.

use serde::{Deserialize, Serialize};

use super::Arm;

/// Bets are held below one, where the bound would break down (the paper's c).
const BET_MAX: f64 = 0.5;

/// Two arms under observation. Constant memory; the state is what is serialised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SequentialTest {
    alpha: f64,
    champion: Mean,
    challenger: Mean,
}

/// What the observations so far say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// Nothing yet.
    Open,
    /// The challenger's mean is higher, by at least so much.
    Higher(f64),
    /// The challenger's mean is lower, by at least so much.
    Lower(f64),
}

/// The confidence sequence of one mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Mean {
    observations: u64,
    sum: f64,
    /// Sum of squared distances from the mean before each observation.
    squares: f64,
    /// Sums over the observations of bet, bet times observation, and what the bets cost.
    bets: f64,
    weighted: f64,
    cost: f64,
    /// The interval so far: it holds at all times, so it only shrinks.
    low: f64,
    high: f64,
}

impl SequentialTest {
    /// Nothing observed. `alpha`, within 1e-6 to 0.5: the chance that equal arms are ever told apart.
    #[must_use]
    pub fn new(alpha: f64) -> Self {
        let alpha = if alpha.is_nan() { 1e-6 } else { alpha };
        Self {
            alpha: alpha.clamp(1e-6, 0.5),
            champion: Mean::new(),
            challenger: Mean::new(),
        }
    }

    /// Takes an observation of an arm: an error (0 or 1), or any loss scaled to [0, 1] by bounds fixed beforehand. What
    /// lies outside is brought to the nearer bound; NaN counts as 1, the worst.
    pub fn observe(&mut self, arm: Arm, observation: f64) {
        let observation = if observation.is_nan() {
            1.0
        } else {
            observation
        };
        let mean = match arm {
            Arm::Champion => &mut self.champion,
            Arm::Challenger => &mut self.challenger,
        };
        // Half of alpha for each arm.
        mean.observe(observation.clamp(0.0, 1.0), self.alpha / 2.0);
    }

    /// What may be said now. It may be asked after every observation.
    #[must_use]
    pub fn difference(&self) -> Difference {
        let above = self.challenger.low - self.champion.high;
        let below = self.champion.low - self.challenger.high;
        if above > 0.0 {
            Difference::Higher(above)
        } else if below > 0.0 {
            Difference::Lower(below)
        } else {
            Difference::Open
        }
    }

    /// The interval that contains an arm's mean.
    #[must_use]
    pub fn interval(&self, arm: Arm) -> (f64, f64) {
        let mean = self.arm(arm);
        (mean.low, mean.high)
    }

    /// Observations of an arm.
    #[must_use]
    pub fn observations(&self, arm: Arm) -> u64 {
        self.arm(arm).observations
    }

    fn arm(&self, arm: Arm) -> &Mean {
        match arm {
            Arm::Champion => &self.champion,
            Arm::Challenger => &self.challenger,
        }
    }
}

impl Mean {
    fn new() -> Self {
        Self {
            observations: 0,
            sum: 0.0,
            squares: 0.0,
            bets: 0.0,
            weighted: 0.0,
            cost: 0.0,
            low: 0.0,
            high: 1.0,
        }
    }

    /// Takes an observation in [0, 1] into the two-sided interval of level `alpha`.
    fn observe(&mut self, x: f64, alpha: f64) {
        let log = (2.0 / alpha).ln();
        let before = self.observations as f64;
        // Mean and variance of the past, with one observation of 1/2 and variance 1/4 before all others: what is bet on
        // x must not depend on x.
        let mean = (0.5 + self.sum) / (before + 1.0);
        let variance = (0.25 + self.squares) / (before + 1.0);
        let time = before + 1.0;
        let bet = (2.0 * log / (variance * time * (1.0 + time).ln())).sqrt();
        let bet = bet.min(BET_MAX);
        self.bets += bet;
        self.weighted += bet * x;
        // psi_E(bet) = -ln(1 - bet) - bet, times 4 * (x - mean)^2 / 4.
        self.cost += (-(-bet).ln_1p() - bet) * (x - mean).powi(2);
        self.observations += 1;
        self.sum += x;
        let mean = (0.5 + self.sum) / (time + 1.0);
        self.squares += (x - mean).powi(2);
        let center = self.weighted / self.bets;
        let width = (log + self.cost) / self.bets;
        self.low = self.low.max(center - width);
        self.high = self.high.min(center + width);
    }
}
