//! Handing a batch to the journal, and what becomes of it.

use std::fmt;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::batch::Batch;
use super::pending::Seat;
use crate::Lsn;

/// Called once: with the batch's numbers when it is synced, or with why it is not.
///
/// It runs on the committer's thread, in the order of the numbers, and must not block: everybody else
/// waits for it.
pub type OnSynced = Box<dyn FnOnce(Result<Range<Lsn>, AppendError>) + Send>;

/// Why a batch is not in the journal.
///
/// But for [`AppendError::Failed`], nothing of it is there, and it will not be found after a restart.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// As much waits as may wait.
    #[error("E0520: as much waits to be synced as may wait; try again, or wait with `append`")]
    Busy,
    /// There is no room on the disk.
    #[error(
        "E0521: the disk is full; what was acknowledged is safe and can be read. Free some space, or trim the journal; try again after {retry_after:?}"
    )]
    DiskFull {
        /// When the disk will have been looked at again.
        retry_after: Duration,
    },
    /// Writing or syncing failed. The batch may be found after a restart, or not.
    #[error("E0522: the journal failed, and takes nothing more; look at the disk, then restart the engine")]
    Failed {
        /// What failed.
        #[source]
        cause: Arc<Failure>,
    },
    /// The journal was closed.
    #[error("E0523: the journal was closed; nothing of the batch is in it")]
    Closed,
}

/// What ended the journal's work. It is never tried again: after a failed sync nobody knows what is on the
/// disk, and a second one proves nothing.
#[derive(Debug, thiserror::Error)]
#[error("E0524: {doing} segment {segment} failed; the disk or its file system is at fault")]
pub struct Failure {
    /// What was being done.
    pub doing: &'static str,
    /// Number of the segment.
    pub segment: u64,
    /// What the system said.
    pub source: io::Error,
}

/// A batch that was not taken, with all that is needed to try again. Its callback was not called.
pub struct Refused {
    /// Why.
    pub error: AppendError,
    /// The batch.
    pub batch: Batch,
    /// Its callback.
    pub on_synced: OnSynced,
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("error", &self.error)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}

/// A batch on its way to the committer.
#[derive(Debug)]
pub(super) struct Submission {
    /// Sealed.
    pub(super) batch: Batch,
    pub(super) ack: Ack,
}

impl Submission {
    /// Whether somebody waits until it is synced.
    pub(super) fn is_awaited(&self) -> bool {
        !self.batch.is_patient() && !self.ack.is_nobody()
    }
}

/// The duty to tell somebody what became of a batch. Dropped, it says that the journal was closed.
pub(super) struct Ack(Whom);

/// Who is told.
enum Whom {
    Nobody,
    /// Whoever gave a callback.
    Callback(OnSynced),
    /// A task that awaits it.
    Task(Arc<Seat>),
}

impl Ack {
    pub(super) fn new(on_synced: OnSynced) -> Self {
        Self(Whom::Callback(on_synced))
    }

    /// A task waits.
    pub(super) fn task(seat: Arc<Seat>) -> Self {
        Self(Whom::Task(seat))
    }

    /// Nobody waits.
    pub(super) fn nobody() -> Self {
        Self(Whom::Nobody)
    }

    /// Whether nobody waits.
    pub(super) fn is_nobody(&self) -> bool {
        matches!(self.0, Whom::Nobody)
    }

    /// Tells it.
    pub(super) fn tell(mut self, result: Result<Range<Lsn>, AppendError>) {
        self.call(result);
    }

    /// Gives the callback back, uncalled.
    pub(super) fn into_callback(mut self) -> Option<OnSynced> {
        match std::mem::replace(&mut self.0, Whom::Nobody) {
            Whom::Callback(on_synced) => Some(on_synced),
            Whom::Nobody | Whom::Task(_) => None,
        }
    }

    fn call(&mut self, result: Result<Range<Lsn>, AppendError>) {
        let told = match std::mem::replace(&mut self.0, Whom::Nobody) {
            Whom::Nobody => return,
            // A callback or a waker that panics is its owner's failure. The others must be told all the same.
            Whom::Callback(on_synced) => catch_unwind(AssertUnwindSafe(|| on_synced(result))),
            Whom::Task(seat) => catch_unwind(AssertUnwindSafe(|| seat.tell(result))),
        };
        if told.is_err() {
            tracing::error!("a callback of the journal panicked");
        }
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        self.call(Err(AppendError::Closed));
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ack").field(&!self.is_nobody()).finish()
    }
}
