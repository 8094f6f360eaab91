//! "Did you mean": the word that was probably meant.

use std::fmt::Display;

/// Names listed in a hint at most; more would drown the reader.
const LISTED_MAX: usize = 16;

/// The candidate that differs by the fewest edits, if it is near enough to be a slip.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A third of the word may be wrong, and one letter always, but never all of it.
    let length = word.chars().count();
    let limit = (length / 3).max(1).min(length.saturating_sub(1));
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn distance(a: &str, b: &str) -> usize {
    strsim::damerau_levenshtein(&a.to_lowercase(), &b.to_lowercase())
}

/// A hint: the nearest candidate, or else what there is.
pub(crate) fn suggest<'a>(
    word: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if let Some(near) = nearest(word, candidates.iter().copied()) {
        return Some(format!("did you mean \"{near}\"?"));
    }
    (!candidates.is_empty()).then(|| format!("{what}: {}", list(&candidates)))
}

/// Names with commas, cut where they are too many.
pub(crate) fn list<T: Display>(names: &[T]) -> String {
    let mut text: Vec<String> = names
        .iter()
        .take(LISTED_MAX)
        .map(ToString::to_string)
        .collect();
    if names.len() > LISTED_MAX {
        text.push(format!("and {} more", names.len() - LISTED_MAX));
    }
    text.join(", ")
}
