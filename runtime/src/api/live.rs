//! What goes on: events as JSON, or as a stream (server-sent events) that stays open, with a pulse a second
//! between them for who asks for it.

use std::convert::Infallible;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Json, Response};
use futures_util::{Stream, StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Shared;
use crate::control::PULSE_EVERY;

/// Which events: those with a number above `after`; in a stream, with a pulse between them or without.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EventsRequest {
    after: u64,
    pulse: bool,
}

/// The last events; for who accepts `text/event-stream`, those and the ones to come.
pub(super) async fn events(
    State(shared): State<Shared>,
    Query(request): Query<EventsRequest>,
    headers: HeaderMap,
) -> Response {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let last_seen = text(HeaderName::from_static("last-event-id")).and_then(|id| id.parse().ok());
    let after = last_seen.unwrap_or(request.after);
    if !text(header::ACCEPT).is_some_and(|kinds| kinds.contains("text/event-stream")) {
        return Json(shared.control.events(after)).into_response();
    }
    let mut draining = shared.control.drains();
    let told = shared.control.event_stream(after);
    let told =
        told.filter_map(|event| async move { Some(of(&event)?.id(event.number.to_string())) });
    let pulses = request.pulse.then(|| pulses(shared));
    let pulses = stream::iter(pulses).flatten();
    let both = stream::select(told, pulses).map(Ok::<_, Infallible>);
    let drained = async move { drop(draining.wait_for(|draining| *draining).await) };
    Sse::new(both.take_until(drained))
        .keep_alive(KeepAlive::default())
        .into_response()
}

/// A pulse at once, then one a second.
fn pulses(shared: Shared) -> impl Stream<Item = Event> + Send {
    let mut ticks = interval(PULSE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    stream::unfold((shared, ticks), next_pulse)
}

/// Waits for the next pulse. It asks the log, which may block: it has a thread, and its turn, like any request.
async fn next_pulse(
    (shared, mut ticks): (Shared, Interval),
) -> Option<(Event, (Shared, Interval))> {
    ticks.tick().await;
    let turn = shared.at_the_log.clone().acquire_owned().await.ok()?;
    let control = shared.control.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let pulse = control.pulse();
        drop(turn);
        pulse
    });
    let event = of(&asked.await.ok()?)?.event("pulse");
    Some((event, (shared, ticks)))
}

fn of(told: &impl Serialize) -> Option<Event> {
    Some(Event::default().data(serde_json::to_string(told).ok()?))
}
