//! Polling: when the next poll is due. The poll itself is a source; its outputs pass through.

use crate::time::Timestamp;
use std::time::Duration;

/// First poll at start, then one each interval, never two at once: polls that a slow one overran are
/// skipped, not made up for.
#[derive(Debug, Clone, Copy)]
pub struct PollSchedule {
    interval: Duration,
    next: Timestamp,
}

impl PollSchedule {
    /// A schedule that begins at `start`. An interval of zero counts as one millisecond.
    pub fn new(start: Timestamp, interval: Duration) -> Self {
        Self { interval: interval.max(Duration::from_millis(1)), next: start }
    }

    /// When the next poll is due.
    pub fn due(&self) -> Timestamp {
        self.next
    }

    /// A poll ended at `now`.
    pub fn polled(&mut self, now: Timestamp) {
        self.next = self.next.after(self.interval);
        if self.next < now {
            let missed = now.since(self.next).as_nanos() / self.interval.as_nanos() + 1;
            let missed = u32::try_from(missed).unwrap_or(u32::MAX);
            self.next = self.next.after(self.interval.saturating_mul(missed));
        }
    }
}
