//! The condition of an alert: one measure of metrics compared with a number.
//!
//! ```text
//! condition  = measure ( ">" | ">=" | "<" | "<=" | "=" ) number
//! measure    = series
//!            | "sum" "(" series ")"
//!            | ( "increase" | "rate" ) "(" series "," duration ")"
//!            | "ratio" "(" series "," series "," duration ")"
//! series     = name [ "{" label "=" text { "," label "=" text } "}" ]
//! text       = "'" … "'" | '"' … '"'
//! ```

use std::ops::Range;
use std::sync::Arc;

use super::METRICS;
use super::measured::Metric;
use crate::Millis;
use crate::code::Code;
use crate::nearest::suggest;

mod tokens;
#[cfg(test)]
mod tests;

use tokens::{Token, Tokens};

/// Metrics may be written with it or without.
const PREFIX: &str = "thalweg_";
/// Longest time that a measure looks back: each second of it is kept in memory.
const OVER_MAX: Millis = Millis(3_600_000);
/// Shortest: metrics are looked at once a second.
const OVER_MIN: Millis = Millis(2_000);

/// What is looked at, and which values of it are told.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// As it is written.
    pub text: Arc<str>,
    /// What is measured.
    pub measure: Measure,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub bound: f64,
}

/// A number made of metrics.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// Each series by itself: the condition holds if it holds for one of them.
    Each(Selector),
    /// All series together.
    Sum(Selector),
    /// How much counters have grown, all together.
    Increase(Selector, Millis),
    /// The same, a second.
    Rate(Selector, Millis),
    /// How much counters have grown for each one by which others have.
    Ratio(Selector, Selector, Millis),
}

/// Some series of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// Name of the series as `GET /metrics` shows it.
    pub metric: Arc<str>,
    /// Labels that they have.
    pub labels: Vec<(Arc<str>, Arc<str>)>,
}

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `=`
    Equal,
}

/// What is wrong with a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConditionError {
    /// Stable, as in [`crate::Problem::code`].
    pub(crate) code: Code,
    /// Lower case, no full stop.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Bytes of the text.
    pub range: Range<usize>,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place in the text.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let mut tokens = Tokens::new(text);
        let measure = measure(&mut tokens)?;
        let comparison = comparison(&mut tokens)?;
        let bound = tokens.number()?;
        tokens.end()?;
        Ok(Self {
            text: text.into(),
            measure,
            comparison,
            bound,
        })
    }
}

impl Comparison {
    /// Whether a value is on the side that is told.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "`= 0` asks for exactly that")]
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Greater => value > bound,
            Self::GreaterOrEqual => value >= bound,
            Self::Less => value < bound,
            Self::LessOrEqual => value <= bound,
            Self::Equal => value == bound,
        }
    }

    /// Whether a value that can still grow stays on the side that is told.
    #[must_use]
    pub fn is_upward(self) -> bool {
        match self {
            Self::Greater | Self::GreaterOrEqual => true,
            Self::Less | Self::LessOrEqual | Self::Equal => false,
        }
    }
}

fn measure(tokens: &mut Tokens<'_>) -> Result<Measure, ConditionError> {
    let (name, range) = tokens.word("a metric")?;
    if !tokens.take(Token::Sign("(")) {
        return Ok(Measure::Each(series(name, range, false, tokens)?));
    }
    let inner = |only_grows, tokens: &mut Tokens<'_>| {
        let (name, range) = tokens.word("a metric")?;
        series(name, range, only_grows, tokens)
    };
    let measure = match name {
        "sum" => Measure::Sum(inner(false, tokens)?),
        "increase" => Measure::Increase(inner(true, tokens)?, over(tokens)?),
        "rate" => Measure::Rate(inner(true, tokens)?, over(tokens)?),
        "ratio" => {
            let of = inner(true, tokens)?;
            tokens.expect(",")?;
            Measure::Ratio(of, inner(true, tokens)?, over(tokens)?)
        }
        other => {
            return Err(ConditionError {
                code: Code::UNKNOWN_FUNCTION,
                message: format!("there is no function \"{other}\""),
                hint: suggest(other, "there are", ["sum", "increase", "rate", "ratio"]),
                range,
            });
        }
    };
    tokens.expect(")")?;
    Ok(measure)
}

