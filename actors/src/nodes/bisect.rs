//! Which rows of a batch are to blame when work on the whole fails: halves, then halves of those that
//! fail, down to single rows. Pure.

use std::ops::Range;

/// What the parts of a batch came to, both ascending; together they are all rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bisected<T, E> {
    /// Ranges that went well, and what they gave.
    pub(super) good: Vec<(Range<usize>, T)>,
    /// Ranges that failed, and why: single rows, as long as the attempts sufficed.
    pub(super) bad: Vec<(Range<usize>, E)>,
}

impl<T, E> Bisected<T, E> {
    /// Positions of the rows that failed, each with its reason.
    pub(super) fn culprits(&self) -> impl Iterator<Item = (usize, &E)> {
        self.bad
            .iter()
            .flat_map(|(range, error)| range.clone().map(move |row| (row, error)))
    }
}

/// Finds the rows of `rows` on which `attempt` fails. The whole is taken to fail and is first cut into
/// parts of `part` rows. When `attempts` are used up, a part that fails is not divided further.
pub(super) fn bisect<T, E>(
    rows: usize,
    part: usize,
    attempts: usize,
    mut attempt: impl FnMut(Range<usize>) -> Result<T, E>,
) -> Bisected<T, E> {
    let mut found = Bisected {
        good: Vec::new(),
        bad: Vec::new(),
    };
    let part = part.max(1);
    // The next part is at the end.
    let starts = (0..rows).step_by(part).rev();
    let mut left: Vec<Range<usize>> = starts.map(|at| at..rows.min(at + part)).collect();
    let mut used = 0;
    while let Some(range) = left.pop() {
        used += 1;
        match attempt(range.clone()) {
            Ok(done) => found.good.push((range, done)),
            Err(error) if range.len() == 1 || used >= attempts => found.bad.push((range, error)),
            Err(_) => {
                let middle = range.start + range.len() / 2;
                left.push(middle..range.end);
                left.push(range.start..middle);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn exactly_the_rows_to_blame_are_found(
            poison in prop::collection::vec(prop::bool::weighted(0.1), 1..200), part in 1usize..64,
        ) {
            let attempt = |range: Range<usize>| match poison[range.clone()].contains(&true) {
                true => Err(()),
                false => Ok(range.len()),
            };
            let found = bisect(poison.len(), part, usize::MAX, attempt);
            let culprits: Vec<usize> = found.culprits().map(|(row, ())| row).collect();
            let expected: Vec<usize> = (0..poison.len()).filter(|row| poison[*row]).collect();
            prop_assert_eq!(&culprits, &expected);
            let good: usize = found.good.iter().map(|(_, rows)| rows).sum();
            prop_assert_eq!(good + culprits.len(), poison.len());
            prop_assert!(found.good.is_sorted_by(|(a, _), (b, _)| a.end <= b.start));
        }

        #[test]
        fn what_always_fails_costs_no_more_attempts_than_are_given(
            rows in 1usize..2_000, attempts in 1usize..50,
        ) {
            let mut made = 0;
            let found = bisect(rows, rows, attempts, |_| {
                made += 1;
                Err::<(), _>(())
            });
            // Each level may leave one part behind that is still to be tried.
            prop_assert!(made <= attempts + 12, "{} attempts", made);
            prop_assert_eq!(found.culprits().count(), rows);
        }
    }
}
