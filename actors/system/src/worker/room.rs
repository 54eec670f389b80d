//! While the disk is full to the last, a worker of a recording cell takes no deliveries.

use super::{Worker, WorkerBell};
use acequia_core::ring::Doorbell;
use std::sync::Arc;

impl Worker {
    /// Whether nothing new may be run, because what was done waits for room on the disk; it is woken after that.
    pub(super) fn waits_for_room(self: &Arc<Self>) -> bool {
        let Some(cell) = self.cell.upgrade() else { return false };
        let Some(journal) = cell.journal() else { return false };
        let bell = self.bell.get_or_init(|| {
            let bell: Arc<dyn Doorbell> = Arc::new(WorkerBell(Arc::downgrade(self)));
            bell
        });
        journal.waits_for_room(bell)
    }
}
