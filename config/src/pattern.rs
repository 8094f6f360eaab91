//! Topic names by a regular expression.

use std::fmt;

use regex::Regex;

use crate::TopicName;

/// A regular expression over whole topic names.
#[derive(Debug, Clone)]
pub struct TopicPattern {
    text: String,
    regex: Regex,
}

impl TopicPattern {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, regex::Error> {
        Ok(Self {
            text: text.to_owned(),
            regex: Regex::new(&format!("^(?:{text})$"))?,
        })
    }

    /// Whether it describes the whole of a topic's name.
    #[must_use]
    pub fn matches(&self, topic: &TopicName) -> bool {
        self.regex.is_match(topic.as_str())
    }
}

impl PartialEq for TopicPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_describes_whole_names() {
        let pattern = TopicPattern::parse("eu|us\\.orders").expect("an expression");
        let matches = |name| pattern.matches(&TopicName::parse(name).expect("a name"));
        assert!(matches("eu") && matches("us.orders"));
        assert!(!matches("eu.orders") && !matches("us_orders") && !matches("xus.orders"));
    }
}
