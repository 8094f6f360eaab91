//! The steward of a model: what decides when it is trained anew and which version answers.
//!
//! A pure state machine. In come labelled rows, in the order of the labelled topic, and what the models'
//! actor has to say; out come events and metrics. Its state is a session's: it is committed in the epoch
//! of the rows it is of, so that an alarm, a range of training data, a verdict and a move of an alias are
//! there once, whatever crashes.
//!
//! ```text
//!            alarm, schedule, by hand              trained, the gate says yes       each step: enough rows, not worse
//! watching ───────────────────────────▶ training ───────────────────────────▶ rollout ───────────────▶ promoted
//!     ▲                                    │ refused, failed                     │ worse, errors, constant   │
//!     └────────────────────────────────────┴─────────────────────────────────────┴───────────────────────────┘
//! ```

mod message;
mod tally;
mod sliced;
mod monitors;
mod rollout;
mod machine;
#[cfg(test)]
mod tests;

pub use machine::Steward;
pub use message::{Arms, Control, Metric, Request, Row, Told};
pub(crate) use monitors::detector;
