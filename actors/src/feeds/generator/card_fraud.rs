//! Card payments with three kinds of fraud.
//!
//! After the simulator of the Fraud Detection Handbook (Le Borgne, Siblini, Lebichot, Bontempi,
//! 2022, chapter "Simulation of card payments"), with its parameters:
//!
//! - Customers and terminals lie uniformly on a plane of 100 × 100. A customer pays at the terminals
//!   within 5 of it, a number of times a day that is Poisson with a mean of 0 to 4, around noon, an
//!   amount that is normal with a mean of 5 to 100 and half of that as deviation.
//! - Scenario 1: an amount above 220 is fraud. Scenario 2: each day two terminals are compromised,
//!   and for 28 days all that is paid there is fraud. Scenario 3: each day the credentials of three
//!   customers are stolen, and for 14 days a third of their payments is fraud, of five times the
//!   amount. Of several scenarios the later one counts.
//! - Scenario 4, which is not the handbook's, takes the place of 3 from a given day on: each day the
//!   credentials of one customer are stolen, and for 14 days some 14 payments a day are made with them, each
//!   of half the amount.
//!
//! The sum of the customers' Poisson counts is Poisson too, so a day draws its number of payments at
//! once and then the customer of each: the same world, but a day's count costs one number.

mod population;

use bytes::BytesMut;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Normal, Poisson};

use self::population::Population;
use super::days::World;
use super::record::{FieldKind, FieldSpec, Fields, put_decimal, put_integer};
use super::{DAY_MS, START_MS, stream};

/// Purposes of random numbers.
const POPULATION: u8 = 0;
const COUNTS: u8 = 1;
const PAYMENTS: u8 = 2;
const COMPROMISED: u8 = 3;
const STOLEN: u8 = 4;

const LARGE_AMOUNT_CENTS: u32 = 22_000;
const TERMINALS_COMPROMISED_A_DAY: usize = 2;
const COMPROMISED_DAYS: u64 = 28;
const CUSTOMERS_ROBBED_A_DAY: usize = 3;
const STOLEN_DAYS: u64 = 14;
const STOLEN_FACTOR: f64 = 5.0;
/// The same once thieves have changed their ways.
const CUSTOMERS_ROBBED_A_DAY_LATER: usize = 1;
/// Of so many payments one is theirs.
const PAYMENTS_PER_BURST: u32 = 50;
const BURST_FACTOR: f64 = 0.5;
const TIME_OF_DAY_MEAN_MS: f64 = 43_200e3;
const TIME_OF_DAY_DEVIATION_MS: f64 = 20_000e3;

/// The world of card payments: 5,000 customers, 10,000 terminals, some 10,000 payments a day.
pub(super) struct CardFraud {
    seed: u64,
    /// The day from which on thieves act otherwise.
    drift: Option<u64>,
    population: Population,
    /// Payments a day.
    payments: Poisson<f64>,
    time_of_day: Normal<f64>,
}

/// One payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Payment {
    id: u64,
    time: i64,
    customer: u32,
    terminal: u32,
    cents: u32,
    scenario: u8,
}

impl CardFraud {
    /// The world of a seed, in which thieves change their ways on the day `drift`.
    pub(super) fn new(seed: u64, drift: Option<u64>) -> Self {
        let population = Population::new(&mut stream(seed, POPULATION, 0));
        let rate = population.payments_a_day();
        Self {
            seed,
            drift,
            population,
            payments: Poisson::new(rate).expect("a sum of rates from 0 to 4"),
            time_of_day: Normal::new(TIME_OF_DAY_MEAN_MS, TIME_OF_DAY_DEVIATION_MS)
                .expect("both are finite"),
        }
    }

    /// Which of `size` things are afflicted on a day, if `a_day` of them are each day, for `days`.
    fn afflicted(&self, purpose: u8, day: u64, days: u64, a_day: usize, size: usize) -> Vec<bool> {
        let mut afflicted = vec![false; size];
        for begun in (day + 1).saturating_sub(days)..=day {
            let mut random = stream(self.seed, purpose, begun);
            for _ in 0..a_day {
                afflicted[random.random_range(0..size)] = true;
            }
        }
        afflicted
    }

