//! A transactional producer: records go to partitions as they are; failed deliveries are kept for the
//! commit to see; flushing serves them without waiting in coarse steps.

use std::collections::HashMap;
use std::ffi::{CString, c_int, c_void};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::bindings as raw;
use rdkafka::client::Client;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::{RDKafkaRespErr, RDKafkaType};
use rdkafka::{ClientConfig, ClientContext, TopicPartitionList};

use super::{GroupMetadata, Reporter, Reports, SignsIn, Told, coded, report, told};
use crate::log::LogRecord;

/// A transactional producer. Used from one thread.
pub(in crate::log::kafka) struct NativeProducer {
    topics: HashMap<String, Topic>,
    /// Room for a batch; empty between calls.
    batch: Vec<raw::rd_kafka_message_t>,
    client: Arc<Client<Deliveries>>,
}

// SAFETY: librdkafka's handles may be used from any thread; the batch is empty between calls.
unsafe impl Send for NativeProducer {}

/// A topic as the producer knows it.
#[derive(Clone, Copy)]
pub(in crate::log::kafka) struct Topic(NonNull<raw::rd_kafka_topic_t>);

struct Deliveries {
    reporter: Reporter,
    /// The first delivery that failed in this transaction.
    failed: Mutex<Option<RDKafkaErrorCode>>,
}

impl ClientContext for Deliveries {}

impl Reports for Deliveries {
    fn reporter(&self) -> &Reporter {
        &self.reporter
    }
}

impl NativeProducer {
    pub(in crate::log::kafka) fn open(
        config: &ClientConfig,
        reporter: Reporter,
    ) -> Result<Self, KafkaError> {
        let native = config.create_native_config()?;
        report::<Deliveries>(&native);
        // SAFETY: the configuration is alive, and no client has been made of it yet.
        unsafe { raw::rd_kafka_conf_set_dr_msg_cb(native.ptr(), Some(on_delivery)) };
        let deliveries = Deliveries {
            reporter,
            failed: Mutex::default(),
        };
        let kind = RDKafkaType::RD_KAFKA_PRODUCER;
        let client = Arc::new(Client::new(config, native, kind, deliveries)?);
        Ok(Self {
            topics: HashMap::new(),
            batch: Vec::new(),
            client,
        })
    }

    /// What is given tokens.
    pub(in crate::log::kafka) fn client(&self) -> &Arc<impl SignsIn + use<>> {
        &self.client
    }

    fn ptr(&self) -> *mut raw::rd_kafka_t {
        self.client.native_ptr()
    }

    /// Waits for an answer of the coordinator for at most so long; on a timeout, call again.
    pub(in crate::log::kafka) fn init_transactions(&self, timeout: Duration) -> Result<(), Told> {
        // SAFETY: the client is alive; so for all that follow.
        told(unsafe { raw::rd_kafka_init_transactions(self.ptr(), millis(timeout)) })
    }

    pub(in crate::log::kafka) fn begin(&self) -> Result<(), Told> {
        *self.client.context().failed.lock() = None;
        // SAFETY: the client is alive.
        told(unsafe { raw::rd_kafka_begin_transaction(self.ptr()) })
    }

    /// A topic to send to, by name.
    pub(in crate::log::kafka) fn topic(&mut self, name: &str) -> Result<Topic, RDKafkaErrorCode> {
        if let Some(topic) = self.topics.get(name) {
            return Ok(*topic);
        }
        let text = CString::new(name).map_err(|_| RDKafkaErrorCode::InvalidTopic)?;
        // SAFETY: client and name live during the call; the topic is destroyed before the client.
        let made =
            unsafe { raw::rd_kafka_topic_new(self.ptr(), text.as_ptr(), std::ptr::null_mut()) };
        let topic = NonNull::new(made).map(Topic);
        let topic = topic.ok_or(RDKafkaErrorCode::UnknownTopic)?;
        self.topics.insert(name.to_owned(), topic);
        Ok(topic)
    }

