//! `thalweg topic read`: records page by page, from the log or through a daemon.

use std::time::Duration;

use super::super::load::open;
use super::super::{LogArguments, Output, code, limit, offset};
use crate::access::{Access, AccessError};
use crate::control::{ReadRequest, Record};

/// What `topic read` takes.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ReadArguments {
    /// The topic
    topic: String,
    #[command(flatten)]
    log: LogArguments,
    /// Only this partition
    #[arg(long)]
    partition: Option<u32>,
    /// From this offset on, in each partition
    #[arg(long, value_parser = offset)]
    from: Option<i64>,
    /// Before this offset, in each partition
    #[arg(long, value_parser = offset)]
    until: Option<i64>,
    /// At most so many records
    #[arg(long, value_parser = limit)]
    limit: Option<usize>,
    /// Goes on with new records until it is stopped
    #[arg(long)]
    follow: bool,
    /// `text`: values, a line each; `json`: an object a line with key, offset and headers
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// Records of one page.
const PAGE: usize = 5_000;
/// How long `--follow` waits before it looks again.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);

/// How far the reading is.
struct Reading {
    /// Next offset of each partition.
    positions: Vec<(u32, i64)>,
    /// Records that may still be printed.
    left: usize,
}

pub(super) fn read(arguments: &ReadArguments) -> Result<u8, AccessError> {
    let mut access = open(&arguments.log)?.0;
    let partitions = match arguments.partition {
        Some(partition) => vec![partition],
        None => {
            let topic = access.topic(&arguments.topic)?;
            (0..).take(topic.partitions.len()).collect()
        }
    };
    let from = arguments.from.unwrap_or(0);
    let mut reading = Reading {
        positions: partitions.into_iter().map(|p| (p, from)).collect(),
        left: arguments.limit.unwrap_or(usize::MAX),
    };
    while pass(arguments, &access, &mut reading)? && arguments.follow {
        if matches!(access, Access::Cluster(_)) {
            std::thread::park_timeout(FOLLOW_EVERY);
            continue;
        }
        // Given back and opened anew: a daemon may come or go while its topic is followed.
        drop(access);
        std::thread::park_timeout(FOLLOW_EVERY);
        access = open(&arguments.log)?.0;
    }
    Ok(code::OK)
}

/// Prints what there is; false when nobody wants more.
fn pass(
    arguments: &ReadArguments,
    access: &Access,
    reading: &mut Reading,
) -> Result<bool, AccessError> {
    for (partition, from) in &mut reading.positions {
        while arguments.until.is_none_or(|until| *from < until) {
            let request = ReadRequest {
                partition: Some(*partition),
                from: Some(*from),
                until: arguments.until,
                limit: Some(reading.left.min(PAGE)),
            };
            let records = access.read(&arguments.topic, &request)?;
            let Some(last) = records.last() else { break };
            *from = last.offset + 1;
            reading.left -= records.len();
            if !show(&records, arguments.format) || reading.left == 0 {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Prints records; false if nobody reads them any more.
fn show(records: &[Record], format: Output) -> bool {
    use std::io::Write;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for record in records {
        let line = match format {
            Output::Json => serde_json::to_string(record).unwrap_or_default(),
            Output::Text => (record.value.clone()).unwrap_or_else(|| "(deleted)".to_owned()),
        };
        if writeln!(out, "{line}").is_err() {
            return false;
        }
    }
    out.flush().is_ok()
}
