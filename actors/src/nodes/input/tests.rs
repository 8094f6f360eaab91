//! Rows behind a key-by come out in one order, each once, however the partitions interleaved, how
//! the topic was read, and where the task was stopped and began again.

use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch};
use bytes::Bytes;
use config::{Column, DataType, Order, Schema};
use proptest::prelude::*;

use super::repartition::RepartitionInput;
use crate::batch::{Batch, Row};
use crate::codec::row::RowEncoder;
use crate::log::LogRecord;
use crate::nodes::marker;
use crate::nodes::progress::HeldProgress;
use crate::watermark::{Pace, Watermark};

const DELAY: i64 = 5;

fn schema() -> Schema {
    Schema::new(vec![Column::new("id", DataType::Int64, false)])
}

/// What one upstream task writes: rows with rising offsets and its marker behind each epoch.
fn upstream(partition: u32, times: &[i64], epoch: usize) -> Vec<Bytes> {
    let encoder = RowEncoder::new(&schema());
    let mut watermark = Watermark::new(DELAY);
    let mut values = Vec::new();
    for (nth, times) in times.chunks(epoch).enumerate() {
        for (within, time) in times.iter().enumerate() {
            let offset = i64::try_from(nth * epoch + within).expect("small");
            let before = watermark.observe(*time);
            // As the source's task does it: a late row is taken at its partition's watermark.
            let row = Row {
                time: (*time).max(before),
                watermark: before,
                appended: 0,
                partition,
                offset,
                index: 0,
            };
            let id = Int64Array::from(vec![i64::from(partition) * 1_000 + offset]);
            let columns = RecordBatch::try_new(schema().to_arrow(), vec![Arc::new(id)]);
            let batch = Batch::new(
                columns.expect("one column"),
                vec![row],
                Arc::new(Vec::new()),
            );
            values.extend(encoder.encode(&batch));
        }
        values.push(marker::encode(partition, Pace::Active(watermark.current())));
    }
    values.push(marker::encode(partition, Pace::Ended));
    values
}

/// Reads the topic in pieces (of no record too: an epoch may close before any comes), releases after
/// each as far as the slowest task of the node allows, and begins again from committed progress
/// where `stops` says so; gives (time, partition, offset) of what came out.
fn read(
    topic: &[LogRecord],
    pieces: &[usize],
    stops: &[bool],
    others: &[i64],
) -> Vec<(i64, u32, i64)> {
    let carried = [0];
    let open = |(from, progress): (i64, HeldProgress)| {
        RepartitionInput::new(&schema(), &carried, Order::EventTime, from, progress)
    };
    let mut committed = (0i64, HeldProgress::new(3));
    let mut input = open(committed.clone());
    let (mut from, mut out, mut uncommitted) = (0usize, Vec::new(), Vec::new());
    let mut turn = 0;
    while from < topic.len() || !uncommitted.is_empty() || input.held_rows() > 0 {
        let to = (from + pieces[turn % pieces.len()]).min(topic.len());
        let next = i64::try_from(to).expect("small");
        let taken = input
            .take(topic[from..to].to_vec(), next)
            .expect("its own columns");
        assert!(taken.bad.is_empty() && taken.batch.is_none());
        from = to;
        // Other tasks of the node may be behind, until all have ended.
        let behind = others[turn % others.len()];
        let watermark = match input.watermark() {
            ended if turn >= 400 || ended == i64::MAX && behind == 0 => ended,
            own => own.min(60).saturating_sub(behind),
        };
        let released = input.release(watermark).expect("its own columns");
        let rows = released.map(|batch| batch.rows).unwrap_or_default();
        uncommitted.extend(rows.iter().map(|row| (row.time, row.partition, row.offset)));
        let stop = stops[turn % stops.len()];
        turn += 1;
        if stop && turn < 200 {
            // The epoch is lost with the process: what it released comes again.
            uncommitted.clear();
            input = open(committed.clone());
            from = usize::try_from(committed.0).expect("an offset");
            continue;
        }
        committed = input.progress();
        // Through the offset's metadata, as in the log.
        committed.1 = HeldProgress::decode(&committed.1.encode()).expect("its own form");
        out.append(&mut uncommitted);
    }
    assert_eq!(input.held_rows(), 0, "ended inputs hold nothing back");
    out
}

proptest! {
    #[test]
    fn rows_come_out_once_in_the_order_of_time_partition_and_offset(
        times in prop::collection::vec(prop::collection::vec(0i64..60, 0..25), 3),
        epoch in 1usize..6,
        order in prop::collection::vec(0usize..3, 1..40),
        pieces in prop::collection::vec(0usize..12, 1..6).prop_filter(
            "something is read", |pieces| pieces.iter().any(|piece| *piece > 0)
        ),
        others in prop::collection::vec(0i64..20, 1..5),
        stops in prop::collection::vec(prop::bool::weighted(0.3), 1..9),
    ) {
        let mut queues: Vec<Vec<Bytes>> =
            (0u32..).zip(&times).map(|(p, times)| upstream(p, times, epoch)).collect();
        queues.iter_mut().for_each(|queue| queue.reverse());
        let mut topic = Vec::new();
        let mut turn = 0;
        while queues.iter().any(|queue| !queue.is_empty()) {
            if let Some(value) = queues[order[turn % order.len()]].pop().or_else(|| {
                queues.iter_mut().find_map(Vec::pop)
            }) {
                let offset = i64::try_from(topic.len()).expect("small");
                topic.push(LogRecord { offset, ..LogRecord::new(None, Some(value), 0) });
            }
            turn += 1;
        }
        let out = read(&topic, &pieces, &stops, &others);
        let mut expected = out.clone();
        expected.sort_unstable();
        expected.dedup();
        prop_assert_eq!(&out, &expected, "in order, each once");
        prop_assert_eq!(out.len(), times.iter().map(Vec::len).sum::<usize>(), "all of them");
    }
}
