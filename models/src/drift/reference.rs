//! What a model's features and answers looked like when it was trained: kept with its version, compared with windows
//! of the stream.
//!
//! A numeric column is kept as counts in up to 100 bins of equal shares of its training values (a value of which there
//! are many has a bin of its own), a categorical one as counts of its 1,000 most frequent categories. So a profile is
//! under 3 KB a numeric column, windows over the same bins merge by addition, and statistics on them have a known
//! error: Kolmogorov-Smirnov's is at most a bin's share, 0.01 where values do not repeat.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Bins, DriftError, Window};

/// Bins of a numeric column.
const BINS: usize = 100;
/// Bins of a numeric column for the statistics that compare shares: the published choice for PSI.
const GROUPS: usize = 10;
/// Categories told apart in a column; others are counted together.
const CATEGORIES: usize = 1_000;

/// A column of rows, in the rows' order.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    /// Numbers; what is not finite is missing.
    Numeric(&'a [f64]),
    /// Categories; `None` is missing.
    Categorical(&'a [Option<&'a str>]),
}

impl Values<'_> {
    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Numeric(values) => values.len(),
            Self::Categorical(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The columns of a training set: features, and the model's answers to it as further columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Kept", into = "Kept")]
pub struct Reference {
    pub(super) columns: Vec<Profile>,
}

/// One column of a [`Reference`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) missing: u64,
    pub(super) shape: Shape,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Numeric(Numeric),
    Categorical(Categorical),
}

/// Numbers in bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Numeric {
    pub(super) bins: Bins,
    /// For each bin, which tenth of the values it belongs to.
    pub(super) groups: Vec<usize>,
    pub(super) counts: Vec<u64>,
    /// Mean of the values in each bin; its border where there are none.
    pub(super) centres: Vec<f64>,
    /// Standard deviation (divisor n) of all values.
    pub(super) deviation: f64,
    pub(super) is_constant: bool,
}

/// Categories, the most frequent first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Categorical {
    pub(super) names: Vec<String>,
    pub(super) index: HashMap<String, usize>,
    /// One a name, and last of all other categories.
    pub(super) counts: Vec<u64>,
}

impl Reference {
    /// The profile of named columns.
    ///
    /// # Errors
    /// If columns have unequal numbers of rows, or a column has no value at all.
    pub fn of(columns: &[(&str, Values<'_>)]) -> Result<Self, DriftError> {
        let rows = columns.first().map_or(0, |(_, values)| values.len());
        let mut profiles = Vec::with_capacity(columns.len());
        for (name, values) in columns {
            if values.len() != rows {
                let (expected, given) = (rows, values.len());
                return Err(DriftError::Rows { expected, given });
            }
            let (shape, present) = match values {
                Values::Numeric(values) => numeric(values),
                Values::Categorical(values) => categorical(values),
            };
            if present == 0 {
                let column = (*name).to_owned();
                return Err(DriftError::NoValues { column });
            }
            let (name, missing) = ((*name).to_owned(), rows as u64 - present);
            profiles.push(Profile {
                name,
                missing,
                shape,
            });
        }
        Ok(Self { columns: profiles })
    }

    /// The same bins and categories with the counts of a window: what the stream looked like then, for instance a week
    /// ago, to compare with. Columns without a value in the window stay as they are.
    ///
    /// # Errors
    /// If the window was made for another reference.
    pub fn of_window(&self, window: &Window) -> Result<Self, DriftError> {
        window.fits(self)?;
        let mut reference = self.clone();
        for (profile, seen) in reference.columns.iter_mut().zip(&window.columns) {
            if seen.counts.iter().all(|count| *count == 0) {
                continue;
            }
            profile.missing = seen.missing;
            match &mut profile.shape {
                Shape::Numeric(numeric) => numeric.counts.clone_from(&seen.counts),
                Shape::Categorical(categorical) => categorical.counts.clone_from(&seen.counts),
            }
        }
        Ok(reference)
    }

    /// Some of the columns, by their positions.
    #[must_use]
    pub fn select(&self, columns: &[usize]) -> Self {
        let columns = columns.iter().filter_map(|at| self.columns.get(*at));
        Self {
            columns: columns.cloned().collect(),
        }
    }

    /// Names of the columns, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|profile| profile.name.as_str())
    }
}

impl Profile {
    pub(super) fn counts(&self) -> &[u64] {
        match &self.shape {
            Shape::Numeric(numeric) => &numeric.counts,
            Shape::Categorical(categorical) => &categorical.counts,
        }
    }
}

impl Numeric {
    /// Counts of bins added up to tenths.
    pub(super) fn grouped(&self, counts: &[u64]) -> Vec<u64> {
        let groups = self.groups.last().map_or(1, |last| last + 1);
        let mut grouped = vec![0; groups];
        for (group, count) in self.groups.iter().zip(counts) {
            grouped[*group] += count;
        }
        grouped
    }
}

/// The tenths of sorted values.
pub(super) fn deciles(sorted: &[f64]) -> Bins {
    Bins::equal_shares(sorted, GROUPS)
}

fn numeric(values: &[f64]) -> (Shape, u64) {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let bins = Bins::equal_shares(&sorted, BINS);
    let tenths = deciles(&sorted);
    let counts = bins.counts_of(&sorted);
    let mut sums = vec![0.0; bins.len()];
    for x in &sorted {
        sums[bins.index(*x)] += x;
    }
    let border = |bin: usize| bins.edges().get(bin).or(bins.edges().last()).copied();
    let centre = |(bin, (sum, count)): (usize, (&f64, &u64))| match *count {
        0 => border(bin).unwrap_or_default(),
        count => sum / count as f64,
    };
    let centres = sums.iter().zip(&counts).enumerate().map(centre).collect();
    // A tenth's borders are borders of bins too, so the bin's lower border names its tenth.
    let mut groups = vec![0; bins.len()];
    for (bin, edge) in bins.edges().iter().enumerate() {
        groups[bin + 1] = tenths.index(*edge);
    }
    let present = sorted.len() as u64;
    let mean = sorted.iter().sum::<f64>() / present as f64;
    let squares: f64 = sorted.iter().map(|x| (x - mean) * (x - mean)).sum();
    let shape = Numeric {
        bins,
        groups,
        counts,
        centres,
        deviation: (squares / present as f64).sqrt(),
        is_constant: sorted.first() == sorted.last(),
    };
    (Shape::Numeric(shape), present)
}

fn categorical(values: &[Option<&str>]) -> (Shape, u64) {
    let mut found: HashMap<&str, u64> = HashMap::new();
    for value in values.iter().flatten() {
        *found.entry(value).or_default() += 1;
    }
    let present = found.values().sum();
    let mut ranked: Vec<(&str, u64)> = found.into_iter().collect();
    ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let others = ranked.iter().skip(CATEGORIES).map(|(_, count)| count).sum();
    ranked.truncate(CATEGORIES);
    let names = ranked.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut counts: Vec<u64> = ranked.iter().map(|(_, count)| *count).collect();
    counts.push(others);
    (Shape::Categorical(Categorical::new(names, counts)), present)
}

impl Categorical {
    fn new(names: Vec<String>, counts: Vec<u64>) -> Self {
        let index = names.iter().cloned().zip(0..).collect();
        Self {
            names,
            index,
            counts,
        }
    }
}

/// The form in which a [`Reference`] is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of this form: 1.
    version: u32,
    columns: Vec<KeptColumn>,
}

