//! A member of a group: batches of messages by the batch call; rebalances as values, answered when
//! their owner is ready to.

use std::collections::VecDeque;
use std::ffi::{CStr, c_int, c_void};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::bindings as raw;
use rdkafka::client::Client;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::{RDKafkaRespErr, RDKafkaType};
use rdkafka::{ClientConfig, ClientContext, TopicPartitionList};

use super::{GroupMetadata, Reporter, Reports, SignsIn, Told, coded, report, told};

/// A member of a group. Used from one thread.
pub(in crate::log::kafka) struct NativeConsumer {
    client: Arc<Client<Events>>,
    queue: NonNull<raw::rd_kafka_queue_t>,
    batch: Vec<*mut raw::rd_kafka_message_t>,
}

// SAFETY: librdkafka's handles may be used from any thread; the buffer of pointers is empty between calls.
unsafe impl Send for NativeConsumer {}

/// What the group wants of this member. Answered by [`NativeConsumer::assign`] or `unassign`.
#[derive(Debug)]
pub(in crate::log::kafka) enum Rebalance {
    Assign(Vec<(String, i32)>),
    Revoke(Vec<(String, i32)>),
}

/// A message of a batch, or an event of a partition.
pub(in crate::log::kafka) struct Message<'b> {
    message: &'b raw::rd_kafka_message_t,
    _batch: PhantomData<&'b ()>,
}

struct Events {
    reporter: Reporter,
    rebalances: Mutex<VecDeque<Rebalance>>,
    /// The client is being closed: rebalances are answered at once, with nothing.
    closing: AtomicBool,
}

impl ClientContext for Events {}

impl Reports for Events {
    fn reporter(&self) -> &Reporter {
        &self.reporter
    }
}

impl NativeConsumer {
    pub(in crate::log::kafka) fn open(
        config: &ClientConfig,
        reporter: Reporter,
    ) -> Result<Self, KafkaError> {
        let native = config.create_native_config()?;
        report::<Events>(&native);
        // SAFETY: the configuration is alive, and no client has been made of it yet.
        unsafe { raw::rd_kafka_conf_set_rebalance_cb(native.ptr(), Some(on_rebalance)) };
        let events = Events {
            reporter,
            rebalances: Mutex::default(),
            closing: AtomicBool::new(false),
        };
        let kind = RDKafkaType::RD_KAFKA_CONSUMER;
        let client = Arc::new(Client::new(config, native, kind, events)?);
        // SAFETY: the client is alive; the queue is destroyed before it.
        let queue = unsafe {
            raw::rd_kafka_poll_set_consumer(client.native_ptr());
            raw::rd_kafka_queue_get_consumer(client.native_ptr())
        };
        let queue = NonNull::new(queue)
            .ok_or_else(|| KafkaError::ClientCreation("no consumer queue".into()))?;
        Ok(Self {
            client,
            queue,
            batch: Vec::new(),
        })
    }

    /// What is given tokens.
    pub(in crate::log::kafka) fn client(&self) -> &Arc<impl SignsIn + use<>> {
        &self.client
    }

    fn ptr(&self) -> *mut raw::rd_kafka_t {
        self.client.native_ptr()
    }

    pub(in crate::log::kafka) fn subscribe(&self, topics: &[&str]) -> Result<(), RDKafkaErrorCode> {
        let mut list = TopicPartitionList::with_capacity(topics.len());
        for topic in topics {
            list.add_topic_unassigned(topic);
        }
        // SAFETY: client and list live during the call, which copies the list.
        coded(unsafe { raw::rd_kafka_subscribe(self.ptr(), list.ptr()) })
    }

    /// Begins to leave the group: a revocation of everything follows.
    pub(in crate::log::kafka) fn unsubscribe(&self) -> Result<(), RDKafkaErrorCode> {
        // SAFETY: the client is alive.
        coded(unsafe { raw::rd_kafka_unsubscribe(self.ptr()) })
    }

