//! Records of the catalog on their way into the journal, and what is folded once they are synced.

use super::error::DeployError;
use super::register::Register;
pub(super) use crate::journal::wall;
use crate::journal::{EngineJournal, fresh_id, head, push_end};
use acequia_core::catalog::{AuditEntry, Catalog, Command, Outcome, Record, Refusal};
use acequia_core::durable::stream_number;
use acequia_core::id::ReactorName;
use acequia_store::Lsn;
use acequia_store::catalog::{checkpoint, encode, kind};
use acequia_store::journal::{AppendError, Batch, OnSynced, RecordKind, StreamId};
use std::ops::Range;
use std::sync::Arc;

/// How much of a refusal's text an audit entry keeps.
const REASON: usize = 2_000;

/// Stream of the catalog's records.
pub(crate) fn records() -> StreamId {
    StreamId(stream_number("catalog", "records"))
}

/// Stream of its checkpoints.
pub(crate) fn checkpoints() -> StreamId {
    StreamId(stream_number("catalog", "checkpoints"))
}

impl Register {
    /// Journal a record; once it is synced, it counts. Whoever asks may go: it is done all the same.
    pub(super) async fn write(self: &Arc<Self>, record: Record) -> Result<(), Refusal> {
        let own = Arc::clone(self);
        let written = self.env.spawn_blocking(move || own.write_now(record)).await;
        let written = written.unwrap_or_else(|_| Err("the engine's runtime is going down".to_owned()));
        written.map_err(|reason| Refusal::Store { reason })
    }

    /// The same on this thread, which blocks until the record is synced.
    pub(super) fn write_now(self: &Arc<Self>, record: Record) -> Result<(), String> {
        self.write_ending(record, &[])
    }

    /// The same, in one batch with the ends of durable reactors.
    pub(super) fn write_ending(self: &Arc<Self>, record: Record, ends: &[ReactorName]) -> Result<(), String> {
        let Some(journal) = self.env.journal() else {
            return self.fold(None, &record).map_err(|error| error.to_string());
        };
        let mut batch = journal.journal().batch();
        let begun = self.begin_history(journal, &mut batch)?;
        for reactor in ends {
            push_end(&mut batch, reactor).map_err(|error| error.to_string())?;
        }
        push(&mut batch, &record)?;
        let (told, answered) = std::sync::mpsc::channel();
        let own = Arc::clone(self);
        let on_synced: OnSynced = Box::new(move |range| {
            let _ = told.send(own.synced(range, &record));
        });
        journal.journal().append(batch, on_synced).map_err(|refused| told_of(&refused.error))?;
        answered.recv().unwrap_or_else(|_| Err("the journal went away".to_owned()))?;
        if let Some(at) = begun {
            self.hold.advance(journal, at);
        }
        Ok(())
    }

    /// On the committer's thread, in the order of the journal.
    pub(super) fn synced(
        &self,
        range: Result<Range<Lsn>, AppendError>,
        record: &Record,
    ) -> Result<(), String> {
        let range = range.map_err(|error| told_of(&error))?;
        // The record is the last of its batch, or the only one of the catalog in it.
        let folded = self.fold(Some(Lsn(range.end.0.saturating_sub(1))), record);
        folded.map_err(|error| {
            // It is on disk, and the catalog in memory is not what the next start will find.
            self.env.fail(&format!("a record of the catalog cannot follow: {error}"));
            error.to_string()
        })
    }

    /// Before the first record of all goes an empty checkpoint. Returns up to where that reaches.
    fn begin_history(&self, journal: &EngineJournal, batch: &mut Batch) -> Result<Option<Lsn>, String> {
        if !self.hold.is_new() {
            return Ok(None);
        }
        let at = Lsn(journal.journal().synced().0.saturating_sub(1));
        push_checkpoint(batch, &Catalog::default(), at)?;
        Ok(Some(at))
    }

    /// A trim below `needed` is about to come: let a checkpoint stand for the catalog's records before it. May
    /// block.
    pub(crate) fn make_way(&self, journal: &EngineJournal, needed: Lsn) -> Result<(), String> {
        if !self.hold.is_in_the_way(needed) {
            return Ok(());
        }
        // Callbacks come in order: what was appended before this is folded when it returns.
        let next = journal.journal().flush().map_err(|error| told_of(&error))?;
        let mut batch = journal.journal().batch();
        let at = {
            let inner = self.lock();
            let at = inner.folded.max(Lsn(next.0.saturating_sub(1)));
            push_checkpoint(&mut batch, &inner.catalog, at)?;
            at
        };
        journal.journal().append_and_wait(batch).map_err(|error| told_of(&error))?;
        self.hold.advance(journal, at);
        Ok(())
    }

    /// Leave an audit entry of what was refused. If even that is refused, the log has it.
    pub(super) async fn note_refusal(self: &Arc<Self>, command: &Command, error: &DeployError) {
        let (package, by) = (command.operation.package(), &command.by);
        tracing::warn!(%package, %by, what = %command.operation, %error, "deploy refused");
        let mut record = self.lock().catalog.refused(command, &Refusal::ShuttingDown);
        if let Some(AuditEntry { outcome: Outcome::Refused { reason }, .. }) = &mut record.audit {
            *reason = error.to_string().chars().take(REASON).collect();
        }
        if let Err(error) = self.write(record).await {
            tracing::warn!(%error, "a refusal was not written down");
        }
    }
}

/// Add a record of the catalog to a batch.
pub(super) fn push(batch: &mut Batch, record: &Record) -> Result<(), String> {
    let payload = encode(record).map_err(|error| error.to_string())?;
    let head = head(kind(record), records(), fresh_id());
    batch.push(&head, &payload).map_err(|error| error.to_string())
}

fn push_checkpoint(batch: &mut Batch, catalog: &Catalog, at: Lsn) -> Result<(), String> {
    // It is what lets a full disk be trimmed.
    batch.set_urgent();
    for piece in checkpoint(catalog, at).map_err(|error| error.to_string())? {
        let head = head(RecordKind::Checkpoint, checkpoints(), fresh_id());
        batch.push(&head, &piece).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// What the journal said, with the cause.
fn told_of(error: &AppendError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
