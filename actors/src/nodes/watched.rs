//! What every actor is wrapped in: it has a pulse while it is at work, and its errors say whether it is itself
//! to blame.
//!
//! Supervision counts failures against who caused them. An actor that ends because another is gone, or
//! because the log does not answer, has caused nothing ([`supervisors::Exit::Hindered`]).

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use supervisors::Hindrance;

use super::Gone;
use super::pulse::{Pulse, Stage};
use crate::log::{LogError, describe};
use crate::state::restore::RestoreError;

/// An actor, watched.
pub(super) struct Watched<A> {
    pub(super) actor: A,
    /// Its kind.
    pub(super) who: &'static str,
    pub(super) pulse: Pulse,
}

impl<A> Watched<A> {
    /// An actor on the thread and with the pulse of the one that starts it.
    pub(super) fn here(actor: A, who: &'static str) -> Self {
        let pulse = Pulse::here();
        Self { actor, who, pulse }
    }

    async fn watch<T>(
        &self,
        stage: Stage,
        work: impl Future<Output = Result<T, ActorProcessingErr>>,
    ) -> Result<T, ActorProcessingErr> {
        let done = self.pulse.watch(self.who, stage, work).await;
        // Given up: nobody hears this any more.
        done.unwrap_or_else(|| Err(Gone("what was given up").into()))
            .map_err(blame)
    }
}

impl<A: Actor> Actor for Watched<A> {
    type Msg = A::Msg;
    type State = A::State;
    type Arguments = A::Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<A::Msg>,
        arguments: A::Arguments,
    ) -> Result<A::State, ActorProcessingErr> {
        let work = self.actor.pre_start(myself, arguments);
        self.watch(Stage::Start, work).await
    }

    async fn post_start(
        &self,
        myself: ActorRef<A::Msg>,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        let work = self.actor.post_start(myself, state);
        self.watch(Stage::Start, work).await
    }

    async fn post_stop(
        &self,
        myself: ActorRef<A::Msg>,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        let work = self.actor.post_stop(myself, state);
        self.watch(Stage::Stop, work).await
    }

    async fn handle(
        &self,
        myself: ActorRef<A::Msg>,
        message: A::Msg,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        let work = self.actor.handle(myself, message, state);
        self.watch(Stage::Message, work).await
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<A::Msg>,
        event: SupervisionEvent,
        state: &mut A::State,
    ) -> Result<(), ActorProcessingErr> {
        let work = self.actor.handle_supervisor_evt(myself, event, state);
        self.watch(Stage::Message, work).await
    }
}

/// The error as supervision is to see it.
fn blame(error: ActorProcessingErr) -> ActorProcessingErr {
    let of_log = |error: &LogError| match error {
        // These data are its own to read.
        LogError::Damaged(_) => false,
        LogError::NoTopic(_)
        | LogError::NoPartition(_)
        | LogError::PartitionCount { .. }
        | LogError::Fenced(_)
        | LogError::State(_)
        | LogError::TooLarge { .. }
        | LogError::Aborted(_)
        | LogError::UnknownOutcome(_)
        | LogError::Unavailable(_)
        | LogError::Refused(_)
        | LogError::Locked(_)
        | LogError::Storage(_) => true,
    };
    let restoring = match error.downcast_ref::<RestoreError>() {
        Some(RestoreError::Log(error)) => of_log(error),
        Some(RestoreError::Full(_)) => true,
        Some(RestoreError::Store(_)) | None => false,
    };
    let elsewhere =
        restoring || error.is::<Gone>() || error.downcast_ref::<LogError>().is_some_and(of_log);
    if !elsewhere {
        return error;
    }
    Box::new(Hindrance {
        reason: describe(&*error),
        remedy: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::failure;

    #[test]
    fn who_misses_another_or_the_log_is_not_to_blame_and_who_reads_damage_is() {
        let elsewhere = |error: ActorProcessingErr| blame(error).is::<Hindrance>();
        assert!(elsewhere(Gone("the sink").into()));
        assert!(elsewhere(LogError::Unavailable("down".into()).into()));
        assert!(elsewhere(
            RestoreError::Log(LogError::Fenced("p".into())).into()
        ));
        assert!(!elsewhere(LogError::Damaged("a chunk".into()).into()));
        assert!(!elsewhere(failure("an operator failed")));
    }
}
