//! The doorbell of a cell.

use crate::cell::SharedCell;
use crate::shard::Shard;
use acequia_core::ring::Doorbell;
use std::sync::{Arc, Weak};
use std::task::Wake;

/// Rings for a cell without keeping it alive: rings and sinks hold it, and the cell holds them.
pub(crate) struct Bell {
    cell: Weak<SharedCell>,
    shard: Arc<Shard>,
}

impl Bell {
    pub(crate) fn new(cell: Weak<SharedCell>, shard: Arc<Shard>) -> Self {
        Self { cell, shard }
    }
}

impl Doorbell for Bell {
    fn ring(&self) {
        if let Some(cell) = self.cell.upgrade()
            && cell.mark_ready()
        {
            self.shard.enqueue(cell);
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}
