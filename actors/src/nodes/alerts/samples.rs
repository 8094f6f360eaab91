//! The series that alerts look at, out of the text format of Prometheus (version 0.0.4): what an
//! alert sees is what `GET /metrics` shows.

use std::collections::HashMap;

/// One series now.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// Its labels, in the order of the text.
    pub(super) labels: Vec<(String, String)>,
    /// Its value.
    pub(super) value: f64,
}

/// Series by the names of their metrics.
#[derive(Debug, Default)]
pub(super) struct Samples<'e>(HashMap<&'e str, Vec<Sample>>);

impl<'e> Samples<'e> {
    /// Reads the series of some metrics. Lines that are none are passed over.
    pub(super) fn of(exposition: &'e str, wanted: &[&str]) -> Self {
        let mut samples = Self::default();
        for line in exposition.lines() {
            let end = line.find(['{', ' ']).unwrap_or(line.len());
            let (name, rest) = line.split_at(end);
            if wanted.contains(&name)
                && let Some(sample) = sample(rest)
            {
                samples.0.entry(name).or_default().push(sample);
            }
        }
        samples
    }

    /// The series of a metric that have these labels.
    pub(super) fn matching<'s>(
        &'s self,
        selector: &'s config::Selector,
    ) -> impl Iterator<Item = &'s Sample> {
        let all = self.0.get(&*selector.metric).into_iter().flatten();
        all.filter(|sample| {
            selector.labels.iter().all(|(label, value)| {
                let mut labels = sample.labels.iter();
                labels.any(|(name, is)| **name == **label && **is == **value)
            })
        })
    }
}

/// ` 1.5` or `{a="b"} 1.5`
fn sample(rest: &str) -> Option<Sample> {
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Sample { labels, value })
}

/// Labels, and what comes behind their bracket.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, behind) = rest.split_once("=\"")?;
        let (value, behind) = quoted(behind)?;
        labels.push((name.to_owned(), value));
        rest = behind;
    }
}

/// A label's value up to its quote, without its escapes, and what comes behind.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

impl Sample {
    /// Its labels as they are written: `topic="a", partition="0"`.
    pub(super) fn text(&self) -> String {
        let labels = self.labels.iter();
        let labels: Vec<String> = labels.map(|(name, is)| format!("{name}={is:?}")).collect();
        labels.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP lag records\n# TYPE lag gauge\n\
        lag{topic=\"a\",partition=\"0\"} 5\n\
        lag{topic=\"a \\\"b\\\\ } 1\",partition=\"1\"} 7.5\n\
        lag 1e3\n\nlag{topic=\"cut\nlag_other 3\nlag NaN-ish\n";

    #[test]
    fn series_are_read_with_their_labels_and_what_is_none_is_passed_over() {
        let samples = Samples::of(TEXT, &["lag"]);
        let select = |labels: &[(&str, &str)]| {
            let label = |(name, is): &(&str, &str)| ((*name).into(), (*is).into());
            let selector = config::Selector {
                metric: "lag".into(),
                labels: labels.iter().map(label).collect(),
            };
            let values: Vec<f64> = samples.matching(&selector).map(|s| s.value).collect();
            values
        };
        assert_eq!(select(&[]), [5.0, 7.5, 1_000.0]);
        assert_eq!(select(&[("topic", "a")]), [5.0]);
        assert_eq!(
            select(&[("topic", "a \"b\\ } 1"), ("partition", "1")]),
            [7.5]
        );
        assert_eq!(select(&[("partition", "2")]), [0.0; 0]);
    }
}