    /// Puts a record into the queue of a partition; it is copied.
    pub(in crate::log::kafka) fn send(
        &self,
        topic: Topic,
        partition: i32,
        record: &LogRecord,
    ) -> Result<(), Told> {
        use raw::rd_kafka_vtype_t as Kind;
        // SAFETY: the headers are ours until the call has taken them.
        let headers = unsafe { headers_of(record) };
        let mut parts = [
            part(Kind::RD_KAFKA_VTYPE_RKT, |u| u.rkt = topic.0.as_ptr()),
            part(Kind::RD_KAFKA_VTYPE_PARTITION, |u| u.i32_ = partition),
            part(Kind::RD_KAFKA_VTYPE_MSGFLAGS, |u| {
                u.i = raw::RD_KAFKA_MSG_F_COPY;
            }),
            part(Kind::RD_KAFKA_VTYPE_VALUE, |u| {
                u.mem = memory(record.value.as_deref())
            }),
            part(Kind::RD_KAFKA_VTYPE_KEY, |u| {
                u.mem = memory(record.key.as_deref())
            }),
            part(Kind::RD_KAFKA_VTYPE_TIMESTAMP, |u| {
                u.i64_ = record.timestamp.max(0);
            }),
            part(Kind::RD_KAFKA_VTYPE_HEADERS, |u| u.headers = headers),
        ];
        let count = parts.len() - usize::from(headers.is_null());
        // SAFETY: the parts are as their kinds say, and live during the call, which copies key and
        // value and takes the headers unless it fails.
        let sent = told(unsafe { raw::rd_kafka_produceva(self.ptr(), parts.as_mut_ptr(), count) });
        if sent.is_err() && !headers.is_null() {
            // SAFETY: a call that failed has not taken them.
            unsafe { raw::rd_kafka_headers_destroy(headers) };
        }
        sent
    }

    /// Puts records into the queue of a partition, without their headers and with the present as
    /// their time; they are copied. Gives how many of them, from the first on, were taken.
    pub(in crate::log::kafka) fn send_many(
        &mut self,
        topic: Topic,
        partition: i32,
        records: &[LogRecord],
    ) -> usize {
        self.batch.extend(records.iter().map(message));
        let count = c_int::try_from(self.batch.len()).unwrap_or(c_int::MAX);
        // SAFETY: topic and batch live during the call, which copies keys and values, and says of each
        // message whether it was taken.
        unsafe {
            let (flags, batch) = (raw::RD_KAFKA_MSG_F_COPY, self.batch.as_mut_ptr());
            raw::rd_kafka_produce_batch(topic.0.as_ptr(), partition, flags, batch, count);
        }
        let taken = self
            .batch
            .iter()
            .take_while(|message| message.err == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR);
        let taken = taken.count();
        self.batch.clear();
        taken
    }

    /// Serves delivery reports that are there.
    pub(in crate::log::kafka) fn serve(&self, timeout: Duration) {
        // SAFETY: the client is alive.
        unsafe { raw::rd_kafka_poll(self.ptr(), millis(timeout)) };
    }

    /// Sends what is queued, for at most so long. True when the brokers have all of it.
    pub(in crate::log::kafka) fn flush(&self, timeout: Duration) -> bool {
        // SAFETY: the client is alive.
        coded(unsafe { raw::rd_kafka_flush(self.ptr(), millis(timeout)) }).is_ok()
    }

    /// The first delivery of this transaction that failed.
    pub(in crate::log::kafka) fn failed_delivery(&self) -> Option<RDKafkaErrorCode> {
        *self.client.context().failed.lock()
    }

    pub(in crate::log::kafka) fn send_offsets(
        &self,
        offsets: &TopicPartitionList,
        group: &GroupMetadata,
        timeout: Duration,
    ) -> Result<(), Told> {
        // SAFETY: all three live during the call.
        told(unsafe {
            raw::rd_kafka_send_offsets_to_transaction(
                self.ptr(),
                offsets.ptr(),
                group.0.as_ptr(),
                millis(timeout),
            )
        })
    }

