//! Messages taken from a consumer's queue many at a time. rdkafka's own `poll` takes one, at twice the
//! price, and does not say where the end of a partition is.

#![expect(
    unsafe_code,
    reason = "rdkafka has no safe call for batches and for the offset of a partition's end"
)]

use std::ffi::{CStr, c_int};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rdkafka::bindings as native;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;

use super::reporter::Reporter;
use crate::log::{Headers, HeadersBuilder, LogRecord};

/// Most messages of one call: their pointers are on the stack of a few pages.
const BATCH_MAX: usize = 512;

/// The queue of a consumer. While it is used, nobody else polls the consumer.
pub(super) struct Queue {
    queue: NonNull<native::rd_kafka_queue_t>,
    consumer: Arc<BaseConsumer<Reporter>>,
}

// SAFETY: librdkafka's queues are locked inside; any thread may use them.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

/// A message, or an error in a message's place.
pub(super) struct Message(NonNull<native::rd_kafka_message_t>);

impl Queue {
    /// The queue of a consumer that has a group id; `None` if it has none.
    pub(super) fn of(consumer: Arc<BaseConsumer<Reporter>>) -> Option<Self> {
        // SAFETY: the client lives as long as `consumer`, which is kept; the queue that is returned
        // counts as a reference to it and is given back when dropped.
        let queue = unsafe { native::rd_kafka_queue_get_consumer(consumer.client().native_ptr()) };
        NonNull::new(queue).map(|queue| Self { queue, consumer })
    }

    pub(super) fn consumer(&self) -> &BaseConsumer<Reporter> {
        &self.consumer
    }

    /// Waits for a message, then takes what else is there: at most `max` messages.
    pub(super) fn take(&self, timeout: Duration, max: usize) -> Vec<Message> {
        // A batch call waits until it is full: so the first message is waited for alone.
        let mut messages = self.batch(timeout, 1);
        if !messages.is_empty() && max > 1 {
            messages.append(&mut self.batch(Duration::ZERO, (max - 1).min(BATCH_MAX)));
        }
        messages
    }

    fn batch(&self, timeout: Duration, max: usize) -> Vec<Message> {
        let timeout = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        let mut taken: Vec<*mut native::rd_kafka_message_t> = vec![ptr::null_mut(); max];
        // SAFETY: the queue is alive (see `of`), and the buffer has room for `max` pointers.
        let count = unsafe {
            native::rd_kafka_consume_batch_queue(
                self.queue.as_ptr(),
                timeout,
                taken.as_mut_ptr(),
                max,
            )
        };
        taken.truncate(usize::try_from(count).unwrap_or(0));
        taken
            .into_iter()
            .filter_map(|message| NonNull::new(message).map(Message))
            .collect()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: taken in `of`, given back once, before the client that it belongs to is dropped.
        unsafe { native::rd_kafka_queue_destroy(self.queue.as_ptr()) }
    }
}

impl Message {
    fn raw(&self) -> &native::rd_kafka_message_t {
        // SAFETY: librdkafka gave it to us, and it is ours until it is dropped.
        unsafe { self.0.as_ref() }
    }

    /// The error in this message's place.
    pub(super) fn error(&self) -> Option<RDKafkaErrorCode> {
        let code = self.raw().err;
        (code != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| code.into())
    }

    /// Its offset; of [`RDKafkaErrorCode::PartitionEOF`] the offset from which to read on.
    pub(super) fn offset(&self) -> i64 {
        self.raw().offset
    }

    /// Bytes of key and value.
    pub(super) fn len(&self) -> usize {
        self.raw().key_len + self.raw().len
    }

    fn key(&self) -> Option<&[u8]> {
        let raw = self.raw();
        // SAFETY: pointer and length are of one field, and live as long as the message.
        unsafe { slice(raw.key.cast(), raw.key_len) }
    }

    fn value(&self) -> Option<&[u8]> {
        let raw = self.raw();
        // SAFETY: as above.
        unsafe { slice(raw.payload.cast(), raw.len) }
    }

    /// Copies it. Key and value share one allocation; the buffer of headers is shared by many records.
    /// A message without timestamp (of brokers before 0.10) is of 1970.
    pub(super) fn record(&self, headers: &mut HeadersBuilder) -> LogRecord {
        let (key, value) = match (self.key(), self.value()) {
            (Some(key), Some(value)) => {
                let mut both = Vec::with_capacity(self.len());
                both.extend_from_slice(key);
                both.extend_from_slice(value);
                let mut both = Bytes::from(both);
                let key = both.split_to(key.len());
                (Some(key), Some(both))
            }
            (key, value) => (
                key.map(Bytes::copy_from_slice),
                value.map(Bytes::copy_from_slice),
            ),
        };
        let mut kind = native::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive; the kind is written to a local.
        let timestamp =
            unsafe { native::rd_kafka_message_timestamp(self.0.as_ptr(), &raw mut kind) };
        LogRecord {
            offset: self.offset(),
            timestamp: timestamp.max(0),
            key,
            value,
            headers: self.headers(headers),
        }
    }

    /// A header without value has an empty one; one whose name is not UTF-8 is left out.
    fn headers(&self, into: &mut HeadersBuilder) -> Headers {
        let mut block = ptr::null_mut();
        // SAFETY: the message is alive, and keeps the headers, which are parsed here.
        let told = unsafe { native::rd_kafka_message_headers(self.0.as_ptr(), &raw mut block) };
        if told != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR || block.is_null() {
            return Headers::default();
        }
        for index in 0.. {
            let (mut name, mut value, mut len) = (ptr::null(), ptr::null(), 0);
            // SAFETY: the headers are alive; an index past the last is told by the answer, and only
            // then is nothing written.
            let told = unsafe {
                native::rd_kafka_header_get_all(
                    block,
                    index,
                    &raw mut name,
                    &raw mut value,
                    &raw mut len,
                )
            };
            if told != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                break;
            }
            // SAFETY: a name is a text that ends with a zero, and lives as long as the message.
            let name = unsafe { CStr::from_ptr(name) };
            // SAFETY: pointer and length are of one value.
            let value = unsafe { slice(value.cast(), len) };
            if let Ok(name) = name.to_str() {
                into.push(name, value.unwrap_or_default());
            }
        }
        into.finish()
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: ours, and given back once.
        unsafe { native::rd_kafka_message_destroy(self.0.as_ptr()) }
    }
}

/// A field of a message; none if the pointer is null.
///
/// # Safety
/// Unless null, the pointer is to `len` bytes that live as long as `'a`.
unsafe fn slice<'a>(pointer: *const u8, len: usize) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    (!pointer.is_null()).then(|| unsafe { std::slice::from_raw_parts(pointer, len) })
}
