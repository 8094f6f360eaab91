//! `version`, `name`, `[log]`, `[epoch]`, `[state]`, `[dead-letter]`.

use super::{Context, kafka};
use crate::code::Code;
use crate::files::Finding;
use crate::raw::{self, Duration, Key, Size};
use crate::{
    ByteSize, EpochSettings, LogSettings, Millis, StateSettings, TopicName, TopologyName, defaults,
};

/// The version of the file format that is read here.
const VERSION: u32 = 1;

/// All that is not in a list of nodes.
pub(crate) struct Settings {
    pub(crate) name: TopologyName,
    pub(crate) log: LogSettings,
    pub(crate) epoch: EpochSettings,
    pub(crate) state: StateSettings,
    pub(crate) dead_letter: TopicName,
}

/// Checks them; `None` only if something was reported.
pub(crate) fn check(document: &raw::Document, cx: &Context<'_>) -> Option<Settings> {
    if let Some(version) = document.version.get()
        && *version != VERSION
    {
        let message = format!("version {version} of topology files is not known");
        cx.report(
            Finding::at(document.version.span, Code::NOT_IN_THIS_VERSION, message)
                .hint("write version = 1"),
        );
    }
    let name = cx.name(&document.name, TopologyName::parse);
    let log = match document.log.as_ref().map(Key::get) {
        None => Some(LogSettings::Embedded),
        Some(Some(raw::Log::Embedded(_))) => Some(LogSettings::Embedded),
        Some(Some(raw::Log::Kafka(kafka))) => kafka::check(kafka, cx).map(LogSettings::Kafka),
        Some(None) => None,
    };
    let epoch = document.epoch.as_ref().and_then(Key::get);
    let state = document.state.as_ref().and_then(Key::get);
    let epoch = EpochSettings {
        interval: epoch
            .and_then(|epoch| span_of_time(epoch.interval.as_ref()?, 1, cx))
            .unwrap_or(defaults::EPOCH.interval),
        records: epoch
            .and_then(|epoch| cx.within(epoch.records.as_ref()?, 1, 10_000_000))
            .unwrap_or(defaults::EPOCH.records),
        delivery: epoch
            .and_then(|epoch| epoch.delivery.as_ref()?.get())
            .map_or(defaults::EPOCH.delivery, |delivery| delivery.checked()),
    };
    let state = StateSettings {
        memory: state
            .and_then(|state| memory(state.memory.as_ref()?, cx))
            .unwrap_or(defaults::STATE.memory),
        idle: state
            .and_then(|state| span_of_time(state.idle.as_ref()?, 1, cx))
            .unwrap_or(defaults::STATE.idle),
    };
    let topic = document.dead_letter.as_ref().and_then(Key::get);
    let dead_letter = match topic.and_then(|table| table.topic.as_ref()) {
        Some(topic) => cx.topic(topic),
        // A topology's name is short enough for the suffix.
        None => {
            let name = name.as_ref()?;
            TopicName::parse(&format!("{name}{}", defaults::DEAD_LETTERS)).ok()
        }
    };
    Some(Settings {
        name: name?,
        log: log?,
        epoch,
        state,
        dead_letter: dead_letter?,
    })
}

/// Room for sessions: at least what the host itself needs to hold a few of them.
fn memory(key: &Key<Size>, cx: &Context<'_>) -> Option<ByteSize> {
    const LEAST: ByteSize = ByteSize(1 << 20);
    let size = key.get()?.0;
    if size < LEAST {
        let message = format!("{size} is too little");
        let hint = format!("at least {LEAST}");
        cx.report(Finding::at(key.span, Code::INVALID_VALUE, message).hint(hint));
    }
    Some(size)
}

/// A duration of at least so many milliseconds.
pub(crate) fn span_of_time(key: &Key<Duration>, least: i64, cx: &Context<'_>) -> Option<Millis> {
    let millis = key.get()?.0;
    if millis.0 >= least {
        return Some(millis);
    }
    let message = format!("{millis} is too short");
    let hint = format!("at least {}", Millis(least));
    cx.report(Finding::at(key.span, Code::INVALID_VALUE, message).hint(hint));
    None
}
