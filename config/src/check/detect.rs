//! `detect`: one row out per row in, with how unusual it is for its key.

use std::sync::Arc;

use super::Context;
use super::flow::{Added, Flow, Found, column_name};
use super::learning::is_number;
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::raw::{self, Key};
use crate::{Column, DataType, Detect, DetectMethod, OperatorKind, defaults};

/// Columns looked at together, at most: distances say less and less in more dimensions.
const COLUMNS_MAX: usize = 64;
/// Ways of looking, at most: each costs time and state.
const METHODS_MAX: usize = 8;
/// Numbers that one method may keep of a key, at most: 8 MiB, written whenever the key's rows commit.
const KEPT_MAX: u64 = 1 << 20;
/// Rows that a setting may name, at most.
const ROWS_MAX: u64 = 10_000_000;
/// Rows of a `quiet`, at most: that many numbers may be kept.
const QUIET_MAX: u64 = 100_000;

/// Checks a `detect`: the input's columns, then `score`, `probability` and `anomaly`.
pub(crate) fn check(
    raw: &raw::Detect,
    flow: &Flow,
    span: Span,
    cx: &Context<'_>,
) -> (Option<OperatorKind>, Flow) {
    let key = flow.keyed("detect", span, cx);
    let columns = columns(&raw.columns, flow, cx);
    let width = columns.as_ref().map_or(1, Vec::len);
    let methods = match &raw.methods {
        None => Some(defaults::DETECT_METHODS.to_vec()),
        Some(methods) => checked_methods(methods, width, cx),
    };
    let rows = |key: &Option<Key<u64>>, default, low, high| match key {
        None => Some(default),
        Some(key) => cx.within(key, low, high),
    };
    let threshold = match &raw.threshold {
        None => Some(defaults::DETECT_THRESHOLD),
        Some(threshold) => cx.within(threshold, 0.0, 1.0),
    };
    let quiet = rows(&raw.quiet, defaults::DETECT_QUIET, 0, QUIET_MAX);
    let warm_up = rows(&raw.warm_up, defaults::DETECT_WARM_UP, 0, ROWS_MAX);
    let memory = rows(&raw.memory, defaults::DETECT_MEMORY, 100, ROWS_MAX);
    let (names, added) = added(raw, span, cx);
    let kind = (|| {
        key?;
        Some(OperatorKind::Detect(Detect {
            columns: columns?,
            methods: methods?,
            threshold: threshold?,
            quiet: usize::try_from(quiet?).ok()?,
            warm_up: warm_up?,
            memory: memory?,
            added: names,
        }))
    })();
    (kind, flow.with(added, cx))
}

/// The three added columns; what is not known of a row with NULLs is NULL.
fn added(raw: &raw::Detect, span: Span, cx: &Context<'_>) -> ([Arc<str>; 3], Vec<Added>) {
    let prefix = raw.prefix.as_ref();
    let span = prefix.map_or(span, |prefix| prefix.span);
    let text = prefix.and_then(Key::get).map_or("", String::as_str);
    let names = ["score", "probability", "anomaly"].map(|name| Arc::from(format!("{text}{name}")));
    let [score, probability, anomaly] = &names;
    let added = [
        (score, DataType::Float64, true),
        (probability, DataType::Float64, true),
        (anomaly, DataType::Bool, false),
    ];
    let added = added.map(|(name, data_type, nullable)| Added {
        name: Arc::clone(name),
        span,
        column: column_name(name, span, cx).then(|| Column::new(name, data_type, nullable)),
    });
    (names, added.into())
}

fn columns(list: &Key<Vec<Key<String>>>, flow: &Flow, cx: &Context<'_>) -> Option<Vec<usize>> {
    let names = list.get()?;
    if names.is_empty() || names.len() > COLUMNS_MAX {
        let message = format!("{} columns is not within 1 to {COLUMNS_MAX}", names.len());
        cx.report(Finding::at(list.span, Code::INVALID_VALUE, message));
        return None;
    }
    let mut columns = Some(Vec::new());
    for name in names {
        let column = column(name, flow, cx);
        columns = columns.zip(column).map(|(mut columns, column)| {
            columns.push(column);
            columns
        });
    }
    columns
}

