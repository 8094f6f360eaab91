//! From a file to a checked topology: parse, include, override, substitute, read, check.

mod tree;
mod include;
mod overrides;
pub(crate) mod expand;
mod substitute;
pub(crate) mod reader;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde::Deserialize;

use crate::check::{self, Context};
use crate::code::Code;
use crate::files::{Files, Finding, Findings};
use crate::{ModelSignatures, Problems, Topology, raw};
use include::Loader;
use reader::Reader;
use substitute::Substitution;

/// What a topology is loaded with besides its file.
pub struct LoadOptions<'a> {
    /// Keys set from outside, in order: `("epoch.interval", "1s")`. A node is named by its id:
    /// `source.transactions.feed.rate`. A value that is no TOML value is a string.
    pub overrides: Vec<(String, String)>,
    /// Environment variables, for `${env:NAME}`.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// Reads what models take and give.
    pub models: &'a dyn ModelSignatures,
}

/// Loads and checks a topology file.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn load(path: &Path, options: &LoadOptions<'_>) -> Result<Topology, Problems> {
    let mut loader = Loader::default();
    let text = loader.read(path, None);
    finish(loader, path, text.as_deref(), options)
}

/// Loads and checks a topology of this text. Paths in it resolve against the folder of `name`.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn load_text(name: &Path, text: &str, options: &LoadOptions<'_>) -> Result<Topology, Problems> {
    finish(Loader::default(), name, Some(text), options)
}

fn finish(
    mut loader: Loader,
    name: &Path,
    text: Option<&str>,
    options: &LoadOptions<'_>,
) -> Result<Topology, Problems> {
    let Some(text) = text else {
        return Err(problems(&loader.files, loader.findings, &[]));
    };
    let mut root = loader.merge(name, text);
    if !loader.findings.is_empty() {
        // What could not be read would be missed everywhere else.
        return Err(problems(&loader.files, loader.findings, &[]));
    }
    for (key, value) in &options.overrides {
        overrides::apply(&mut root, key, value, &mut loader.files, &loader.findings);
    }
    let Loader {
        mut files,
        findings,
        ..
    } = loader;
    let mut substitution = Substitution::new(&files, &findings, options.environment);
    substitution.apply(&mut root);
    let secrets = substitution.secrets();
    expand::expand(&mut root, &mut files, &findings);

    let document = raw::Document::deserialize(Reader::new(&root, &findings));
    let topology = match &document {
        Ok(document) => check::check(
            document,
            &Context {
                folder: name.parent().unwrap_or(Path::new("")),
                files: &files,
                findings: &findings,
                models: options.models,
            },
        ),
        Err(error) => {
            findings.push(Finding::nowhere(Code::WRONG_TYPE, error.to_string()));
            None
        }
    };
    match topology {
        Some(topology) if findings.is_empty() => Ok(topology),
        _ => Err(problems(&files, findings, &secrets)),
    }
}

/// Findings as problems, in which no secret is spelt out.
fn problems(files: &Files, findings: Findings, secrets: &[(String, String)]) -> Problems {
    let mut problems = findings.into_problems(files);
    for problem in &mut problems {
        for (secret, reference) in secrets {
            problem.message = problem.message.replace(secret, reference);
            problem.hint = problem
                .hint
                .take()
                .map(|hint| hint.replace(secret, reference));
        }
    }
    Problems(problems)
}
