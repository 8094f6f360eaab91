//! Errors made on purpose, as far as they are an order of calls to the log and the stores: they are made on
//! the way there, so that no switch for them is in the code. docs/mutations.md has them all, and in how
//! many seeds each is found.

/// A deliberate error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// Offsets are committed before the outputs that belong to them.
    OffsetsFirst,
    /// What a changelog is to get is in the store before the commit.
    StoreFirst,
    /// A commit whose outcome is unknown is tried again by the producer that made it.
    RetryWithOldProducer,
    /// The changelog's end is read before the stable offsets.
    ChangelogEndFirst,
    /// The group's metadata are taken before the epoch is ready.
    TokenFirst,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::OffsetsFirst,
        Self::StoreFirst,
        Self::RetryWithOldProducer,
        Self::ChangelogEndFirst,
        Self::TokenFirst,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::OffsetsFirst => "offsets-first",
            Self::StoreFirst => "store-first",
            Self::RetryWithOldProducer => "retry-with-old-producer",
            Self::ChangelogEndFirst => "changelog-end-first",
            Self::TokenFirst => "token-first",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn named(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.label() == label)
    }
}
