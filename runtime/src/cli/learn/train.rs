//! `thalweg train`: a version of a model, from rows of a file or a topic.
//!
//! The latest share of the rows is the holdout: neither the training nor, if it is honest, the champion has seen it. On
//! it the gate decides; the version is written with the verdict, and a refused one is never `latest`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use models::evaluate::Report;
use models::gate::{Answers, Candidate, Holdout, Rules, Verdict, judge};
use models::train::{Examples, Trained, Trainer, TrainingRecord, next_version, publish};
use models::{LoadedModel, load_bytes};
use serde_json::json;

use super::error::LearnError;
use super::flags::{TrainFlags, within};
use super::measured::{Kind, MeasureFlag};
use super::report;
use super::source::{self, SourceArguments};
use super::subject::{ModelArguments, Subject};
use super::table::{self, Columns, Table};
use crate::access::Access;
use crate::cli::{DataArguments, Output, code, fail, json, print};

/// What `train` takes.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct TrainArguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    from: SourceArguments,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    how: TrainFlags,
    /// Share of the rows, the latest ones, that the model is judged on and never trained on
    #[arg(long, default_value = "0.2", value_parser = within::<0, 900_000_000>)]
    holdout: f64,
    /// By which number it must be better; default: average precision for two classes, log-loss for more, squared error
    /// for numbers, ROC-AUC for anomaly scores
    #[arg(long, value_enum)]
    measure: Option<MeasureFlag>,
    /// By how much it must be better, beyond chance
    #[arg(long, default_value = "0", value_parser = within::<0, 1_000_000_000_000>)]
    margin: f64,
    /// Folder of the model's versions; default: that of the topology
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Trains and judges, and writes nothing
    #[arg(long)]
    dry_run: bool,
    /// How the report is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// What a training came to.
pub(super) struct Outcome {
    pub(super) trained: Trained,
    pub(super) record: TrainingRecord,
    pub(super) verdict: Verdict,
    pub(super) reports: Vec<(String, Report)>,
    pub(super) unlabelled: usize,
    pub(super) seconds: f64,
    /// The version written; none with `--dry-run`.
    pub(super) written: Option<PathBuf>,
}

/// Trains a model.
pub(in crate::cli) fn train(arguments: &TrainArguments) -> u8 {
    match carry_out(arguments) {
        Ok(outcome) => match arguments.format {
            Output::Text => print(&text(&outcome)),
            Output::Json => print(&json(&machine(&outcome))),
        },
        Err(error @ LearnError::Usage(_)) => fail(&error, error.cure(), code::USAGE),
        Err(error) => fail(&error, error.cure(), code::UNAVAILABLE),
    }
}

pub(super) fn carry_out(arguments: &TrainArguments) -> Result<Outcome, LearnError> {
    let mut subject = Subject::of(&arguments.model)?;
    if arguments.out.is_some() {
        subject.folder.clone_from(&arguments.out);
    }
    let Some(folder) = subject.folder.clone() else {
        let cause = "where to? name a topology, or the model's folder with --out";
        return Err(LearnError::Usage(cause.into()));
    };
    let settings = (arguments.how).over(subject.train.clone(), arguments.model.label.as_ref())?;
    let champion = subject.champion()?;
    let access = open(arguments, &subject)?;
    let columns = Columns {
        features: features(arguments, &subject, champion.as_ref(), access.as_ref())?,
        // An autoencoder's rows may be labelled too: to be judged by.
        label: arguments
            .model
            .label
            .clone()
            .or_else(|| settings.label.clone()),
        time: arguments.model.time.clone(),
        slices: arguments.model.slices.clone(),
    };
    let table = table::read(&arguments.from, access.as_ref(), &columns)?;
    drop(access);
    let (past, holdout) = split(&table, arguments.holdout)?;
    let start = Instant::now();
    let past = Arc::new(past);
    let trained = run(Trainer::new(Arc::clone(&past), settings)?)?;
    let seconds = start.elapsed().as_secs_f64();
    let mut outcome = judged(
        arguments,
        &trained,
        champion.as_ref(),
        (&past, &holdout),
        &table,
    )?;
    outcome.seconds = seconds;
    if !arguments.dry_run {
        let version = next_version(&folder)?;
        outcome.written = Some(publish(&folder, version, &trained, &outcome.record, &[])?);
    }
    Ok(outcome)
}

/// The log, if rows come from a topic.
fn open(arguments: &TrainArguments, subject: &Subject) -> Result<Option<Access>, LearnError> {
    if arguments.from.from_topic.is_none() {
        return Ok(None);
    }
    Ok(Some(subject.access(&arguments.data.data_dir)?))
}

/// Names of the features: as told, as the topology feeds the model, as the champion has them, or all there are.
fn features(
    arguments: &TrainArguments,
    subject: &Subject,
    champion: Option<&LoadedModel>,
    access: Option<&Access>,
) -> Result<Vec<String>, LearnError> {
    let model = &arguments.model;
    let of_champion = champion.map(|champion| champion.signature().features.clone());
    let told = [model.features.clone(), subject.features.clone()];
    let mut told = told.into_iter().chain(of_champion);
    if let Some(features) = told.find(|features| !features.is_empty()) {
        return Ok(features);
    }
    let mut names = match (
        &arguments.from.from_file,
        &arguments.from.from_topic,
        access,
    ) {
        (Some(path), _, _) => source::header(path)?,
        (None, Some(topic), Some(access)) => source::names_of_topic(access, topic)?,
        (None, _, _) => Vec::new(),
    };
    let of_rest = [&model.label, &model.time];
    let label = subject
        .train
        .as_ref()
        .and_then(|train| train.label.as_ref());
    names.retain(|name| {
        !of_rest.iter().any(|other| other.as_ref() == Some(name))
            && label != Some(name)
            && !model.slices.contains(name)
    });
    Ok(names)
}

