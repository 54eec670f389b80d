//! How a journal is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::batch::Limits;
use super::crash_point::CrashPoint;
use super::{frame, segment};

const MIB: usize = 1024 * 1024;
/// What a segment is a multiple of.
const PAGE: u32 = 4096;

/// How a journal is set up. The default is for a server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Length of a segment, rounded up to a page. As much again is kept ready, as ballast for a full disk.
    pub segment_bytes: u32,
    /// Largest payload of a record.
    pub payload_bytes: usize,
    /// Largest batch; it must fit into a segment.
    pub batch_bytes: usize,
    /// Largest batch that is not to be divided, as that of a turn with all that it sends on: it may be larger
    /// than a segment, and then has one of its own. At most 3 GiB.
    pub turn_bytes: usize,
    /// How much is written and synced as one; a larger batch is a group of its own.
    pub group_bytes: usize,
    /// How many batches may wait.
    pub queue: usize,
    /// How many bytes may wait, or be under way.
    pub queue_bytes: usize,
    /// How long batches that nobody waits for may wait for others.
    pub ride: Duration,
    /// How long nothing must have been appended until the end is marked. A power cut followed by damage to
    /// the last group that was synced goes unnoticed only within this time.
    pub mark: Duration,
    /// What the journal leaves of the disk to others: it counts as full when less is free.
    pub keep_free: u64,
    /// How often a full disk is looked at again, and what is told to who is refused.
    pub retry_after: Duration,
    /// Commits on the thread that appends, without any thread of its own: for tests on paused time. Then the end
    /// is marked at closing only.
    pub inline: bool,
    /// Called at the places where a crash is worth a test.
    pub on_crash_point: Option<OnCrashPoint>,
}

/// What is called at a crash point: it may abort the process, and must not call the journal.
#[derive(Clone)]
pub struct OnCrashPoint(Arc<dyn Fn(CrashPoint) + Send + Sync>);

impl OnCrashPoint {
    /// Calls `hook` at each point.
    pub fn new(hook: impl Fn(CrashPoint) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }
}

impl fmt::Debug for OnCrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnCrashPoint")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            segment_bytes: 64 * MIB as u32,
            payload_bytes: 16 * MIB,
            batch_bytes: 32 * MIB,
            turn_bytes: 1024 * MIB,
            group_bytes: 8 * MIB,
            queue: 1024,
            queue_bytes: 64 * MIB,
            ride: Duration::from_millis(5),
            mark: Duration::from_millis(50),
            keep_free: 64 * MIB as u64,
            retry_after: Duration::from_millis(500),
            inline: false,
            on_crash_point: None,
        }
    }
}

impl Settings {
    /// Small, inline and without a margin on the disk: for tests.
    pub fn small() -> Self {
        Self {
            segment_bytes: 16 * PAGE,
            payload_bytes: 8 * 1024,
            batch_bytes: 32 * 1024,
            group_bytes: 16 * 1024,
            keep_free: 0,
            inline: true,
            ..Self::default()
        }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits { payload: self.payload_bytes, batch: self.batch_bytes, whole: self.turn_limit() }
    }

    /// What [`Settings::turn_bytes`] comes to.
    pub fn turn_limit(&self) -> usize {
        self.turn_bytes.clamp(self.batch_bytes, (3 * 1024 * MIB).max(self.batch_bytes))
    }

    /// Length of a segment as it is made.
    pub(super) fn capacity(&self) -> u64 {
        u64::from(self.segment_bytes.next_multiple_of(PAGE))
    }

    pub(super) fn reach(&self, point: CrashPoint) {
        if let Some(OnCrashPoint(hook)) = &self.on_crash_point {
            hook(point);
        }
    }

    pub(super) fn check(&self) -> Result<(), SettingsError> {
        // Offsets in a segment have 32 bits.
        if self.segment_bytes > u32::MAX - PAGE {
            return Err(SettingsError::SegmentTooLarge { bytes: self.segment_bytes });
        }
        let room = self.capacity() - segment::header::BYTES;
        if frame::padded(self.batch_bytes) as u64 > room {
            return Err(SettingsError::BatchBeyondSegment { batch: self.batch_bytes, room });
        }
        if self.payload_bytes > self.batch_bytes {
            return Err(SettingsError::PayloadBeyondBatch {
                payload: self.payload_bytes,
                batch: self.batch_bytes,
            });
        }
        if self.queue == 0 || self.queue_bytes < self.batch_bytes {
            return Err(SettingsError::QueueTooSmall { batches: self.queue, bytes: self.queue_bytes });
        }
        Ok(())
    }
}

/// Settings that do not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Offsets would not fit.
    #[error("E0503: a segment of {bytes} bytes is too large; keep `segment_bytes` below 4 GiB")]
    SegmentTooLarge {
        /// What was asked for.
        bytes: u32,
    },
    /// A batch lies in one segment.
    #[error(
        "E0504: a batch of {batch} bytes does not fit into a segment with room for {room}; lower `batch_bytes` or raise `segment_bytes`"
    )]
    BatchBeyondSegment {
        /// `batch_bytes`.
        batch: usize,
        /// What a segment takes.
        room: u64,
    },
    /// A payload lies in one batch.
    #[error(
        "E0505: a payload of {payload} bytes does not fit into a batch of {batch}; lower `payload_bytes` or raise `batch_bytes`"
    )]
    PayloadBeyondBatch {
        /// `payload_bytes`.
        payload: usize,
        /// `batch_bytes`.
        batch: usize,
    },
    /// Some batch could never get in.
    #[error(
        "E0506: a queue of {batches} batches and {bytes} bytes does not take the largest batch; raise `queue` or `queue_bytes`"
    )]
    QueueTooSmall {
        /// `queue`.
        batches: usize,
        /// `queue_bytes`.
        bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_do_not_fit_together_are_refused() {
        assert_eq!(Settings::default().check(), Ok(()));
        assert_eq!(Settings::small().check(), Ok(()));
        let refused = |change: fn(&mut Settings)| {
            let mut settings = Settings::small();
            change(&mut settings);
            settings.check().unwrap_err()
        };
        assert!(matches!(refused(|s| s.segment_bytes = u32::MAX), SettingsError::SegmentTooLarge { .. }));
        assert!(matches!(refused(|s| s.batch_bytes = 65_536), SettingsError::BatchBeyondSegment { .. }));
        assert!(matches!(refused(|s| s.payload_bytes = 40_000), SettingsError::PayloadBeyondBatch { .. }));
        assert!(matches!(refused(|s| s.queue = 0), SettingsError::QueueTooSmall { .. }));
        assert!(matches!(refused(|s| s.queue_bytes = 100), SettingsError::QueueTooSmall { .. }));
    }
}