#[derive(Serialize, Deserialize)]
struct KeptColumn {
    name: String,
    missing: u64,
    shape: KeptShape,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KeptShape {
    Numeric(Numeric),
    Categorical {
        names: Vec<String>,
        counts: Vec<u64>,
    },
}

const VERSION: u32 = 1;

impl From<Reference> for Kept {
    fn from(reference: Reference) -> Self {
        let column = |profile: Profile| KeptColumn {
            name: profile.name,
            missing: profile.missing,
            shape: match profile.shape {
                Shape::Numeric(numeric) => KeptShape::Numeric(numeric),
                Shape::Categorical(Categorical { names, counts, .. }) => {
                    KeptShape::Categorical { names, counts }
                }
            },
        };
        Self {
            version: VERSION,
            columns: reference.columns.into_iter().map(column).collect(),
        }
    }
}

impl TryFrom<Kept> for Reference {
    type Error = String;

    fn try_from(kept: Kept) -> Result<Self, String> {
        if kept.version != VERSION {
            return Err(format!(
                "a reference of form {}, not {VERSION}",
                kept.version
            ));
        }
        let mut columns = Vec::with_capacity(kept.columns.len());
        for KeptColumn {
            name,
            missing,
            shape,
        } in kept.columns
        {
            let (shape, fits) = match shape {
                KeptShape::Numeric(numeric) => {
                    let bins = numeric.bins.len();
                    let lengths = [
                        numeric.counts.len(),
                        numeric.centres.len(),
                        numeric.groups.len(),
                    ];
                    let ascend = numeric.bins.edges().is_sorted() && numeric.groups.is_sorted();
                    let fits = lengths == [bins; 3] && ascend && numeric.groups[bins - 1] < bins;
                    (Shape::Numeric(numeric), fits)
                }
                KeptShape::Categorical { names, counts } => {
                    let fits = counts.len() == names.len() + 1;
                    (Shape::Categorical(Categorical::new(names, counts)), fits)
                }
            };
            if !fits {
                return Err(format!("column \"{name}\": its parts do not fit together"));
            }
            columns.push(Profile {
                name,
                missing,
                shape,
            });
        }
        Ok(Self { columns })
    }
}
