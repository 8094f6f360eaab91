//! `thalweg drift`: one change detector over a column of numbers, for calibration and for comparison with other
//! libraries.

mod numbers;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use models::drift::{
    Calibration, Detector, DetectorKind, DetectorSettings, DriftError, Input, ParameterInfo,
    Signal, calibrate,
};
use serde::Serialize;

use self::numbers::{Numbers, NumbersError};
use super::{Output, code, fail, print};

/// What `drift` takes.
#[derive(Debug, clap::Args)]
pub(super) struct DriftArguments {
    /// The numbers, one a line; `-` is standard input
    #[arg(required_unless_present = "list")]
    file: Option<PathBuf>,
    /// The detector: adwin, ddm, eddm, hddm-a, hddm-w, page-hinkley or kswin
    #[arg(long, required_unless_present = "list")]
    detector: Option<String>,
    /// Sets a parameter of the detector: `--set delta=0.002`
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// What the numbers stand for; without it, errors for ddm, eddm and hddm, values for the others
    #[arg(long, value_enum)]
    input: Option<InputArgument>,
    /// The file is CSV with a header, and the numbers are in this column
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// Prints warnings too
    #[arg(long)]
    warnings: bool,
    /// Instead of alarms, prints the setting that alarms so often where nothing changes: `0.0001` or `1/10000`
    #[arg(long, value_name = "RATE", value_parser = rate)]
    calibrate: Option<f64>,
    /// Seed of the calibration
    #[arg(long, default_value_t = 42, requires = "calibrate")]
    seed: u64,
    /// Lists the detectors with their parameters and defaults
    #[arg(long)]
    list: bool,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// What numbers stand for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum InputArgument {
    /// 1 is wrong, 0 is right.
    Error,
    /// 1 is right, 0 is wrong.
    Correct,
    /// Any number.
    Value,
}

/// Why there is nothing to print.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Numbers(#[from] NumbersError),
    #[error(transparent)]
    Settings(#[from] DriftError),
    #[error("\"{0}\" is not NAME=VALUE")]
    Set(String),
    #[error("line {line}")]
    Value { line: u64, source: DriftError },
}

/// What a detector said of a column of numbers.
#[derive(Debug, Serialize)]
struct Report {
    detector: &'static str,
    input: Input,
    parameters: Vec<ParameterInfo>,
    /// Numbers read.
    values: usize,
    /// Numbers at which it alarmed, from 0.
    drift: Vec<usize>,
    /// Numbers at which it warned, from 0; without those at which it alarmed.
    warning: Vec<usize>,
}

/// Prints the indices of the numbers at which a detector alarms.
pub(super) fn drift(arguments: &DriftArguments) -> u8 {
    let (Some(name), Some(file)) = (&arguments.detector, &arguments.file) else {
        return list(arguments.format);
    };
    if arguments.list {
        return list(arguments.format);
    }
    let done = match arguments.calibrate {
        Some(rate) => calibrated(arguments, name, file, rate),
        None => watched(arguments, name, file),
    };
    match done {
        Ok(text) if text.is_empty() => code::OK,
        Ok(text) => print(&text),
        Err(Failure::Numbers(error)) => {
            let exit = match error {
                NumbersError::Read { .. } => code::UNAVAILABLE,
                NumbersError::NoColumn { .. } | NumbersError::Line { .. } => code::DATA,
            };
            fail(&error, Some(error.hint()), exit)
        }
        Err(Failure::Settings(error)) => fail(&error, Some(error.cure()), code::USAGE),
        Err(error @ Failure::Set(_)) => fail(&error, Some("write --set delta=0.01"), code::USAGE),
        Err(Failure::Value { line, source }) => {
            let hint = source.cure();
            fail(&Failure::Value { line, source }, Some(hint), code::DATA)
        }
    }
}

