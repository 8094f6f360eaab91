//! The command line: what each command prints, how it ends, and what cures what it refuses.

mod daemon;
mod drift;
mod inspect;
pub(super) mod topic;

use std::path::{Path, PathBuf};

use tests::daemon::run;

/// The repository's folder.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The card-fraud example.
fn card_fraud() -> String {
    text(&repository().join("examples/card-fraud/topology.toml"))
}

fn text(path: &Path) -> String {
    path.to_str().expect("paths of tests are text").to_owned()
}

/// So many generated payments instead of an endless stream.
fn payments(records: u32) -> String {
    format!(
        "source.transactions.feed={{ kind = \"generator\", profile = \"card-fraud\", seed = 7, records = {records} }}"
    )
}

/// Runs a command that must succeed; gives its standard output.
#[track_caller]
pub(super) fn ok(arguments: &[&str]) -> String {
    let (code, out, errors) = run(arguments);
    assert_eq!(code, 0, "{arguments:?}: {errors}");
    out
}

/// Runs a command that must fail with this code and say all of these.
#[track_caller]
pub(super) fn fails(arguments: &[&str], expected: i32, told: &[&str]) {
    let (code, out, errors) = run(arguments);
    assert_eq!(code, expected, "{arguments:?}: {out}{errors}");
    for part in told {
        let count = errors.matches(part).count();
        assert_eq!(count, 1, "{arguments:?} tells {part:?} once: {errors}");
    }
    assert!(
        !errors.contains('\u{1b}'),
        "no colour where no terminal is: {errors:?}"
    );
}
