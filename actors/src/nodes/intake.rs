//! The intake: the last of a shard's actors to start and the first to stop. While it lives, records
//! flow: it tells the consumer's thread where each partition's records go and from which offset on.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::consumer::{ConsumerLink, Route};
use super::context::ShardContext;
use super::partition::PartitionMessage;
use crate::nodes::{Gone, ask};

/// The actor.
pub struct Intake;

impl Actor for Intake {
    type Msg = ();
    type State = ConsumerLink;
    type Arguments = Arc<ShardContext>;

    async fn pre_start(
        &self,
        _: ActorRef<()>,
        context: Arc<ShardContext>,
    ) -> Result<ConsumerLink, ActorProcessingErr> {
        let link = context.wiring.consumer().ok_or(Gone("the consumer"))?;
        let mut routes = Vec::new();
        for task in context.running().iter() {
            let partition = context.wiring.partition(*task);
            let partition = partition.ok_or(Gone("the partition"))?;
            let credits = &context.credits[task];
            let positions = |reply| PartitionMessage::Positions { reply };
            let positions = ask(&partition, positions).await?;
            context.status.started(*task, &positions);
            credits.reset(positions.iter().map(|(at, _)| at.clone()));
            for (at, from) in positions {
                routes.push(Route {
                    at,
                    from,
                    task: partition.clone(),
                    credits: Arc::clone(credits),
                });
            }
        }
        link.attach(routes).await?;
        context.wiring.set_intake(link.clone());
        Ok(link)
    }

    async fn post_stop(
        &self,
        _: ActorRef<()>,
        link: &mut ConsumerLink,
    ) -> Result<(), ActorProcessingErr> {
        link.detach();
        Ok(())
    }
}