fn column(name: &Key<String>, flow: &Flow, cx: &Context<'_>) -> Option<usize> {
    let Found::At(index, column) = flow.column(name, cx)? else {
        return None;
    };
    if is_number(&column.data_type) {
        return Some(index);
    }
    let message = format!(
        "\"{}\" is {}, and detect looks at numbers",
        column.name, column.data_type
    );
    cx.report(
        Finding::at(name.span, Code::COLUMN_TYPE, message)
            .hint("make a number of it in a select before"),
    );
    None
}

fn checked_methods(
    list: &Key<Vec<Key<raw::DetectMethod>>>,
    width: usize,
    cx: &Context<'_>,
) -> Option<Vec<DetectMethod>> {
    let raw = list.get()?;
    if raw.is_empty() || raw.len() > METHODS_MAX {
        let message = format!("{} methods is not within 1 to {METHODS_MAX}", raw.len());
        cx.report(
            Finding::at(list.span, Code::INVALID_VALUE, message)
                .hint("write methods = [{ kind = \"knn\" }]"),
        );
        return None;
    }
    let checked = raw.iter().map(|key| method(key, width, cx));
    // All of them are looked at, so that every problem is reported.
    let checked: Vec<_> = checked.collect();
    checked.into_iter().collect()
}

fn method(key: &Key<raw::DetectMethod>, width: usize, cx: &Context<'_>) -> Option<DetectMethod> {
    let whole = |key: &Option<Key<u64>>, default: usize, low, high| match key {
        None => Some(default),
        Some(key) => usize::try_from(cx.within(key, low, high)?).ok(),
    };
    match key.get()? {
        raw::DetectMethod::Ewma(ewma) => Some(DetectMethod::Ewma {
            alpha: match &ewma.alpha {
                None => defaults::DETECT_ALPHA,
                Some(alpha) => cx.within(alpha, 1e-6, 1.0)?,
            },
        }),
        raw::DetectMethod::Knn(knn) => {
            let window = whole(&knn.window, defaults::DETECT_WINDOW, 1, 1_000);
            let neighbours = whole(&knn.neighbours, defaults::DETECT_NEIGHBOURS, 1, 100);
            let history = whole(&knn.history, defaults::DETECT_HISTORY, 10, KEPT_MAX);
            let (window, neighbours, history) = (window?, neighbours?, history?);
            kept(key.span, (window + history) as u64 * width as u64, cx)?;
            Some(DetectMethod::Knn {
                window,
                neighbours,
                history,
            })
        }
        raw::DetectMethod::HalfSpaceTrees(forest) => {
            let trees = whole(&forest.trees, defaults::DETECT_TREES, 1, 1_000);
            let depth = whole(&forest.depth, defaults::DETECT_DEPTH, 1, 16);
            let window = whole(&forest.window, defaults::DETECT_TREES_WINDOW, 10, 100_000);
            let (trees, depth, window) = (trees?, depth?, window?);
            // Two counts of half a number's size a node; the first window is kept as it is.
            kept(key.span, (trees as u64) << (depth + 1), cx)?;
            kept(key.span, window as u64 * width as u64, cx)?;
            Some(DetectMethod::HalfSpaceTrees {
                trees,
                depth,
                window,
            })
        }
        raw::DetectMethod::Autoencoder(network) => {
            if width < 2 {
                let message = "an autoencoder needs two columns to press together";
                cx.report(
                    Finding::at(key.span, Code::INVALID_VALUE, message)
                        .hint("add columns, lags from a rolling before for example, or take knn"),
                );
                return None;
            }
            let code = whole(
                &network.code,
                defaults::DETECT_CODE.min(width - 1),
                1,
                width as u64 - 1,
            );
            let batch = whole(&network.batch, defaults::DETECT_BATCH, 1, 1_024);
            let learning_rate = match &network.learning_rate {
                None => Some(defaults::DETECT_LEARNING_RATE),
                Some(rate) => cx.within(rate, 1e-6, 1.0),
            };
            Some(DetectMethod::Autoencoder {
                code: code?,
                batch: batch?,
                learning_rate: learning_rate?,
            })
        }
    }
}

/// Refuses a method that would keep too much of each key.
fn kept(span: Span, numbers: u64, cx: &Context<'_>) -> Option<()> {
    if numbers <= KEPT_MAX {
        return Some(());
    }
    let message = format!("{numbers} numbers would be kept of each key: {KEPT_MAX} are the most");
    cx.report(
        Finding::at(span, Code::INVALID_VALUE, message)
            .hint("give it a shorter history, or fewer columns"),
    );
    None
}
