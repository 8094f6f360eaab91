//! Words of the language that this version does not know yet: they are refused as such, so that no
//! one looks for a typing error.

/// Operators, formats and the like.
pub(crate) const WORDS: [&str; 9] = [
    "sessionize",
    "join",
    "table",
    "lookup",
    "deduplicate",
    "encode",
    "detect",
    "avro",
    "protobuf",
];

/// Keys.
pub(crate) const KEYS: [&str; 4] = ["cache", "exit-early", "strict", "test"];

/// Whether a value is planned.
pub(crate) fn is_word(word: &str) -> bool {
    WORDS.contains(&word)
}

/// Whether a key is planned.
pub(crate) fn is_key(key: &str) -> bool {
    KEYS.contains(&key)
}