fn settings(arguments: &DriftArguments, name: &str) -> Result<(DetectorSettings, Input), Failure> {
    let kind = DetectorKind::parse(name)?;
    let mut settings = DetectorSettings::of(kind);
    for pair in &arguments.set {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::Set(pair.clone()))?;
        settings.set(name.trim(), value.trim())?;
    }
    let input = match arguments.input {
        Some(InputArgument::Error) => Input::Error,
        Some(InputArgument::Correct) => Input::Correct,
        Some(InputArgument::Value) => Input::Value,
        None if kind.watches_errors() => Input::Error,
        None => Input::Value,
    };
    Ok((settings, input))
}

fn watched(arguments: &DriftArguments, name: &str, file: &Path) -> Result<String, Failure> {
    let (settings, input) = settings(arguments, name)?;
    let mut detector = Detector::try_new(&settings, input)?;
    let mut report = Report {
        detector: settings.kind().name(),
        input,
        parameters: settings.parameters(),
        values: 0,
        drift: Vec::new(),
        warning: Vec::new(),
    };
    for number in Numbers::open(file, arguments.column.as_deref())? {
        let (line, x) = number?;
        match detector.update(x) {
            Ok(Signal::None) => {}
            Ok(Signal::Warning) => report.warning.push(report.values),
            Ok(Signal::Drift) => report.drift.push(report.values),
            Err(source) => return Err(Failure::Value { line, source }),
        }
        report.values += 1;
    }
    if arguments.format == Output::Json {
        return Ok(super::json(&report));
    }
    let mut signals: Vec<(usize, &str)> = Vec::new();
    if arguments.warnings {
        signals.extend(report.drift.iter().map(|index| (*index, " drift")));
        signals.extend(report.warning.iter().map(|index| (*index, " warning")));
        signals.sort_unstable();
    } else {
        signals.extend(report.drift.iter().map(|index| (*index, "")));
    }
    let lines = signals.iter().map(|(index, what)| format!("{index}{what}"));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn calibrated(
    arguments: &DriftArguments,
    name: &str,
    file: &Path,
    rate: f64,
) -> Result<String, Failure> {
    let (settings, input) = settings(arguments, name)?;
    // The detector's own check of each number tells the line that a number is wrong in.
    let mut check = Detector::try_new(&settings, input)?;
    let mut values = Vec::new();
    for number in Numbers::open(file, arguments.column.as_deref())? {
        let (line, x) = number?;
        if let Err(source) = check.update(x) {
            return Err(Failure::Value { line, source });
        }
        values.push(x);
    }
    let found = calibrate(&settings, input, &values, rate, arguments.seed)?;
    let Calibration {
        settings,
        parameter,
        value,
        rate,
        simulated,
    } = found;
    if arguments.format == Output::Json {
        return Ok(super::json(&serde_json::json!({
            "detector": settings.kind().name(),
            "parameter": parameter,
            "value": value,
            "rate": rate,
            "simulated": simulated,
            "parameters": settings.parameters(),
        })));
    }
    Ok(format!(
        "--set {parameter}={value}\n{rate} alarms a value on {simulated} simulated values"
    ))
}

/// All detectors with their parameters.
fn list(format: Output) -> u8 {
    if format == Output::Json {
        let described = DetectorKind::ALL.map(|kind| {
            serde_json::json!({
                "detector": kind.name(),
                "summary": kind.summary(),
                "parameters": DetectorSettings::of(kind).parameters(),
            })
        });
        return print(&super::json(&described));
    }
    let mut lines = Vec::new();
    for kind in DetectorKind::ALL {
        lines.push(format!("{}: {}", kind.name(), kind.summary()));
        for parameter in DetectorSettings::of(kind).parameters() {
            let set = format!("{}={}", parameter.name, parameter.value);
            let ParameterInfo { meaning, range, .. } = parameter;
            lines.push(format!("  {set:<24} {meaning} ({range})"));
        }
    }
    print(&lines.join("\n"))
}

/// A rate as an argument: `0.0001` or `1/10000`.
fn rate(text: &str) -> Result<f64, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let rate = match text.split_once('/') {
        Some((alarms, values)) => number(alarms).zip(number(values)).map(|(a, v)| a / v),
        None => number(text),
    };
    rate.filter(|rate| rate.is_finite())
        .ok_or_else(|| "a rate is a number of alarms a value: 0.0001, or 1/10000".to_owned())
}