    /// Visits messages until `max` are there or so much time has passed; gives how many. Rebalances that came
    /// meanwhile are kept for [`NativeConsumer::rebalance`].
    pub(in crate::log::kafka) fn poll(
        &mut self,
        timeout: Duration,
        max: usize,
        mut visit: impl FnMut(&Message<'_>),
    ) -> usize {
        self.batch.resize(max, std::ptr::null_mut());
        let timeout = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the queue is the client's, and the buffer has room for `max` pointers.
        let count = unsafe {
            let buffer = self.batch.as_mut_ptr();
            raw::rd_kafka_consume_batch_queue(self.queue.as_ptr(), timeout, buffer, max)
        };
        let count = usize::try_from(count).unwrap_or(0);
        for message in &self.batch[..count] {
            // SAFETY: the first `count` pointers are messages that are ours until they are destroyed.
            if let Some(message) = unsafe { message.as_ref() } {
                let _batch = PhantomData;
                visit(&Message { message, _batch });
            }
        }
        for message in &self.batch[..count] {
            // SAFETY: each is destroyed once, and nothing visited outlives the visit.
            unsafe { raw::rd_kafka_message_destroy(*message) };
        }
        self.batch.clear();
        count
    }

    /// What the group wants, in the order in which it said so.
    pub(in crate::log::kafka) fn rebalance(&self) -> Option<Rebalance> {
        self.client.context().rebalances.lock().pop_front()
    }

    /// Whether partitions move one by one, or all at once.
    pub(in crate::log::kafka) fn is_cooperative(&self) -> bool {
        // SAFETY: the client is alive; the name, if any, is static.
        unsafe {
            let name = raw::rd_kafka_rebalance_protocol(self.ptr());
            !name.is_null() && CStr::from_ptr(name).to_bytes() == b"COOPERATIVE"
        }
    }

    /// Whether a revocation comes too late: the partitions are another member's already.
    pub(in crate::log::kafka) fn is_assignment_lost(&self) -> bool {
        // SAFETY: the client is alive.
        unsafe { raw::rd_kafka_assignment_lost(self.ptr()) != 0 }
    }

    /// Takes partitions that the group gave, at their committed offsets.
    pub(in crate::log::kafka) fn assign(&self, list: &TopicPartitionList) -> Result<(), Told> {
        // SAFETY: client and list live during the call, which copies the list.
        unsafe {
            if self.is_cooperative() {
                return told(raw::rd_kafka_incremental_assign(self.ptr(), list.ptr()));
            }
            coded(raw::rd_kafka_assign(self.ptr(), list.ptr())).map_err(Told::from)
        }
    }

    /// Gives partitions up, as the group wants it.
    pub(in crate::log::kafka) fn unassign(&self, list: &TopicPartitionList) -> Result<(), Told> {
        // SAFETY: as for `assign`; without a list, everything is given up.
        unsafe {
            if self.is_cooperative() {
                return told(raw::rd_kafka_incremental_unassign(self.ptr(), list.ptr()));
            }
            let nothing = std::ptr::null();
            coded(raw::rd_kafka_assign(self.ptr(), nothing)).map_err(Told::from)
        }
    }

    /// Fetches no more of these partitions, or again. What was fetched and not yet given is dropped
    /// and fetched again later.
    pub(in crate::log::kafka) fn set_paused(
        &self,
        list: &TopicPartitionList,
        paused: bool,
    ) -> Result<(), RDKafkaErrorCode> {
        // SAFETY: client and list live during the call.
        coded(unsafe {
            match paused {
                true => raw::rd_kafka_pause_partitions(self.ptr(), list.ptr()),
                false => raw::rd_kafka_resume_partitions(self.ptr(), list.ptr()),
            }
        })
    }

    /// Reads on at the offsets in the list; each element says whether it could.
    pub(in crate::log::kafka) fn seek(
        &self,
        list: &TopicPartitionList,
        timeout: Duration,
    ) -> Result<(), Told> {
        let timeout = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: client and list live during the call.
        told(unsafe { raw::rd_kafka_seek_partitions(self.ptr(), list.ptr(), timeout) })
    }

    /// Where the given messages, and control records behind them, have led in each partition of the
    /// list: sets the elements' offsets.
    pub(in crate::log::kafka) fn positions(
        &self,
        list: &TopicPartitionList,
    ) -> Result<(), RDKafkaErrorCode> {
        // SAFETY: client and list live during the call.
        coded(unsafe { raw::rd_kafka_position(self.ptr(), list.ptr()) })
    }

    /// Proof of membership as of now.
    pub(in crate::log::kafka) fn group_metadata(&self) -> Option<GroupMetadata> {
        // SAFETY: the client is alive; what it gives is ours.
        let metadata = unsafe { raw::rd_kafka_consumer_group_metadata(self.ptr()) };
        NonNull::new(metadata).map(GroupMetadata)
    }

    /// Why the client can do nothing any more, if so.
    pub(in crate::log::kafka) fn fatal_error(&self) -> Option<(RDKafkaErrorCode, String)> {
        self.client.fatal_error()
    }
}

impl Drop for NativeConsumer {
    fn drop(&mut self) {
        self.client.context().closing.store(true, Ordering::Release);
        // SAFETY: the queue is destroyed once, before its client, which is dropped after this.
        unsafe {
            raw::rd_kafka_consumer_close(self.ptr());
            raw::rd_kafka_queue_destroy(self.queue.as_ptr());
        }
    }
}

impl Message<'_> {
    /// What is wrong with the partition, if this is no message.
    pub(in crate::log::kafka) fn error(&self) -> Option<RDKafkaErrorCode> {
        coded(self.message.err).err()
    }

