//! What is known about every node of a running tree: written by its supervisors, read by the view.
//!
//! It outlives the supervisors, so generations go on counting when a supervisor itself restarts,
//! and reading it never waits for an actor.

use std::sync::Arc;

use config::Strategy;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::intensity::spent;
use crate::{BudgetView, ChildKind, ChildSpec, ChildState, Exit, ExitView, Role, TreeView};

/// A node of the plan with its place in the ledger.
#[derive(Debug)]
pub(crate) struct Node {
    /// Place in the ledger; parents come before children.
    pub(crate) id: usize,
    /// Names from below the root, joined by `/`.
    pub(crate) path: String,
    pub(crate) spec: ChildSpec,
    pub(crate) children: Vec<Arc<Node>>,
}

/// The facts about all nodes.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Zero of the tree's clock.
    opened: Instant,
    entries: Mutex<Vec<Entry>>,
}

#[derive(Debug, Clone)]
struct Entry {
    state: ChildState,
    generation: Option<u64>,
    last_exit: Option<Exit>,
    /// Supervisors: when the present one restarted children.
    restarts: Vec<i64>,
    /// Parked: when it is tried again. Stays so when its supervisor restarts.
    parked_until: Option<i64>,
}

impl Node {
    /// Numbers the nodes of a plan.
    pub(crate) fn root(spec: ChildSpec) -> Arc<Self> {
        let path = spec.name.clone();
        Self::number(spec, path, true, &mut 0)
    }

    fn number(spec: ChildSpec, path: String, is_root: bool, next: &mut usize) -> Arc<Self> {
        let id = *next;
        *next += 1;
        let children = spec
            .children()
            .iter()
            .map(|child| {
                let below = match is_root {
                    true => child.name.clone(),
                    false => format!("{path}/{}", child.name),
                };
                Self::number(child.clone(), below, false, next)
            })
            .collect();
        Arc::new(Self {
            id,
            path,
            spec,
            children,
        })
    }

    /// Nodes of this subtree.
    fn count(&self) -> usize {
        1 + self
            .children
            .iter()
            .map(|child| child.count())
            .sum::<usize>()
    }

    pub(crate) fn kind(&self) -> &ChildKind {
        &self.spec.kind
    }
}

impl Ledger {
    pub(crate) fn new(root: &Node) -> Self {
        let entry = Entry {
            state: ChildState::Waiting,
            generation: None,
            last_exit: None,
            restarts: Vec::new(),
            parked_until: None,
        };
        Self {
            opened: Instant::now(),
            entries: Mutex::new(vec![entry; root.count()]),
        }
    }

    /// Milliseconds since the tree was opened, on tokio's clock, which tests can pause.
    pub(crate) fn now_ms(&self) -> i64 {
        i64::try_from(self.opened.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Notes that a start begins and says which generation it is.
    pub(crate) fn begin(&self, node: &Node) -> u64 {
        let mut entries = self.entries.lock();
        let entry = &mut entries[node.id];
        let generation = entry.generation.map_or(0, |last| last + 1);
        entry.generation = Some(generation);
        entry.restarts.clear();
        generation
    }

    pub(crate) fn set_state(&self, node: &Node, state: ChildState) {
        self.entries.lock()[node.id].state = state;
    }

    /// Notes that all below a supervisor have ended with it.
    pub(crate) fn end_below(&self, supervisor: &Node) {
        let last = supervisor.id + supervisor.count();
        for entry in &mut self.entries.lock()[supervisor.id + 1..last] {
            if !matches!(entry.state, ChildState::Waiting | ChildState::Parked) {
                entry.state = ChildState::Ended;
            }
        }
    }

    pub(crate) fn set_parked(&self, node: &Node, until: Option<i64>) {
        self.entries.lock()[node.id].parked_until = until;
    }

    pub(crate) fn parked_until(&self, node: &Node) -> Option<i64> {
        self.entries.lock()[node.id].parked_until
    }

    pub(crate) fn set_exit(&self, node: &Node, exit: Exit) {
        self.entries.lock()[node.id].last_exit = Some(exit);
    }

    pub(crate) fn set_restarts(&self, supervisor: &Node, restarts: &[i64]) {
        self.entries.lock()[supervisor.id].restarts = restarts.to_vec();
    }

    pub(crate) fn exit(&self, node: &Node) -> Option<Exit> {
        self.entries.lock()[node.id].last_exit.clone()
    }

    /// The subtree as it is now.
    pub(crate) fn view(&self, node: &Node) -> TreeView {
        let now = self.now_ms();
        view_of(&self.entries.lock(), node, now)
    }
}

fn view_of(entries: &[Entry], node: &Node, now: i64) -> TreeView {
    let entry = &entries[node.id];
    let (strategy, budget) = match &node.spec.role {
        Role::Worker => (None, None),
        Role::Supervisor {
            strategy,
            intensity,
            ..
        } => {
            let spent = spent(*intensity, &entry.restarts, now);
            let left =
                (intensity.restarts != u32::MAX).then(|| intensity.restarts.saturating_sub(spent));
            let within_ms = intensity.within.0;
            let budget = BudgetView {
                spent,
                left,
                within_ms,
            };
            (Some(strategy_label(*strategy)), Some(budget))
        }
    };
    TreeView {
        name: node.spec.name.clone(),
        kind: node.kind().label(),
        state: entry.state,
        generation: entry.generation,
        last_exit: entry.last_exit.as_ref().map(ExitView::from),
        strategy,
        budget,
        children: node
            .children
            .iter()
            .map(|child| view_of(entries, child, now))
            .collect(),
    }
}

/// A strategy in one word, as Erlang's supervisors call it.
pub(crate) fn strategy_label(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::OneForOne => "one_for_one",
        Strategy::OneForAll => "one_for_all",
        Strategy::RestForOne => "rest_for_one",
    }
}
