//! What the last nodes computed, summed up so that variants can be compared.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// The result of one firing.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Published {
    pub(crate) sequence: u64,
    pub(crate) digest: u64,
}

/// A run summed up: two variants agree if their outcomes are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) firings: u64,
    pub(crate) sum: u64,
    pub(crate) last: u64,
}

/// Counts firings. One thread at a time may record; any may read.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    firings: AtomicU64,
    sum: AtomicU64,
    last: AtomicU64,
}

impl Tally {
    pub(crate) const fn new() -> Self {
        Self { firings: AtomicU64::new(0), sum: AtomicU64::new(0), last: AtomicU64::new(0) }
    }

    /// Forgets everything. Nobody may be recording.
    pub(crate) fn clear(&self) {
        for figure in [&self.sum, &self.last, &self.firings] {
            figure.store(0, Ordering::Release);
        }
    }

    // Loads and stores instead of read-modify-write: there is one writer, and a locked addition would
    // cost more than the graph.
    #[inline]
    pub(crate) fn record(&self, published: Published) {
        let sum = self.sum.load(Ordering::Relaxed);
        self.sum.store(sum.wrapping_add(published.digest), Ordering::Relaxed);
        self.last.store(published.sequence, Ordering::Relaxed);
        self.firings.store(self.firings.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    pub(crate) fn firings(&self) -> u64 {
        self.firings.load(Ordering::Acquire)
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let firings = self.firings();
        Outcome { firings, sum: self.sum.load(Ordering::Relaxed), last: self.last.load(Ordering::Relaxed) }
    }
}
