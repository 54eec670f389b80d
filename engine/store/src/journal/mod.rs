//! One journal per engine: everything durable is a record in it, and "acknowledged" means "synced".
//!
//! ```text
//! producers ─▶ Batch (encoded and checksummed by them) ─▶ queue ─▶ committer ─▶ segment ─▶ readers
//!                                                                    │ one write, one sync a group
//!                                          callbacks, in order ◀─────┘
//! ```
//!
//! A [`Batch`] is atomic: after a crash all of its records are there, or none. The [`Lsn`] of a record is its
//! place: dense, in the order of the file. A [`Cursor`] reads up to what is synced, and follows.
//!
//! ```
//! # use std::sync::Arc;
//! # use acequia_core::Timestamp;
//! # use acequia_store::disk::SimulatedDisk;
//! # use acequia_store::journal::*;
//! let disk = Arc::new(SimulatedDisk::new(1));
//! let (journal, _) = Journal::open(disk, Settings::small())?;
//!
//! let mut batch = journal.batch();
//! let head = Head {
//!     kind: RecordKind::Event,
//!     tenant: TenantId(1),
//!     stream: StreamId(7),
//!     id: RecordId(42),
//!     time: Timestamp::from_millis(1_000),
//!     parents: &[],
//! };
//! batch.push(&head, b"water is let in")?;
//! let synced = journal.append_and_wait(batch)?;
//!
//! let record = journal.cursor(synced.start).next_record()?;
//! assert_eq!(record.map(|record| record.payload), Some("water is let in".into()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod append;
mod batch;
mod crash_point;
mod cursor;
mod record;
mod settings;

mod consumer;
mod damage;
mod open;
mod read;
mod trim;
mod verify;

mod body;
mod committer;
mod frame;
mod mark;
mod pending;
mod room;
mod scan;
mod segment;
mod shared;
mod spare;
mod wait;
mod walk;

pub use append::{AppendError, Failure, OnSynced, Refused};
pub use batch::{Batch, EncodeError, Limits, Payload};
pub use consumer::{Consumer, Position};
pub use crash_point::CrashPoint;
pub use cursor::{Cursor, CursorError, Filter};
pub use damage::{Damage, Flaw};
pub use open::{OpenError, Opened};
pub use pending::Pending;
pub use read::read;
pub use record::{Head, Parents, Record, RecordId, RecordKind, RecordRef, StreamId, TenantId, UnknownKind};
pub use scan::Torn;
pub use settings::{OnCrashPoint, Settings, SettingsError};
pub use trim::{TrimError, Trimmed};
pub use verify::{Report, SegmentReport, verify};

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use uuid::Uuid;

use crate::Lsn;
use crate::disk::Disk;
use append::{Ack, Submission};
use committer::{Direct, Thread};
use shared::Shared;

/// An open journal. Clones are the same journal; the last one closes it.
#[derive(Debug, Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    entry: Entry,
}

/// The way in.
#[derive(Debug)]
enum Entry {
    Thread(Thread),
    Direct(Box<Direct>),
}

/// Whether a journal takes anything.
#[derive(Debug, Clone)]
pub enum Status {
    /// All is well.
    Open,
    /// The disk is full: it takes what is urgent, and looks again by itself.
    Full,
    /// It failed, and takes nothing more.
    Failed {
        /// What failed.
        cause: Arc<Failure>,
    },
    /// It was closed.
    Closed,
}

/// Whether one who finds no room waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    Wait,
    None,
}

impl Journal {
    /// Opens the journal of a folder, or begins one. All of it is read and checked.
    pub fn open(disk: Arc<dyn Disk>, settings: Settings) -> Result<(Self, Opened), OpenError> {
        open::open(disk, settings, None)
    }

