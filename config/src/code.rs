//! The stable names of everything that can be wrong. `docs/topology.md` explains each; a test holds
//! the two together.

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(pub(crate) &'static str);

macro_rules! codes {
    ($(#[doc = $doc:literal] $name:ident = $text:literal;)*) => {
        impl Code {
            $(#[doc = $doc] pub(crate) const $name: Self = Self($text);)*

            /// Every code there is, with its meaning.
            #[cfg(test)]
            pub(crate) const ALL: &'static [(Self, &'static str)] = &[$((Self::$name, $doc)),*];
        }
    };
}

codes! {
    /// The text is not TOML.
    SYNTAX = "syntax";
    /// A file cannot be read, or is too large.
    UNREADABLE_FILE = "unreadable-file";
    /// Files include each other in a circle, or too many.
    INCLUDE = "include";
    /// `${…}` names nothing.
    SUBSTITUTION = "substitution";
    /// `--set` does not say `key=value`, or names no place.
    OVERRIDE = "override";
    /// A key that the table does not have.
    UNKNOWN_KEY = "unknown-key";
    /// A key that must be there.
    MISSING_KEY = "missing-key";
    /// A string where a number belongs, and the like.
    WRONG_TYPE = "wrong-type";
    /// A word that is none of those possible.
    UNKNOWN_VALUE = "unknown-value";
    /// A `kind` that does not exist.
    UNKNOWN_KIND = "unknown-kind";
    /// Part of the language, but not of this version.
    NOT_IN_THIS_VERSION = "not-in-this-version";
    /// A text that is no id, topic, duration or size, or a number out of its range.
    INVALID_VALUE = "invalid-value";
    /// Keys that exclude each other.
    CONFLICT = "conflict";
    /// A name given twice.
    DUPLICATE_ID = "duplicate-id";
    /// An input that names no node.
    UNKNOWN_INPUT = "unknown-input";
    /// An input that names a port which its node does not have.
    UNKNOWN_PORT = "unknown-port";
    /// Operators that feed themselves.
    CYCLE = "cycle";
    /// A file without a source, or without a sink.
    NOTHING_TO_DO = "nothing-to-do";
    /// A key-by behind a key-by.
    KEY_BY_TWICE = "key-by-twice";
    /// A union of streams that do not fit together.
    UNION = "union";
    /// A column that is not there.
    UNKNOWN_COLUMN = "unknown-column";
    /// A column name given twice.
    DUPLICATE_COLUMN = "duplicate-column";
    /// A column of the wrong type for its use.
    COLUMN_TYPE = "column-type";
    /// A keyed operator on rows without a key.
    KEY_MISSING = "key-missing";
    /// A keyed operator on rows that have lost their key column.
    KEY_LOST = "key-lost";
    /// An expression that is not SQL, or uses a part of it that is not here.
    EXPRESSION_SYNTAX = "expression-syntax";
    /// An expression whose types do not fit.
    EXPRESSION_TYPE = "expression-type";
    /// A function that does not exist.
    UNKNOWN_FUNCTION = "unknown-function";
    /// An aggregate whose settings do not fit it.
    AGGREGATE = "aggregate";
    /// A window that cannot be.
    WINDOW = "window";
    /// Operators of one sub-topology that want different orders.
    ORDER_CONFLICT = "order-conflict";
    /// An `infer` that names no model.
    UNKNOWN_MODEL = "unknown-model";
    /// A metric, or a label of it, that an alert cannot look at.
    UNKNOWN_METRIC = "unknown-metric";
    /// A model that cannot be read.
    UNREADABLE_MODEL = "unreadable-model";
    /// Features that are not those of the model.
    MODEL_FEATURES = "model-features";
    /// An output that the model does not have.
    MODEL_OUTPUT = "model-output";
    /// A format that cannot carry these columns.
    FORMAT = "format";
    /// A Kafka client property that the runtime sets itself.
    OWNED_PROPERTY = "owned-property";
}
