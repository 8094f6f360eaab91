//! Reading source as text: enough to tell code from comment and a word from a part of one.

use super::source::Source;

/// Numbers of the lines whose code, without comments, breaks a rule.
pub(super) fn lines(source: &Source, breaks: fn(&str) -> bool) -> Vec<usize> {
    if source.is_tidy() {
        return Vec::new();
    }
    number(source, |line| breaks(code_of(line)))
}

/// Numbers of the lines that break a rule, comments and all.
pub(super) fn raw_lines(source: &Source, breaks: fn(&str) -> bool) -> Vec<usize> {
    number(source, breaks)
}

fn number(source: &Source, breaks: impl Fn(&str) -> bool) -> Vec<usize> {
    let numbered = source.text.lines().enumerate();
    numbered
        .filter(|(_, line)| breaks(line))
        .map(|(at, _)| at + 1)
        .collect()
}

/// A line without its comment. (`://` is an address.)
pub(super) fn code_of(line: &str) -> &str {
    let comment = line
        .match_indices("//")
        .map(|(at, _)| at)
        .find(|at| !line[..*at].ends_with(':'));
    comment.map_or(line, |at| &line[..at])
}

/// Whether `word` stands alone in `line`.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

/// Whether a line names a crate: `name::…`, or `use name`, but not `other::name::…`.
pub(super) fn names_crate(line: &str, name: &str) -> bool {
    let used = line
        .trim_start()
        .trim_start_matches("pub ")
        .strip_prefix("use ");
    let whole = used.is_some_and(|used| {
        used.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with([';', ' ']))
    });
    let prefix = format!("{name}::");
    let inside = line.match_indices(&prefix).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    });
    whole || inside
}

/// Whether an absolute path that begins with `path` stands in `line`.
pub(super) fn begins_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-}$/".contains(c))
    })
}
