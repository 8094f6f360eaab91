//! Card fraud, by the protocol of the handbook (`data/fraud/README.md`): train on a week, leave out the week whose
//! labels are not known yet, test on the week after that; four validation folds a week apart.

use std::collections::HashSet;
use std::path::Path;

use config::{Architecture, ClassWeights, TrainSettings};
use models::Matrix;
use models::evaluate::{Payment, Ranking, card_precision};
use thalweg_benches::Failure;

use crate::fitting::{fit, part, scores};
use crate::table::{Table, mean_and_deviation};

const FILES: [&str; 5] = ["04", "05", "06", "07", "08"];
const DAY: i64 = 86_400;
/// Day 0, a Sunday: 2018-04-01.
const EPOCH: i64 = 1_522_540_800;
/// Days of the windows of history, and after how many a label is known.
const WINDOWS: [i64; 3] = [1, 7, 30];
const DELAY: i64 = 7;
/// First days of the four validation folds' training weeks: 2018-06-20 and the weeks after.
const FOLDS: [i64; 4] = [80, 87, 94, 101];
const WEEK: i64 = 7;
const INVESTIGATED: usize = 100;

struct Payments {
    time: Vec<i64>,
    customer: Vec<usize>,
    terminal: Vec<usize>,
    amount: Vec<f64>,
    is_fraud: Vec<bool>,
    features: Matrix,
}

/// ROC-AUC, average precision, card precision.
type Figures = [f64; 3];

pub(crate) fn measure(folder: &Path, seeds: u64, tried: &[String]) -> Result<(), Failure> {
    let payments = Payments::read(folder)?;
    println!("fraud: {} payments", payments.time.len());
    println!(
        "model | ROC-AUC | average precision | card precision@100 (mean over folds and seeds, deviation over folds)"
    );
    let constant = |_: &Matrix, _: &Matrix, _: Vec<f32>| Ok(Vec::new());
    report("constant score", &payments, 1, &|train, test, labels, _| {
        constant(train, test, labels)
    })?;
    let models = if tried.is_empty() {
        models()
    } else {
        vec![(tried.join(" "), settings_of(tried)?)]
    };
    for (name, settings) in models {
        report(&name, &payments, seeds, &|train, test, labels, seed| {
            let settings = TrainSettings {
                seed,
                ..settings.clone()
            };
            let model = fit(train.clone(), labels, settings)?;
            scores(&model, test)
        })?;
    }
    Ok(())
}

/// The models whose figures stand in `docs/benchmarks.md`.
fn models() -> Vec<(String, TrainSettings)> {
    let of = |architecture| TrainSettings::of(architecture, Some("is_fraud".into()));
    let mlp = |hidden: &[usize], weight_decay| TrainSettings {
        weight_decay,
        ..of(Architecture::Mlp {
            hidden: hidden.to_vec(),
        })
    };
    let models = [
        ("logistic", of(Architecture::Logistic)),
        ("mlp 64-32", mlp(&[64, 32], 1e-4)),
        ("mlp 64-32, decay 0.01", mlp(&[64, 32], 0.01)),
        ("mlp 64-32, decay 0.1", mlp(&[64, 32], 0.1)),
        (
            "mlp 64-32, decay 0.3, validation 0.1",
            TrainSettings {
                validation: 0.1,
                ..mlp(&[64, 32], 0.3)
            },
        ),
        ("mlp 200-200", mlp(&[200, 200], 1e-4)),
        (
            "mlp 64-32, balanced",
            TrainSettings {
                class_weights: ClassWeights::Balanced,
                ..mlp(&[64, 32], 1e-4)
            },
        ),
        (
            "mlp 64-32, weights 1:5",
            TrainSettings {
                class_weights: ClassWeights::Given(vec![1.0, 5.0]),
                ..mlp(&[64, 32], 1e-4)
            },
        ),
    ];
    let named = models.into_iter();
    named
        .map(|(name, settings)| (name.to_owned(), settings))
        .collect()
}

