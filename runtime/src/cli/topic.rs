//! `thalweg topic`: the log's topics.

use std::io::Read;
use std::time::Duration;

use actors::log::TopicSpec;
use clap::Subcommand;
use comfy_table::{Table, presets};
use config::TopicName;

use super::{DataArguments, Output, code, fail, print, warn};
use crate::access::{Access, AccessError};
use crate::control::{ReadRequest, Record, TopicView};

/// What can be done with topics.
#[derive(Debug, Subcommand)]
pub enum TopicCommand {
    /// Lists all topics
    List(ListArguments),
    /// Prints a topic's records
    Read(ReadArguments),
    /// Appends the lines of standard input to a topic
    Write(WriteArguments),
    /// Creates a topic (while no daemon runs)
    Create(CreateArguments),
    /// Shows a topic's partitions
    Describe(DescribeArguments),
}

/// What `topic list` takes.
#[derive(Debug, clap::Args)]
pub struct ListArguments {
    #[command(flatten)]
    data: DataArguments,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// What `topic describe` takes.
#[derive(Debug, clap::Args)]
pub struct DescribeArguments {
    /// The topic
    topic: String,
    #[command(flatten)]
    list: ListArguments,
}

/// What `topic read` takes.
#[derive(Debug, clap::Args)]
pub struct ReadArguments {
    /// The topic
    pub topic: String,
    #[command(flatten)]
    pub data: DataArguments,
    /// Only this partition
    #[arg(long)]
    pub partition: Option<u32>,
    /// From this offset on, in each partition
    #[arg(long)]
    pub from: Option<i64>,
    /// Before this offset, in each partition
    #[arg(long)]
    pub until: Option<i64>,
    /// At most so many records
    #[arg(long)]
    pub limit: Option<usize>,
    /// Goes on with new records until it is stopped
    #[arg(long)]
    pub follow: bool,
    /// `text`: values, a line each; `json`: an object a line with key, offset and headers
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub format: Output,
}

/// What `topic write` takes.
#[derive(Debug, clap::Args)]
pub struct WriteArguments {
    /// The topic
    topic: String,
    #[command(flatten)]
    data: DataArguments,
}

/// What `topic create` takes.
#[derive(Debug, clap::Args)]
pub struct CreateArguments {
    /// The topic
    topic: String,
    #[command(flatten)]
    data: DataArguments,
    /// Partitions
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1024))]
    partitions: u32,
    /// Keeps the last record of each key
    #[arg(long)]
    compacted: bool,
}

/// Records of one request while a whole topic is read.
const PAGE: usize = 5_000;
/// How long `--follow` waits before it looks again.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);

/// Carries out a `topic` command.
pub(super) fn topic(command: &TopicCommand) -> u8 {
    let done = match command {
        TopicCommand::List(arguments) => list(arguments, None),
        TopicCommand::Describe(arguments) => list(&arguments.list, Some(&arguments.topic)),
        TopicCommand::Read(arguments) => read(arguments),
        TopicCommand::Write(arguments) => write(arguments),
        TopicCommand::Create(arguments) => create(arguments),
    };
    done.unwrap_or_else(|error| fail(&error, code::UNAVAILABLE))
}

fn list(arguments: &ListArguments, only: Option<&str>) -> Result<u8, AccessError> {
    let mut topics = Access::open(&arguments.data.data_dir)?.topics()?;
    if let Some(only) = only {
        topics.retain(|topic| topic.name == only);
        if topics.is_empty() {
            let name = only.to_owned();
            return Err(crate::control::ControlError::NotFound {
                what: "topic",
                name,
            }
            .into());
        }
    }
    match arguments.format {
        Output::Json => print(&super::json(&topics)),
        Output::Text => print(&table(&topics, only.is_some())),
    };
    Ok(code::OK)
}

