//! Rights on a cluster, which rdkafka's admin client does not set.

#![expect(
    unsafe_code,
    reason = "calls into librdkafka; each block says why it is sound"
)]

use std::ffi::CString;

use rdkafka::ClientConfig;
use rdkafka::bindings as raw;
use rdkafka::client::{Client, DefaultClientContext};
use rdkafka::types::RDKafkaType;

use raw::rd_kafka_AclOperation_t as Operation;
use raw::rd_kafka_AclPermissionType_t as Permission;
use raw::rd_kafka_ResourceType_t as Resource;

/// How long the brokers may take.
const WITHIN_MS: i32 = 30_000;

/// Lets bob do everything with what begins with a name; but not `denied` with what begins with that one.
pub(super) fn grant(brokers: &str, begins: &str, denied: Option<(Resource, &str, Operation)>) {
    let prefixed = raw::rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_PREFIXED;
    let all = Operation::RD_KAFKA_ACL_OPERATION_ALL;
    let allow = Permission::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW;
    let mut rights = vec![
        (
            Resource::RD_KAFKA_RESOURCE_TOPIC,
            begins,
            prefixed,
            all,
            allow,
        ),
        (
            Resource::RD_KAFKA_RESOURCE_GROUP,
            begins,
            prefixed,
            all,
            allow,
        ),
        (
            Resource::RD_KAFKA_RESOURCE_TRANSACTIONAL_ID,
            begins,
            prefixed,
            all,
            allow,
        ),
    ];
    if let Some((resource, name, operation)) = denied {
        let deny = Permission::RD_KAFKA_ACL_PERMISSION_TYPE_DENY;
        rights.push((resource, name, prefixed, operation, deny));
    }
    let mut bindings: Vec<_> = rights.into_iter().map(binding).collect();
    assert!(bindings.iter().all(|binding| !binding.is_null()));
    let client = client(brokers);
    // SAFETY: client, bindings and queue live until they are destroyed, each once; the event is ours.
    unsafe {
        let queue = raw::rd_kafka_queue_new(client.native_ptr());
        let (first, count) = (bindings.as_mut_ptr(), bindings.len());
        raw::rd_kafka_CreateAcls(client.native_ptr(), first, count, std::ptr::null(), queue);
        let event = raw::rd_kafka_queue_poll(queue, WITHIN_MS);
        let failed = raw::rd_kafka_event_error(event);
        raw::rd_kafka_AclBinding_destroy_array(first, count);
        raw::rd_kafka_event_destroy(event);
        raw::rd_kafka_queue_destroy(queue);
        let none = raw::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
        assert_eq!(failed, none, "rights are set");
    }
}

type Right<'r> = (
    Resource,
    &'r str,
    raw::rd_kafka_ResourcePatternType_t,
    Operation,
    Permission,
);

/// A right of bob's, to be destroyed.
fn binding(right: Right<'_>) -> *mut raw::rd_kafka_AclBinding_t {
    let (resource, name, pattern, operation, permission) = right;
    let text = |text: &str| CString::new(text).expect("no null");
    let (name, principal, host) = (text(name), text("User:bob"), text("*"));
    let (name, principal, host) = (name.as_ptr(), principal.as_ptr(), host.as_ptr());
    let buffer = std::ptr::null_mut();
    // SAFETY: the texts live during the call, which copies them; without a buffer, nothing is
    // written to one.
    unsafe {
        raw::rd_kafka_AclBinding_new(
            resource, name, pattern, principal, host, operation, permission, buffer, 0,
        )
    }
}

fn client(brokers: &str) -> Client<DefaultClientContext> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    let native = config.create_native_config().expect("valid");
    let kind = RDKafkaType::RD_KAFKA_PRODUCER;
    Client::new(&config, native, kind, DefaultClientContext).expect("a client")
}