/// The rows to learn from, and the latest ones to be judged on.
fn split(table: &Table, share: f64) -> Result<(Examples, Examples), LearnError> {
    let holdout = (table.len() as f64 * share).round() as usize;
    Ok(table
        .examples()?
        .split(table.len() - holdout.min(table.len())))
}

/// Trains to the end, with a bar on a terminal.
fn run(mut trainer: Trainer) -> Result<Trained, LearnError> {
    let progress = trainer.progress();
    let bar = ProgressBar::new((progress.epochs * progress.steps) as u64);
    let template = "{bar:30} epoch {msg}, {elapsed}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let start = Instant::now();
    loop {
        let progress = trainer.step()?;
        let done = (progress.epoch - 1) * progress.steps + progress.step;
        bar.set_position(done as u64);
        if progress.step == progress.steps || progress.done {
            let rows = progress.rows_seen as f64 / start.elapsed().as_secs_f64();
            let loss = progress.validation_loss.unwrap_or(progress.training_loss);
            bar.set_message(format!(
                "{} of at most {}, loss {loss:.4}, {rows:.0} rows/s",
                progress.epoch, progress.epochs
            ));
        }
        if progress.done {
            bar.finish_and_clear();
            return Ok(trainer.finish()?);
        }
    }
}

/// What the gate says of the new model, and all measures of it, the champion and the baseline.
fn judged(
    arguments: &TrainArguments,
    trained: &Trained,
    champion: Option<&LoadedModel>,
    (past, holdout): (&Examples, &Examples),
    table: &Table,
) -> Result<Outcome, LearnError> {
    let challenger = load_bytes(&trained.onnx(), trained.features())?;
    let answers = Answers::of(&challenger, holdout.rows())?;
    let kind = Kind::of(challenger.signature(), &answers);
    let baseline = kind.baseline(past, holdout.len());
    let old = champion
        .map(|champion| Ok::<_, LearnError>((champion, Answers::of(champion, holdout.rows())?)))
        .transpose()?;
    let name = match champion {
        Some(champion) => format!("version {}", champion.version()),
        None => "a constant".to_owned(),
    };
    let measure = (arguments.measure).map_or_else(|| kind.measure(), MeasureFlag::measure);
    let rules = Rules {
        margin: arguments.margin,
        ..Rules::of(measure)
    };
    let verdict = judge(
        &Candidate {
            name: &name,
            signature: champion.map(LoadedModel::signature),
            answers: old.as_ref().map_or(&baseline, |(_, answers)| answers),
            latency: None,
        },
        &Candidate {
            name: "the new model",
            signature: Some(challenger.signature()),
            answers: &answers,
            latency: None,
        },
        &Holdout {
            truths: holdout.labels(),
            slices: &table.slices(past.len()),
        },
        &rules,
    );
    let every: Vec<usize> = (0..holdout.len()).collect();
    let report = |answers| kind.report(answers, holdout.labels(), &every);
    let mut reports = vec![("baseline".to_owned(), report(&baseline))];
    if let Some((_, answers)) = &old {
        reports.push((name, report(answers)));
    }
    reports.push(("new model".to_owned(), report(&answers)));
    let record = record(arguments, trained, champion, (past, holdout), table);
    Ok(Outcome {
        record: TrainingRecord {
            metrics: report(&answers).measures,
            verdict: Some(verdict.clone()),
            ..record
        },
        trained: trained.clone(),
        verdict,
        reports,
        unlabelled: table.unlabelled,
        seconds: 0.0,
        written: None,
    })
}

/// Where the rows came from.
fn record(
    arguments: &TrainArguments,
    trained: &Trained,
    champion: Option<&LoadedModel>,
    (past, holdout): (&Examples, &Examples),
    table: &Table,
) -> TrainingRecord {
    let from = &arguments.from;
    TrainingRecord {
        file: from
            .from_file
            .as_ref()
            .map(|path| path.display().to_string()),
        topic: from.from_topic.clone(),
        partitions: table.ranges.clone(),
        time: table.time(past.len()),
        holdout_rows: holdout.len(),
        parent: champion.map(LoadedModel::version),
        ..TrainingRecord::of(trained, "by hand")
    }
}

fn text(outcome: &Outcome) -> String {
    let (record, progress) = (&outcome.record, outcome.trained.progress());
    let pace = progress.rows_seen as f64 / outcome.seconds.max(1e-9);
    let mut lines = vec![
        outcome.trained.description(),
        format!(
            "rows: {} to learn from (the latest {:.0} % of them to stop by), {} to be judged on, {} without a label",
            record.rows,
            100.0 * record.validation,
            record.holdout_rows,
            outcome.unlabelled
        ),
        format!(
            "training: best in epoch {} of {}, loss {:.4}, {:.1} s, {pace:.0} rows/s, seed {}",
            record.best_epoch, progress.epoch, record.best_loss, outcome.seconds, record.seed
        ),
        String::new(),
        report::table(&outcome.reports),
        String::new(),
        outcome.verdict.words(),
    ];
    if let Some(path) = &outcome.written {
        lines.push(format!("written to {}", path.display()));
    }
    lines.join("\n")
}

fn machine(outcome: &Outcome) -> serde_json::Value {
    json!({
        "version": outcome.written,
        "training": outcome.record,
        "reports": report::json_of(&outcome.reports),
        "unlabelled": outcome.unlabelled,
        "seconds": outcome.seconds,
        "promoted": outcome.verdict.promoted,
        "words": outcome.verdict.words(),
    })
}
