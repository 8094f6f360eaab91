//! Dead letters, through a log or its daemon.

use config::TopicName;

use super::{Access, AccessError, query};
use crate::control::{
    Handled, LetterChoice, ReadRequest, Record, drop_letters, letters, replay_letters,
};

impl Access {
    /// The dead letters in a topic.
    ///
    /// # Errors
    /// If the log or the daemon refuses.
    pub fn letters(
        &self,
        topic: &TopicName,
        request: &ReadRequest,
    ) -> Result<Vec<Record>, AccessError> {
        match self.reached() {
            Ok(log) => Ok(letters(log, topic, request)?),
            Err(api) => api.get(&format!("/v1/dead-letters{}", query(request))),
        }
    }

    /// Puts dead letters back.
    ///
    /// # Errors
    /// If the log or the daemon refuses.
    pub fn replay_letters(
        &self,
        topic: &TopicName,
        choice: &LetterChoice,
    ) -> Result<Handled, AccessError> {
        match self.reached() {
            Ok(log) => Ok(replay_letters(log, topic, choice)?),
            Err(api) => api.post("/v1/dead-letters/replay", json(choice).as_bytes()),
        }
    }

    /// Gives dead letters up.
    ///
    /// # Errors
    /// If the log or the daemon refuses.
    pub fn drop_letters(
        &self,
        topic: &TopicName,
        choice: &LetterChoice,
    ) -> Result<Handled, AccessError> {
        match self.reached() {
            Ok(log) => Ok(drop_letters(log, topic, choice)?),
            Err(api) => api.post("/v1/dead-letters/drop", json(choice).as_bytes()),
        }
    }
}

fn json(choice: &LetterChoice) -> String {
    serde_json::to_string(choice)
        .unwrap_or_else(|_| unreachable!("a choice is texts and numbers: it is JSON"))
}
