//! A node as the operators see it when they build its kernel.

use super::arguments::Arguments;
use super::attributes::Attributes;
use super::fault::{Fault, refuse};
use super::value::Value;
use crate::device::Device;

/// Runs a node: inputs in, outputs out.
pub(crate) type Kernel = Box<dyn Fn(&mut Arguments<'_>) -> Result<Vec<Value>, Fault> + Send + Sync>;

/// What is known of a node before it runs.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    /// Its operator.
    pub(crate) operator: &'a str,
    /// Version of the operator's domain that the model imports.
    pub(crate) opset: i64,
    /// Its attributes.
    pub(crate) attributes: Attributes<'a>,
    /// For each input whether it is there, and its value where that is known beforehand.
    pub(crate) inputs: Vec<NodeInput<'a>>,
    /// How many outputs the model asks for.
    pub(crate) outputs: usize,
    /// Where the model will run.
    pub(crate) device: &'a Device,
}

/// An input before the first run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NodeInput<'a> {
    /// Left out.
    Absent,
    /// Known in each run only.
    Computed,
    /// Stored in the model, or computed from what is stored.
    Constant(&'a Value),
}

impl Node<'_> {
    /// The value of an input, if it is known beforehand.
    pub(crate) fn constant(&self, index: usize) -> Option<&Value> {
        match self.inputs.get(index) {
            Some(NodeInput::Constant(value)) => Some(value),
            Some(NodeInput::Absent | NodeInput::Computed) | None => None,
        }
    }

    /// Refuses nodes with too few or too many inputs.
    pub(crate) fn expect_inputs(&self, least: usize, most: usize) -> Result<(), Fault> {
        let given = self.inputs.len();
        if given < least || given > most {
            refuse!("{given} inputs; {} takes {least} to {most}", self.operator);
        }
        Ok(())
    }
}

/// A kernel of one output.
pub(crate) fn kernel(
    run: impl Fn(&mut Arguments<'_>) -> Result<Value, Fault> + Send + Sync + 'static,
) -> Kernel {
    Box::new(move |arguments| Ok(vec![run(arguments)?]))
}
