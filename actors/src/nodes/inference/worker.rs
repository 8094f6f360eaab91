//! The thread of a model: gathers requests, runs forwards, and finds the rows to blame when one fails.

use std::sync::Arc;
use std::time::Duration;

use models::{LoadedModel, Matrix, ModelHandle};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Answer, Answered, Request};
use crate::nodes::bisect::bisect;
use crate::nodes::boundary::guarded;
use crate::nodes::context::ShardContext;
use crate::nodes::metrics;
use crate::nodes::pulse::{self, Stage};

/// Parts that a failed forward is first divided into: two tiles of a CPU.
const PART_ROWS: usize = 64;
/// Forwards spent on finding the rows to blame in one request: enough for a dozen of them; where a
/// model fails on everything, no more.
const FORWARDS_MAX: usize = 256;

/// What the thread has.
pub(super) struct Worker {
    pub(super) handle: ModelHandle,
    pub(super) receiver: mpsc::Receiver<Request>,
    pub(super) context: Arc<ShardContext>,
    pub(super) model: usize,
}

impl Worker {
    pub(super) async fn run(mut self) {
        let settings = self.context.topology.models[self.model].batch;
        while let Some(first) = self.receiver.recv().await {
            let requests = self
                .gather(first, settings.size, settings.delay.duration())
                .await;
            self.context.faults.reach("inference").await;
            self.answer(requests);
        }
    }

    /// Waits for more rows until there are enough or the first has waited long enough.
    async fn gather(&mut self, first: Request, size: usize, delay: Duration) -> Vec<Request> {
        let mut rows = first.rows.rows;
        let mut requests = vec![first];
        let deadline = Instant::now() + delay;
        while rows < size {
            pulse::progress();
            let next = match self.receiver.try_recv() {
                Ok(request) => request,
                Err(mpsc::error::TryRecvError::Disconnected) => break,
                Err(mpsc::error::TryRecvError::Empty) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    // Short naps: the queue has no blocking receive with a deadline.
                    let nap = left.min(Duration::from_micros(200));
                    self.context.threads.sleep(nap).await;
                    continue;
                }
            };
            rows += next.rows.rows;
            requests.push(next);
        }
        requests
    }

    fn answer(&self, mut requests: Vec<Request>) {
        // Whoever has waited too long has gone: its rows need no forward.
        requests.retain(|request| !request.reply.is_closed());
        let (on_trial, in_service): (Vec<_>, Vec<_>) = requests
            .into_iter()
            .partition(|request| request.version.is_some());
        if !in_service.is_empty() {
            self.answer_by(&self.handle.current(), in_service);
        }
        // Two versions on trial are in one batch only while one takes the place of the other.
        let mut rest = on_trial;
        while let Some(model) = rest.first().and_then(|request| request.version.clone()) {
            let is_same = |request: &Request| {
                let version = request.version.as_ref();
                version.is_some_and(|version| Arc::ptr_eq(version, &model))
            };
            let (same, others) = rest.into_iter().partition(is_same);
            self.answer_by(&model, same);
            rest = others;
        }
    }

    /// Answers requests by one version.
    fn answer_by(&self, model: &LoadedModel, requests: Vec<Request>) {
        let Some(first) = requests.first() else {
            return;
        };
        let began = Instant::now();
        let waited = began.saturating_duration_since(first.asked);
        let columns = first.rows.columns;
        let rows: usize = requests.iter().map(|request| request.rows.rows).sum();
        let whole = if requests.len() == 1 {
            self.forward(model, &first.rows)
        } else {
            let parts = requests.iter().map(|request| &*request.rows.values);
            let values = parts.collect::<Vec<_>>().concat();
            self.forward(
                model,
                &Matrix {
                    rows,
                    columns,
                    values,
                },
            )
        };
        let mut start = 0;
        for request in requests {
            let end = start + request.rows.rows;
            let answered = match &whole {
                Ok(answer) => vec![(0..end - start, Ok(answer.slice(rows, start..end)))],
                Err(_) => self.divide(model, &request.rows),
            };
            start = end;
            // A requester that is gone needs no answer.
            drop(request.reply.send(answered));
        }
        let id = self.context.topology.models[self.model].id.as_str();
        metrics::inference(id, rows, waited, began.elapsed());
    }

    /// One forward. The model is only read, so a panic leaves nothing behind.
    fn forward(&self, model: &LoadedModel, rows: &Matrix) -> Result<Answer, String> {
        let _call = pulse::enter(Stage::Forward);
        let outputs = guarded(|| {
            self.context.faults.features(&rows.values, rows.columns);
            model.infer(rows)
        });
        let outputs = outputs.map_err(|panic| format!("it panicked: {panic}"))?;
        Ok(Answer {
            outputs: outputs.map_err(|error| error.to_string())?,
            version: model.version(),
        })
    }

    /// Answers a request on which a forward failed: the rows to blame are found.
    fn divide(&self, model: &LoadedModel, rows: &Matrix) -> Answered {
        let width = rows.columns;
        let found = bisect(rows.rows, PART_ROWS, FORWARDS_MAX, |range| {
            let part = Matrix {
                rows: range.len(),
                columns: width,
                values: rows.values[range.start * width..range.end * width].to_vec(),
            };
            self.forward(model, &part)
        });
        let good = found
            .good
            .into_iter()
            .map(|(range, answer)| (range, Ok(answer)));
        let bad = found
            .bad
            .into_iter()
            .map(|(range, error)| (range, Err(error)));
        let mut parts: Answered = good.chain(bad).collect();
        parts.sort_by_key(|(range, _)| range.start);
        let mut answered = Answered::new();
        for (range, part) in parts {
            match (answered.last_mut(), part) {
                (Some((before, Ok(mine))), Ok(next)) => {
                    mine.append(next);
                    before.end = range.end;
                }
                (_, part) => answered.push((range, part)),
            }
        }
        answered
    }
}
