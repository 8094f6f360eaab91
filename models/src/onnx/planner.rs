//! Messages to a [`Plan`]: names resolved, operators known, constants folded, last uses found. All once, at load.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use config::Element;
use prost::Message;

use super::arguments::{Argument, Arguments};
use super::attributes::Attributes;
use super::fault::Fault;
use super::initializer::{self, element};
use super::liveness::{mark_last_uses, needed};
use super::node::{Kernel, Node, NodeInput};
use super::operators::{self, Domain};
use super::plan::{GraphInput, Plan, Source, Step};
use super::proto::{GraphProto, ModelProto, NodeProto, ValueInfo};
use super::value::Value;
use crate::ModelError;
use crate::device::Device;

/// Reads a model file's bytes and plans its graph.
///
/// # Errors
/// Names what is not supported, or which rule the file breaks; `path` is for the message.
pub(crate) fn plan(bytes: &[u8], path: &Path, device: &Device) -> Result<Plan, ModelError> {
    let not_onnx = |cause: String| ModelError::NotOnnx {
        path: path.into(),
        cause,
    };
    let model = ModelProto::decode(bytes).map_err(|error| not_onnx(error.to_string()))?;
    let graph = model
        .graph
        .ok_or_else(|| not_onnx("it holds no graph".into()))?;
    let opsets = model.opset_import.iter();
    let opsets = opsets.map(|import| (import.domain.clone(), import.version));
    let mut planner = Planner {
        path,
        device,
        opsets: opsets.collect(),
        known: HashMap::new(),
        constants: Vec::new(),
        for_device: HashSet::new(),
        steps: Vec::new(),
        slots: 0,
        row_wise: true,
    };
    let inputs = planner.enter(&graph)?;
    let needed = needed(&graph);
    for (number, node) in graph.node.iter().enumerate() {
        if needed[number] {
            planner.add(number, node)?;
        }
    }
    planner.finish(&graph, inputs)
}

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
enum Known {
    Constant(usize),
    Slot(usize),
}

struct Planner<'a> {
    path: &'a Path,
    device: &'a Device,
    opsets: HashMap<String, i64>,
    known: HashMap<String, Known>,
    constants: Vec<Value>,
    /// Constants that a kernel reads on the device.
    for_device: HashSet<usize>,
    steps: Vec<Step>,
    slots: usize,
    row_wise: bool,
}

