//! A trained model as an ONNX file, the same on every runtime:
//!
//! ```text
//! features → Imputer → Scaler → Gemm → Relu → … → Gemm → Softmax → probabilities
//!                                                      → ArgMax  → label
//!                                                 or   → Identity → value
//!                                                 or   → Sub (the scaled row) → Mul → ReduceMean → score
//! ```

use prost::Message;

use super::scaling::Scaling;
use crate::Task;
use crate::arch::Dense;
use crate::onnx::proto::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetId, TensorProto,
    TensorShape, TensorType, TypeProto, ValueInfo,
};

/// ONNX's numbers of element types.
const FLOAT: i32 = 1;
const INT64: i32 = 7;
/// ONNX's numbers of attribute types.
const ATTRIBUTE_FLOAT: i32 = 1;
const ATTRIBUTE_INT: i32 = 2;
const ATTRIBUTE_FLOATS: i32 = 6;
const ATTRIBUTE_INTS: i32 = 7;

/// The file's bytes.
pub(super) fn onnx(task: Task, scaling: &Scaling, layers: &[Dense]) -> Vec<u8> {
    let mut graph = GraphProto {
        name: "thalweg".into(),
        input: vec![value_info("features", FLOAT, &[Some(scaling.mean.len())])],
        ..GraphProto::default()
    };
    standardise(&mut graph, scaling);
    dense(&mut graph, layers);
    outputs(&mut graph, task);
    let opset = |domain: &str, version| OperatorSetId {
        domain: domain.into(),
        version,
    };
    let model = ModelProto {
        ir_version: 8,
        producer_name: "thalweg".into(),
        opset_import: vec![opset("", 13), opset("ai.onnx.ml", 3)],
        graph: Some(graph),
    };
    model.encode_to_vec()
}

/// `features` → `scaled`
fn standardise(graph: &mut GraphProto, scaling: &Scaling) {
    let mut imputer = node("Imputer", &["features"], &["imputed"]);
    imputer.domain = "ai.onnx.ml".into();
    imputer.attribute = vec![
        floats("imputed_value_floats", &scaling.mean),
        AttributeProto {
            name: "replaced_value_float".into(),
            kind: ATTRIBUTE_FLOAT,
            f: f32::NAN,
            ..AttributeProto::default()
        },
    ];
    let mut scaler = node("Scaler", &["imputed"], &["scaled"]);
    scaler.domain = "ai.onnx.ml".into();
    scaler.attribute = vec![
        floats("offset", &scaling.mean),
        floats("scale", &scaling.scale),
    ];
    graph.node.extend([imputer, scaler]);
}

/// `scaled` → `output`
fn dense(graph: &mut GraphProto, layers: &[Dense]) {
    let mut value = "scaled".to_owned();
    for (at, layer) in layers.iter().enumerate() {
        let (weights, bias) = (format!("weights_{at}"), format!("bias_{at}"));
        let shape = [layer.inputs, layer.outputs];
        (graph.initializer).push(tensor(&weights, &shape, &layer.weights));
        (graph.initializer).push(tensor(&bias, &[layer.outputs], &layer.bias));
        let is_last = at + 1 == layers.len();
        let sum = if is_last {
            "output".into()
        } else {
            format!("sum_{at}")
        };
        (graph.node).push(node("Gemm", &[&value, &weights, &bias], &[&sum]));
        if !is_last {
            value = format!("hidden_{at}");
            graph.node.push(node("Relu", &[&sum], &[&value]));
        }
    }
}

/// `output` → what the model gives
fn outputs(graph: &mut GraphProto, task: Task) {
    match task {
        Task::Classes(classes) => {
            let mut softmax = node("Softmax", &["output"], &["probabilities"]);
            softmax.attribute = vec![int("axis", 1)];
            let mut label = node("ArgMax", &["probabilities"], &["label"]);
            label.attribute = vec![int("axis", 1), int("keepdims", 0)];
            graph.node.extend([softmax, label]);
            graph.output = vec![
                value_info("label", INT64, &[]),
                value_info("probabilities", FLOAT, &[Some(classes)]),
            ];
        }
        Task::Value => {
            graph.node.push(node("Identity", &["output"], &["value"]));
            graph.output = vec![value_info("value", FLOAT, &[Some(1)])];
        }
        Task::Rebuild => {
            let mut mean = node("ReduceMean", &["square"], &["score"]);
            mean.attribute = vec![ints("axes", &[1]), int("keepdims", 1)];
            graph.node.extend([
                node("Sub", &["output", "scaled"], &["error"]),
                node("Mul", &["error", "error"], &["square"]),
                mean,
            ]);
            graph.output = vec![value_info("score", FLOAT, &[Some(1)])];
        }
    }
}

fn node(operator: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    NodeProto {
        input: owned(inputs),
        output: owned(outputs),
        name: outputs.concat(),
        op_type: operator.into(),
        ..NodeProto::default()
    }
}

fn floats(name: &str, values: &[f32]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        kind: ATTRIBUTE_FLOATS,
        floats: values.to_vec(),
        ..AttributeProto::default()
    }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        kind: ATTRIBUTE_INT,
        i: value,
        ..AttributeProto::default()
    }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        kind: ATTRIBUTE_INTS,
        ints: values.to_vec(),
        ..AttributeProto::default()
    }
}

fn tensor(name: &str, shape: &[usize], values: &[f32]) -> TensorProto {
    TensorProto {
        dims: shape.iter().map(|&size| size as i64).collect(),
        data_type: FLOAT,
        name: name.into(),
        raw_data: values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
        ..TensorProto::default()
    }
}

/// A value whose first axis is the rows', of any number.
fn value_info(name: &str, element: i32, row_shape: &[Option<usize>]) -> ValueInfo {
    let rows = std::iter::once(Dimension::default());
    let sizes = row_shape.iter().map(|size| Dimension {
        value: size.map(|size| size as i64),
    });
    ValueInfo {
        name: name.into(),
        ty: Some(TypeProto {
            tensor: Some(TensorType {
                elem: element,
                shape: Some(TensorShape {
                    dim: rows.chain(sizes).collect(),
                }),
            }),
            ..TypeProto::default()
        }),
    }
}
