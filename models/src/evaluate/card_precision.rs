//! Card precision at k: of the `k` cards a day that investigators can look at, how many are compromised.
//!
//! Le Borgne, Siblini, Lebichot, Bontempi: *Reproducible Machine Learning for Credit Card Fraud Detection – Practical
//! Handbook*, 2022, chapter 4: a card's score and label of a day are its highest; cards found on one day are not looked
//! at again.

use std::collections::{BTreeMap, HashSet};

/// One payment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Payment {
    /// Its day.
    pub day: i64,
    /// Its card.
    pub card: u64,
    /// How suspicious it is.
    pub score: f32,
    /// Whether it is fraud.
    pub is_fraud: bool,
}

/// Mean over the days of the share of compromised cards among the `k` most suspicious ones. `None` without payments, or
/// if `k` is 0. Of cards with equal scores the lower number comes first.
#[must_use]
pub fn card_precision(payments: &[Payment], k: usize) -> Option<f64> {
    let mut days: BTreeMap<i64, BTreeMap<u64, (f32, bool)>> = BTreeMap::new();
    for payment in payments {
        let card = days.entry(payment.day).or_default().entry(payment.card);
        let (score, is_fraud) = card.or_insert((f32::NEG_INFINITY, false));
        *score = score.max(payment.score);
        *is_fraud |= payment.is_fraud;
    }
    let mut found: HashSet<u64> = HashSet::new();
    let mut sum = 0.0;
    for cards in days.values() {
        let open = cards.iter().filter(|(card, _)| !found.contains(*card));
        let mut open: Vec<(u64, f32, bool)> = open.map(|(c, (s, f))| (*c, *s, *f)).collect();
        open.sort_by(|(_, a, _), (_, b, _)| b.total_cmp(a));
        let caught = open.iter().take(k).filter(|(_, _, is_fraud)| *is_fraud);
        let caught: Vec<u64> = caught.map(|(card, ..)| *card).collect();
        sum += caught.len() as f64;
        found.extend(caught);
    }
    super::confusion::ratio(sum, (days.len() * k) as f64)
}
