//! `thalweg validate`: topology files checked, nothing run.

use std::path::{Path, PathBuf};

use config::{LogSettings, Problem, Problems, Topology};
use serde_json::{Value, json};

use super::load::load;
use super::{Output, TopologyArguments, code, print, warn};

/// What `validate` takes.
#[derive(Debug, clap::Args)]
pub(super) struct ValidateArguments {
    /// Topology files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Overrides a key of each file
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// How problems are printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// Checks files and prints what is wrong.
pub(super) fn validate(arguments: &ValidateArguments) -> u8 {
    let mut result = code::OK;
    let mut found: Vec<Value> = Vec::new();
    for file in &arguments.files {
        let topology = TopologyArguments {
            file: file.clone(),
            set: arguments.set.clone(),
        };
        let loaded = load(&topology).and_then(|topology| reachable(topology, file));
        match (loaded, arguments.format) {
            (Ok(topology), Output::Text) => {
                print(&format!(
                    "{}: topology \"{}\" is valid",
                    file.display(),
                    topology.name
                ));
            }
            (Ok(_), Output::Json) => {}
            (Err(problems), format) => {
                result = code::CONFIGURATION;
                match format {
                    Output::Text => warn(&problems.to_string()),
                    Output::Json => found.extend(problems.0.iter().map(problem)),
                }
            }
        }
    }
    if arguments.format == Output::Json {
        print(&super::json(&found));
    }
    result
}

/// Refuses a cluster that this build cannot reach, for want of TLS, say.
fn reachable(topology: Topology, file: &Path) -> Result<Topology, Problems> {
    let LogSettings::Kafka(kafka) = &topology.log else {
        return Ok(topology);
    };
    let Err(error) = actors::log::kafka::supported(kafka) else {
        return Ok(topology);
    };
    Err(Problems(vec![Problem {
        code: "not-in-this-build",
        message: format!("{}: {error}", file.display()),
        location: None,
        hint: None,
    }]))
}

fn problem(problem: &Problem) -> Value {
    let location = problem.location.as_ref().map(|place| {
        json!({
            "file": place.file.display().to_string(), "line": place.line, "column": place.column,
            "start": place.span.start, "end": place.span.end,
        })
    });
    json!({
        "code": problem.code, "message": problem.message, "location": location, "hint": problem.hint,
    })
}

#[cfg(all(test, not(feature = "tls")))]
mod tests {
    use super::*;

    #[test]
    fn what_this_build_cannot_do_is_told_by_its_feature() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("secured.toml");
        let text = r#"
            version = 1
            name = "secured"
            [[source]]
            id = "in"
            topic = "in"
            schema = { a = "string" }
            [[sink]]
            id = "out"
            input = "in"
            topic = "out"
            [log]
            kind = "kafka"
            brokers = ["one:9092"]
            security = { protocol = "ssl" }
        "#;
        std::fs::write(&file, text).expect("written");
        let set = Vec::new();
        let arguments = TopologyArguments { file, set };
        let topology = load(&arguments).expect("a valid file");
        let told = reachable(topology, &arguments.file).expect_err("no TLS");
        assert!(told.to_string().contains("--features tls"), "{told}");
    }
}