/// A perceptron as the command line asks for it.
fn settings_of(tried: &[String]) -> Result<TrainSettings, Failure> {
    let mut hidden = vec![64, 32];
    let label = Some("is_fraud".to_owned());
    let mut settings = TrainSettings::of(Architecture::Logistic, label);
    for pair in tried {
        let (key, value) = pair.split_once('=').ok_or("KEY=VALUE is wanted")?;
        match key {
            "hidden" => hidden = value.split('-').map(str::parse).collect::<Result<_, _>>()?,
            "decay" => settings.weight_decay = value.parse()?,
            "validation" => settings.validation = value.parse()?,
            "rate" => settings.learning_rate = value.parse()?,
            "batch" => settings.batch = value.parse()?,
            "epochs" => settings.epochs = value.parse()?,
            other => return Err(format!("no such key: {other}").into()),
        }
    }
    settings.architecture = Architecture::Mlp { hidden };
    Ok(settings)
}

type Scorer<'a> = dyn Fn(&Matrix, &Matrix, Vec<f32>, u64) -> Result<Vec<f32>, Failure> + 'a;

/// Measures a way of scoring on all folds, with several seeds.
fn report(name: &str, payments: &Payments, seeds: u64, score: &Scorer<'_>) -> Result<(), Failure> {
    let mut folds: Vec<Figures> = Vec::new();
    for start in FOLDS {
        let mut sums = [0.0; 3];
        for seed in 1..=seeds {
            let figures = payments.fold(start, seed, score)?;
            sums.iter_mut()
                .zip(figures)
                .for_each(|(sum, figure)| *sum += figure / seeds as f64);
        }
        folds.push(sums);
    }
    let told = (0..3).map(|at| {
        let figures: Vec<f64> = folds.iter().map(|fold| fold[at]).collect();
        let (mean, deviation) = mean_and_deviation(&figures);
        format!("{mean:.3} ({deviation:.3})")
    });
    let told: Vec<String> = told.collect();
    println!("{name} | {}", told.join(" | "));
    Ok(())
}

impl Payments {
    fn read(folder: &Path) -> Result<Self, Failure> {
        let mut table = None;
        for month in FILES {
            let path = folder.join(format!("transactions-2018-{month}.csv.gz"));
            table = Some(Table::read(&path, table)?);
        }
        let table = table.ok_or("no files")?;
        let whole = |name: &str| -> Result<Vec<usize>, Failure> {
            Ok(table.column(name)?.iter().map(|x| *x as usize).collect())
        };
        let mut payments = Self {
            time: table
                .column("timestamp")?
                .iter()
                .map(|x| *x as i64)
                .collect(),
            customer: whole("customer_id")?,
            terminal: whole("terminal_id")?,
            amount: table.column("amount")?,
            is_fraud: whole("is_fraud")?.iter().map(|fraud| *fraud == 1).collect(),
            features: Matrix::default(),
        };
        payments.features = payments.features();
        Ok(payments)
    }

    fn day(&self, row: usize) -> i64 {
        (self.time[row] - EPOCH) / DAY
    }

    /// The handbook's 15 features of every payment.
    fn features(&self) -> Matrix {
        let columns = 15;
        let mut values = Vec::with_capacity(self.time.len() * columns);
        let mut customers = Histories::of(&self.customer);
        let mut terminals = Histories::of(&self.terminal);
        for row in 0..self.time.len() {
            let time = self.time[row];
            let (weekday, hour) = (self.day(row) % 7, (time - EPOCH) % DAY / 3_600);
            values.push(self.amount[row] as f32);
            values.push(f32::from(weekday == 0 || weekday == 6));
            values.push(f32::from(hour <= 6));
            let customer = customers.push(self.customer[row], time, self.amount[row]);
            for days in WINDOWS {
                let (count, sum) = customer.within(time - days * DAY, time);
                values.extend([count as f32, (sum / count.max(1.0)) as f32]);
            }
            let fraud = f64::from(self.is_fraud[row]);
            let terminal = terminals.push(self.terminal[row], time, fraud);
            let known = time - DELAY * DAY;
            for days in WINDOWS {
                let (count, sum) = terminal.within(known - days * DAY, known);
                values.extend([count as f32, (sum / count.max(1.0)) as f32]);
            }
        }
        Matrix {
            rows: self.time.len(),
            columns,
            values,
        }
    }

