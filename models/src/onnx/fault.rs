//! What a node says when it cannot be built or run; the plan adds the node's name and the file's.

use std::fmt;

/// The rule broken, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault(String);

impl Fault {
    /// A fault with this cause.
    pub(crate) fn new(cause: impl Into<String>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `Err(Fault)` with a formatted cause.
macro_rules! refuse {
    ($($text:tt)*) => {
        return Err($crate::onnx::fault::Fault::new(format!($($text)*)))
    };
}
pub(crate) use refuse;
