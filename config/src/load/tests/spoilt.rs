//! Files that are spoilt at random, or too large: problems, and never a panic.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::SMALL;
use crate::fixtures::{load_str, shared};

#[test]
fn a_file_of_very_many_operators_is_refused_in_bounded_time() {
    let mut text = SMALL.to_owned();
    for i in 0..3_000 {
        let _ = write!(
            text,
            "[[operator]]\nid = \"f{i}\"\nkind = \"filter\"\ninput = \"f{}\"\nwhere = \"amount > {i}\"\n",
            i + 1
        );
    }
    let problems = load_str(&text).expect_err("too many");
    assert!(
        problems
            .0
            .iter()
            .any(|problem| problem.message == "more than 2000 operators")
    );
}

/// Files that load, to be spoilt.
fn valid_texts() -> Vec<String> {
    let example: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/card-fraud/topology.toml");
    let mut texts = vec![SMALL.to_owned()];
    texts.extend(std::fs::read_to_string(example));
    texts.extend(
        shared()
            .iter()
            .filter_map(|path| std::fs::read_to_string(path).ok()),
    );
    texts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_spoilt_file_is_a_list_of_problems_and_never_a_panic(
        which in 0_usize..8,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..40, "[a-z0-9 \"'\\[\\]{}=.,\n#$:*?()ß-]{0,6}"), 1..6),
    ) {
        let texts = valid_texts();
        let mut text: Vec<char> = texts[which % texts.len()].chars().collect();
        for (at, removed, inserted) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, inserted.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(problems) = load_str(&text) {
            prop_assert!(!problems.0.is_empty());
            for problem in &problems.0 {
                if let Some(place) = &problem.location {
                    // A place can be shown: it lies in the line that it names.
                    prop_assert_eq!(text.lines().nth(place.line - 1).unwrap_or_default(), &place.text);
                    prop_assert!(place.column <= place.text.chars().count() + 1);
                    prop_assert!(text.is_char_boundary(place.span.start));
                }
            }
            prop_assert!(problems.to_string().contains("error["));
        }
    }

    #[test]
    fn swapped_words_are_problems_and_never_a_panic(
        which in 0_usize..8,
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
    ) {
        let texts = valid_texts();
        let text = &texts[which % texts.len()];
        let words: Vec<&str> = text
            .split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')
            .filter(|word| !word.is_empty())
            .collect();
        let swapped = text.replace(words[from.index(words.len())], words[to.index(words.len())]);
        let _ = load_str(&swapped).map_err(|problems| problems.to_string());
    }
}
