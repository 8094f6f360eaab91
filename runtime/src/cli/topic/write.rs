//! `thalweg topic write` and `create`.

use std::io::Read;

use actors::log::TopicSpec;
use bytes::Bytes;
use config::TopicName;

use super::super::load::{create as create_log, open};
use super::super::{LogArguments, code, fail, print};
use crate::access::AccessError;
use crate::control::lines;

/// What `topic write` takes. A topology says where each record's key is; a running daemon knows;
/// without either, records get no keys.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct WriteArguments {
    /// The topic
    topic: String,
    #[command(flatten)]
    log: LogArguments,
}

/// What `topic create` takes.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct CreateArguments {
    /// The topic
    topic: String,
    #[command(flatten)]
    log: LogArguments,
    /// Partitions
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1024))]
    partitions: u32,
    /// Keeps the last record of each key
    #[arg(long)]
    compacted: bool,
}

/// About the most bytes that are appended in one go.
const BATCH_BYTES: usize = 8 << 20;

pub(super) fn write(arguments: &WriteArguments) -> Result<u8, AccessError> {
    let (access, topology) = open(&arguments.log)?;
    access.topic(&arguments.topic)?;
    let mut rest = Vec::new();
    let mut written = 0;
    let mut stdin = std::io::stdin().lock();
    loop {
        let read = match stdin
            .by_ref()
            .take(BATCH_BYTES as u64)
            .read_to_end(&mut rest)
        {
            Ok(read) => read,
            Err(error) => return Ok(fail(&error, None, code::UNAVAILABLE)),
        };
        // The last line goes with the next batch, unless it is the last of all.
        let whole = match read {
            0 => rest.len(),
            _ => rest
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |at| at + 1),
        };
        let batch = Bytes::from(rest.drain(..whole).collect::<Vec<u8>>());
        if !lines(&batch).is_empty() {
            let appended = access.append(topology.as_ref(), &arguments.topic, &batch)?;
            written += appended.records;
        }
        if read == 0 {
            break;
        }
    }
    let topic = &arguments.topic;
    Ok(print(&format!("{written} records appended to {topic}")))
}

pub(super) fn create(arguments: &CreateArguments) -> Result<u8, AccessError> {
    let name = match TopicName::parse(&arguments.topic) {
        Ok(name) => name,
        Err(error) => return Ok(fail(&error, None, code::USAGE)),
    };
    let spec = TopicSpec {
        name,
        partitions: arguments.partitions,
        compacted: arguments.compacted,
        retention_ms: None,
        retention_bytes: None,
    };
    let access = create_log(&arguments.log)?;
    let created = access.create_topic(&spec, &arguments.log.data.data_dir)?;
    Ok(print(match created {
        true => "created",
        false => "it is there already",
    }))
}
