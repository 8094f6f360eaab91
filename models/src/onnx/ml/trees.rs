//! Decision trees laid out for speed: every question is "is x at most t?", both answers lie side by side.
//!
//! A node is 12 bytes: threshold, feature, place of its left child; the right child is the next one. A leaf asks a
//! question that is always answered by itself, so a walk may overrun it and several walks advance in step, which
//! keeps the processor's pipeline full. The other comparisons of ONNX are rewritten when a forest is compiled:
//!
//! | ONNX | here |
//! |---|---|
//! | `x < t` | `x <= t'`, where `t'` is the float before `t` |
//! | `x > t`, `x >= t` | the opposite question with the children exchanged |
//! | `x == t`, `x != t` | two questions, `x <= t` and `x <= t'` |
//! | `x` in a set | one equality after the other |

use crate::onnx::fault::{Fault, refuse};

/// How a node of the file compares a feature with its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
    NotEqual,
    Member,
}

/// A node as the file has it; children are positions in the list of nodes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    Leaf,
    Branch(Branch),
}

/// A question of the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Branch {
    pub(super) mode: Mode,
    pub(super) feature: usize,
    pub(super) threshold: f32,
    /// Of `Member`: the set, not empty.
    pub(super) members: Vec<f32>,
    pub(super) yes: usize,
    pub(super) no: usize,
    /// Whether NaN counts as yes.
    pub(super) missing_is_yes: bool,
}

/// Trees ready to walk.
pub(super) struct Forest {
    nodes: Vec<Node>,
    /// For each node the position in the file's list that it stands for.
    origin: Vec<u32>,
    roots: Vec<u32>,
    features: usize,
}

#[derive(Clone, Copy)]
struct Node {
    threshold: f32,
    /// The feature; the top bit says that NaN counts as "at most".
    feature: u32,
    left: u32,
}

const MISSING: u32 = 1 << 31;

/// Nodes of a forest, at most: 3 GiB of them.
const NODES_MAX: usize = 1 << 28;

impl Node {
    /// Goes to the left of its own place, whatever the feature's value.
    fn leaf(place: u32) -> Self {
        Self {
            threshold: f32::INFINITY,
            feature: MISSING,
            left: place,
        }
    }

    fn next(self, row: &[f32]) -> u32 {
        let x = row[(self.feature & !MISSING) as usize];
        let at_most = (x <= self.threshold) | (x.is_nan() & (self.feature & MISSING != 0));
        self.left + u32::from(!at_most)
    }
}

impl Forest {
    /// Lays out the trees that begin at `roots`.
    ///
    /// # Errors
    /// If the nodes form no trees.
    pub(super) fn compile(sources: &[Source], roots: &[usize]) -> Result<Self, Fault> {
        if roots.is_empty() {
            refuse!("no trees");
        }
        let mut compiler = Compiler {
            sources,
            nodes: Vec::new(),
            origin: Vec::new(),
            reached: vec![false; sources.len()],
            jobs: Vec::new(),
            copies: Vec::new(),
            features: 1,
        };
        let mut places = Vec::with_capacity(roots.len());
        for &root in roots {
            let place = compiler.place()?;
            places.push(place);
            compiler.jobs.push((place, root));
            while let Some((place, source)) = compiler.jobs.pop() {
                compiler.expand(place, source)?;
            }
        }
        // Subtrees that two answers share are entered by two copies of their first node.
        for (from, to) in std::mem::take(&mut compiler.copies) {
            compiler.nodes[to as usize] = compiler.nodes[from as usize];
            compiler.origin[to as usize] = compiler.origin[from as usize];
        }
        Ok(Self {
            nodes: compiler.nodes,
            origin: compiler.origin,
            roots: places,
            features: compiler.features,
        })
    }

    /// How many trees there are.
    pub(super) fn len(&self) -> usize {
        self.roots.len()
    }

    /// How many features a row must have.
    pub(super) fn features(&self) -> usize {
        self.features
    }

    /// For each place of the layout the position in the file's list.
    pub(super) fn origin(&self) -> &[u32] {
        &self.origin
    }

    /// The place of the leaf that each row reaches in one tree, several rows in step.
    pub(super) fn leaves_of_rows<const LANES: usize>(
        &self,
        tree: usize,
        rows: [&[f32]; LANES],
    ) -> [u32; LANES] {
        self.walk([self.roots[tree]; LANES], rows)
    }

    /// The places of the leaves that one row reaches in consecutive trees, several trees in step.
    pub(super) fn leaves_of_trees<const LANES: usize>(
        &self,
        first_tree: usize,
        row: &[f32],
    ) -> [u32; LANES] {
        let mut roots = [0; LANES];
        roots.copy_from_slice(&self.roots[first_tree..first_tree + LANES]);
        self.walk(roots, [row; LANES])
    }