impl Planner<'_> {
    /// Takes in what is there before the first node: initializers and inputs.
    fn enter(&mut self, graph: &GraphProto) -> Result<Vec<GraphInput>, ModelError> {
        if !graph.sparse_initializer.is_empty() {
            return Err(self.graph("sparse weights are not supported; save them dense".into()));
        }
        for stored in &graph.initializer {
            let value = initializer::read(stored).map_err(|fault| self.graph(fault.to_string()))?;
            self.define_constant(&stored.name, value)?;
        }
        let mut inputs = Vec::new();
        for input in &graph.input {
            // Old files list their initializers among the inputs.
            if matches!(self.known.get(&input.name), Some(Known::Constant(_))) {
                continue;
            }
            let slot = self.slots;
            self.slots += 1;
            self.define(&input.name, Known::Slot(slot))?;
            inputs.push(self.input(input)?);
        }
        Ok(inputs)
    }

    fn input(&self, info: &ValueInfo) -> Result<GraphInput, ModelError> {
        let tensor = info.ty.as_ref().and_then(|ty| ty.tensor.as_ref());
        let Some(tensor) = tensor else {
            return Err(self.graph(format!("input \"{}\" is no tensor", info.name)));
        };
        let dimensions = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
        Ok(GraphInput {
            name: info.name.clone(),
            element: match tensor.elem {
                element::DOUBLE => Element::Float64,
                element::FLOAT | element::FLOAT16 | element::BFLOAT16 => Element::Float32,
                element::STRING => Element::String,
                element::BOOL => Element::Bool,
                _ => Element::Int64,
            },
            // Exporters write free sizes as names, as -1 and as 0.
            shape: dimensions
                .iter()
                .map(|dimension| {
                    usize::try_from(dimension.value?)
                        .ok()
                        .filter(|&size| size > 0)
                })
                .collect(),
        })
    }

    /// Builds a node's kernel; runs it at once if everything it reads is known.
    fn add(&mut self, number: usize, proto: &NodeProto) -> Result<(), ModelError> {
        let name = if proto.name.is_empty() {
            format!("#{number}")
        } else {
            proto.name.clone()
        };
        let mut sources = Vec::with_capacity(proto.input.len());
        for input in &proto.input {
            sources.push(match self.known.get(input) {
                _ if input.is_empty() => Source::Absent,
                Some(&Known::Constant(index)) => Source::Constant(index),
                Some(&Known::Slot(slot)) => Source::Slot { slot, last: false },
                None => {
                    let cause = format!("it reads \"{input}\", which nothing before it computes");
                    return Err(self.node(&name, &proto.op_type, cause));
                }
            });
        }
        let kernel = self.build(&name, proto, &sources)?;
        let computed = |source: &Source| matches!(source, Source::Slot { .. });
        if sources.iter().any(computed) {
            let domain = Domain::of(&proto.domain);
            self.row_wise &= operators::is_row_wise(domain, &proto.op_type);
            if operators::runs_on_device(domain, &proto.op_type) {
                self.for_device
                    .extend(sources.iter().filter_map(|source| match source {
                        Source::Constant(index) => Some(*index),
                        Source::Absent | Source::Slot { .. } => None,
                    }));
            }
            self.add_step(name, proto, kernel, sources)
        } else {
            self.fold(&name, proto, &kernel, &sources)
        }
    }

    fn build(
        &self,
        name: &str,
        proto: &NodeProto,
        sources: &[Source],
    ) -> Result<Kernel, ModelError> {
        let domain = Domain::of(&proto.domain);
        let opset = self.opset(domain, &proto.domain);
        let node = Node {
            operator: &proto.op_type,
            opset,
            attributes: Attributes::new(&proto.attribute),
            inputs: sources
                .iter()
                .map(|source| match *source {
                    Source::Absent => NodeInput::Absent,
                    Source::Constant(index) => NodeInput::Constant(&self.constants[index]),
                    Source::Slot { .. } => NodeInput::Computed,
                })
                .collect(),
            outputs: proto.output.len(),
            device: self.device,
        };
        let built = if domain.runs(opset) {
            operators::build(domain, &node)
        } else {
            Ok(None)
        };
        match built {
            Ok(Some(kernel)) => Ok(kernel),
            Ok(None) => Err(ModelError::Unsupported {
                path: self.path.into(),
                node: name.into(),
                operator: proto.op_type.clone(),
                domain: domain.name(&proto.domain).into(),
                opset,
            }),
            Err(fault) => Err(self.node(name, &proto.op_type, fault.to_string())),
        }
    }

    /// Version of a domain that the model imports; 0 if none.
    fn opset(&self, domain: Domain, name: &str) -> i64 {
        let names: &[&str] = match domain {
            Domain::Onnx => &["", "ai.onnx"],
            Domain::Ml => &["ai.onnx.ml"],
            Domain::Foreign => &[name],
        };
        let versions = names.iter().filter_map(|&name| self.opsets.get(name));
        versions.copied().max().unwrap_or(0)
    }

    fn add_step(
        &mut self,
        node: String,
        proto: &NodeProto,
        kernel: Kernel,
        inputs: Vec<Source>,
    ) -> Result<(), ModelError> {
        let mut outputs = Vec::with_capacity(proto.output.len());
        for output in &proto.output {
            if output.is_empty() {
                outputs.push(None);
                continue;
            }
            let slot = self.slots;
            self.slots += 1;
            self.define(output, Known::Slot(slot))?;
            outputs.push(Some(slot));
        }
        self.steps.push(Step {
            node,
            operator: proto.op_type.clone(),
            kernel,
            inputs,
            outputs,
        });
        Ok(())
    }

    fn fold(
        &mut self,
        name: &str,
        proto: &NodeProto,
        kernel: &Kernel,
        sources: &[Source],
    ) -> Result<(), ModelError> {
        let arguments = sources.iter().map(|source| match *source {
            Source::Constant(index) => Argument::Shared(&self.constants[index]),
            Source::Absent | Source::Slot { .. } => Argument::Absent,
        });
        let results = kernel(&mut Arguments::new(arguments.collect(), self.device))
            .and_then(|values| {
                values
                    .into_iter()
                    .map(to_host)
                    .collect::<Result<Vec<_>, _>>()
            })
            .map_err(|fault| self.node(name, &proto.op_type, fault.to_string()))?;
        for (output, value) in proto.output.iter().zip(results) {
            if !output.is_empty() {
                self.define_constant(output, value)?;
            }
        }
        Ok(())
    }

    fn define_constant(&mut self, name: &str, value: Value) -> Result<(), ModelError> {
        let index = self.constants.len();
        self.constants.push(value);
        self.define(name, Known::Constant(index))
    }

    fn define(&mut self, name: &str, known: Known) -> Result<(), ModelError> {
        if self.known.insert(name.into(), known).is_some() {
            return Err(self.graph(format!("\"{name}\" is computed twice")));
        }
        Ok(())
    }

    fn finish(mut self, graph: &GraphProto, inputs: Vec<GraphInput>) -> Result<Plan, ModelError> {
        if inputs.is_empty() {
            return Err(self.graph("it has no inputs".into()));
        }
        if graph.output.is_empty() {
            return Err(self.graph("it has no outputs".into()));
        }
        let mut outputs = Vec::with_capacity(graph.output.len());
        for output in &graph.output {
            outputs.push(match self.known.get(&output.name) {
                Some(&Known::Constant(index)) => Source::Constant(index),
                Some(&Known::Slot(slot)) => Source::Slot { slot, last: false },
                None => {
                    let cause = format!("nothing computes the output \"{}\"", output.name);
                    return Err(self.graph(cause));
                }
            });
        }
        mark_last_uses(&mut self.steps, &mut outputs, self.slots);
        for index in std::mem::take(&mut self.for_device) {
            self.move_to_device(index)?;
        }
        Ok(Plan {
            path: self.path.into(),
            device: self.device.clone(),
            inputs,
            output_names: graph
                .output
                .iter()
                .map(|output| output.name.clone())
                .collect(),
            constants: self.constants,
            steps: self.steps,
            outputs,
            slots: self.slots,
            row_wise: self.row_wise,
        })
    }

    /// Puts a constant where its kernels want it, once instead of in each run.
    fn move_to_device(&mut self, index: usize) -> Result<(), ModelError> {
        let constant = &mut self.constants[index];
        if !matches!(constant, Value::Float(_)) || constant.shape().contains(&0) {
            return Ok(());
        }
        let on_device = constant.clone().into_float();
        match on_device.and_then(|float| float.on_device(self.device)) {
            Ok(on_device) => {
                *constant = Value::Float(on_device.into());
                Ok(())
            }
            Err(fault) => Err(self.graph(fault.to_string())),
        }
    }

    fn graph(&self, cause: String) -> ModelError {
        ModelError::Graph {
            path: self.path.into(),
            cause,
        }
    }

    fn node(&self, node: &str, operator: &str, cause: String) -> ModelError {
        ModelError::Node {
            path: self.path.into(),
            node: node.into(),
            operator: operator.into(),
            cause,
        }
    }
}

/// Folded values wait in plain memory, where later kernels can be built from them.
fn to_host(value: Value) -> Result<Value, Fault> {
    match value {
        Value::Float(float) => Ok(Value::host(float.into_host()?)),
        other => Ok(other),
    }
}
