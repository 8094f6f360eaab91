//! Champion against challenger, on rows that neither has seen.

use std::time::Duration;

use config::Signature;

use super::measure::{Measure, Scored};
use super::paired::{bootstrap, mcnemar};
use super::{Answers, Verdict};

/// What a challenger must show.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// By which number.
    pub measure: Measure,
    /// How much better it must be than chance explains: one more in the unit of the measure, at least 0.
    pub margin: f64,
    /// Between two equal models, the share of samples that may show a significant difference. The gate asks that the
    /// better side of a two-sided test be the challenger's, so it promotes an equal model in at most half of that share.
    pub alpha: f64,
    /// How much worse it may be on a slice, in the unit of the measure.
    pub slice_tolerance: f64,
    /// Slices with fewer rows are not judged: chance alone moves their measure further.
    pub slice_rows_min: usize,
    /// Rows of the holdout, at least.
    pub rows_min: usize,
    /// The slowest answer that is served, at the 99th percentile.
    pub latency_max: Option<Duration>,
    /// Resamplings of the bootstrap.
    pub replicates: usize,
    /// Decides the resamplings.
    pub seed: u64,
}

impl Rules {
    /// What is asked where nothing else is said.
    #[must_use]
    pub fn of(measure: Measure) -> Self {
        Self {
            measure,
            margin: 0.0,
            alpha: 0.05,
            slice_tolerance: 0.02,
            slice_rows_min: 100,
            rows_min: 100,
            latency_max: None,
            // The 2.5 % quantile then rests on 25 gains.
            replicates: 1_000,
            seed: 1,
        }
    }
}

/// One of the two models.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// For the words of the verdict: `version 3`, `the share of each class`.
    pub name: &'a str,
    /// What it takes and gives; `None` for what is no model, such as a constant.
    pub signature: Option<&'a Signature>,
    /// What it says of the holdout's rows.
    pub answers: &'a Answers,
    /// Its latency at the 99th percentile, if measured.
    pub latency: Option<Duration>,
}

/// The rows on which the two are compared, in the order of time, later than anything either was trained on.
#[derive(Debug, Clone, Copy)]
pub struct Holdout<'a> {
    /// What is true of each row; empty if nobody knows: then only soundness is judged.
    pub truths: &'a [f32],
    /// Rows of each slice.
    pub slices: &'a [(String, Vec<usize>)],
}

/// Whether the challenger may take the champion's place.
///
/// It must take and give the same; have no NaN and not always the same answer; be fast enough; be better by more than
/// margin and chance (exact McNemar test of the accuracy, paired bootstrap of every other measure); and be worse by
/// no more than the tolerance on every slice.
#[must_use]
pub fn judge(
    champion: &Candidate<'_>,
    challenger: &Candidate<'_>,
    holdout: &Holdout<'_>,
    rules: &Rules,
) -> Verdict {
    let mut verdict = Verdict::new();
    if let (Some(old), Some(new)) = (champion.signature, challenger.signature) {
        let stands_in = new.stands_in_for(old);
        let words = match stands_in {
            true => "takes and gives what the champion does",
            false => "takes or gives something else than the champion",
        };
        verdict.check("signature", stands_in, words.into());
    }
    sound(challenger, &mut verdict);
    latency(challenger, rules, &mut verdict);
    if holdout.truths.is_empty() {
        verdict.check(
            "rows",
            true,
            "without labels only soundness is judged".into(),
        );
        return verdict;
    }
    let rows = holdout.truths.len();
    verdict.number("rows", rows as f64);
    let scored =
        |candidate: &Candidate<'_>| Scored::new(rules.measure, candidate.answers, holdout.truths);
    match (scored(champion), scored(challenger)) {
        _ if rows < rules.rows_min => {
            let words = format!("{rows} rows to judge on; {} are the least", rules.rows_min);
            verdict.check("rows", false, words);
        }
        (Some(old), Some(new)) => {
            better(champion.name, (&old, &new), rows, rules, &mut verdict);
            slices((&old, &new), holdout, rules, &mut verdict);
        }
        (None, _) | (_, None) => {
            let words = format!(
                "the {} of these answers cannot be computed",
                rules.measure.word()
            );
            verdict.check("better", false, words);
        }
    }
    verdict
}

