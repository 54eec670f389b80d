//! Keeps the catalog's records in the journal until a checkpoint of the catalog stands for them.

use crate::journal::EngineJournal;
use acequia_store::Lsn;
use acequia_store::journal::Consumer;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the journal calls it.
const NAME: &str = "catalog";
/// So many records may lie between the catalog's own position and that of a trim: a checkpoint for fewer is
/// not worth its room.
const SLACK: u64 = 512;

/// Keeps the catalog's records in the journal.
#[derive(Debug, Default)]
pub(super) struct Hold {
    /// Absent as long as the journal has nothing of a catalog.
    consumer: Mutex<Option<Consumer>>,
}

impl Hold {
    /// Of a journal as it was opened.
    pub(super) fn new(journal: Option<&Arc<EngineJournal>>) -> Self {
        let known = journal.filter(|journal| journal.has_catalog()).map(|journal| journal.journal());
        let consumer = known.map(|journal| journal.consumer(NAME, journal.first()));
        Self { consumer: Mutex::new(consumer) }
    }

    /// Whether nothing of a catalog is in the journal: then a checkpoint goes before the first record, so that
    /// it does not matter what was trimmed before.
    pub(super) fn is_new(&self) -> bool {
        self.lock().is_none()
    }

    /// Everything up to `at` stands in a checkpoint that is synced.
    pub(super) fn advance(&self, journal: &EngineJournal, at: Lsn) {
        let mut consumer = self.lock();
        match &*consumer {
            Some(consumer) => consumer.advance(at.next()),
            None => *consumer = Some(journal.journal().consumer(NAME, at.next())),
        }
    }

    /// Whether a trim below `needed` would wait for the catalog.
    pub(super) fn is_in_the_way(&self, needed: Lsn) -> bool {
        let at = self.lock().as_ref().map(Consumer::position);
        at.is_some_and(|at| at.0.saturating_add(SLACK) < needed.0)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Consumer>> {
        self.consumer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
