//! What happened to the topology: the last events, and those to come.

use std::collections::VecDeque;

use actors::nodes::events::Event;
use futures_util::{Stream, stream};
use tokio::sync::broadcast::error::RecvError;

use super::Control;

impl Control {
    /// The last events with a number above `after`, oldest first: at most a thousand.
    #[must_use]
    pub fn events(&self, after: u64) -> Vec<Event> {
        self.context().events.since(after).0
    }

    /// The last events with a number above `after`, then those to come, until the topology drains. A
    /// listener that is too slow misses some: their numbers are missing.
    pub fn event_stream(&self, after: u64) -> impl Stream<Item = Event> + Send + use<> {
        let (last, news) = self.context().events.since(after);
        let draining = self.0.draining.subscribe();
        let begin = (VecDeque::from(last), news, draining);
        stream::unfold(begin, |(mut last, mut news, mut draining)| async move {
            if let Some(event) = last.pop_front() {
                return Some((event, (last, news, draining)));
            }
            loop {
                let told = tokio::select! {
                    told = news.recv() => told,
                    _ = draining.wait_for(|draining| *draining) => return None,
                };
                match told {
                    Ok(event) => return Some((event, (last, news, draining))),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        })
    }
}
