//! What is fed: good records of many keys, their times growing; now and then garbage; at the end a
//! record in each partition that lets the watermark pass all others.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::cluster::client;
use super::{Chaos, wait};

/// Every so many records, one is garbage.
const GARBAGE_EVERY: u64 = 500;
/// Time of the first record, in milliseconds since 1970-01-01 UTC.
const EPOCH_MS: u64 = 1_700_000_000_000;
/// Groups that the keys are regrouped into.
const GROUPS: u64 = 997;

/// One record of the input, by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) good: bool,
}

/// The records by number: the same for the feeder and the judge, who checks that the topic holds them.
pub(super) fn made(chaos: &Chaos, id: u64) -> Made {
    // Multiplication by an odd number spreads consecutive numbers over the keys.
    let spread = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let (key, group) = (spread % chaos.keys, spread / 7 % GROUPS);
    let good = id % GARBAGE_EVERY != GARBAGE_EVERY - 1;
    let (k, ts, v) = (format!("k{key}"), EPOCH_MS + id, id % 1_000);
    let mut value =
        format!("{{\"id\":{id},\"k\":\"{k}\",\"g\":\"g{group}\",\"v\":{v},\"ts\":{ts}}}");
    if !good {
        value.truncate(value.len() / 2);
    }
    Made {
        key: k,
        value,
        good,
    }
}

/// Feeds in a thread, over about the time that the faults take.
pub(super) fn start(chaos: Chaos) -> JoinHandle<Result<(), String>> {
    std::thread::spawn(move || feed(&chaos))
}

fn feed(chaos: &Chaos) -> Result<(), String> {
    let mut config = client(&chaos.bootstrap);
    config
        .set("enable.idempotence", "true")
        .set("partitioner", "murmur2_random")
        .set("linger.ms", "20");
    let producer: BaseProducer = config.create().map_err(|e| e.to_string())?;
    let (began, span) = (
        Instant::now(),
        Duration::from_secs(3) * u32::try_from(chaos.faults).unwrap_or(1),
    );
    let topic = chaos.input_topic();
    for id in 0..chaos.records {
        if id % 100 == 0 {
            #[expect(clippy::cast_precision_loss, reason = "a share of the time")]
            let due = span.mul_f64(id as f64 / chaos.records as f64);
            wait(due.saturating_sub(began.elapsed()));
            producer.poll(Duration::ZERO);
        }
        let record = made(chaos, id);
        send(&producer, || {
            BaseRecord::to(&topic)
                .key(record.key.as_str())
                .payload(record.value.as_str())
        })?;
    }
    let ts = EPOCH_MS + chaos.records + 3_600_000;
    for partition in 0..chaos.partitions {
        let value = format!("{{\"id\":-1,\"k\":\"end\",\"g\":\"end\",\"v\":0,\"ts\":{ts}}}");
        send(&producer, || {
            BaseRecord::to(&topic)
                .partition(partition)
                .key("end")
                .payload(value.as_str())
        })?;
    }
    let flushed = producer.flush(Duration::from_secs(60));
    flushed.map_err(|e| format!("the input could not be fed: {e}"))
}

fn send<'r>(
    producer: &BaseProducer,
    record: impl Fn() -> BaseRecord<'r, str, str>,
) -> Result<(), String> {
    loop {
        match producer.send(record()) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                producer.poll(Duration::from_millis(50));
            }
            Err((error, _)) => return Err(error.to_string()),
        }
    }
}