    pub(in crate::log::kafka) fn commit(&self, timeout: Duration) -> Result<(), Told> {
        // SAFETY: the client is alive.
        told(unsafe { raw::rd_kafka_commit_transaction(self.ptr(), millis(timeout)) })
    }

    pub(in crate::log::kafka) fn abort(&self, timeout: Duration) -> Result<(), Told> {
        // SAFETY: the client is alive.
        told(unsafe { raw::rd_kafka_abort_transaction(self.ptr(), millis(timeout)) })
    }

    /// Drops what is queued or on its way.
    pub(in crate::log::kafka) fn purge(&self) {
        let what = raw::RD_KAFKA_PURGE_F_QUEUE | raw::RD_KAFKA_PURGE_F_INFLIGHT;
        // SAFETY: the client is alive.
        unsafe { raw::rd_kafka_purge(self.ptr(), what) };
    }
}

impl Drop for NativeProducer {
    fn drop(&mut self) {
        // A client waits for what it has queued when it is destroyed; nobody wants that any more.
        self.purge();
        for topic in self.topics.values() {
            // SAFETY: each is destroyed once, before its client.
            unsafe { raw::rd_kafka_topic_destroy(topic.0.as_ptr()) };
        }
    }
}

/// One record of a batch.
fn message(record: &LogRecord) -> raw::rd_kafka_message_t {
    let (value, key) = (
        memory(record.value.as_deref()),
        memory(record.key.as_deref()),
    );
    raw::rd_kafka_message_t {
        err: RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR,
        rkt: std::ptr::null_mut(),
        partition: 0,
        payload: value.ptr,
        len: value.size,
        key: key.ptr,
        key_len: key.size,
        offset: 0,
        _private: std::ptr::null_mut(),
    }
}

/// One argument of a send.
fn part(
    kind: raw::rd_kafka_vtype_t,
    set: impl FnOnce(&mut raw::rd_kafka_vu_s__bindgen_ty_1),
) -> raw::rd_kafka_vu_t {
    let mut u = raw::rd_kafka_vu_s__bindgen_ty_1 { _pad: [0; 64] };
    set(&mut u);
    raw::rd_kafka_vu_t { vtype: kind, u }
}

fn memory(bytes: Option<&[u8]>) -> raw::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 {
    let (ptr, size) = match bytes {
        // An empty value is not a missing one.
        Some(bytes) => (bytes.as_ptr().cast_mut().cast::<c_void>(), bytes.len()),
        None => (std::ptr::null_mut(), 0),
    };
    raw::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr, size }
}

/// Headers that a record is given room for: where it comes from and from which topology. More grow.
const HEADERS_EXPECTED: usize = 2;

/// A record's headers for a send that takes them; null if it has none.
///
/// # Safety
/// What is returned must be taken by a send or destroyed.
unsafe fn headers_of(record: &LogRecord) -> *mut raw::rd_kafka_headers_t {
    if record.headers.is_empty() {
        return std::ptr::null_mut();
    }
    // SAFETY: names and values live during the calls, which copy them.
    unsafe {
        let headers = raw::rd_kafka_headers_new(HEADERS_EXPECTED);
        for (name, value) in record.headers.iter_bytes() {
            let (name_length, length) = (name.len().cast_signed(), value.len().cast_signed());
            let (name, value) = (name.as_ptr().cast(), value.as_ptr().cast());
            raw::rd_kafka_header_add(headers, name, name_length, value, length);
        }
        headers
    }
}

fn millis(timeout: Duration) -> c_int {
    c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX)
}

unsafe extern "C" fn on_delivery(
    _: *mut raw::rd_kafka_t,
    message: *const raw::rd_kafka_message_t,
    context: *mut c_void,
) {
    // SAFETY: librdkafka gives a message that lives during the call, and the client's opaque, which
    // outlives the client.
    unsafe {
        let (Some(message), Some(deliveries)) =
            (message.as_ref(), context.cast::<Deliveries>().as_ref())
        else {
            return;
        };
        if message.err != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            let mut failed = deliveries.failed.lock();
            failed.get_or_insert(RDKafkaErrorCode::from(message.err));
        }
    }
}
