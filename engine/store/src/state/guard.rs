//! A store that is compared with its anchor, and that contains what its back end does.

use super::anchor::{Anchor, Phase};
use super::contained::{ContainedRows, contained};
use super::seal::{self, Seal};
use super::{Batch, ContentHash, Rows, StateError, StateStore, Table};
use crate::Lsn;
use crate::disk::Disk;
use bytes::Bytes;
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

/// A store with its anchor. It keeps the hash of all rows, writes it with each batch, and anchors it at
/// each checkpoint.
///
/// After a back end has failed or panicked, every call says so, until the store is opened again.
/// Dropping it is a crash as far as the next opening is concerned; [`close`](Self::close) is not.
#[derive(Debug)]
pub struct Guarded {
    backend: &'static str,
    /// Absent once it is closed.
    inner: Option<Box<dyn StateStore>>,
    disk: Arc<dyn Disk>,
    journal: Uuid,
    epoch: u64,
    generation: u64,
    content: ContentHash,
    failed: OnceLock<String>,
}

impl Guarded {
    pub(super) fn new(
        backend: &'static str,
        inner: Box<dyn StateStore>,
        disk: Arc<dyn Disk>,
        journal: Uuid,
        seal: Seal,
    ) -> Self {
        let Seal { epoch, generation, content, .. } = seal;
        Self {
            backend,
            inner: Some(inner),
            disk,
            journal,
            epoch,
            generation,
            content,
            failed: OnceLock::new(),
        }
    }

    /// How often the store has been made.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The hash of all rows.
    pub fn content(&self) -> ContentHash {
        self.content
    }

    /// Checkpoint and close. The next opening need not look for what a crash left.
    ///
    /// # Errors
    /// [`StateError`] as for a checkpoint; it is closed all the same.
    pub fn close(mut self) -> Result<Lsn, StateError> {
        let lsn = self.checkpoint()?;
        // The files change as they are closed; so they are, before the anchor says it.
        self.let_go()?;
        self.anchor(Phase::Closed, lsn)?;
        Ok(lsn)
    }

    /// Note in the anchor what the store holds.
    pub(super) fn anchor(&self, phase: Phase, lsn: Lsn) -> Result<(), StateError> {
        let (epoch, generation, content) = (self.epoch, self.generation, self.content);
        let (journal, backend) = (self.journal, Anchor::short(self.backend));
        let anchor = Anchor { journal, backend, epoch, generation, lsn, content, phase };
        anchor.replace(&*self.disk).map_err(|source| self.noted(StateError::Anchor { source }))
    }

    fn let_go(&mut self) -> Result<(), StateError> {
        let inner = self.inner.take();
        contained(self.backend, || Ok(drop(inner))).map_err(|error| self.noted(error))
    }

    /// From now on every call fails.
    fn noted(&self, error: StateError) -> StateError {
        if !error.is_refusal() {
            let _ = self.failed.set(error.to_string());
        }
        error
    }

    fn inner(&self) -> Result<&dyn StateStore, StateError> {
        if let Some(reason) = self.failed.get() {
            return Err(StateError::Failed { reason: reason.clone() });
        }
        self.inner.as_deref().ok_or_else(closed)
    }

    /// The hash of all rows once `batch` is applied.
    fn content_after(&self, batch: &Batch) -> Result<ContentHash, StateError> {
        let inner = self.inner()?;
        let mut content = self.content;
        for (table, key, value) in batch.iter() {
            let before = contained(self.backend, || inner.get(table, key));
            if let Some(before) = before.map_err(|error| self.noted(error))? {
                content.subtract(table.number(), key, &before);
            }
            if let Some(value) = value {
                content.add(table.number(), key, value);
            }
        }
        Ok(content)
    }
}

impl StateStore for Guarded {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StateError> {
        let inner = self.inner()?;
        contained(self.backend, || inner.get(table, key)).map_err(|error| self.noted(error))
    }

    fn scan<'a>(&'a self, table: Table, prefix: &[u8]) -> Rows<'a> {
        match self.inner() {
            Ok(inner) => ContainedRows::begin(self.backend, &self.failed, || inner.scan(table, prefix)),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    /// All rows but the store's own.
    fn rows(&self) -> Rows<'_> {
        let is_theirs =
            |row: &Result<super::Row, _>| row.as_ref().map_or(true, |row| row.table != Table::SEAL);
        match self.inner() {
            Ok(inner) => {
                Box::new(ContainedRows::begin(self.backend, &self.failed, || inner.rows()).filter(is_theirs))
            }
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }

    fn apply(&mut self, batch: &Batch, at: Lsn) -> Result<(), StateError> {
        batch.check()?;
        if let Some((table, ..)) = batch.iter().find(|(table, ..)| *table == Table::SEAL) {
            return Err(StateError::Reserved { table });
        }
        let before = self.inner()?.at();
        if at < before {
            return Err(StateError::Backwards { at: before, wanted: at });
        }
        let content = self.content_after(batch)?;
        let mut sealed = batch.clone();
        let seal = Seal { epoch: self.epoch, generation: self.generation + 1, lsn: at, content };
        sealed.put(Table::SEAL, seal::KEY, seal.to_bytes());

        let inner = self.inner.as_deref_mut().ok_or_else(closed)?;
        let applied = contained(self.backend, || inner.apply(&sealed, at));
        applied.map_err(|error| self.noted(error))?;
        self.content = content;
        self.generation += 1;
        Ok(())
    }

    fn at(&self) -> Lsn {
        self.inner.as_deref().map_or(Lsn::ZERO, StateStore::at)
    }

    fn checkpoint(&mut self) -> Result<Lsn, StateError> {
        self.inner()?;
        let inner = self.inner.as_deref_mut().ok_or_else(closed)?;
        let lsn = contained(self.backend, || inner.checkpoint()).map_err(|error| self.noted(error))?;
        self.anchor(Phase::Open, lsn)?;
        Ok(lsn)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // A back end that panics as it is dropped would end the process if this is an unwinding already.
        let _ = self.let_go();
    }
}

fn closed() -> StateError {
    StateError::Failed { reason: "it was closed".to_owned() }
}
