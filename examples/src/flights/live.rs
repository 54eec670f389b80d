//! What can be watched while departures flow: counters, and the end of the source.

use acequia::Failure;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use tokio::sync::watch;

/// Counters of one run, written by its source and its sinks.
pub struct Live {
    bytes: AtomicU64,
    bytes_read: AtomicU64,
    rows: AtomicU64,
    over_15: AtomicU64,
    minute: AtomicI32,
    ended: watch::Sender<Option<Result<(), Failure>>>,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// Length of the file.
    pub bytes: u64,
    /// How much of it was read.
    pub bytes_read: u64,
    /// Departures that came through.
    pub rows: u64,
    /// How many of them left more than 15 minutes late.
    pub over_15: u64,
    /// Minutes since 1970 of the newest.
    pub minute: i32,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            bytes: AtomicU64::new(0),
            bytes_read: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            over_15: AtomicU64::new(0),
            minute: AtomicI32::new(0),
            ended: watch::Sender::new(None),
        }
    }
}

impl Live {
    pub(super) fn set_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.bytes_read.store(0, Ordering::Relaxed);
    }

    pub(super) fn read(&self, bytes: u64) {
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn came_through(&self, rows: u64, over_15: u64, minute: i32) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.over_15.fetch_add(over_15, Ordering::Relaxed);
        self.minute.store(minute, Ordering::Relaxed);
    }

    pub(super) fn source_ended(&self, how: Result<(), Failure>) {
        self.ended.send_replace(Some(how));
    }

    /// Wait for the source to end.
    pub(super) async fn source_end(&self) -> Result<(), Failure> {
        match self.ended.subscribe().wait_for(Option::is_some).await {
            Ok(ended) => ended.clone().unwrap_or(Ok(())),
            Err(closed) => Err(Failure::error(closed)),
        }
    }

    pub(super) fn glance(&self) -> Glance {
        Glance {
            bytes: self.bytes.load(Ordering::Relaxed),
            bytes_read: self.bytes_read.load(Ordering::Relaxed),
            rows: self.rows.load(Ordering::Relaxed),
            over_15: self.over_15.load(Ordering::Relaxed),
            minute: self.minute.load(Ordering::Relaxed),
        }
    }
}
