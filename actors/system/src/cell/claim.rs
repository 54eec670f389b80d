//! The claim on a cell: taken by one, who owns it for a turn; a loser only leaves a mark.

use super::SharedCell;
use acequia_core::Timestamp;
use std::cell::Cell as ThreadCell;
use std::sync::atomic::Ordering;

/// Somebody runs a turn.
const RUNNING: u8 = 1;
/// There is, or may be, something to do.
pub(super) const READY: u8 = 2;

/// How deep pushes inside a sink may run further cells on the same stack.
const INLINE_DEPTH: u8 = 4;

thread_local! {
    static DEPTH: ThreadCell<u8> = const { ThreadCell::new(0) };
}

impl SharedCell {
    /// Whether somebody runs a turn.
    pub(crate) fn is_running(&self) -> bool {
        self.claim.load(Ordering::Acquire) & RUNNING != 0
    }

    /// It may be told at once that there is something to do: have its mark come from memory meanwhile.
    #[inline]
    pub(crate) fn expect_ring(&self) {
        std::hint::black_box(self.claim.load(Ordering::Relaxed));
    }

    /// Have it run as soon as its shard can.
    pub(crate) fn schedule(&self) {
        if self.mark_ready() {
            self.enqueue();
        }
    }

    /// Mark it ready; true if the caller must put it on the list.
    #[inline]
    pub(crate) fn mark_ready(&self) -> bool {
        self.claim.fetch_or(READY, Ordering::AcqRel) == 0
    }

    fn enqueue(&self) {
        if let Some(me) = self.me.upgrade() {
            self.shard.enqueue(me);
        }
    }

    pub(super) fn try_claim(&self) -> bool {
        // Most often it is marked ready, or nothing at all: one exchange does.
        let mut state = self.claim.load(Ordering::Relaxed);
        while state & RUNNING == 0 {
            match self.claim.compare_exchange_weak(state, RUNNING, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// Give the claim back. Marks left meanwhile, or work left over, put the cell on the ready list.
    fn release(&self, more: bool) {
        let state = self.claim.fetch_and(!RUNNING, Ordering::AcqRel);
        if more {
            self.schedule();
        }
        if state & READY != 0 {
            self.enqueue();
        }
    }

    /// Run one turn, unless somebody else does.
    pub(crate) fn try_turn(&self, now: Timestamp) {
        if !self.try_claim() {
            return;
        }
        let guard = ReleaseGuard { cell: self, more: true };
        let more = self.turn(now);
        guard.end(more);
    }

    /// Run turns on the caller's thread until nothing is left to do at once; false if somebody else has
    /// the claim, or the caller is itself deep inside such turns.
    pub(crate) fn try_inline(&self) -> bool {
        let depth = DEPTH.get();
        if depth >= INLINE_DEPTH || !self.try_claim() {
            return false;
        }
        DEPTH.set(depth + 1);
        let guard = ReleaseGuard { cell: self, more: true };
        let _runtime = self.workers.needs_runtime().then(|| self.env.work().enter());
        while self.turn(self.env.now()) {}
        guard.end(false);
        DEPTH.set(depth);
        true
    }
}

/// Gives the claim back, however its owner ends. A panic in the engine's own code must not keep it for ever.
struct ReleaseGuard<'a> {
    cell: &'a SharedCell,
    more: bool,
}

impl ReleaseGuard<'_> {
    fn end(mut self, more: bool) {
        self.more = more;
    }
}

impl Drop for ReleaseGuard<'_> {
    fn drop(&mut self) {
        self.cell.release(self.more);
    }
}
