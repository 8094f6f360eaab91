//! Benchmarks: `divan` programs beside this file, and `bin/end_to_end`, which measures the whole daemon.
