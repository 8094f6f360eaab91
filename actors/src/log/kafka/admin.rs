//! Requests of the admin client, waited for: settings, new topics, records deleted.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, OwnedResourceSpecifier, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::reporter::Reporter;
use super::wait::wait;
use super::{Place, REQUEST_WITHIN, Shared, error};
use crate::log::{LogError, TopicPartition, TopicSpec};

/// The admin client, made when first needed.
pub(super) struct Admin {
    shared: Arc<Shared>,
    client: Mutex<Option<Arc<AdminClient<Reporter>>>>,
}

/// Settings of a topic or a broker, by name.
pub(super) struct Settings(ConfigResource);

impl Settings {
    /// An error if nothing was told: brokers answer so whoever may not ask, and every topic and
    /// broker has settings.
    pub(super) fn told(&self, of: &str) -> Result<(), LogError> {
        match self.0.entries.is_empty() {
            false => Ok(()),
            true => Err(LogError::Refused(format!(
                "{of} does not tell its settings; grant DESCRIBE_CONFIGS on it"
            ))),
        }
    }

    /// A setting's value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.value.as_deref()
    }
}

impl Admin {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            client: Mutex::new(None),
        }
    }

    /// Settings of topics, by name.
    pub(super) fn topics(&self, names: &[&str]) -> Result<HashMap<String, Settings>, LogError> {
        let place = Place::new("asking for the topics' settings");
        let asked: Vec<_> = names.iter().map(|n| ResourceSpecifier::Topic(n)).collect();
        let answers = self.settings(&asked, &place)?.into_iter();
        let named = answers.filter_map(|settings| match &settings.0.specifier {
            OwnedResourceSpecifier::Topic(name) => Some((name.clone(), settings)),
            OwnedResourceSpecifier::Group(_) | OwnedResourceSpecifier::Broker(_) => None,
        });
        Ok(named.collect())
    }

    /// Settings of a broker.
    pub(super) fn broker(&self, id: i32) -> Result<Settings, LogError> {
        let place = Place::new("asking for a broker's settings");
        let mut answers = self.settings(&[ResourceSpecifier::Broker(id)], &place)?;
        let none = || LogError::Unavailable(format!("{place}: no answer"));
        let settings = answers.pop().ok_or_else(none)?;
        settings.told("the cluster").map(|()| settings)
    }

    fn settings(
        &self,
        of: &[ResourceSpecifier<'_>],
        place: &Place<'_>,
    ) -> Result<Vec<Settings>, LogError> {
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let options = AdminOptions::new().request_timeout(Some(REQUEST_WITHIN));
        let answer = wait(self.client()?.describe_configs(of, &options));
        let answer = answer.map_err(|error| self.shared.failed(&error, place))?;
        let resources = answer.into_iter().map(|resource| match resource {
            Ok(resource) => Ok(Settings(resource)),
            Err(code) => Err(self.shared.explained(error::coded(code, place))),
        });
        resources.collect()
    }

    /// Asks for a topic; the brokers' objection, if they have one.
    pub(super) fn create(&self, spec: &TopicSpec) -> Result<Option<RDKafkaErrorCode>, LogError> {
        let place = Place::new("creating topic").of_topic(spec.name.as_str());
        let settings = settings_of(spec);
        let partitions = i32::try_from(spec.partitions).unwrap_or(i32::MAX);
        let replication = self.shared.clients.settings().replication;
        let replication = TopicReplication::Fixed(replication.map_or(-1, i32::from));
        let mut topic = NewTopic::new(spec.name.as_str(), partitions, replication);
        for (name, value) in &settings {
            topic = topic.set(name, value);
        }
        let options = AdminOptions::new()
            .request_timeout(Some(REQUEST_WITHIN))
            .operation_timeout(Some(REQUEST_WITHIN));
        let answer = wait(self.client()?.create_topics([&topic], &options));
        let answer = answer.map_err(|error| self.shared.failed(&error, &place))?;
        let objection = answer.into_iter().find_map(Result::err);
        Ok(objection.map(|(_, code)| code))
    }

    /// Deletes a partition's records before an offset that is not past its end.
    pub(super) fn delete_before(&self, at: &TopicPartition, offset: i64) -> Result<(), LogError> {
        let doing = format!("deleting records of partition \"{at}\" before {offset}");
        let place = Place::new(&doing);
        let mut list = TopicPartitionList::with_capacity(1);
        let id = super::partition_id(at)?;
        list.add_partition_offset(at.topic.as_str(), id, Offset::Offset(offset))
            .map_err(|error| self.shared.failed(&error, &place))?;
        let options = AdminOptions::new()
            .request_timeout(Some(REQUEST_WITHIN))
            .operation_timeout(Some(REQUEST_WITHIN));
        let answer = wait(self.client()?.delete_records(&list, &options));
        let answer = answer.map_err(|error| self.shared.failed(&error, &place))?;
        for element in answer.elements() {
            element
                .error()
                .map_err(|error| self.shared.failed(&error, &place))?;
        }
        Ok(())
    }

    fn client(&self) -> Result<Arc<AdminClient<Reporter>>, LogError> {
        let mut slot = self.client.lock();
        if let Some(client) = &*slot {
            return Ok(Arc::clone(client));
        }
        let config = self.shared.clients.admin();
        let made: AdminClient<Reporter> = config
            .create_with_context(self.shared.reporter.clone())
            .map_err(|error| self.shared.failed(&error, &Place::new("making a client")))?;
        let made = Arc::new(made);
        self.shared.sign_in(&made)?;
        *slot = Some(Arc::clone(&made));
        Ok(made)
    }
}

/// Topic settings as a new topic is given them.
fn settings_of(spec: &TopicSpec) -> Vec<(&'static str, String)> {
    let forever = |bound: Option<String>| bound.unwrap_or_else(|| "-1".into());
    let policy = match spec.compacted {
        true => "compact",
        false => "delete",
    };
    let (ms, bytes) = (spec.retention_ms, spec.retention_bytes);
    vec![
        ("cleanup.policy", policy.into()),
        ("retention.ms", forever(ms.map(|ms| ms.to_string()))),
        (
            "retention.bytes",
            forever(bytes.map(|bytes| bytes.to_string())),
        ),
    ]
}
