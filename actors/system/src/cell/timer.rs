//! When a cell wants a turn by the clock.

use super::SharedCell;
use acequia_core::Timestamp;
use std::sync::atomic::Ordering;

impl SharedCell {
    pub(super) fn set_timer(&self, due: Option<Timestamp>) {
        let nanos = due.map_or(i64::MAX, Timestamp::as_nanos);
        if self.due.load(Ordering::Acquire) != nanos
            && self.due.swap(nanos, Ordering::AcqRel) != nanos
            && let (Some(due), Some(me)) = (due, self.me.upgrade())
        {
            self.shard.set_timer(due, me);
        }
    }

    /// The timer for `due` went off.
    pub(crate) fn timer_fired(&self, due: Timestamp) {
        let _ = self.due.compare_exchange(due.as_nanos(), i64::MAX, Ordering::AcqRel, Ordering::Acquire);
        self.schedule();
    }
}
