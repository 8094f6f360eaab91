//! What a run did to the log and the stores, call by call: its hash tells two runs apart.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write;
use std::hash::Hasher;
use std::time::Duration;

/// The calls of a run. [`DefaultHasher`] is the same in every process of one build.
#[derive(Debug, Default)]
pub(super) struct Trace {
    hasher: DefaultHasher,
    line: String,
    calls: u64,
    /// All lines, if they are wanted.
    lines: Option<Vec<String>>,
}

impl Trace {
    /// An empty trace that keeps its lines, or only their hash.
    pub(super) fn new(keeps_lines: bool) -> Self {
        Self {
            lines: keeps_lines.then(Vec::new),
            ..Self::default()
        }
    }

    pub(super) fn note(&mut self, at: Duration, what: std::fmt::Arguments<'_>) {
        self.line.clear();
        // Writing to a string does not fail.
        let _: std::fmt::Result = write!(self.line, "{:>8} {what}", at.as_millis());
        self.hasher.write(self.line.as_bytes());
        self.calls += 1;
        if let Some(lines) = &mut self.lines {
            lines.push(self.line.clone());
        }
    }

    /// The hash of all calls, how many there were, and the lines that were kept.
    pub(super) fn finish(&mut self) -> (u64, u64, Vec<String>) {
        let lines = self.lines.take().unwrap_or_default();
        (self.hasher.finish(), self.calls, lines)
    }
}
