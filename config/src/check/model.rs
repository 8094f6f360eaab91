//! `[[model]]`: ids, versions, and the signature of each.

use super::monitor::Monitors;
use super::settings::span_of_time;
use super::{Context, learning, monitor, nodes, train};
use crate::code::Code;
use crate::files::Finding;
use crate::raw::{self, Key};
use crate::{Batching, DeviceChoice, ModelId, ModelSettings, VersionChoice, defaults};

/// A model that operators may name.
pub(crate) struct Model<'a> {
    /// As the file has it.
    pub(crate) id: Option<&'a str>,
    /// `None`: wrong, and reported.
    pub(crate) settings: Option<ModelSettings>,
    /// Whether it has a feature log: then its `infer` has the port `log`.
    pub(crate) is_logged: bool,
    /// Whether labels come for it.
    pub(crate) is_labelled: bool,
}

/// Checks all models, in the order of the file.
pub(crate) fn check_all<'a>(document: &'a raw::Document, cx: &Context<'_>) -> Vec<Model<'a>> {
    let mut models: Vec<Model<'a>> = Vec::new();
    for (_, raw) in nodes(document.models.as_ref()) {
        let id = raw.id.get().map(String::as_str);
        if id.is_some() && models.iter().any(|model| model.id == id) {
            let message = format!("there is a model \"{}\" already", id.unwrap_or_default());
            cx.report(Finding::at(raw.id.span, Code::DUPLICATE_ID, message));
        }
        let monitors = monitor::monitors_of(id, document, cx);
        models.push(Model {
            id,
            settings: check(raw, monitors, cx),
            is_logged: raw.log.is_some(),
            is_labelled: raw.log.is_some() && raw.labels.is_some(),
        });
    }
    monitor::check_monitors(document, &models, cx);
    models
}

fn check(raw: &raw::Model, monitors: Monitors, cx: &Context<'_>) -> Option<ModelSettings> {
    let learning = learning::check(raw, monitors, cx);
    let id = cx.name(&raw.id, ModelId::parse);
    let batch = batching(raw.batch.as_ref(), cx);
    let device = match &raw.device {
        None => Some(DeviceChoice::Auto),
        Some(device) => device.get().map(|device| match device {
            raw::Device::Auto => DeviceChoice::Auto,
            raw::Device::Cpu => DeviceChoice::Cpu,
            raw::Device::Gpu => DeviceChoice::Gpu,
        }),
    };
    let train = match &raw.train {
        None => Some(None),
        Some(table) => train::check(table, cx).map(Some),
    };
    let version = version(raw.version.as_ref())?;
    let path = cx.resolve(raw.path.get()?, raw.path.span);
    match cx.models.signature(&path, &version) {
        Ok(signature) => {
            learning::check_features(raw, &signature, cx);
            Some(ModelSettings {
                id: id?,
                path,
                version,
                device: device?,
                batch,
                signature,
                train: train?,
                learning: learning?,
            })
        }
        Err(cause) => {
            cx.report(
                Finding::at(raw.path.span, Code::UNREADABLE_MODEL, cause)
                    .hint("a model is a folder: <version>/model.onnx and model.toml"),
            );
            None
        }
    }
}

fn version(raw: Option<&Key<raw::Version>>) -> Option<VersionChoice> {
    let Some(key) = raw else {
        return Some(VersionChoice::Latest);
    };
    Some(match key.get()? {
        raw::Version::Text(raw::Latest::Latest) => VersionChoice::Latest,
        raw::Version::Number(number) => VersionChoice::Number(*number),
        raw::Version::Table(table) => VersionChoice::Alias(table.alias.get()?.clone()),
    })
}

fn batching(raw: Option<&Key<raw::Batch>>, cx: &Context<'_>) -> Batching {
    let mut batching = defaults::BATCHING;
    let Some(raw) = raw.and_then(Key::get) else {
        return batching;
    };
    // A batch's rows are all in memory at once, several times over inside a network.
    let size = raw.size.as_ref().and_then(|key| cx.within(key, 1, 65_536));
    if let Some(Ok(size)) = size.map(usize::try_from) {
        batching.size = size;
    }
    if let Some(delay) = raw.delay.as_ref().and_then(|key| span_of_time(key, 0, cx)) {
        batching.delay = delay;
    }
    batching
}
