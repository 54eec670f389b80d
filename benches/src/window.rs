//! At most so many events between a source and the last stage, for engines without bounded queues.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Counts finished events; the source waits while too many are unfinished.
#[derive(Debug)]
pub(crate) struct Window {
    limit: u64,
    done: AtomicU64,
    progress: Notify,
}

impl Window {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit: limit as u64, done: AtomicU64::new(0), progress: Notify::new() }
    }

    /// One event is finished. One thread at a time may call this.
    #[inline]
    pub(crate) fn finish(&self) {
        let done = self.done.load(Ordering::Relaxed) + 1;
        self.done.store(done, Ordering::Release);
        // A wake per event would cost more than the event.
        if done.is_multiple_of(self.limit / 4) {
            self.progress.notify_one();
        }
    }

    /// Returns once another event may be sent, `sent` having been sent.
    #[inline]
    pub(crate) async fn admit(&self, sent: u64) {
        if sent - self.done.load(Ordering::Acquire) >= self.limit {
            self.wait(sent - self.limit / 2).await;
        }
    }

    /// Returns once `n_events` are finished.
    pub(crate) async fn drained(&self, n_events: u64) {
        // The last wake is up to a quarter window early, hence the yields.
        while self.done.load(Ordering::Acquire) < n_events {
            tokio::task::yield_now().await;
        }
    }

    async fn wait(&self, target: u64) {
        while self.done.load(Ordering::Acquire) < target {
            self.progress.notified().await;
        }
    }
}
