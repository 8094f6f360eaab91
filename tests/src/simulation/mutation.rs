//! Errors made on purpose: eight that would cost exactly-once, or an epoch, if the code had them. The
//! simulation must find each; docs/mutations.md says in how many seeds it does.

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
    /// The end of a restore is judged by its last record, not by the position behind it.
    EndByLastRecord,
    /// The group's metadata are taken before the epoch is ready.
    TokenFirst,
    /// Actors are stopped where they should be drained: what waits in their mailboxes is lost.
    StopForDrain,
    /// A session that panicked goes on with the state that it left.
    NoBeforeImage,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::OffsetsFirst,
        Self::StoreFirst,
        Self::RetryWithOldProducer,
        Self::ChangelogEndFirst,
        Self::EndByLastRecord,
        Self::TokenFirst,
        Self::StopForDrain,
        Self::NoBeforeImage,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::OffsetsFirst => "offsets-first",
            Self::StoreFirst => "store-first",
            Self::RetryWithOldProducer => "retry-with-old-producer",
            Self::ChangelogEndFirst => "changelog-end-first",
            Self::EndByLastRecord => "end-by-last-record",
            Self::TokenFirst => "token-first",
            Self::StopForDrain => "stop-for-drain",
            Self::NoBeforeImage => "no-before-image",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn named(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.label() == label)
    }
}
