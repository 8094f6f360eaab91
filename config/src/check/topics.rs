//! Topics between nodes: nothing may go in circles through the log, and what the runtime keeps there
//! is its own. Standard input can be read by one.

use std::path::Path;

use super::Context;
use super::graph::Place;
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::load::expand;
use crate::raw::{self, Key};
use crate::{TopicName, TopologyName};

/// Endings of the topics that the runtime makes for its operators.
const OWN: [&str; 2] = [".repartition", ".changelog"];

/// Checks what the nodes read and write.
pub(crate) fn check(
    places: &[Place<'_>],
    name: Option<&TopologyName>,
    dead_letter: Option<&TopicName>,
    cx: &Context<'_>,
) {
    let mut read: Vec<(&str, Span)> = Vec::new();
    let mut stdin: Option<Span> = None;
    for place in places {
        match place {
            Place::Source { raw, .. } => {
                // The loop of a model goes through topics by design, and no way leads back in it.
                let file = cx.files.name(raw.id.span).map(Path::to_string_lossy);
                if !file.is_some_and(|file| file.starts_with(expand::FILE)) {
                    read.extend(topics(raw));
                }
                if let Some(feed) = &raw.feed
                    && let Some(raw::Feed::Stdin(_)) = feed.get()
                    && stdin.replace(feed.span).is_some()
                {
                    let message = "standard input feeds another source already";
                    cx.report(
                        Finding::at(feed.span, Code::CONFLICT, message).hint("leave one out"),
                    );
                }
            }
            Place::Sink { raw, .. } => {
                if let Some(topic) = &raw.topic {
                    check_written(topic, &read, name, cx);
                }
            }
            Place::Operator { .. } => {}
        }
    }
    let circle =
        dead_letter.and_then(|dead| read.iter().find(|(topic, _)| *topic == dead.as_str()));
    if let Some((topic, span)) = circle {
        let message = format!("dead letters go to \"{topic}\", and would come in again");
        cx.report(
            Finding::at(*span, Code::CONFLICT, message)
                .hint("read them in a topology of their own"),
        );
    }
}

fn topics(source: &raw::Source) -> impl Iterator<Item = (&str, Span)> {
    let several = source
        .topics
        .as_ref()
        .and_then(Key::get)
        .into_iter()
        .flatten();
    let all = source.topic.iter().chain(several);
    all.filter_map(|topic| Some((topic.get()?.as_str(), topic.span)))
}

fn check_written(
    key: &Key<String>,
    read: &[(&str, Span)],
    name: Option<&TopologyName>,
    cx: &Context<'_>,
) {
    let Some(topic) = key.get() else {
        return;
    };
    if read.iter().any(|(other, _)| other == topic) {
        let message = format!("a source reads \"{topic}\": records would go in circles");
        cx.report(Finding::at(key.span, Code::CONFLICT, message).hint("write to another topic"));
    }
    let is_own = name
        .and_then(|name| topic.strip_prefix(name.as_str()))
        .is_some_and(|rest| {
            OWN.iter()
                .any(|own| rest.starts_with('.') && rest.ends_with(own))
        });
    if is_own {
        let message = format!("\"{topic}\" is a topic of the runtime's own");
        let hint = "names that end in .repartition or .changelog are taken";
        cx.report(Finding::at(key.span, Code::CONFLICT, message).hint(hint));
    }
}
