//! Rows of keys in quarantine: set aside in the dead letters, and taken again when somebody says so.
//!
//! A replay runs within one epoch: the quarantine ends, its rows (from the dead-letter topic, and those
//! of epochs that are not there yet) go into their operator in their order, and what comes out goes the
//! rest of the way. It is all committed, or none of it; who asked hears of it then.

use std::sync::Arc;

use bytes::Bytes;
use config::{NodeId, Schema};
use ractor::{ActorProcessingErr, RpcReplyPort};

use super::execute::Slots;
use super::{PartitionState, ROWS_PER_PASS, SessionAction};
use crate::batch::Batch;
use crate::codec::row::{RowDecoder, RowEncoder};
use crate::log::{HeadersBuilder, Log, LogError, LogRecord, TopicPartition};
use crate::nodes::ask;
use crate::nodes::dead_letter::header;
use crate::nodes::events::Happened;
use crate::nodes::host::{HeldRow, HostMessage};
use crate::nodes::{Gone, answer, failure};

/// Records of the dead-letter topic read at a time, and their bytes.
const READ: (usize, usize) = (2_000, 4 << 20);

/// Who is told, with what, when an epoch is committed.
pub(super) struct Promised {
    epoch: u64,
    replayed: u64,
    reply: RpcReplyPort<Result<Option<u64>, String>>,
}

/// Which held rows are wanted: those of one quarantine.
struct Wanted {
    stage: String,
    key: Bytes,
    since_ms: i64,
    /// How many it has held.
    held: u64,
}

impl PartitionState {
    /// Sets rows aside.
    pub(super) fn hold_rows(
        &mut self,
        stage: &NodeId,
        keyed: usize,
        batch: &Batch,
        held: &[HeldRow],
    ) -> Result<(), ActorProcessingErr> {
        if held.is_empty() {
            return Ok(());
        }
        let rows: Result<Vec<u32>, _> = held.iter().map(|held| u32::try_from(held.row)).collect();
        let bytes = RowEncoder::new(&self.program.keyed[keyed].schema).encode(&batch.take(&rows?)?);
        let place = (&*self.context, &*self.program);
        for (held, bytes) in held.iter().zip(&bytes) {
            let record = self.outputs.dead.hold(place, batch, stage, (held, bytes));
            self.outputs.held.push(record);
        }
        Ok(())
    }

    /// Ends a key's quarantine. What goes wrong with the rows themselves is told to who asks; the rest
    /// ends this actor.
    pub(super) async fn session(
        &mut self,
        keyed: usize,
        key: Bytes,
        action: SessionAction,
        reply: RpcReplyPort<Result<Option<u64>, String>>,
    ) -> Result<(), ActorProcessingErr> {
        let host = self.host.clone().ok_or(Gone("the session host"))?;
        let asked = key.clone();
        let quarantine = ask(&host, |reply| HostMessage::Quarantine {
            keyed,
            key: asked,
            reply,
        });
        let Some(quarantined) = quarantine.await? else {
            answer(reply, Ok(None))?;
            return Ok(());
        };
        let step = &self.program.keyed[keyed];
        let operator = step.id.to_string();
        let wanted = Wanted {
            stage: operator.clone(),
            key: key.clone(),
            since_ms: quarantined.since_ms,
            held: quarantined.held,
        };
        let mut batches = Vec::new();
        if action == SessionAction::Replay {
            match self.held_rows(wanted, step.schema.clone()).await? {
                Ok(found) => batches = found,
                Err(reason) => {
                    answer(reply, Err(reason))?;
                    return Ok(());
                }
            }
        }
        let text = String::from_utf8_lossy(&key).into_owned();
        let release = |reply| HostMessage::Release { keyed, key, reply };
        ask(&host, release).await?.map_err(failure)?;
        self.outputs.activity = true;
        let mut replayed = 0;
        for batch in batches {
            replayed += batch.len() as u64;
            self.pass_from(keyed, batch).await?;
        }
        let happened = Happened::Released {
            operator,
            key: text,
            action: action.label(),
            replayed,
        };
        self.context
            .events
            .tell(self.context.clock.now_ms(), happened);
        self.promised.push(Promised {
            epoch: self.epoch,
            replayed,
            reply,
        });
        Ok(())
    }

    /// An epoch is committed: those who wait for it are told.
    pub(super) fn keep_promises(&mut self, epoch: u64) {
        let promised = self
            .promised
            .extract_if(.., |promised| promised.epoch <= epoch);
        for Promised {
            replayed, reply, ..
        } in promised
        {
            // Whoever asked may have gone.
            drop(reply.send(Ok(Some(replayed))));
        }
    }

