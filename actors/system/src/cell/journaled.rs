//! A cell's way to the journal.

use super::{SharedCell, lock};
use crate::journal::{CellJournal, write_outbox};
use acequia_core::Timestamp;
use acequia_core::cell::{Cell, TurnWrite};

impl SharedCell {
    /// Its way to the journal, if it has one.
    pub(crate) fn journal(&self) -> Option<&CellJournal> {
        self.journal.as_ref()
    }

    #[inline]
    pub(super) fn checkpoint_if_due(&self, now: Timestamp) {
        if let Some(journal) = &self.journal
            && journal.is_checkpoint_due()
        {
            journal.write_checkpoint(&self.env, &lock(&self.cell), now);
        }
    }

    /// Write down `state`, its cell, as it is between two turns.
    pub(crate) fn checkpoint(&self, state: &Cell, now: Timestamp) {
        if let Some(journal) = &self.journal {
            journal.write_checkpoint(&self.env, state, now);
        }
    }

    pub(super) fn write(&self, write: TurnWrite) {
        match &self.journal {
            Some(journal) => journal.write_turn(&self.env, write, &self.doorbell),
            None => write_outbox(&self.env, &self.name, write.outbox),
        }
    }
}