/// A series; `grown`: how much it has grown is asked for, which only a counter can say.
fn series(
    name: &str,
    range: Range<usize>,
    grown: bool,
    tokens: &mut Tokens<'_>,
) -> Result<Selector, ConditionError> {
    let short = name.strip_prefix(PREFIX).unwrap_or(name);
    let (metric, only_grows) = find(short).ok_or_else(|| ConditionError {
        code: Code::UNKNOWN_METRIC,
        message: format!("there is no metric \"{name}\""),
        hint: unknown(short),
        range: range.clone(),
    })?;
    if only_grows != grown {
        let (message, hint) = match only_grows {
            true => (
                format!("\"{name}\" only grows: once true, this stays so"),
                format!("ask how much it has grown: increase({name}, 5min)"),
            ),
            false => (
                format!("\"{name}\" goes up and down"),
                format!("compare it as it is: {name} > 0"),
            ),
        };
        return Err(ConditionError {
            code: Code::EXPRESSION_TYPE,
            message,
            hint: Some(hint),
            range,
        });
    }
    let mut selector = Selector {
        metric: format!("{PREFIX}{short}").into(),
        labels: Vec::new(),
    };
    read_labels(&mut selector, metric, tokens)?;
    Ok(selector)
}

/// The metric that a series belongs to, and whether the series only grows.
fn find(short: &str) -> Option<(&'static Metric, bool)> {
    METRICS.iter().find_map(|metric| {
        let mut series = metric.series().into_iter();
        let (_, only_grows) = series.find(|(name, _)| name == short)?;
        Some((metric, only_grows))
    })
}

/// What was meant by a name that no series has.
fn unknown(short: &str) -> Option<String> {
    if METRICS.iter().any(|metric| metric.name == short) {
        return Some(format!(
            "it is a histogram: take {short}_count or {short}_sum"
        ));
    }
    let all: Vec<String> = METRICS
        .iter()
        .flat_map(Metric::series)
        .map(|(name, _)| name)
        .collect();
    suggest(short, "there are", all.iter().map(String::as_str))
}

fn read_labels(
    selector: &mut Selector,
    metric: &Metric,
    tokens: &mut Tokens<'_>,
) -> Result<(), ConditionError> {
    if !tokens.take(Token::Sign("{")) {
        return Ok(());
    }
    loop {
        let (label, range) = tokens.word("a label")?;
        if !metric.labels.contains(&label) {
            let name = metric.name;
            return Err(ConditionError {
                code: Code::UNKNOWN_METRIC,
                message: format!("\"{name}\" has no label \"{label}\""),
                hint: suggest(label, "there are", metric.labels.iter().copied()),
                range,
            });
        }
        tokens.expect("=")?;
        (selector.labels).push((label.into(), tokens.text()?.into()));
        if tokens.take(Token::Sign("}")) {
            return Ok(());
        }
        tokens.expect(",")?;
    }
}

/// `, 5min`
fn over(tokens: &mut Tokens<'_>) -> Result<Millis, ConditionError> {
    tokens.expect(",")?;
    let (text, range) = tokens.word("a duration such as 5min")?;
    let wrong = |message: String| ConditionError {
        code: Code::INVALID_VALUE,
        message,
        hint: None,
        range: range.clone(),
    };
    let over = Millis::parse(text).map_err(|error| wrong(error.to_string()))?;
    match (OVER_MIN..=OVER_MAX).contains(&over) {
        true => Ok(over),
        false => Err(wrong(format!(
            "{over} is not within {OVER_MIN} to {OVER_MAX}"
        ))),
    }
}

fn comparison(tokens: &mut Tokens<'_>) -> Result<Comparison, ConditionError> {
    for (sign, comparison) in [
        (">=", Comparison::GreaterOrEqual),
        ("<=", Comparison::LessOrEqual),
        (">", Comparison::Greater),
        ("<", Comparison::Less),
        ("=", Comparison::Equal),
    ] {
        if tokens.take(Token::Sign(sign)) {
            return Ok(comparison);
        }
    }
    Err(tokens.wanted("a comparison: >, >=, <, <= or ="))
}