    /// Carries rows into a keyed operator, and what comes out the rest of the way. No timer fires.
    async fn pass_from(&mut self, keyed: usize, batch: Batch) -> Result<(), ActorProcessingErr> {
        let program = Arc::clone(&self.program);
        let id = &program.keyed[keyed].id;
        let Some(step) = program.steps.iter().find(|step| step.id == *id) else {
            return Err(failure(format!("operator \"{id}\" has no step")));
        };
        let mut slots: Slots = vec![Vec::new(); program.slots];
        self.keyed(step, keyed, batch, i64::MIN, &mut slots).await?;
        self.run_steps(slots, i64::MIN).await
    }

    /// The rows of a quarantine in their order, from the dead letters and from epochs on their way.
    async fn held_rows(
        &self,
        wanted: Wanted,
        schema: Schema,
    ) -> Result<Result<Vec<Batch>, String>, ActorProcessingErr> {
        let uncommitted = self.uncommitted.iter().flat_map(|epoch| &epoch.held);
        let recent: Vec<LogRecord> = uncommitted.chain(&self.outputs.held).cloned().collect();
        let context = Arc::clone(&self.context);
        let find = move || {
            let at = TopicPartition::new(context.topology.dead_letter.clone(), 0);
            let mut records = committed(&*context.log, &at, &wanted)?;
            let newer = recent
                .into_iter()
                .filter_map(|r| Some((wanted.number(&r)?, r)));
            records.extend(newer);
            // An epoch may be in the log already, and its task not yet know.
            records.sort_by_key(|(number, _)| *number);
            records.dedup_by_key(|(number, _)| *number);
            Ok::<_, LogError>(wanted.batches(records, &schema))
        };
        let found = self.context.blocking("held rows", find).await?;
        Ok(found.unwrap_or_else(|error| Err(error.to_string())))
    }
}

/// Held rows that the dead-letter topic has, with their numbers. Blocks; reads all of the topic.
fn committed(
    log: &dyn Log,
    at: &TopicPartition,
    wanted: &Wanted,
) -> Result<Vec<(u64, LogRecord)>, LogError> {
    let info = log.topic(&at.topic)?;
    let range = info.and_then(|info| info.ranges.first().copied());
    let mut next = range.map_or(0, |range| range.start);
    let mut found = Vec::new();
    loop {
        let fetched = log.read(at, next, READ.0, READ.1)?;
        if fetched.records.is_empty() {
            return Ok(found);
        }
        next = fetched.next_offset;
        let records = fetched.records.into_iter();
        found.extend(records.filter_map(|record| Some((wanted.number(&record)?, record))));
    }
}

impl Wanted {
    /// A record's number, if it is one of these.
    fn number(&self, record: &LogRecord) -> Option<u64> {
        let (since, number) = text(record, header::HELD)?.split_once('/')?;
        let mine = since.parse() == Ok(self.since_ms)
            && record.headers.get(header::STAGE) == Some(self.stage.as_bytes())
            && record.headers.get(header::KEY) == Some(&self.key[..]);
        mine.then(|| number.parse().ok()).flatten()
    }

    /// The rows, or why they are not all there.
    fn batches(
        &self,
        records: Vec<(u64, LogRecord)>,
        schema: &Schema,
    ) -> Result<Vec<Batch>, String> {
        let (found, held) = (records.len() as u64, self.held);
        if found != held {
            return Err(format!(
                "{held} rows were held, but the dead letters have {found} of them: release the key or skip"
            ));
        }
        let mut decoder = RowDecoder::new(schema);
        let mut batches = Vec::new();
        for part in records.chunks(ROWS_PER_PASS) {
            let rows = part.iter().map(|(_, record)| {
                let row = record.headers.get(header::ROW).map(Bytes::copy_from_slice);
                LogRecord::new(None, row, 0)
            });
            let mut decoded = decoder.decode(&rows.collect::<Vec<_>>());
            if let Some(bad) = decoded.bad.first() {
                return Err(format!("a held row cannot be read: {}", bad.reason));
            }
            for (row, (_, record)) in decoded.rows.iter_mut().zip(part) {
                let watermark = text(record, header::WATERMARK).and_then(|text| text.parse().ok());
                row.watermark = watermark.unwrap_or(row.time);
            }
            let raw = part.iter().map(|(_, record)| as_it_came(record)).collect();
            batches.push(Batch::new(decoded.columns, decoded.rows, Arc::new(raw)));
        }
        Ok(batches)
    }
}

/// A held record without what was added when it was set aside.
fn as_it_came(record: &LogRecord) -> LogRecord {
    let mut headers = HeadersBuilder::default();
    for (name, value) in record.headers.iter() {
        if !name.starts_with("thalweg.") {
            headers.push(name, value);
        }
    }
    LogRecord {
        headers: headers.finish(),
        ..record.clone()
    }
}

fn text<'r>(record: &'r LogRecord, header: &str) -> Option<&'r str> {
    std::str::from_utf8(record.headers.get(header)?).ok()
}
