//! Inference: one actor a model, whose own thread gathers rows of many partitions into one forward.
//!
//! Requests wait in a bounded queue. A forward begins when `batch.size` rows are there or the first
//! has waited for `batch.delay`. Each request is answered whole, by one version of the model.

use std::sync::Arc;
use std::time::{Duration, Instant};

use models::{Matrix, ModelHandle, Tensor, TensorData};
use parking_lot::RwLock;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::{mpsc, oneshot};

use super::context::ShardContext;
use super::failure;
use super::infer::count;
use super::metrics;

/// Requests that may wait; more make their senders wait.
const QUEUE: usize = 64;

/// Where partitions send feature rows. Survives restarts of the actor behind it.
#[derive(Default)]
pub struct InferenceHandle(RwLock<Option<Open>>);

/// The way to a running actor.
struct Open {
    sender: mpsc::Sender<Request>,
    model: ModelHandle,
}

/// What came out of a model for one request.
#[derive(Debug)]
pub struct Answer {
    /// Outputs in the order of the signature, each with the request's rows.
    pub outputs: Vec<Tensor>,
    /// Which version gave them.
    pub version: u64,
}

/// A request cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// The actor is not there (any more); it is being restarted.
    #[error("inference is not running")]
    Gone,
    /// The model refused.
    #[error("model failed: {0}")]
    Model(String),
}

struct Request {
    rows: Matrix,
    reply: oneshot::Sender<Result<Answer, String>>,
}

impl InferenceHandle {
    /// The version in service; `None` while the actor is not running.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.0.read().as_ref().map(|open| open.model.version())
    }

    /// Requests that wait for the thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let open = self.0.read();
        open.as_ref().map_or(0, |open| {
            open.sender.max_capacity() - open.sender.capacity()
        })
    }

    /// Runs the model on feature rows.
    ///
    /// # Errors
    /// If the actor ends before it answers, or the model fails.
    pub async fn infer(&self, rows: Matrix) -> Result<Answer, InferenceError> {
        let sender = self.0.read().as_ref().map(|open| open.sender.clone());
        let sender = sender.ok_or(InferenceError::Gone)?;
        let (reply, answer) = oneshot::channel();
        sender
            .send(Request { rows, reply })
            .await
            .map_err(|_| InferenceError::Gone)?;
        answer
            .await
            .map_err(|_| InferenceError::Gone)?
            .map_err(InferenceError::Model)
    }
}

/// The actor: owns the thread and answers for its life.
pub struct Inference;

/// How it starts.
pub struct InferenceArguments {
    /// The shard.
    pub context: Arc<ShardContext>,
    /// Position of the model in the topology.
    pub model: usize,
}

/// What the actor hears from its thread.
pub enum InferenceMessage {
    /// The thread has ended: by a panic, if the actor still stands.
    ThreadEnded,
}

impl Actor for Inference {
    type Msg = InferenceMessage;
    type State = (Arc<ShardContext>, usize);
    type Arguments = InferenceArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<InferenceMessage>,
        arguments: InferenceArguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let InferenceArguments { context, model } = arguments;
        let settings = context.topology.models[model].clone();
        let loaded = tokio::task::spawn_blocking(move || {
            models::load(&settings.path, &settings.version, settings.device)
        })
        .await??;
        let handle = ModelHandle::new(loaded);
        let (sender, receiver) = mpsc::channel(QUEUE);
        *context.models[model].0.write() = Some(Open {
            sender,
            model: handle.clone(),
        });
        let worker = Worker {
            handle,
            receiver,
            context: Arc::clone(&context),
            model,
        };
        let ended = Ended(myself);
        std::thread::Builder::new()
            .name(format!("infer-{model}"))
            .spawn(move || {
                let _ended = ended;
                worker.run();
            })?;
        Ok((context, model))
    }

    async fn handle(
        &self,
        _: ActorRef<InferenceMessage>,
        message: InferenceMessage,
        _: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            InferenceMessage::ThreadEnded => Err(failure("the inference thread ended")),
        }
    }

    async fn post_stop(
        &self,
        _: ActorRef<InferenceMessage>,
        (context, model): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        // Closes the queue: the thread ends after what it is doing.
        *context.models[*model].0.write() = None;
        Ok(())
    }
}

/// Tells the actor when the thread ends, however it ends.
struct Ended(ActorRef<InferenceMessage>);

impl Drop for Ended {
    fn drop(&mut self) {
        // The actor may be gone already: then nobody needs to know.
        drop(self.0.send_message(InferenceMessage::ThreadEnded));
    }
}

struct Worker {
    handle: ModelHandle,
    receiver: mpsc::Receiver<Request>,
    context: Arc<ShardContext>,
    model: usize,
}

impl Worker {
    fn run(mut self) {
        let settings = self.context.topology.models[self.model].batch;
        while let Some(first) = self.receiver.blocking_recv() {
            let requests = self.gather(first, settings.size, settings.delay.duration());
            self.context.faults.hit("inference");
            self.answer(requests);
        }
    }

    /// Waits for more rows until there are enough or the first has waited long enough.
    fn gather(&mut self, first: Request, size: usize, delay: Duration) -> Vec<Request> {
        let mut rows = first.rows.rows;
        let mut requests = vec![first];
        let deadline = Instant::now() + delay;
        while rows < size {
            let next = match self.receiver.try_recv() {
                Ok(request) => request,
                Err(mpsc::error::TryRecvError::Disconnected) => break,
                Err(mpsc::error::TryRecvError::Empty) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    // Short naps: the queue has no blocking receive with a deadline.
                    std::thread::park_timeout(left.min(Duration::from_micros(200)));
                    continue;
                }
            };
            rows += next.rows.rows;
            requests.push(next);
        }
        requests
    }

    fn answer(&self, requests: Vec<Request>) {
        let began = Instant::now();
        let columns = requests[0].rows.columns;
        let rows: usize = requests.iter().map(|request| request.rows.rows).sum();
        let answer = if requests.len() == 1 {
            self.handle.answer(&requests[0].rows)
        } else {
            let mut values = Vec::with_capacity(rows * columns);
            for request in &requests {
                values.extend_from_slice(&request.rows.values);
            }
            self.handle.answer(&Matrix {
                rows,
                columns,
                values,
            })
        };
        let id = self.context.topology.models[self.model].id.as_str();
        metrics::inference(id, rows, began.elapsed());
        match answer {
            Err(error) => {
                for request in requests {
                    // A requester that is gone needs no answer.
                    drop(request.reply.send(Err(error.to_string())));
                }
            }
            Ok(models::Answer { version, outputs }) => {
                let mut start = 0;
                for request in requests {
                    let end = start + request.rows.rows;
                    let outputs = outputs.iter().map(|t| slice(t, rows, start, end)).collect();
                    drop(request.reply.send(Ok(Answer { outputs, version })));
                    start = end;
                }
            }
        }
    }
}

/// Rows `start..end` of a tensor whose first axis has `rows` rows.
fn slice(tensor: &Tensor, rows: usize, start: usize, end: usize) -> Tensor {
    let width = count(tensor).checked_div(rows).unwrap_or(0);
    let range = start * width..end * width;
    let data = match &tensor.data {
        TensorData::Float32(values) => TensorData::Float32(values[range].to_vec()),
        TensorData::Int64(values) => TensorData::Int64(values[range].to_vec()),
        TensorData::String(values) => TensorData::String(values[range].to_vec()),
    };
    let mut shape = tensor.shape.clone();
    if let Some(first) = shape.first_mut() {
        *first = end - start;
    }
    Tensor { shape, data }
}