    /// Rows of some days.
    fn rows(&self, from: i64, until: i64) -> impl Iterator<Item = usize> {
        let first = self.time.partition_point(|time| *time < EPOCH + from * DAY);
        let last = self
            .time
            .partition_point(|time| *time < EPOCH + until * DAY);
        first..last
    }

    /// One fold: trained on the week from `start` on, tested two weeks later.
    fn fold(&self, start: i64, seed: u64, score: &Scorer<'_>) -> Result<Figures, Failure> {
        let training: Vec<usize> = self.rows(start, start + WEEK).collect();
        let labels = training
            .iter()
            .map(|row| f32::from(self.is_fraud[*row]))
            .collect();
        let test = self.test_rows(start);
        let (train_part, test_part) = (
            part(&self.features, training),
            part(&self.features, test.iter().copied()),
        );
        let mut scores = score(&train_part, &test_part, labels, seed)?;
        scores.resize(test.len(), 0.0);
        let positive: Vec<bool> = test.iter().map(|row| self.is_fraud[*row]).collect();
        let ranking = Ranking::new(&scores, &positive).ok_or("a score is no number")?;
        let looked_at = test.iter().zip(&scores).map(|(row, score)| Payment {
            day: self.day(*row),
            card: self.customer[*row] as u64,
            score: *score,
            is_fraud: self.is_fraud[*row],
        });
        let looked_at: Vec<Payment> = looked_at.collect();
        let nothing = "a fold without frauds";
        Ok([
            ranking.roc_auc().ok_or(nothing)?,
            ranking.average_precision().ok_or(nothing)?,
            card_precision(&looked_at, INVESTIGATED).ok_or(nothing)?,
        ])
    }

    /// The test week without the cards that are known to be compromised by then.
    fn test_rows(&self, start: i64) -> Vec<usize> {
        let frauds = |from, until| {
            let rows = self.rows(from, until).filter(|row| self.is_fraud[*row]);
            rows.map(|row| self.customer[row])
        };
        let mut known: HashSet<usize> = frauds(start, start + WEEK).collect();
        let mut test = Vec::new();
        for day in 0..WEEK {
            let learned = start + WEEK + day - 1;
            known.extend(frauds(learned, learned + 1));
            let today = start + 2 * WEEK + day;
            test.extend(
                self.rows(today, today + 1)
                    .filter(|row| !known.contains(&self.customer[*row])),
            );
        }
        test
    }
}

/// Times and running sums of each key.
struct Histories(Vec<History>);

#[derive(Clone)]
struct History {
    times: Vec<i64>,
    /// Sum before each entry, and of all.
    sums: Vec<f64>,
}

impl Histories {
    fn of(keys: &[usize]) -> Self {
        let count = keys.iter().max().map_or(0, |largest| largest + 1);
        let empty = History {
            times: Vec::new(),
            sums: vec![0.0],
        };
        Self(vec![empty; count])
    }

    /// Adds an entry to a key's history, which is returned.
    fn push(&mut self, key: usize, time: i64, amount: f64) -> &History {
        let history = &mut self.0[key];
        history.times.push(time);
        history
            .sums
            .push(history.sums.last().copied().unwrap_or(0.0) + amount);
        history
    }
}

impl History {
    /// Count and sum of the entries with a time in (from, until].
    fn within(&self, from: i64, until: i64) -> (f64, f64) {
        let first = self.times.partition_point(|time| *time <= from);
        let last = self.times.partition_point(|time| *time <= until);
        ((last - first) as f64, self.sums[last] - self.sums[first])
    }
}