fn table(topics: &[TopicView], by_partition: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(match by_partition {
        true => ["partition", "first", "end", "records"],
        false => ["topic", "partitions", "records", "keeps"],
    });
    for topic in topics {
        let records = |(start, end): &(i64, i64)| end - start;
        if by_partition {
            for (nth, range) in topic.partitions.iter().enumerate() {
                table.add_row([
                    nth.to_string(),
                    range.0.to_string(),
                    range.1.to_string(),
                    records(range).to_string(),
                ]);
            }
        } else {
            let total: i64 = topic.partitions.iter().map(records).sum();
            let keeps = if topic.compacted {
                "last per key"
            } else {
                "all"
            };
            table.add_row([
                topic.name.clone(),
                topic.partitions.len().to_string(),
                total.to_string(),
                keeps.to_owned(),
            ]);
        }
    }
    table.trim_fmt()
}

/// Prints records page by page.
pub(super) fn read(arguments: &ReadArguments) -> Result<u8, AccessError> {
    let mut left = arguments.limit.unwrap_or(usize::MAX);
    let partitions = {
        let topics = Access::open(&arguments.data.data_dir)?.topics()?;
        let found = topics
            .into_iter()
            .find(|topic| topic.name == arguments.topic);
        let name = arguments.topic.clone();
        found
            .ok_or(crate::control::ControlError::NotFound {
                what: "topic",
                name,
            })?
            .partitions
            .len()
    };
    let wanted: Vec<u32> = match arguments.partition {
        Some(partition) => vec![partition],
        None => (0..u32::try_from(partitions).unwrap_or(u32::MAX)).collect(),
    };
    let mut positions: Vec<i64> = vec![arguments.from.unwrap_or(0); wanted.len()];
    loop {
        // Opened anew each time: a daemon may come or go while a topic is followed.
        let access = Access::open(&arguments.data.data_dir)?;
        for (partition, from) in wanted.iter().zip(&mut positions) {
            loop {
                let request = ReadRequest {
                    partition: Some(*partition),
                    from: Some(*from),
                    until: arguments.until,
                    limit: Some(left.min(PAGE)),
                };
                let records = access.read(&arguments.topic, &request)?;
                let Some(last) = records.last() else { break };
                *from = last.offset + 1;
                left -= records.len();
                if !show(&records, arguments.format) || left == 0 {
                    return Ok(code::OK);
                }
            }
        }
        drop(access);
        if !arguments.follow {
            return Ok(code::OK);
        }
        std::thread::park_timeout(FOLLOW_EVERY);
    }
}

/// Prints records; false if nobody reads them any more.
fn show(records: &[Record], format: Output) -> bool {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    for record in records {
        let line = match format {
            Output::Json => serde_json::to_string(record).unwrap_or_default(),
            Output::Text => record
                .value
                .clone()
                .unwrap_or_else(|| "(deleted)".to_owned()),
        };
        if writeln!(out, "{line}").is_err() {
            return false;
        }
    }
    out.flush().is_ok()
}

fn write(arguments: &WriteArguments) -> Result<u8, AccessError> {
    let mut lines = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut lines) {
        warn(&format!(
            "error: standard input cannot be read as text: {error}"
        ));
        return Ok(code::USAGE);
    }
    let appended = Access::open(&arguments.data.data_dir)?.append(&arguments.topic, &lines)?;
    print(&format!(
        "{} records appended to {}",
        appended.records, arguments.topic
    ));
    Ok(code::OK)
}

fn create(arguments: &CreateArguments) -> Result<u8, AccessError> {
    let name = match TopicName::parse(&arguments.topic) {
        Ok(name) => name,
        Err(error) => return Ok(fail(&error, code::USAGE)),
    };
    let spec = TopicSpec {
        name,
        partitions: arguments.partitions,
        compacted: arguments.compacted,
        retention_ms: None,
        retention_bytes: None,
    };
    let access = Access::open(&arguments.data.data_dir)?;
    let created = access.create(&spec, &arguments.data.data_dir)?;
    print(if created {
        "created"
    } else {
        "it is there already"
    });
    Ok(code::OK)
}
