//! Supervision trees: who starts whom, what restarts with what, and when to give up.
//!
//! A tree is a value first ([`TreePlan`], which `thalweg plan` prints), then a set of [`ractor`]
//! actors that carry it out ([`start_tree`]). ractor tells a parent that a child ended and leaves
//! the rest to it; this crate is the rest: strategies, restart budgets with backoff, ordered start,
//! ordered stop with deadlines, escalation, and a view of all of it.
//!
//! In the order of reading: [`exit`] (why an actor ended) → [`intensity`] (restart, leave or
//! escalate: a pure function) → [`child`] (what is supervised, and who starts it) → [`mod@plan`]
//! (topology to tree) → [`view`] and [`news`] (what the outside sees) → `group` (the pure state
//! machine of one supervisor) → `supervisor` (the actor around it) → [`tree`] (the handle).

pub mod exit;
pub mod intensity;
pub mod child;
pub mod plan;
pub mod view;
pub mod news;
mod ledger;
mod group;
mod supervisor;
pub mod tree;

pub use child::{ChildKind, ChildSpec, ChildStarter, Parking, Role, StartFuture, TaskId};
pub use exit::{Exit, Failure, Hindrance, StartError};
pub use intensity::{Decision, decide};
pub use news::{EventSink, News, SupervisionNews};
pub use plan::{PlanOptions, TreePlan, all_tasks, plan};
pub use tree::{Errand, StopError, TreeHandle, open_tree, start_tree};
pub use view::{BudgetView, ChildState, ExitView, TreeView};
