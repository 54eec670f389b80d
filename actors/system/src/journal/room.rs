//! Who waits until what the disk had no room for is written down.

use super::EngineJournal;
use acequia_core::ring::Doorbell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Those who do nothing new as long as the disk is full to the last.
#[derive(Default)]
pub(super) struct Waiting {
    has_any: AtomicBool,
    doorbells: Mutex<Vec<Arc<dyn Doorbell>>>,
}

impl Waiting {
    fn add(&self, doorbell: &Arc<dyn Doorbell>) {
        let mut doorbells = self.doorbells.lock().unwrap_or_else(PoisonError::into_inner);
        if !doorbells.iter().any(|known| Arc::ptr_eq(known, doorbell)) {
            doorbells.push(Arc::clone(doorbell));
        }
        self.has_any.store(true, Ordering::SeqCst);
    }

    /// There may be room again.
    pub(super) fn ring(&self) {
        if !self.has_any.load(Ordering::SeqCst) {
            return;
        }
        let mut doorbells = self.doorbells.lock().unwrap_or_else(PoisonError::into_inner);
        self.has_any.store(false, Ordering::SeqCst);
        let waiting = std::mem::take(&mut *doorbells);
        drop(doorbells);
        waiting.iter().for_each(|doorbell| doorbell.ring());
    }
}

impl EngineJournal {
    /// Whether nothing new may be done, because what has been done waits for room on the disk. If so, `doorbell`
    /// is rung when it need not wait any more.
    #[inline]
    pub(crate) fn waits_for_room(&self, doorbell: &Arc<dyn Doorbell>) -> bool {
        if !self.journal.is_holding() {
            return false;
        }
        self.waiting.add(doorbell);
        // If that ended meanwhile, nobody may ring.
        self.journal.is_holding()
    }
}