    /// Opens a journal and shows each record, in order, to `visit`, in the same reading. If it fails, what was
    /// shown does not count.
    pub fn recover(
        disk: Arc<dyn Disk>,
        settings: Settings,
        mut visit: impl FnMut(&RecordRef<'_>),
    ) -> Result<(Self, Opened), OpenError> {
        open::open(disk, settings, Some(&mut visit))
    }

    /// Begins a journal whose first record has the number `first`, in a folder that has none.
    pub fn begin(disk: Arc<dyn Disk>, settings: Settings, first: Lsn) -> Result<Self, OpenError> {
        open::begin(disk, settings, first)
    }

    /// An empty batch.
    pub fn batch(&self) -> Batch {
        self.inner.shared.batch()
    }

    /// Appends a batch, and waits for a place in the queue. `on_synced` is called once: on the committer's
    /// thread, which must not wait for anything. Called there, it does not wait either, but is
    /// [`AppendError::Busy`].
    pub fn append(&self, batch: Batch, on_synced: OnSynced) -> Result<(), Refused> {
        self.take(batch, Ack::new(on_synced), Patience::Wait)
    }

    /// Appends a batch if there is a place in the queue, else it is [`AppendError::Busy`].
    pub fn try_append(&self, batch: Batch, on_synced: OnSynced) -> Result<(), Refused> {
        self.take(batch, Ack::new(on_synced), Patience::None)
    }

    /// Appends a batch if there is a place in the queue, else it is [`AppendError::Busy`]. The answer is awaited,
    /// which costs less than a callback that wakes a task. What is refused comes back without a callback.
    pub fn try_append_pending(&self, batch: Batch) -> Result<Pending, Refused> {
        let (pending, seat) = Pending::new();
        self.take(batch, Ack::task(seat), Patience::None)?;
        Ok(pending)
    }

    /// Appends a batch and waits until it is synced. Not to be called from a callback.
    pub fn append_and_wait(&self, batch: Batch) -> Result<Range<Lsn>, AppendError> {
        let waiting = wait::Waiting::new();
        self.append(batch, waiting.callback()).map_err(|refused| refused.error)?;
        waiting.wait()
    }

    /// Appends a batch for which nobody waits: it is written and synced with the next one that somebody waits
    /// for, or a little later. Whether that fails shows at the next append.
    pub fn ride(&self, batch: Batch) -> Result<(), AppendError> {
        self.take(batch, Ack::nobody(), Patience::Wait).map_err(|refused| refused.error)
    }

    /// [`Journal::ride`] if there is a place in the queue, else it is [`AppendError::Busy`].
    pub fn try_ride(&self, batch: Batch) -> Result<(), Refused> {
        self.take(batch, Ack::nobody(), Patience::None)
    }

    /// Waits until all that was appended before is synced. The answer is what comes next.
    pub fn flush(&self) -> Result<Lsn, AppendError> {
        let mut nothing = self.batch();
        nothing.set_urgent();
        Ok(self.append_and_wait(nothing)?.end)
    }

    fn take(&self, mut batch: Batch, ack: Ack, patience: Patience) -> Result<(), Refused> {
        let n_bytes = batch.n_bytes();
        let patience = if self.is_committer() { Patience::None } else { patience };
        let admitted = self.admit(&batch).and_then(|()| self.reserve(n_bytes, patience));
        if let Err(error) = admitted {
            return Err(refused(error, Submission { batch, ack }));
        }
        if !batch.is_empty() {
            batch.seal();
        }
        let submission = Submission { batch, ack };
        let submitted = match (&self.inner.entry, patience) {
            (Entry::Direct(direct), _) => {
                direct.submit(submission);
                Ok(())
            }
            (Entry::Thread(thread), Patience::Wait) => thread.submit(submission),
            (Entry::Thread(thread), Patience::None) => thread.try_submit(submission),
        };
        submitted.map_err(|mut submission| {
            self.inner.shared.room.free(n_bytes);
            let error = self.inner.shared.demand_open().err().unwrap_or(AppendError::Busy);
            submission.batch.unseal();
            refused(error, submission)
        })
    }

    /// Whether this is the committer's own thread: it would wait for itself.
    fn is_committer(&self) -> bool {
        matches!(&self.inner.entry, Entry::Thread(thread) if thread.is_current())
    }

    fn admit(&self, batch: &Batch) -> Result<(), AppendError> {
        let shared = &self.inner.shared;
        shared.demand_open()?;
        let is_refused = || {
            let is_full = !batch.is_urgent() && shared.is_full.load(Ordering::SeqCst);
            is_full || (!batch.is_firm() && shared.is_holding())
        };
        let waits = batch.is_firm() && shared.is_holding();
        if !(waits || is_refused()) {
            return Ok(());
        }
        if let Entry::Direct(direct) = &self.inner.entry {
            direct.retry()?;
        }
        if is_refused() { Err(shared.disk_full()) } else { Ok(()) }
    }

    fn reserve(&self, n_bytes: usize, patience: Patience) -> Result<(), AppendError> {
        let room = &self.inner.shared.room;
        match patience {
            Patience::Wait => {
                room.take(n_bytes);
                Ok(())
            }
            Patience::None if room.try_take(n_bytes) => Ok(()),
            Patience::None => Err(AppendError::Busy),
        }
    }

    /// What comes next: all below is synced.
    pub fn synced(&self) -> Lsn {
        self.inner.shared.synced()
    }

    /// Waits until more than what lies below `next` is synced, but no longer than `timeout`. The answer is
    /// [`Journal::synced`].
    pub fn wait_past(&self, next: Lsn, timeout: Duration) -> Lsn {
        self.inner.shared.wait_past(next, timeout)
    }

    /// Has `watcher` called whenever more is synced, with what comes next, as long as the journal lives. It
    /// runs on the committer's thread and must not wait for anything.
    pub fn watch(&self, watcher: impl Fn(Lsn) + Send + Sync + 'static) {
        self.inner.shared.watch(Box::new(watcher));
    }

    /// The oldest record that is kept, or will be.
    pub fn first(&self) -> Lsn {
        self.inner.shared.mark().mark().first
    }

    /// Reads from a record on.
    pub fn cursor(&self, from: Lsn) -> Cursor {
        self.cursor_with(from, Filter::default())
    }

    /// Reads from a record on, but only what `filter` accepts.
    pub fn cursor_with(&self, from: Lsn, filter: Filter) -> Cursor {
        Cursor::new(Arc::clone(&self.inner.shared), from, filter)
    }

    /// Holds all records from `from` on, until the consumer advances or is dropped.
    pub fn consumer(&self, name: &str, from: Lsn) -> Consumer {
        self.inner.shared.consumers.register(name, from)
    }

    /// Where the consumers stand.
    pub fn consumers(&self) -> Vec<Position> {
        self.inner.shared.consumers.all()
    }

    /// Removes whole segments below `below`, and below the slowest consumer.
    pub fn trim(&self, below: Lsn) -> Result<Trimmed, TrimError> {
        trim::trim(&self.inner.shared, below)
    }

    /// Reads all that is synced and checks it.
    pub fn verify(&self) -> io::Result<Report> {
        verify::verify_open(&self.inner.shared)
    }

    /// Who writes to it is at `point`: what [`Settings::on_crash_point`] asks for happens there.
    pub fn reach(&self, point: CrashPoint) {
        self.inner.shared.settings.reach(point);
    }

    /// Whether it takes anything.
    pub fn status(&self) -> Status {
        let shared = &self.inner.shared;
        match shared.failure() {
            Some(cause) => Status::Failed { cause },
            None if shared.is_closed() => Status::Closed,
            None if shared.is_full.load(Ordering::SeqCst) || shared.is_holding() => Status::Full,
            None => Status::Open,
        }
    }

    /// Whether something waits for room on a full disk that must come before all else: see [`Batch::set_firm`].
    /// When nothing does any more, [`Journal::watch`] tells.
    pub fn is_holding(&self) -> bool {
        self.inner.shared.is_holding()
    }

    /// How large what is appended may be.
    pub fn limits(&self) -> Limits {
        self.inner.shared.settings.limits()
    }

    /// The journal's own id.
    pub fn id(&self) -> Uuid {
        self.inner.shared.id
    }

    /// Takes nothing more, syncs what waits, and marks the end. Cursors go on reading.
    pub fn close(&self) -> Result<(), AppendError> {
        self.inner.close()
    }
}

impl Inner {
    fn close(&self) -> Result<(), AppendError> {
        if !self.shared.close() {
            return Ok(());
        }
        match &self.entry {
            Entry::Thread(thread) => thread.close(),
            Entry::Direct(direct) => direct.close(),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // What fails here was told to all who waited.
        let _ = self.close();
    }
}

fn refused(error: AppendError, submission: Submission) -> Refused {
    let Submission { batch, ack } = submission;
    let on_synced = ack.into_callback().unwrap_or_else(|| Box::new(|_| ()));
    Refused { error, batch, on_synced }
}