/// Its answers are numbers, and depend on the rows.
fn sound(challenger: &Candidate<'_>, verdict: &mut Verdict) {
    let numbers = &challenger.answers.numbers;
    let bad = numbers.iter().filter(|x| !x.is_finite()).count();
    let words = match bad {
        0 => "every answer is a number".to_owned(),
        bad => format!("{bad} of {} answers are no numbers", numbers.len()),
    };
    verdict.check("numbers", bad == 0, words);
    let is_constant = challenger.answers.is_constant();
    let words = if is_constant {
        "gives the same answer to every row"
    } else {
        "answers depend on the rows"
    };
    verdict.check("constant", !is_constant, words.into());
}

fn latency(challenger: &Candidate<'_>, rules: &Rules, verdict: &mut Verdict) {
    let (Some(latency), Some(max)) = (challenger.latency, rules.latency_max) else {
        return;
    };
    verdict.number("latency-seconds", latency.as_secs_f64());
    let words = format!("answers within {latency:?} at the 99th percentile; {max:?} is asked");
    verdict.check("latency", latency <= max, words);
}

/// Better by more than margin and chance.
fn better(
    against: &str,
    (old, new): (&Scored, &Scored),
    rows: usize,
    rules: &Rules,
    verdict: &mut Verdict,
) {
    let every = vec![1.0; rows];
    let measure = rules.measure.word();
    let (Some(champion), Some(challenger)) = (old.value(&every), new.value(&every)) else {
        let words = format!("the {measure} cannot be said of these rows: they lack a class");
        return verdict.check("better", false, words);
    };
    let gain = rules.measure.gain(champion, challenger);
    verdict.number(format!("champion-{measure}"), champion);
    verdict.number(format!("challenger-{measure}"), challenger);
    verdict.number("gain", gain);
    let compared = format!("{measure} {challenger:.4} against {champion:.4} of {against}");
    let (passed, test) = match (rules.measure, old.numbers(), new.numbers()) {
        (Measure::Accuracy, Some(old), Some(new)) => {
            let count = |a: &[f64], b: &[f64]| {
                a.iter()
                    .zip(b)
                    .filter(|(a, b)| **a > 0.5 && **b < 0.5)
                    .count() as u64
            };
            let p_value = mcnemar(count(old, new), count(new, old));
            verdict.number("p-value", p_value);
            let test = format!("p = {p_value:.2e}, McNemar");
            (p_value <= rules.alpha && gain > rules.margin, test)
        }
        (_, _, _) => {
            let sampling = (rules.replicates, rules.alpha);
            match bootstrap(rules.measure, (old, new), rows, sampling, rules.seed) {
                Some(interval) => {
                    verdict.number("gain-low", interval.low);
                    verdict.number("gain-high", interval.high);
                    let percent = 100.0 * (1.0 - rules.alpha);
                    let (low, high) = (interval.low, interval.high);
                    let test = format!("{percent:.0} % interval {low:.4} to {high:.4}");
                    (low > rules.margin, test)
                }
                None => (false, "no resampling can be measured".into()),
            }
        }
    };
    let words = if passed {
        format!("{compared}: better by {gain:.4} ({test})")
    } else {
        let margin = rules.margin;
        format!("{compared}: not better by more than {margin} and chance ({test})")
    };
    verdict.check("better", passed, words);
}

/// On no slice worse than the tolerance.
fn slices(
    (old, new): (&Scored, &Scored),
    holdout: &Holdout<'_>,
    rules: &Rules,
    verdict: &mut Verdict,
) {
    let count = holdout.truths.len();
    let mut weights = vec![0.0; count];
    for (name, rows) in holdout.slices {
        let known = rows.iter().filter(|row| **row < count);
        if known.clone().count() < rules.slice_rows_min {
            continue;
        }
        weights.fill(0.0);
        known.for_each(|row| weights[*row] = 1.0);
        // A slice that lacks a class has no ranking to lose.
        if let (Some(old), Some(new)) = (old.value(&weights), new.value(&weights)) {
            let gain = rules.measure.gain(old, new);
            verdict.number(format!("gain of slice {name}"), gain);
            let words = format!(
                "{} {new:.4} against {old:.4} on slice {name} ({} rows)",
                rules.measure.word(),
                rows.len()
            );
            verdict.check(
                format!("slice {name}"),
                gain >= -rules.slice_tolerance,
                words,
            );
        }
    }
}
