//! Names with one grammar each. A name that exists is valid: parse once, then trust.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not `[a-z][a-z0-9-]*`, or longer than 100 characters.
    #[error(
        "\"{0}\" is not an id: ids are a lower-case letter, then letters, digits and '-' (at most 100)"
    )]
    Id(String),
    /// Not Kafka's topic grammar.
    #[error(
        "\"{0}\" is not a topic name: topics are 1 to 249 letters, digits, '.', '_' and '-', not \".\" or \"..\""
    )]
    Topic(String),
}

fn is_id(text: &str) -> bool {
    text.len() <= 100
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_topic(text: &str) -> bool {
    (1..=249).contains(&text.len())
        && text != "."
        && text != ".."
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $valid:ident, $error:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses a name.
            ///
            /// # Errors
            /// If the text does not follow the grammar.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                if $valid(text) { Ok(Self(text.into())) } else { Err(IdError::$error(text.into())) }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type!(
    /// Id of a source, operator or sink, unique in its topology. State belongs to it.
    NodeId, is_id, Id
);
name_type!(
    /// Id of a model.
    ModelId, is_id, Id
);
name_type!(
    /// Name of a topology.
    TopologyName, is_id, Id
);
name_type!(
    /// Name of a topic of the log, in Kafka's grammar.
    TopicName, is_topic, Topic
);
