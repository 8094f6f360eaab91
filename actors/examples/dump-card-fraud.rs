//! Writes the payments of the card-fraud generator as CSV to standard output, each with its label:
//! what `examples/card-fraud/train.py` trains on.
//!
//! `cargo run --release -p thalweg-actors --example dump-card-fraud -- --seed 7 --records 1000000`

use std::collections::VecDeque;
use std::error::Error;
use std::io::{BufWriter, Write};

use config::{
    Column, DataType, EventTime, Format, Millis, NodeId, Profile, Schema, Source, Start, TimeUnit,
    TopicName, WatermarkSettings,
};
use thalweg_actors::feeds::{FeedTarget, generator};

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments {
        seed,
        records,
        drift,
    } = arguments()?;
    let profile = Profile::CardFraud { drift };
    let mut feed = generator::generator(profile, seed, Some(records), &payments()?, 0);
    let mut out = BufWriter::new(std::io::stdout().lock());
    writeln!(
        out,
        "tx_id,ts,customer_id,terminal_id,amount,is_fraud,scenario"
    )?;

    // Labels come in the order of their payments, days later.
    let mut unlabelled = VecDeque::new();
    while !feed.ended() {
        for made in feed.next(10_000)? {
            let value = made.record.value.unwrap_or_default();
            match made.target {
                FeedTarget::Source => unlabelled.push_back(value),
                FeedTarget::Labels => {
                    let label: serde_json::Value = serde_json::from_slice(&value)?;
                    let payment = unlabelled.pop_front().ok_or("a label without payment")?;
                    out.write_all(&payment)?;
                    let is_fraud = u8::from(label["is_fraud"] == true);
                    writeln!(out, ",{is_fraud},{}", label["scenario"])?;
                }
            }
        }
    }
    out.flush()?;
    Ok(())
}

/// What is asked for.
struct Arguments {
    seed: u64,
    records: u64,
    /// Day from which on thieves act otherwise.
    drift: Option<u64>,
}

/// `--seed`, `--records` and `--drift`.
fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut given = Arguments {
        seed: 7,
        records: 1_000_000,
        drift: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or("a value is missing")?.parse()?;
        match &*name {
            "--seed" => given.seed = value,
            "--records" => given.records = value,
            "--drift" => given.drift = Some(value),
            _ => return Err(format!("\"{name}\" is not --seed, --records or --drift").into()),
        }
    }
    Ok(given)
}

/// A source of payments as CSV lines.
fn payments() -> Result<Source, Box<dyn Error>> {
    let columns = [
        ("tx_id", DataType::Int64),
        ("ts", DataType::Timestamp),
        ("customer_id", DataType::String),
        ("terminal_id", DataType::String),
        ("amount", DataType::Float64),
    ];
    let columns = columns.map(|(name, data_type)| Column::new(name, data_type, false));
    Ok(Source {
        id: NodeId::parse("transactions")?,
        topics: vec![TopicName::parse("transactions")?],
        pattern: None,
        format: Format::Csv,
        schema: Schema::new(columns.into()),
        key: Some(2),
        time: EventTime {
            column: Some(1),
            unit: TimeUnit::Millisecond,
        },
        watermark: WatermarkSettings {
            delay: Millis(0),
            idle: None,
        },
        start: Start::Earliest,
        feed: None,
        partitions: 1,
    })
}