    /// An identity of the topic, valid while the batch is; null for errors of no topic.
    pub(in crate::log::kafka) fn topic_id(&self) -> *const c_void {
        self.message.rkt.cast()
    }

    pub(in crate::log::kafka) fn topic(&self) -> &str {
        if self.message.rkt.is_null() {
            return "";
        }
        // SAFETY: the topic lives as long as the message.
        let name = unsafe { CStr::from_ptr(raw::rd_kafka_topic_name(self.message.rkt)) };
        name.to_str().unwrap_or_default()
    }

    pub(in crate::log::kafka) fn partition(&self) -> i32 {
        self.message.partition
    }

    pub(in crate::log::kafka) fn offset(&self) -> i64 {
        self.message.offset
    }

    /// Milliseconds since 1970-01-01 UTC; -1 where the record has none.
    pub(in crate::log::kafka) fn timestamp(&self) -> i64 {
        // SAFETY: the message is alive; the kind of timestamp is not asked for.
        unsafe { raw::rd_kafka_message_timestamp(self.message, std::ptr::null_mut()) }
    }

    pub(in crate::log::kafka) fn key(&self) -> Option<&[u8]> {
        bytes(self.message.key, self.message.key_len)
    }

    pub(in crate::log::kafka) fn value(&self) -> Option<&[u8]> {
        bytes(self.message.payload, self.message.len)
    }

    /// Visits names and values of the headers.
    pub(in crate::log::kafka) fn headers(&self, mut visit: impl FnMut(&str, &[u8])) {
        let mut headers = std::ptr::null_mut();
        // SAFETY: the message is alive and keeps its headers.
        if coded(unsafe { raw::rd_kafka_message_headers(self.message, &raw mut headers) }).is_err()
        {
            return;
        }
        for nth in 0.. {
            let (mut name, mut value, mut size) = (std::ptr::null(), std::ptr::null(), 0);
            // SAFETY: as above; an index beyond the last is an error.
            let got = unsafe {
                let (name, value) = (&raw mut name, &raw mut value);
                raw::rd_kafka_header_get_all(headers, nth, name, value, &raw mut size)
            };
            if coded(got).is_err() {
                return;
            }
            // SAFETY: name and value live as long as the message.
            let name = unsafe { CStr::from_ptr(name) };
            let value = bytes(value.cast_mut(), size).unwrap_or_default();
            visit(&name.to_string_lossy(), value);
        }
    }
}

fn bytes<'m>(start: *mut c_void, length: usize) -> Option<&'m [u8]> {
    // SAFETY: callers pass the bounds of bytes that live as long as the message they take them from,
    // and shorten the lifetime to it.
    NonNull::new(start.cast::<u8>())
        .map(|start| unsafe { std::slice::from_raw_parts(start.as_ptr(), length) })
}

unsafe extern "C" fn on_rebalance(
    client: *mut raw::rd_kafka_t,
    code: RDKafkaRespErr,
    list: *mut raw::rd_kafka_topic_partition_list_t,
    context: *mut c_void,
) {
    // SAFETY: librdkafka gives its client, a list that lives during the call, and as context the
    // client's opaque, which outlives the client.
    unsafe {
        let Some(events) = context.cast::<Events>().as_ref() else {
            return;
        };
        if events.closing.load(Ordering::Acquire) {
            raw::rd_kafka_assign(client, std::ptr::null());
            return;
        }
        let elements = match list.as_ref() {
            // Without partitions, there is no list of elements either.
            Some(list) if !list.elems.is_null() => {
                let count = usize::try_from(list.cnt).unwrap_or(0);
                std::slice::from_raw_parts(list.elems, count)
            }
            _ => &[],
        };
        let partitions = elements.iter().map(|element| {
            let topic = CStr::from_ptr(element.topic).to_string_lossy().into_owned();
            (topic, element.partition)
        });
        let partitions = partitions.collect();
        let rebalance = match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Rebalance::Assign(partitions),
            _ => Rebalance::Revoke(partitions),
        };
        events.rebalances.lock().push_back(rebalance);
    }
}
