//! `outputs` of `infer`: which numbers of a model's outputs become columns.

use super::Context;
use super::tensor::{row_width, scalar, vector_element, word};
use crate::code::Code;
use crate::files::Finding;
use crate::nearest::suggest;
use crate::raw::Key;
use crate::{DataType, InferOutput, Signature};

/// `"probabilities[1]"`, or a whole output.
pub(crate) fn check(
    name: &str,
    key: &Key<String>,
    signature: &Signature,
    cx: &Context<'_>,
) -> Option<InferOutput> {
    let text = key.get()?;
    let report = |message: String, hint: Option<String>| {
        cx.report(Finding::at(key.span, Code::MODEL_OUTPUT, message).maybe_hint(hint));
        None
    };
    let (tensor_name, index) = match text.strip_suffix(']').and_then(|t| t.rsplit_once('[')) {
        Some((tensor, index)) => match index.parse::<usize>() {
            Ok(index) => (tensor, Some(index)),
            Err(_) => {
                let message = format!("\"{index}\" is not a position");
                return report(
                    message,
                    Some("positions count from 0: probabilities[1]".into()),
                );
            }
        },
        None => (text.as_str(), None),
    };
    let outputs = &signature.outputs;
    let Some(tensor) = outputs.iter().position(|output| output.name == tensor_name) else {
        let names = outputs.iter().map(|output| output.name.as_str());
        let hint = suggest(tensor_name, "there are", names);
        return report(format!("the model has no output \"{tensor_name}\""), hint);
    };
    let spec = &outputs[tensor];
    let width = row_width(spec);
    if let (Some(index), Some(width)) = (index, width)
        && index >= width
    {
        let message = format!("\"{tensor_name}\" has {width} numbers a row: there is no [{index}]");
        return report(
            message,
            Some(format!("the last is [{}]", width.saturating_sub(1))),
        );
    }
    let data_type = match (index, width) {
        (Some(_), _) | (None, Some(1)) => scalar(spec.element),
        (None, Some(length)) => {
            let Some(element) = vector_element(spec.element) else {
                let message = format!(
                    "\"{tensor_name}\" is {length} values of {}",
                    word(spec.element)
                );
                return report(message, Some(format!("choose one: {tensor_name}[0]")));
            };
            DataType::Vector { element, length }
        }
        (None, None) => {
            let message = format!("the size of \"{tensor_name}\" is not fixed by the model");
            return report(
                message,
                Some(format!("choose one number: {tensor_name}[0]")),
            );
        }
    };
    Some(InferOutput {
        name: name.into(),
        tensor,
        index,
        data_type,
    })
}
