//! Errors of librdkafka as errors of the log.
//!
//! A transaction's error is judged by what librdkafka says of it (fatal, abort, retriable), never by
//! its code. Other calls have a code only: those that a person must cure are refusals, a missing
//! topic is that, and everything else passes by itself once the brokers are well.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::Place;
use crate::log::LogError;

/// An error of a call that is no transaction's.
pub(super) fn request(error: &KafkaError, place: &Place<'_>) -> LogError {
    match error {
        KafkaError::ClientConfig(_, text, name, _) => LogError::Refused(format!(
            "{place}: client property \"{name}\" is not taken: {text}"
        )),
        KafkaError::ClientCreation(text) if text.starts_with("ssl.") => LogError::Refused(format!(
            "{place}: {text}; look at ca, certificate, key and key-password in [log.security]"
        )),
        KafkaError::ClientCreation(text) | KafkaError::AdminOpCreation(text) => {
            LogError::Refused(format!("{place}: {text}"))
        }
        KafkaError::AdminOp(code) => coded(*code, place),
        other => match other.rdkafka_error_code() {
            Some(code) => coded(code, place),
            None => LogError::Unavailable(format!("{place}: {other}")),
        },
    }
}

/// What librdkafka says of an error of a transaction or of a membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) code: RDKafkaErrorCode,
    pub(super) text: String,
    /// The client is done for.
    pub(super) fatal: bool,
    /// The transaction must be aborted.
    pub(super) abort: bool,
    /// The same call may succeed later.
    pub(super) retriable: bool,
}

impl From<RDKafkaErrorCode> for Told {
    fn from(code: RDKafkaErrorCode) -> Self {
        Self {
            code,
            text: code.to_string(),
            fatal: false,
            abort: false,
            retriable: false,
        }
    }
}

/// An error of a transaction's call.
pub(super) fn transaction(told: &Told, place: &Place<'_>) -> LogError {
    let text = format!("{place}: {}", told.text);
    if told.fatal {
        // The client is done for: whatever the cause, the cure is a new one.
        match refusal(told.code) {
            Some(cure) => LogError::Refused(format!("{text}; {cure}")),
            None => LogError::Fenced(text),
        }
    } else if told.abort {
        LogError::Aborted(text)
    } else if told.retriable {
        LogError::Unavailable(text)
    } else {
        match refusal(told.code) {
            Some(cure) => LogError::Refused(format!("{text}; {cure}")),
            None => LogError::UnknownOutcome(text),
        }
    }
}

/// An error of which only the code is known.
pub(super) fn coded(code: RDKafkaErrorCode, place: &Place<'_>) -> LogError {
    match code {
        RDKafkaErrorCode::UnknownTopicOrPartition
        | RDKafkaErrorCode::UnknownTopic
        | RDKafkaErrorCode::UnknownPartition => match place.topic {
            Some(topic) => LogError::NoTopic(topic.to_owned()),
            None => LogError::Refused(format!("{place}: {}", said(code))),
        },
        code => match refusal(code) {
            Some(cure) => LogError::Refused(format!("{place}: {}; {cure}", said(code))),
            None => LogError::Unavailable(format!("{place}: {}", said(code))),
        },
    }
}

/// A code in words: of `Name (Broker: words)` the words.
fn said(code: RDKafkaErrorCode) -> String {
    let whole = code.to_string();
    let words = whole
        .split_once(": ")
        .map(|(_, words)| words.trim_end_matches(')'));
    words.unwrap_or(&whole).to_lowercase()
}

/// What a person must do about a code that no waiting cures; `None` for the others.
pub(super) fn refusal(code: RDKafkaErrorCode) -> Option<&'static str> {
    use RDKafkaErrorCode as Code;
    Some(match code {
        Code::TopicAuthorizationFailed => {
            "grant READ, WRITE and DESCRIBE on the topic (CREATE too, or create it beforehand)"
        }
        Code::GroupAuthorizationFailed => "grant READ on the group, which is the topology's name",
        Code::TransactionalIdAuthorizationFailed => {
            "grant WRITE and DESCRIBE on transactional ids that begin with the topology's name"
        }
        Code::ClusterAuthorizationFailed => {
            "grant CREATE on the cluster, or create the topics and set create-topics = false"
        }
        Code::SaslAuthenticationFailed | Code::Authentication => {
            "look at username, password and mechanism in [log.security]"
        }
        Code::UnsupportedSASLMechanism => "take a mechanism that the brokers offer",
        Code::SSL => "look at protocol, ca, certificate and key in [log.security]",
        Code::InvalidReplicationFactor => {
            "set `replication` in [log] to at most the number of brokers"
        }
        Code::PolicyViolation => "the brokers' policy forbids it: ask who runs them",
        Code::InvalidTransactionTimeout => {
            "set `transaction-timeout` in [log] to at most the brokers' transaction.max.timeout.ms, or raise that"
        }
        Code::InvalidTopic => "the brokers do not take such a name",
        Code::MessageSizeTooLarge => {
            "raise max.message.bytes of the topic and message.max.bytes under [log.client]"
        }
        Code::UnsupportedVersion | Code::UnsupportedFeature => {
            "brokers older than 2.5 cannot commit offsets with a group's membership"
        }
        Code::FencedInstanceId | Code::UnreleasedInstanceId => {
            "another process is in the group under this node's id: give each its own --node-id"
        }
        Code::InvalidConfig | Code::InvalidRequest | Code::InvalidArgument => {
            "the brokers' log says what they object to"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Remedy;

    #[test]
    fn what_waiting_cures_is_tried_again_and_the_rest_is_told_with_its_cure() {
        let place = Place::new("creating topic \"a\"").of_topic("a");
        let cases = [
            (RDKafkaErrorCode::AllBrokersDown, Remedy::Retry),
            (RDKafkaErrorCode::OperationTimedOut, Remedy::Retry),
            (RDKafkaErrorCode::NotLeaderForPartition, Remedy::Retry),
            (RDKafkaErrorCode::CoordinatorLoadInProgress, Remedy::Retry),
            (RDKafkaErrorCode::TopicAuthorizationFailed, Remedy::Stop),
            (RDKafkaErrorCode::InvalidReplicationFactor, Remedy::Stop),
            (RDKafkaErrorCode::UnknownTopicOrPartition, Remedy::Stop),
        ];
        for (code, remedy) in cases {
            let error = request(&KafkaError::AdminOp(code), &place);
            assert_eq!(error.remedy(), remedy, "{error}");
        }
        let denied = KafkaError::Global(RDKafkaErrorCode::TopicAuthorizationFailed);
        let told = request(&denied, &place).to_string();
        assert!(
            told.contains("topic \"a\"") && told.contains("grant READ"),
            "{told}"
        );
    }
}
