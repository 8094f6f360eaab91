//! The shell blocks of README.md, run as they stand: in a folder of their own, with the binary under
//! test for `target/release/thalweg`, and with the port that the daemon got for 8080.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tests::crash::binary;
use tests::daemon::{Daemon, told};

/// The first command, which starts the daemon.
const FIRST: &str = "cargo run --release -- run examples/card-fraud/topology.toml";
/// The second, which runs this.
const SECOND: &str = "tests/run";

fn repository() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    path.canonicalize().expect("it is there")
}

/// The lines of all `sh` blocks.
fn commands() -> Vec<String> {
    let readme = std::fs::read_to_string(repository().join("README.md")).expect("a README");
    let blocks = readme.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines());
    lines.map(str::to_owned).collect()
}

#[test]
fn every_command_of_the_readme_works() {
    let commands = commands();
    assert_eq!(
        commands[..2],
        [FIRST, SECOND],
        "the two commands come first"
    );
    let script = std::fs::metadata(repository().join(SECOND)).expect("a script");
    assert_ne!(script.permissions().mode() & 0o111, 0, "it can be executed");

    // The first command is the second's daemon: killed with -9 and started again, as the README says.
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    std::os::unix::fs::symlink(repository().join("examples"), dir.path().join("examples"))
        .expect("a link");
    let topology = repository().join("examples/card-fraud/topology.toml");
    let scored = |daemon: &Daemon| -> Option<i64> {
        let topic = daemon.get("/v1/topics/scored").json();
        let ends = topic["partitions"].as_array()?.iter();
        Some(ends.filter_map(|range| range[1].as_i64()).sum())
    };
    let mut daemon = Daemon::start(&topology, &data, &[]);
    daemon.wait("decisions", |daemon| {
        scored(daemon).filter(|count| *count > 0)
    });
    daemon.signal("KILL");
    daemon.ended();
    let mut daemon = Daemon::start(&topology, &data, &[]);
    let before = scored(&daemon).expect("a topic");
    daemon.wait("more decisions", |daemon| {
        scored(daemon).filter(|count| *count > before)
    });

    for command in &commands[2..] {
        check(command, dir.path(), daemon.address());
    }
}

/// Runs a line of a block; it must succeed.
#[expect(clippy::print_stderr, reason = "what is skipped is said aloud")]
fn check(command: &str, dir: &Path, address: &str) {
    if command.starts_with("curl ") && Command::new("curl").arg("--version").output().is_err() {
        eprintln!("SKIPPED: `{command}`: no curl");
        return;
    }
    let binary = binary().expect("a binary");
    let line = command
        .replace("target/release/thalweg", &binary.display().to_string())
        .replace("localhost:8080", address);
    // The folder's `data` is the running daemon's: what runs a topology of its own gets another.
    let runs = command.contains("thalweg run");
    let data = if runs { "other" } else { "data" };
    let output = Command::new("sh")
        .args(["-c", &line])
        .current_dir(dir)
        .env("THALWEG_DATA_DIR", dir.join(data))
        .stdin(Stdio::null())
        .output();
    let (code, out, errors) = told(output.expect("a shell"));
    assert_eq!(code, 0, "{command}: {out}{errors}");
    assert!(
        runs || !out.is_empty() || command.contains("topic read"),
        "{command} says nothing"
    );
}
