//! Which outputs of a graph elsewhere are on disk. A firing whose outputs may not be there is open, even if it
//! has ended: after a crash it is run again. One whose outputs are there is run again only for its other sinks.

use super::{Batch, Delivery, Inner};
use crate::time::Timestamp;
use std::sync::atomic::Ordering;

impl Inner {
    /// The first firing that may not have ended; none before it is open.
    fn first_unended(&self, ran_in_place: u64) -> Option<u64> {
        if self.in_hand > 0 {
            return Some(self.concluded.max(ran_in_place));
        }
        // A firing that somebody replays ended before, and its letter tells of it.
        self.waiting.ids.iter().copied().find(|id| *id >= ran_in_place.max(self.concluded))
    }
}

impl Delivery {
    /// Firings that end from here on stay open until [`Delivery::outputs_gone`].
    pub fn keep_open(&self) {
        let mut inner = self.lock();
        let next = inner.concluded.max(self.ran_in_place.load(Ordering::Relaxed));
        inner.kept_open.get_or_insert(next);
    }

    /// The outputs of every firing that has ended are written down, or gone.
    pub fn outputs_gone(&self) {
        self.lock().kept_open = None;
    }

    /// The first firing that may not have ended, or whose outputs may not have gone; none before it is open.
    pub fn first_open(&self) -> Option<u64> {
        let inner = self.lock();
        inner.kept_open.or_else(|| inner.first_unended(self.ran_in_place.load(Ordering::Relaxed)))
    }

    /// Every firing before this has ended.
    pub fn ended(&self) -> u64 {
        let inner = self.lock();
        let ran = inner.concluded.max(self.ran_in_place.load(Ordering::Relaxed));
        inner.first_unended(ran).unwrap_or(ran)
    }

    /// In an earlier life, what firings before `next` send to durable accumulators came to be on disk. Said once,
    /// when they wait here and nothing else does.
    pub fn set_sent_before(&self, next: u64) {
        self.lock().sent_before = next;
    }

    /// Let `batch`, which was taken, end where firings begin that nothing was sent of; those wait again.
    pub(super) fn part(&self, mut batch: Batch, sent_before: u64, now: Timestamp) -> Batch {
        // A firing that somebody replays has an old number, and comes behind them.
        let follows = |at: &usize| *at == 0 || batch.ids[*at - 1] < batch.ids[*at];
        let n = (0..batch.len()).take_while(|at| batch.ids[*at] < sent_before && follows(at)).count();
        // Whoever takes them may come while they are still being put here.
        if n == batch.len() && batch.ids.last().is_some_and(|last| last + 1 < sent_before) {
            self.lock().sent_before = sent_before;
        }
        if n == 0 {
            return batch;
        }
        if n < batch.len() {
            self.deliver_back(&batch, n, now);
            batch.keep_first(n);
        }
        batch.is_sent = true;
        batch
    }
}
