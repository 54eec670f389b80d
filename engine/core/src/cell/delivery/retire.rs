//! The end of a delivery ring: nobody takes from it any more.

use super::Delivery;
use crate::ledger::Dropped;
use crate::letter::DeadLetter;
use crate::time::Timestamp;

impl Delivery {
    /// Give up what waits, as dead letters, and what is in somebody's hand, counted under `why`. Nobody
    /// reports on it after this.
    pub fn retire(&self, why: Dropped, now: Timestamp, letters: &mut Vec<DeadLetter>) {
        self.give_up(why, now, letters);
        let mut inner = self.lock();
        let in_hand = std::mem::take(&mut inner.in_hand);
        inner.entry.drop(why, in_hand);
        inner.quarantined = true;
        inner.waiters.clear();
        inner.doorbell = None;
    }

    /// Whether nothing waits and nothing is in hand.
    pub fn is_idle(&self) -> bool {
        let inner = self.lock();
        inner.waiting.is_empty() && inner.in_hand == 0
    }
}
