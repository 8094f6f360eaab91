//! A graph made ready: steps in order, each knowing where its inputs come from and which of them end with it.

use std::fmt;
use std::path::PathBuf;

use config::Element;

use super::arguments::{Argument, Arguments};
use super::node::Kernel;
use super::value::Value;
use crate::ModelError;
use crate::device::Device;

/// A model that can run. Shared by threads; a run keeps its values to itself.
pub(crate) struct Plan {
    pub(super) path: PathBuf,
    pub(super) device: Device,
    pub(super) inputs: Vec<GraphInput>,
    pub(super) output_names: Vec<String>,
    pub(super) constants: Vec<Value>,
    pub(super) steps: Vec<Step>,
    pub(super) outputs: Vec<Source>,
    /// Values that are computed in a run, inputs among them.
    pub(super) slots: usize,
    pub(super) row_wise: bool,
}

/// An input of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GraphInput {
    /// Its name.
    pub(crate) name: String,
    /// Its number type as the file has it.
    pub(crate) element: Element,
    /// Sizes; `None` where free.
    pub(crate) shape: Vec<Option<usize>>,
}

/// One node, ready to run.
pub(super) struct Step {
    pub(super) node: String,
    pub(super) operator: String,
    pub(super) kernel: Kernel,
    pub(super) inputs: Vec<Source>,
    /// The slot of each output; `None` where nobody reads it.
    pub(super) outputs: Vec<Option<usize>>,
}

/// Where a step finds an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Left out.
    Absent,
    /// Known before any run.
    Constant(usize),
    /// Computed in this run.
    Slot {
        /// Which.
        slot: usize,
        /// Whether nobody reads it afterwards.
        last: bool,
    },
}

impl Plan {
    /// Inputs in order.
    pub(crate) fn inputs(&self) -> &[GraphInput] {
        &self.inputs
    }

    /// Names of the outputs in order.
    pub(crate) fn output_names(&self) -> &[String] {
        &self.output_names
    }

    /// Where it runs.
    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// The file it came from.
    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Whether every kernel computes a row without looking at how many others there are.
    pub(crate) fn is_row_wise(&self) -> bool {
        self.row_wise
    }

    /// Runs the graph.
    ///
    /// # Errors
    /// Names the node whose inputs do not fit.
    pub(crate) fn run(&self, inputs: Vec<Value>) -> Result<Vec<Value>, ModelError> {
        let mut slots: Vec<Option<Value>> = Vec::with_capacity(self.slots);
        slots.extend(inputs.into_iter().map(Some));
        slots.resize_with(self.slots, || None);
        for step in &self.steps {
            self.run_step(step, &mut slots)?;
        }
        let mut outputs = Vec::with_capacity(self.outputs.len());
        for (source, name) in self.outputs.iter().zip(&self.output_names) {
            let value = match *source {
                Source::Constant(index) => Some(self.constants[index].clone()),
                Source::Slot { slot, last: true } => slots[slot].take(),
                Source::Slot { slot, last: false } => slots[slot].clone(),
                Source::Absent => None,
            };
            outputs.push(value.ok_or_else(|| ModelError::Graph {
                path: self.path.clone(),
                cause: format!("output \"{name}\" was not computed"),
            })?);
        }
        Ok(outputs)
    }

    fn run_step(&self, step: &Step, slots: &mut [Option<Value>]) -> Result<(), ModelError> {
        let mut taken = Vec::with_capacity(step.inputs.len());
        for source in &step.inputs {
            taken.push(match *source {
                Source::Slot { slot, last: true } => slots[slot].take(),
                Source::Absent | Source::Constant(_) | Source::Slot { .. } => None,
            });
        }
        let mut values = Vec::with_capacity(step.inputs.len());
        for (source, taken) in step.inputs.iter().zip(taken) {
            values.push(match (*source, taken) {
                (_, Some(value)) => Argument::Owned(value),
                (Source::Constant(index), None) => Argument::Shared(&self.constants[index]),
                (Source::Slot { slot, .. }, None) => slots[slot]
                    .as_ref()
                    .map_or(Argument::Absent, Argument::Shared),
                (Source::Absent, None) => Argument::Absent,
            });
        }
        let results = (step.kernel)(&mut Arguments::new(values, &self.device))
            .map_err(|fault| self.fault(&step.node, &step.operator, fault.to_string()))?;
        if results.len() < step.outputs.len() {
            let cause = format!("{} outputs, {} named", results.len(), step.outputs.len());
            return Err(self.fault(&step.node, &step.operator, cause));
        }
        for (slot, result) in step.outputs.iter().zip(results) {
            if let Some(slot) = *slot {
                slots[slot] = Some(result);
            }
        }
        Ok(())
    }

    fn fault(&self, node: &str, operator: &str, cause: String) -> ModelError {
        ModelError::Node {
            path: self.path.clone(),
            node: node.into(),
            operator: operator.into(),
            cause,
        }
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("path", &self.path)
            .field("steps", &self.steps.len())
            .finish_non_exhaustive()
    }
}
