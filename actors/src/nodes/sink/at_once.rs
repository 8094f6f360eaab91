//! `delivery = "at-least-once"`: what a sink has goes out at once, past its epoch's transaction.
//!
//! The epoch is handed over only when all of it is acknowledged, so offsets never come before the
//! outputs of what they pass. State, repartition rows and offsets stay in the transaction: a crash
//! repeats outputs of the epoch that was open, and nothing else.

use std::sync::Arc;

use ractor::ActorProcessingErr;

use crate::log::{Appender, LogError, LogRecord, TopicPartition};
use crate::nodes::Gone;
use crate::nodes::context::ShardContext;

/// Writes a sink's records past the transaction.
pub(super) struct AtOnce {
    context: Arc<ShardContext>,
    /// Not here while it is at work.
    appender: Option<Box<dyn Appender>>,
    /// For each row of the open epoch that is out, when its input was appended.
    pub(super) appended: Vec<i64>,
}

impl AtOnce {
    /// Opens a way to the log.
    pub(super) async fn open(context: &Arc<ShardContext>) -> Result<Self, ActorProcessingErr> {
        let shared = Arc::clone(context);
        let opened = context.blocking("open-appender", move || shared.log.appender());
        Ok(Self {
            appender: Some(opened.await??),
            context: Arc::clone(context),
            appended: Vec::new(),
        })
    }

    /// Sends records on their way.
    pub(super) async fn append(
        &mut self,
        sends: Vec<(TopicPartition, Vec<LogRecord>)>,
    ) -> Result<(), ActorProcessingErr> {
        let append = move |appender: &mut dyn Appender| {
            let mut sends = sends.into_iter();
            sends.try_for_each(|(at, records)| appender.append(&at, records))
        };
        self.work("append", append).await
    }

    /// Waits until all of them are acknowledged.
    pub(super) async fn flush(&mut self) -> Result<(), ActorProcessingErr> {
        self.work("flush-appender", |appender| appender.flush())
            .await
    }

    async fn work(
        &mut self,
        what: &str,
        work: impl FnOnce(&mut dyn Appender) -> Result<(), LogError> + Send + 'static,
    ) -> Result<(), ActorProcessingErr> {
        let mut appender = self.appender.take().ok_or(Gone("the appender"))?;
        let done = self.context.blocking(what, move || {
            let done = work(&mut *appender);
            (appender, done)
        });
        let (appender, done) = done.await?;
        self.appender = Some(appender);
        done.map_err(Into::into)
    }
}
