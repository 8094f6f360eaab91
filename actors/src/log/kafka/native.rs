//! librdkafka where the safe bindings do not reach: the batch call of a consumer (one call for
//! thousands of records, twice as fast as one for each), and a producer that flushes without waiting
//! in steps of 100 ms. All unsafe code of the log is here; what it offers is safe.

#![expect(
    unsafe_code,
    reason = "calls into librdkafka; each block says why it is sound"
)]

mod consumer;
mod producer;
mod token;

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fmt;
use std::ptr::NonNull;

use rdkafka::ClientContext;
use rdkafka::bindings as raw;
use rdkafka::config::{NativeClientConfig, RDKafkaLogLevel};
use rdkafka::error::{IsError, KafkaError, RDKafkaErrorCode};

use super::error::Told;
use super::reporter::Reporter;

pub(super) use consumer::{Message, NativeConsumer, Rebalance};
pub(super) use producer::NativeProducer;
pub(super) use token::SignsIn;

/// Proof of membership, as librdkafka has it.
pub(crate) struct GroupMetadata(NonNull<raw::rd_kafka_consumer_group_metadata_t>);

// SAFETY: it is a value of its own, never changed after it was made.
unsafe impl Send for GroupMetadata {}
// SAFETY: as above.
unsafe impl Sync for GroupMetadata {}

impl GroupMetadata {
    /// Of a group without members: offsets are committed whoever asks.
    pub(super) fn without_member(group: &str) -> Option<Self> {
        let group = std::ffi::CString::new(group).ok()?;
        // SAFETY: the name lives during the call, which copies it.
        let made = unsafe { raw::rd_kafka_consumer_group_metadata_new(group.as_ptr()) };
        NonNull::new(made).map(Self)
    }
}

impl Drop for GroupMetadata {
    fn drop(&mut self) {
        // SAFETY: the pointer came from librdkafka and is destroyed once.
        unsafe { raw::rd_kafka_consumer_group_metadata_destroy(self.0.as_ptr()) }
    }
}

impl fmt::Debug for GroupMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupMetadata")
    }
}

/// What an error of librdkafka says, or success for a null pointer. Destroys the error.
fn told(error: *mut raw::rd_kafka_error_t) -> Result<(), Told> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the error is ours until it is destroyed, after its last use.
    unsafe {
        let text = CStr::from_ptr(raw::rd_kafka_error_string(error));
        let told = Told {
            code: raw::rd_kafka_error_code(error).into(),
            text: text.to_string_lossy().into_owned(),
            fatal: raw::rd_kafka_error_is_fatal(error) != 0,
            abort: raw::rd_kafka_error_txn_requires_abort(error) != 0,
            retriable: raw::rd_kafka_error_is_retriable(error) != 0,
        };
        raw::rd_kafka_error_destroy(error);
        Err(told)
    }
}

/// A bare code as a result.
fn coded(code: raw::rd_kafka_resp_err_t) -> Result<(), RDKafkaErrorCode> {
    match code.is_error() {
        true => Err(code.into()),
        false => Ok(()),
    }
}

/// Sends a client's log lines and errors to the reporter in its context.
fn report<C: Reports>(config: &NativeClientConfig) {
    // SAFETY: the configuration is alive, and no client has been made of it yet.
    unsafe {
        raw::rd_kafka_conf_set_log_cb(config.ptr(), Some(on_log::<C>));
        raw::rd_kafka_conf_set_error_cb(config.ptr(), Some(on_error::<C>));
    }
}

/// A client's context that has a reporter.
trait Reports: ClientContext {
    fn reporter(&self) -> &Reporter;
}

unsafe extern "C" fn on_log<C: Reports>(
    client: *const raw::rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    text: *const c_char,
) {
    // SAFETY: librdkafka gives its client, whose opaque is the context that outlives it, and texts
    // that live during the call.
    unsafe {
        let Some(context) = raw::rd_kafka_opaque(client).cast::<C>().as_ref() else {
            return;
        };
        let facility = CStr::from_ptr(facility).to_string_lossy();
        let text = CStr::from_ptr(text).to_string_lossy();
        context.reporter().log(severity(level), &facility, &text);
    }
}

unsafe extern "C" fn on_error<C: Reports>(
    _: *mut raw::rd_kafka_t,
    code: c_int,
    reason: *const c_char,
    context: *mut c_void,
) {
    // SAFETY: as for log lines.
    unsafe {
        let Some(context) = context.cast::<C>().as_ref() else {
            return;
        };
        let reason = CStr::from_ptr(reason).to_string_lossy();
        let code = raw::rd_kafka_resp_err_t::try_from(code);
        let code = code.map_or(RDKafkaErrorCode::Unknown, RDKafkaErrorCode::from);
        context.reporter().error(KafkaError::Global(code), &reason);
    }
}

/// syslog's levels.
fn severity(level: c_int) -> RDKafkaLogLevel {
    match level {
        ..=2 => RDKafkaLogLevel::Critical,
        3..=5 => RDKafkaLogLevel::Warning,
        _ => RDKafkaLogLevel::Debug,
    }
}
