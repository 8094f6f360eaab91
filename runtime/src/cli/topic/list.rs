//! `thalweg topic list` and `describe`.

use comfy_table::{Table, presets};

use super::super::load::open;
use super::super::{LogArguments, Output, json, print};
use crate::access::AccessError;
use crate::control::TopicView;

/// What `topic list` takes.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ListArguments {
    #[command(flatten)]
    log: LogArguments,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    format: Output,
}

/// What `topic describe` takes.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DescribeArguments {
    /// The topic
    topic: String,
    #[command(flatten)]
    list: ListArguments,
}

pub(super) fn list(arguments: &ListArguments) -> Result<u8, AccessError> {
    let topics = open(&arguments.log)?.0.topics()?;
    Ok(match arguments.format {
        Output::Json => print(&json(&topics)),
        Output::Text => print(&all(&topics)),
    })
}

pub(super) fn describe(arguments: &DescribeArguments) -> Result<u8, AccessError> {
    let topic = open(&arguments.list.log)?.0.topic(&arguments.topic)?;
    Ok(match arguments.list.format {
        Output::Json => print(&json(&topic)),
        Output::Text => print(&one(&topic)),
    })
}

fn all(topics: &[TopicView]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["topic", "partitions", "records", "keeps"]);
    for topic in topics {
        let records: i64 = topic.partitions.iter().map(records).sum();
        table.add_row([
            topic.name.clone(),
            topic.partitions.len().to_string(),
            records.to_string(),
            keeps(topic).to_owned(),
        ]);
    }
    table.trim_fmt()
}

fn one(topic: &TopicView) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["partition", "first", "end", "records"]);
    for (nth, range) in topic.partitions.iter().enumerate() {
        let numbers = [range.0, range.1, records(range)].map(|n| n.to_string());
        let [first, end, records] = numbers;
        table.add_row([nth.to_string(), first, end, records]);
    }
    format!(
        "{} keeps {}\n{}",
        topic.name,
        keeps(topic),
        table.trim_fmt()
    )
}

/// Offsets of a partition, which compaction may have thinned out.
fn records((first, end): &(i64, i64)) -> i64 {
    end - first
}

fn keeps(topic: &TopicView) -> &'static str {
    match topic.compacted {
        true => "last per key",
        false => "all",
    }
}
