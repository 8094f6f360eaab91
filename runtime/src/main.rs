//! The `thalweg` command.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    runtime::cli::run(runtime::cli::Arguments::parse())
}
