//! A cell's way to the journal.

use super::{SharedCell, lock};
use crate::journal::{CellJournal, write_outbox};
use acequia_core::Timestamp;
use acequia_core::cell::{Cell, TurnWrite};
use acequia_core::fault::Failure;
use acequia_core::letter::DeadLetter;

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

    /// Write down what a turn wants on disk, and keep what it gave up.
    pub(super) fn write(&self, write: TurnWrite, letters: Vec<DeadLetter>, failures: &[Failure]) {
        match &self.journal {
            Some(journal) => {
                self.env.count(&letters, failures);
                journal.write_turn(&self.env, write, letters, &self.doorbell);
            }
            None => {
                if !write.outbox.is_empty() {
                    write_outbox(&self.env, &self.name, write.outbox);
                }
                self.env.report(letters, failures);
            }
        }
    }

    /// Keep what was given up outside of its turns, and count what failed.
    pub(crate) fn report(&self, letters: Vec<DeadLetter>, failures: &[Failure]) {
        if letters.is_empty() {
            return self.env.count(&letters, failures);
        }
        self.write(TurnWrite::default(), letters, failures);
    }
}
