//! Of the forms on disk: what is damaged is never read as something else.

use bytes::{Bytes, BytesMut};
use config::TopicName;
use proptest::prelude::*;

use super::chunk::{Budget, Chunk, ChunkBuilder, Summary};
use super::entry::Entry;
use super::storage::ChunkKey;
use super::varint;
use crate::log::{Committed, Headers, LogError, LogRecord, OffsetRange, TopicSpec};

fn chunk_of(records: &[LogRecord], base: i64) -> Chunk {
    let mut builder = ChunkBuilder::with_capacity(0);
    records.iter().for_each(|record| builder.push(record, 0));
    let next = base + builder.span();
    builder.seal(base, next)
}

fn record() -> impl Strategy<Value = LogRecord> {
    let blob =
        || prop::option::of(prop::collection::vec(any::<u8>(), 0..300).prop_map(Bytes::from));
    let headers = prop::collection::vec(any::<u8>(), 0..20);
    (any::<i64>(), blob(), blob(), headers).prop_map(|(timestamp, key, value, headers)| LogRecord {
        headers: Headers::from_bytes(Bytes::from(headers)),
        ..LogRecord::new(key, value, timestamp)
    })
}

proptest! {
    #[test]
    fn a_chunk_gives_back_what_was_put_in(
        records in prop::collection::vec(record(), 1..20),
        base in 0..i64::MAX / 2,
    ) {
        let chunk = Chunk::parse(chunk_of(&records, base).bytes().clone()).unwrap();
        let mut read = Vec::new();
        let budget = Budget { records: usize::MAX, bytes: usize::MAX };
        let (next, _) = chunk.read(base, budget, &mut read).unwrap();
        prop_assert_eq!(next, base + records.len() as i64);
        prop_assert_eq!(chunk.summary().max_timestamp, records.iter().map(|r| r.timestamp).max().unwrap());
        for (offset, (got, mut sent)) in (base..).zip(read.into_iter().zip(records)) {
            sent.offset = offset;
            prop_assert_eq!(got, sent);
        }
    }

    #[test]
    fn numbers_survive_varints(number in any::<u64>(), signed in any::<i64>()) {
        let mut buffer = BytesMut::new();
        varint::put(&mut buffer, number);
        let mut position = 0;
        prop_assert_eq!(varint::take(&buffer, &mut position), Some(number));
        prop_assert_eq!(position, buffer.len());
        prop_assert_eq!(varint::take(&buffer[..position - 1], &mut 0), None);
        prop_assert_eq!(varint::unzigzag(varint::zigzag(signed)), signed);
    }
}

#[test]
fn a_chunk_with_any_byte_changed_or_cut_is_damaged() {
    let value = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
    let records = [
        LogRecord::new(value("key"), value("a value"), 1_000),
        LogRecord::new(None, None, 2_000),
    ];
    let whole = chunk_of(&records, 77).bytes().clone();
    for at in 0..whole.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bytes = BytesMut::from(&whole[..]);
            bytes[at] ^= flip;
            assert_damaged(Chunk::parse(bytes.freeze()), at);
        }
        assert_damaged(Chunk::parse(whole.slice(..at)), at);
    }
}

#[test]
fn an_index_entry_with_any_byte_changed_or_cut_is_damaged() {
    for entry in entries() {
        let (key, value) = entry.encode();
        assert_eq!(Entry::decode(&key, &value).unwrap(), entry);
        for at in 0..key.len() {
            let mut bytes = BytesMut::from(&key[..]);
            bytes[at] ^= 1;
            assert_damaged(Entry::decode(&bytes.freeze(), &value), at);
        }
        for at in 0..value.len() {
            let mut bytes = BytesMut::from(&value[..]);
            bytes[at] ^= 0x80;
            assert_damaged(Entry::decode(&key, &bytes.freeze()), at);
            assert_damaged(Entry::decode(&key, &value.slice(..at)), at);
        }
    }
}

#[test]
fn index_keys_of_chunks_sort_as_their_offsets() {
    let key = |partition, base| Entry::Chunk(1, partition, summary(base), 0).key();
    let keys = [
        key(0, 0),
        key(0, 255),
        key(0, 256),
        key(0, i64::MAX),
        key(1, 0),
        key(256, 0),
    ];
    assert!(keys.is_sorted());
}

fn entries() -> Vec<Entry> {
    let spec = |retention_ms: Option<i64>, retention_bytes| TopicSpec {
        name: TopicName::parse("a.topic").unwrap(),
        partitions: 12,
        compacted: retention_ms.is_none(),
        retention_ms,
        retention_bytes,
    };
    let committed = |metadata: &str| Committed {
        offset: 9,
        metadata: metadata.to_owned(),
    };
    vec![
        Entry::Format,
        Entry::Topic(3, spec(None, None)),
        Entry::Topic(4, spec(Some(0), Some(1 << 40))),
        Entry::Range(1, 2, OffsetRange { start: 5, end: 6 }),
        Entry::Chunk(1, 2, summary(7), 3),
        Entry::Position("a group".to_owned(), 1, 2, committed("metadata")),
        Entry::Position(String::new(), 1, 2, committed("")),
        Entry::Doomed(ChunkKey {
            topic: 1,
            partition: 2,
            base: 3,
            generation: 4,
        }),
        Entry::Clean(1, 2, 77),
    ]
}

fn summary(base: i64) -> Summary {
    Summary {
        base,
        next: base.saturating_add(3),
        max_timestamp: -1,
        count: 2,
        bytes: 99,
    }
}

fn assert_damaged<T: std::fmt::Debug>(result: Result<T, LogError>, at: usize) {
    assert!(
        matches!(result, Err(LogError::Damaged(_))),
        "byte {at}: {result:?}"
    );
}
