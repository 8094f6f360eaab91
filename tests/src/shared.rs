//! Data and topologies that lie beside the repository where there are any; a fresh clone has none.

use std::io::Read;
use std::path::PathBuf;

/// A file of the shared folder; says loudly on standard error that a test is skipped without it.
#[must_use]
#[expect(clippy::print_stderr, reason = "a skipped test says so loudly")]
pub fn file(path: &str, test: &str) -> Option<PathBuf> {
    let found = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")).join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!("SKIPPED: {test}: ../shared/{path} is not there (it is not part of the repository)");
    None
}

/// Text of a gzip'd file.
///
/// # Errors
/// If it cannot be read.
pub fn gunzip(path: &std::path::Path) -> std::io::Result<String> {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path)?).read_to_string(&mut text)?;
    Ok(text)
}
