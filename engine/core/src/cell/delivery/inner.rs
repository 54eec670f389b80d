//! Bookkeeping under the delivery ring's lock.

use super::{EXCEPTIONS_KEPT, Inner};
use crate::cell::log::Outcome;
use crate::id::FiringId;
use crate::ledger::{Dropped, Settled};

impl Inner {
    pub(super) fn except(&mut self, firing: FiringId, outcome: Outcome) {
        if self.exceptions.len() >= EXCEPTIONS_KEPT {
            self.exceptions.pop_front();
        }
        self.exceptions.push_back((firing, outcome));
    }

    /// A newer firing takes the place of those that wait.
    pub(super) fn supersede(&mut self) {
        self.entry.settle(Settled::Superseded, self.waiting.len() as u64);
        let ids = std::mem::take(&mut self.waiting.ids);
        for id in ids {
            self.except(FiringId(id), Outcome::Superseded);
        }
        self.waiting.rows.clear();
        for column in &mut self.waiting.columns {
            column.truncate(0);
        }
    }

    pub(super) fn drop_oldest(&mut self) {
        let id = self.waiting.ids.remove(0);
        let stride = self.waiting.columns.len().max(1);
        self.waiting.rows.drain(..stride);
        self.waiting.compact();
        self.entry.drop(Dropped::Overflow, 1);
        self.except(FiringId(id), Outcome::Dropped(Dropped::Overflow));
    }
}
