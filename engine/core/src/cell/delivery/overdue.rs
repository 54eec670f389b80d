//! A firing in hand whose time is over.

use super::Delivery;
use crate::cell::log::Outcome;
use crate::id::FiringId;
use crate::ledger::Dropped;

impl Delivery {
    /// The firing in hand passed its deadline: it is reported at once, wherever its thread is.
    pub fn time_out(&self, firing: FiringId) {
        let mut inner = self.lock();
        inner.entry.drop(Dropped::TimedOut, 1);
        inner.in_hand -= inner.in_hand.min(1);
        inner.overdue = true;
        inner.except(firing, Outcome::TimedOut);
    }

    /// The thread of the firing that timed out came back: its conclusion must not count again.
    pub fn timed_out_returned(&self) {
        let mut inner = self.lock();
        inner.concluded_early |= std::mem::take(&mut inner.overdue);
    }
}