    fn walk<const LANES: usize>(
        &self,
        mut at: [u32; LANES],
        rows: [&[f32]; LANES],
    ) -> [u32; LANES] {
        loop {
            let mut moved = 0;
            for lane in 0..LANES {
                let next = self.nodes[at[lane] as usize].next(rows[lane]);
                moved |= next ^ at[lane];
                at[lane] = next;
            }
            if moved == 0 {
                return at;
            }
        }
    }
}

struct Compiler<'a> {
    sources: &'a [Source],
    nodes: Vec<Node>,
    origin: Vec<u32>,
    /// Branches already laid out: a second way to one means that the file holds no tree.
    reached: Vec<bool>,
    /// Places to fill and the nodes of the file to fill them with.
    jobs: Vec<(u32, usize)>,
    /// Places that get what another place got.
    copies: Vec<(u32, u32)>,
    features: usize,
}

impl Compiler<'_> {
    /// A new place.
    fn place(&mut self) -> Result<u32, Fault> {
        let place = match u32::try_from(self.nodes.len()) {
            Ok(place) if self.nodes.len() < NODES_MAX => place,
            _ => refuse!("more than {NODES_MAX} nodes"),
        };
        self.nodes.push(Node::leaf(place));
        self.origin.push(0);
        Ok(place)
    }

    /// Two new places side by side.
    fn pair(&mut self) -> Result<u32, Fault> {
        let left = self.place()?;
        self.place()?;
        Ok(left)
    }

    fn expand(&mut self, place: u32, source: usize) -> Result<(), Fault> {
        let sources = self.sources;
        self.origin[place as usize] = u32::try_from(source).unwrap_or(u32::MAX);
        let branch = match sources.get(source) {
            Some(Source::Branch(branch)) => branch,
            Some(Source::Leaf) => return Ok(()),
            None => refuse!("a tree leads to node {source}, which is not there"),
        };
        if std::mem::replace(&mut self.reached[source], true) {
            refuse!("node {source} is reached twice: the nodes form no tree");
        }
        self.features = self.features.max(branch.feature.saturating_add(1));
        let Branch {
            yes,
            no,
            threshold,
            missing_is_yes,
            ..
        } = *branch;
        let before = threshold.next_down();
        match branch.mode {
            Mode::AtMost => self.ask(place, branch, threshold, (yes, no, missing_is_yes)),
            Mode::Below => self.ask(place, branch, before, (yes, no, missing_is_yes)),
            Mode::Above => self.ask(place, branch, threshold, (no, yes, !missing_is_yes)),
            Mode::AtLeast => self.ask(place, branch, before, (no, yes, !missing_is_yes)),
            Mode::Equal => self.ask_members(place, branch, &[threshold], (yes, no, missing_is_yes)),
            // NaN differs from everything.
            Mode::NotEqual => self.ask_members(place, branch, &[threshold], (no, yes, false)),
            Mode::Member => {
                self.ask_members(place, branch, &branch.members, (yes, no, missing_is_yes))
            }
        }
    }

    /// Fills a place with one question.
    fn ask(
        &mut self,
        place: u32,
        branch: &Branch,
        threshold: f32,
        (left, right, missing): (usize, usize, bool),
    ) -> Result<(), Fault> {
        let pair = self.pair()?;
        self.fill(place, branch, threshold, (pair, missing))?;
        self.jobs.push((pair, left));
        self.jobs.push((pair + 1, right));
        Ok(())
    }

    fn fill(
        &mut self,
        place: u32,
        branch: &Branch,
        threshold: f32,
        (left, missing): (u32, bool),
    ) -> Result<(), Fault> {
        let feature = match u32::try_from(branch.feature) {
            Ok(feature) if feature < MISSING => feature,
            _ => refuse!("feature number {}", branch.feature),
        };
        self.nodes[place as usize] = Node {
            threshold,
            feature: if missing { feature | MISSING } else { feature },
            left,
        };
        Ok(())
    }

    /// Fills a place with a chain of equalities: two questions for each member.
    fn ask_members(
        &mut self,
        place: u32,
        branch: &Branch,
        members: &[f32],
        (yes, no, missing): (usize, usize, bool),
    ) -> Result<(), Fault> {
        let mut place = place;
        let mut yes_place = None;
        for (number, &member) in members.iter().enumerate() {
            let outer = self.pair()?;
            self.fill(place, branch, member, (outer, missing && number == 0))?;
            let inner = self.pair()?;
            self.fill(outer, branch, member.next_down(), (inner, false))?;
            self.copies.push((outer + 1, inner));
            match yes_place {
                None => {
                    yes_place = Some(inner + 1);
                    self.jobs.push((inner + 1, yes));
                }
                Some(first) => self.copies.push((first, inner + 1)),
            }
            place = outer + 1;
        }
        self.jobs.push((place, no));
        Ok(())
    }
}
