//! `thalweg evaluate`: how good a version is on rows of a file or a topic, as a whole and by slice.

use config::{DeviceChoice, VersionChoice};
use models::LoadedModel;
use models::evaluate::Report;
use models::gate::Answers;
use serde_json::json;

use super::error::LearnError;
use super::measured::Kind;
use super::report;
use super::source::SourceArguments;
use super::subject::{ModelArguments, Subject};
use super::table::{self, Columns};
use crate::cli::{DataArguments, Output, code, fail, json, print};

/// What `evaluate` takes.
#[derive(Debug, clap::Args)]
#[command(disable_version_flag = true)]
pub(in crate::cli) struct EvaluateArguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    from: SourceArguments,
    #[command(flatten)]
    data: DataArguments,
    /// Which version; default: the one that the topology serves, or the latest
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    /// Folder of the model's versions; default: that of the topology
    #[arg(long, value_name = "DIR")]
    path: Option<std::path::PathBuf>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// Measures a version.
pub(in crate::cli) fn evaluate(arguments: &EvaluateArguments) -> u8 {
    match carry_out(arguments) {
        Ok((model, reports)) => match arguments.format {
            Output::Text => print(&format!(
                "version {}: {}\n\n{}",
                model.version(),
                model.description(),
                report::tall(&reports)
            )),
            Output::Json => print(&json(&json!({
                "version": model.version(),
                "reports": report::json_of(&reports),
            }))),
        },
        Err(error @ LearnError::Usage(_)) => fail(&error, error.cure(), code::USAGE),
        Err(error) => fail(&error, error.cure(), code::UNAVAILABLE),
    }
}

type Reports = Vec<(String, Report)>;

pub(super) fn carry_out(
    arguments: &EvaluateArguments,
) -> Result<(LoadedModel, Reports), LearnError> {
    let subject = Subject::of(&arguments.model)?;
    let folder = arguments.path.as_ref().or(subject.folder.as_ref());
    let Some(folder) = folder else {
        let cause = "which model? name a topology, or the model's folder with --path";
        return Err(LearnError::Usage(cause.into()));
    };
    let version = match arguments.version {
        Some(number) => VersionChoice::Number(number),
        None => subject.version.clone().unwrap_or(VersionChoice::Latest),
    };
    let model = models::load(folder, &version, DeviceChoice::Cpu)?;
    let columns = Columns {
        features: features(arguments, &subject, &model)?,
        label: label(arguments, &subject, &model, folder)?,
        time: arguments.model.time.clone(),
        slices: arguments.model.slices.clone(),
    };
    let access = match arguments.from.from_topic {
        Some(_) => Some(subject.access(&arguments.data.data_dir)?),
        None => None,
    };
    let table = table::read(&arguments.from, access.as_ref(), &columns)?;
    let examples = table.examples()?;
    let answers = Answers::of(&model, examples.rows())?;
    let kind = Kind::of(model.signature(), &answers);
    let report = |rows: &[usize]| kind.report(&answers, examples.labels(), rows);
    let every: Vec<usize> = (0..examples.len()).collect();
    let mut reports = vec![("all".to_owned(), report(&every))];
    for (slice, rows) in table.slices(0) {
        reports.push((slice, report(&rows)));
    }
    Ok((model, reports))
}

fn features(
    arguments: &EvaluateArguments,
    subject: &Subject,
    model: &LoadedModel,
) -> Result<Vec<String>, LearnError> {
    let of_model = &model.signature().features;
    let told = [&arguments.model.features, of_model, &subject.features];
    let told = told.into_iter().find(|features| !features.is_empty());
    told.cloned().ok_or_else(|| {
        LearnError::Usage("the model does not name its features: --features does".into())
    })
}

/// The label's column: as told, as in the topology, or the one that the version was trained on.
fn label(
    arguments: &EvaluateArguments,
    subject: &Subject,
    model: &LoadedModel,
    folder: &std::path::Path,
) -> Result<Option<String>, LearnError> {
    let of_topology = subject.train.as_ref().and_then(|train| train.label.clone());
    if let Some(label) = arguments.model.label.clone().or(of_topology) {
        return Ok(Some(label));
    }
    let record = models::train::TrainingRecord::read(folder, model.version())?;
    let label = record
        .map(|record| record.label)
        .filter(|label| !label.is_empty());
    match label {
        Some(label) => Ok(Some(label)),
        None => Err(LearnError::Usage(
            "nothing says what is true of a row: --label names its column".into(),
        )),
    }
}
