//! The files that the rules look at.

use std::fs;
use std::path::{Path, PathBuf};

/// One text file of the repository.
#[derive(Debug)]
pub(super) struct Source {
    /// From the repository's root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

/// Folders that hold no text of ours.
const SKIPPED: [&str; 4] = ["target", "data", "node_modules", "fixtures"];

/// Root of the repository.
pub(super) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All text files of the repository that people write.
pub(super) fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    collect(&repository(), "", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("the repository can be read") {
        let entry = entry.expect("the repository can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let hidden = name.starts_with('.') && name != ".ci";
        if entry.path().is_dir() {
            if !hidden && !SKIPPED.contains(&name.as_str()) {
                collect(&entry.path(), &format!("{path}/"), found);
            }
        } else if is_text(&path) {
            // Some other encoding: not written by hand.
            if let Ok(text) = fs::read_to_string(entry.path()) {
                found.push(Source { path, text });
            }
        }
    }
}

fn is_text(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((_, ending)) => {
            ["rs", "toml", "md", "sh", "py", "xml", "html", "js", "css"].contains(&ending)
        }
        None => name != "LICENSE",
    }
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let (path, text) = (path.into(), text.into());
        Self { path, text }
    }

    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// These rules themselves, which have to spell what they forbid.
    pub(super) fn is_tidy(&self) -> bool {
        self.path.starts_with("tests/system/tidy")
    }

    pub(super) fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// Whether it is a test, whole: by the names that this project gives them.
    pub(super) fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.ends_with("tests.rs")
            || self.path.contains("/tests/")
    }
}
