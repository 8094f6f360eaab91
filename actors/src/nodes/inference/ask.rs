//! A request's way to the actor, over its restarts: what is asked of one that ends is asked of its successor.

use std::sync::Arc;
use std::time::Duration;

use models::{LoadedModel, Matrix};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Answered, InferenceError, InferenceHandle, Open, Request};

/// How long a request waits for an actor that is being restarted: its model is loaded anew.
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// Actors that a request may see end; then the request is to blame.
const ENDS_MAX: usize = 2;

impl InferenceHandle {
    /// Asks the actor; if it ends before it answers, its successor.
    pub(super) async fn ask(
        &self,
        rows: Arc<Matrix>,
        version: Option<Arc<LoadedModel>>,
    ) -> Result<Answered, InferenceError> {
        for _ in 0..ENDS_MAX {
            let Open {
                sender, mut alive, ..
            } = self.reach().await?;
            let (reply, answered) = oneshot::channel();
            let request = Request {
                rows: Arc::clone(&rows),
                version: version.clone(),
                asked: Instant::now(),
                reply,
            };
            let answered = async {
                sender.send(request).await.ok()?;
                answered.await.ok()
            };
            tokio::select! {
                Some(answered) = answered => return Ok(answered),
                // Nothing is ever sent on it: it closes.
                _ = alive.changed() => {}
                else => {}
            }
        }
        let reason = "its actor ended twice over these rows".to_owned();
        Err(InferenceError::Model(reason))
    }

    /// The way to the actor, as soon as there is one.
    async fn reach(&self) -> Result<Open, InferenceError> {
        let mut opened = self.opened.subscribe();
        let reach = async {
            loop {
                opened.borrow_and_update();
                let open = self.open.read().clone();
                match open {
                    Some(open) if open.alive.has_changed().is_ok() => return Ok(open),
                    Some(_) | None => {}
                }
                if opened.changed().await.is_err() {
                    return Err(InferenceError::Gone);
                }
            }
        };
        let reached = tokio::time::timeout(BACK_WITHIN, reach).await;
        reached.unwrap_or(Err(InferenceError::Gone))
    }
}
