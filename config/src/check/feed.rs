//! `feed` of a source: what fills its topic.

use super::Context;
use super::flow::Flow;
use super::settings::span_of_time;
use crate::code::Code;
use crate::files::Finding;
use crate::nearest::{list, nearest};
use crate::raw::{self, Key};
use crate::{Feed, FileCompression, FileFormat, Format, Profile};

/// Endings of file names, with what they say.
const FORMATS: [(&str, FileFormat); 3] = [
    (".csv", FileFormat::Csv),
    (".ndjson", FileFormat::Ndjson),
    (".jsonl", FileFormat::Ndjson),
];

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Columns of a profile's records.
fn made(profile: Profile) -> &'static [&'static str] {
    match profile {
        Profile::CardFraud { .. } => &["tx_id", "ts", "customer_id", "terminal_id", "amount"],
        Profile::Sensor => &["series", "timestamp", "value"],
    }
}

/// Checks a feed against the source that reads what it writes; `None` only if something was reported.
pub(crate) fn check(
    raw: &Key<raw::Feed>,
    format: Option<Format>,
    flow: &Flow,
    cx: &Context<'_>,
) -> Option<Feed> {
    let feed = read(raw, cx)?;
    match &feed {
        Feed::File {
            format: FileFormat::Ndjson,
            ..
        } if format == Some(Format::Csv) => cx.report(
            Finding::at(
                raw.span,
                Code::FORMAT,
                "the file has JSON lines, the source reads csv",
            )
            .hint("write format = \"json\" in the source"),
        ),
        Feed::Generator { profile, .. } if format != Some(Format::Raw) => {
            let made = made(*profile);
            let columns = flow.schema.columns().iter();
            for column in columns.filter(|c| !c.nullable && !made.contains(&&*c.name)) {
                let message = format!("the generator makes no column \"{}\"", column.name);
                let hint = match nearest(&column.name, made.iter().copied()) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("it makes: {}; others must be nullable", list(made)),
                };
                cx.report(Finding::at(raw.span, Code::UNKNOWN_COLUMN, message).hint(hint));
            }
        }
        Feed::File { .. } | Feed::Generator { .. } | Feed::Http | Feed::Stdin => {}
    }
    Some(feed)
}

fn read(raw: &Key<raw::Feed>, cx: &Context<'_>) -> Option<Feed> {
    Some(match raw.get()? {
        raw::Feed::File(file) => {
            let path = file.path.get()?;
            let Some((format, compression)) = by_name(path) else {
                let message = format!("the name \"{path}\" does not say what is in the file");
                cx.report(
                    Finding::at(file.path.span, Code::INVALID_VALUE, message)
                        .hint("names end in .csv, .ndjson or .jsonl, then perhaps .gz or .zst"),
                );
                return None;
            };
            Feed::File {
                path: cx.resolve(path, file.path.span),
                format,
                compression,
                repeat: file.repeat.as_ref().and_then(Key::get).copied() == Some(true),
                rate: cx.rate(file.rate.as_ref()),
            }
        }
        raw::Feed::Generator(generator) => Feed::Generator {
            profile: profile(generator, cx)?,
            seed: generator
                .seed
                .as_ref()
                .and_then(Key::get)
                .copied()
                .unwrap_or(0),
            rate: cx.rate(generator.rate.as_ref()),
            records: generator.records.as_ref().and_then(Key::get).copied(),
        },
        raw::Feed::Http(_) => Feed::Http,
        raw::Feed::Stdin(_) => Feed::Stdin,
    })
}

fn profile(raw: &raw::GeneratorFeed, cx: &Context<'_>) -> Option<Profile> {
    let drift = match &raw.drift {
        Some(drift) => Some((drift.span, span_of_time(drift, DAY_MS, cx)?)),
        None => None,
    };
    Some(match (raw.profile.get()?, drift) {
        (raw::Profile::CardFraud, drift) => Profile::CardFraud {
            drift: drift.map(|(_, after)| after.0.cast_unsigned() / DAY_MS.cast_unsigned()),
        },
        (raw::Profile::Sensor, None) => Profile::Sensor,
        (raw::Profile::Sensor, Some((span, _))) => {
            let message = "the series of \"sensor\" drift by themselves";
            let finding = Finding::at(span, Code::INVALID_VALUE, message);
            cx.report(finding.hint("leave `drift` out: it is for profile = \"card-fraud\""));
            return None;
        }
    })
}

fn by_name(path: &str) -> Option<(FileFormat, FileCompression)> {
    let (rest, compression) = if let Some(rest) = path.strip_suffix(".gz") {
        (rest, FileCompression::Gzip)
    } else if let Some(rest) = path.strip_suffix(".zst") {
        (rest, FileCompression::Zstd)
    } else {
        (path, FileCompression::None)
    };
    let (_, format) = FORMATS.iter().find(|(ending, _)| rest.ends_with(ending))?;
    Some((*format, compression))
}