    /// A time of a day, in milliseconds since its beginning.
    fn time_of_day(&self, random: &mut impl Rng) -> i64 {
        loop {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "some deviations from the mean"
            )]
            let time = self.time_of_day.sample(random) as i64;
            if (0..DAY_MS).contains(&time) {
                return time;
            }
        }
    }
}

impl World for CardFraud {
    type Row = Payment;
    const LABEL_DELAY_DAYS: usize = 7;
    const FIELDS: &'static [FieldSpec] = &[
        field("tx_id", FieldKind::Number, true, true),
        field("ts", FieldKind::Time, true, true),
        field("customer_id", FieldKind::Text, true, true),
        field("terminal_id", FieldKind::Text, true, true),
        field("amount", FieldKind::Number, true, false),
        field("is_fraud", FieldKind::Bool, false, true),
        field("scenario", FieldKind::Number, false, true),
    ];

    fn count(&self, day: u64) -> u64 {
        let count = self.payments.sample(&mut stream(self.seed, COUNTS, day));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count near 10,000"
        )]
        let count = count as u64;
        count
    }

    fn rows(&self, day: u64, first: u64) -> Vec<Payment> {
        let terminals = self.population.terminals();
        let customers = self.population.customers();
        let compromised = self.afflicted(
            COMPROMISED,
            day,
            COMPROMISED_DAYS,
            TERMINALS_COMPROMISED_A_DAY,
            terminals,
        );
        let drifted = self.drift.is_some_and(|drift| day >= drift);
        let a_day = match drifted {
            true => CUSTOMERS_ROBBED_A_DAY_LATER,
            false => CUSTOMERS_ROBBED_A_DAY,
        };
        let robbed = self.afflicted(STOLEN, day, STOLEN_DAYS, a_day, customers);
        let victims = match drifted {
            true => self.population.who_pay(&robbed),
            false => Vec::new(),
        };
        let midnight = START_MS.saturating_add(DAY_MS.saturating_mul(day.cast_signed()));
        let mut random = stream(self.seed, PAYMENTS, day);
        let mut rows: Vec<Payment> = (0..self.count(day))
            .map(|_| {
                let burst = !victims.is_empty() && random.random_ratio(1, PAYMENTS_PER_BURST);
                let customer = match burst {
                    true => victims[random.random_range(0..victims.len())],
                    false => self.population.pick(&mut random),
                };
                let terminal = customer.terminal(&mut random);
                let amount = customer.amount(&mut random);
                let is_robbed = !drifted && robbed[customer.number as usize];
                let stolen = is_robbed && random.random_ratio(1, 3);
                let cents = in_cents(match () {
                    () if burst => amount * BURST_FACTOR,
                    () if stolen => amount * STOLEN_FACTOR,
                    () => amount,
                });
                let scenario = match () {
                    () if burst => 4,
                    () if stolen => 3,
                    () if compromised[terminal as usize] => 2,
                    () => u8::from(cents > LARGE_AMOUNT_CENTS),
                };
                Payment {
                    id: 0,
                    time: midnight.saturating_add(self.time_of_day(&mut random)),
                    customer: customer.number,
                    terminal,
                    cents,
                    scenario,
                }
            })
            .collect();
        rows.sort_by_key(|row| row.time);
        for (id, row) in (first..).zip(&mut rows) {
            row.id = id;
        }
        rows
    }

    fn time(row: &Payment) -> i64 {
        row.time
    }
}

impl Fields for Payment {
    fn put(&self, field: usize, out: &mut BytesMut) {
        match field {
            0 => put_integer(self.id, out),
            2 => put_integer(self.customer, out),
            3 => put_integer(self.terminal, out),
            4 => put_decimal(i64::from(self.cents), 2, out),
            5 if self.scenario > 0 => out.extend_from_slice(b"true"),
            5 => out.extend_from_slice(b"false"),
            _ => put_integer(self.scenario, out),
        }
    }
}

const fn field(name: &'static str, kind: FieldKind, in_record: bool, in_label: bool) -> FieldSpec {
    FieldSpec {
        name,
        kind,
        in_record,
        in_label,
    }
}

fn in_cents(amount: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "never negative, and saturating at 42 million"
    )]
    let cents = (amount * 100.0).round() as u32;
    cents
}
