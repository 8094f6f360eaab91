//! `version`, `name`, `[log]`, `[epoch]`, `[state]`, `[supervision]`, `[dead-letter]`.

use super::{Context, kafka};
use crate::code::Code;
use crate::files::Finding;
use crate::raw::{self, Duration, Key, Size};
use crate::{
    ByteSize, Delivery, EpochSettings, LogSettings, Millis, StateSettings, SupervisionSettings,
    TopicName, TopologyName, defaults,
};

/// The version of the file format that is read here.
const VERSION: u32 = 1;

/// Room for sessions: what the host itself needs to hold a few of them.
const MEMORY_MIN: ByteSize = ByteSize(1 << 20);
/// Less would make every few records an epoch.
const EPOCH_BYTES_MIN: ByteSize = ByteSize(64 << 10);

/// All that is not in a list of nodes.
pub(crate) struct Settings {
    pub(crate) name: TopologyName,
    pub(crate) log: LogSettings,
    pub(crate) epoch: EpochSettings,
    pub(crate) state: StateSettings,
    pub(crate) supervision: SupervisionSettings,
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
    let is_kafka = matches!(
        document.log.as_ref().map(Key::get),
        Some(Some(raw::Log::Kafka(_)))
    );
    let epoch = epoch(document.epoch.as_ref().and_then(Key::get), is_kafka, cx);
    let log = log(document, &epoch, cx);
    let state = document.state.as_ref().and_then(Key::get);
    let state = StateSettings {
        memory: state
            .and_then(|state| size(state.memory.as_ref()?, MEMORY_MIN, cx))
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
        supervision: supervision(document.supervision.as_ref().and_then(Key::get), cx),
        dead_letter: dead_letter?,
    })
}

fn epoch(epoch: Option<&raw::Epoch>, is_kafka: bool, cx: &Context<'_>) -> EpochSettings {
    let records = match is_kafka {
        true => defaults::EPOCH_RECORDS_ON_KAFKA,
        false => defaults::EPOCH.records,
    };
    EpochSettings {
        interval: epoch
            .and_then(|epoch| span_of_time(epoch.interval.as_ref()?, 1, cx))
            .unwrap_or(defaults::EPOCH.interval),
        records: epoch
            .and_then(|epoch| cx.within(epoch.records.as_ref()?, 1, 10_000_000))
            .unwrap_or(records),
        bytes: epoch
            .and_then(|epoch| size(epoch.bytes.as_ref()?, EPOCH_BYTES_MIN, cx))
            .unwrap_or(defaults::EPOCH.bytes),
        delivery: epoch
            .and_then(|epoch| epoch.delivery.as_ref()?.get())
            .map_or(defaults::EPOCH.delivery, |delivery| delivery.checked()),
    }
}

/// Where records live. The embedded log commits within milliseconds, and all of an epoch or nothing:
/// it has no use for a promise that is less.
fn log(document: &raw::Document, epoch: &EpochSettings, cx: &Context<'_>) -> Option<LogSettings> {
    match document.log.as_ref().map(Key::get) {
        None | Some(Some(raw::Log::Embedded(_))) => {
            let delivery = document.epoch.as_ref().and_then(Key::get);
            if let Some(delivery) = delivery.and_then(|epoch| epoch.delivery.as_ref())
                && epoch.delivery == Delivery::AtLeastOnce
            {
                let message =
                    "at-least-once is for Kafka: the embedded log writes an epoch as a whole";
                let hint = "for earlier outputs write a shorter interval, such as 10ms";
                cx.report(Finding::at(delivery.span, Code::CONFLICT, message).hint(hint));
            }
            Some(LogSettings::Embedded)
        }
        Some(Some(raw::Log::Kafka(kafka))) => {
            kafka::check(kafka, epoch.interval, cx).map(LogSettings::Kafka)
        }
        Some(None) => None,
    }
}

fn supervision(table: Option<&raw::Supervision>, cx: &Context<'_>) -> SupervisionSettings {
    let mut settings = defaults::SUPERVISION;
    let Some(table) = table else {
        return settings;
    };
    // A watchdog's look is a tenth of a second: less cannot be told from nothing.
    let keys = [
        (&table.parked_retry, 1_000, &mut settings.parked_retry),
        (&table.stuck_after, 500, &mut settings.stuck_after),
        (&table.stuck_call_after, 500, &mut settings.stuck_call_after),
        (&table.unread_after, 1_000, &mut settings.unread_after),
    ];
    for (key, least, setting) in keys {
        if let Some(span) = key.as_ref().and_then(|key| span_of_time(key, least, cx)) {
            *setting = span;
        }
    }
    settings
}

/// A size of at least so much.
fn size(key: &Key<Size>, least: ByteSize, cx: &Context<'_>) -> Option<ByteSize> {
    let size = key.get()?.0;
    if size < least {
        let message = format!("{size} is too little");
        let hint = format!("at least {least}");
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
