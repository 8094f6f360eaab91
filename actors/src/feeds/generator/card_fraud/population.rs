//! Who pays where, how often and how much: drawn once from the seed.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

const CUSTOMERS: usize = 5_000;
const TERMINALS: usize = 10_000;
/// Side of the plane.
const SIDE: f64 = 100.0;
/// How far a customer goes to pay.
const REACH: f64 = 5.0;
/// Cells of the plane along each side, as wide as the reach: whoever is in reach is in a neighbouring cell.
const CELLS: usize = 20;
const PAYMENTS_A_DAY_MAX: f64 = 4.0;
const MEAN_AMOUNT_MIN: f64 = 5.0;
const MEAN_AMOUNT_MAX: f64 = 100.0;

/// Customers with their habits, and terminals.
pub(super) struct Population {
    customers: Vec<Customer>,
    /// Per customer: payments a day of all customers up to and including it.
    cumulative_rate: Vec<f64>,
}

/// A customer's habits.
pub(super) struct Customer {
    /// From 0.
    pub(super) number: u32,
    mean_amount: f64,
    /// Those in reach.
    terminals: Vec<u32>,
}

impl Population {
    pub(super) fn new(random: &mut impl Rng) -> Self {
        let point = |random: &mut _| (coordinate(random), coordinate(random));
        let terminals: Vec<(f64, f64)> = (0..TERMINALS).map(|_| point(random)).collect();
        let cells = by_cell(&terminals);
        let mut total = 0.0;
        let mut customers = Vec::with_capacity(CUSTOMERS);
        let mut cumulative_rate = Vec::with_capacity(CUSTOMERS);
        for number in (0u32..).take(CUSTOMERS) {
            let place = point(random);
            let mean_amount = random.random_range(MEAN_AMOUNT_MIN..MEAN_AMOUNT_MAX);
            let rate = random.random_range(0.0..PAYMENTS_A_DAY_MAX);
            let terminals = in_reach(place, &terminals, &cells);
            // Whoever reaches no terminal never pays.
            total += if terminals.is_empty() { 0.0 } else { rate };
            cumulative_rate.push(total);
            customers.push(Customer {
                number,
                mean_amount,
                terminals,
            });
        }
        Self {
            customers,
            cumulative_rate,
        }
    }

    /// Mean number of payments of all customers on a day.
    pub(super) fn payments_a_day(&self) -> f64 {
        self.cumulative_rate.last().copied().unwrap_or(0.0)
    }

    /// A customer, each as likely as it pays often.
    pub(super) fn pick(&self, random: &mut impl Rng) -> &Customer {
        let at = random.random_range(0.0..self.payments_a_day());
        &self.customers[self.cumulative_rate.partition_point(|rate| *rate <= at)]
    }

    /// The customers of a set, by number, who ever pay.
    pub(super) fn who_pay(&self, chosen: &[bool]) -> Vec<&Customer> {
        let all = self.customers.iter().zip(chosen);
        let chosen = all.filter(|(customer, chosen)| **chosen && !customer.terminals.is_empty());
        chosen.map(|(customer, _)| customer).collect()
    }

    pub(super) fn customers(&self) -> usize {
        self.customers.len()
    }

    pub(super) fn terminals(&self) -> usize {
        TERMINALS
    }
}

impl Customer {
    /// One of the terminals in reach.
    pub(super) fn terminal(&self, random: &mut impl Rng) -> u32 {
        self.terminals[random.random_range(0..self.terminals.len())]
    }

    /// What is paid: normal, and where that is negative, uniform up to twice the mean.
    pub(super) fn amount(&self, random: &mut impl Rng) -> f64 {
        let normal: f64 = StandardNormal.sample(random);
        let amount = self.mean_amount + normal * self.mean_amount / 2.0;
        if amount < 0.0 {
            return random.random_range(0.0..2.0 * self.mean_amount);
        }
        amount
    }
}

fn coordinate(random: &mut impl Rng) -> f64 {
    random.random_range(0.0..SIDE)
}

fn cell(coordinate: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "coordinates are from 0 to 100"
    )]
    let cell = (coordinate / REACH) as usize;
    cell.min(CELLS - 1)
}

/// Terminals by the cell they lie in, cells row by row.
fn by_cell(terminals: &[(f64, f64)]) -> Vec<Vec<u32>> {
    let mut cells = vec![Vec::new(); CELLS * CELLS];
    for (number, (x, y)) in (0u32..).zip(terminals) {
        cells[cell(*y) * CELLS + cell(*x)].push(number);
    }
    cells
}

/// The terminals within reach of a place, in ascending order.
fn in_reach((x, y): (f64, f64), terminals: &[(f64, f64)], cells: &[Vec<u32>]) -> Vec<u32> {
    let around = |c: usize| c.saturating_sub(1)..=(c + 1).min(CELLS - 1);
    let mut reached = Vec::new();
    for row in around(cell(y)) {
        for column in around(cell(x)) {
            let near = &cells[row * CELLS + column];
            reached.extend(near.iter().copied().filter(|number| {
                let (tx, ty) = terminals[*number as usize];
                (tx - x).hypot(ty - y) < REACH
            }));
        }
    }
    reached.sort_unstable();
    reached
}
