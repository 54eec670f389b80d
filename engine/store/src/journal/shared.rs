//! What the handle, the committer and readers of one journal share.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use uuid::Uuid;

use super::append::{AppendError, Failure};
use super::batch::Batch;
use super::consumer::Consumers;
use super::mark::MarkFile;
use super::room::Room;
use super::segment::Segments;
use super::settings::Settings;
use crate::Lsn;
use crate::disk::{Disk, Lock};

/// How much memory may be kept for the next batches.
const BUFFER_BYTES: usize = 32 * 1024 * 1024;

pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) id: Uuid,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) segments: Segments,
    pub(super) mark: Mutex<MarkFile>,
    pub(super) room: Room,
    pub(super) consumers: Arc<Consumers>,
    /// No file could be made ready for when the current segment is full.
    pub(super) is_full: Arc<AtomicBool>,
    /// Something waits for room on the disk, and nothing may be written before it.
    is_holding: AtomicBool,
    /// Tells who makes segments that there may be room now.
    pub(super) kick: Sender<()>,
    failure: OnceLock<Arc<Failure>>,
    is_closed: AtomicBool,
    /// All below is synced.
    synced: AtomicU64,
    news: News,
    buffers: (Sender<Vec<u8>>, Receiver<Vec<u8>>),
    buffer_bytes: AtomicUsize,
    _lock: Lock,
}

/// What a shared state begins with.
pub(super) struct Beginning {
    pub(super) settings: Settings,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) lock: Lock,
    pub(super) mark: MarkFile,
    pub(super) segments: Segments,
    pub(super) next: Lsn,
}

impl Shared {
    /// The state, and what it is kicked by.
    pub(super) fn new(beginning: Beginning) -> (Arc<Self>, Receiver<()>) {
        let (kick, kicked) = bounded(1);
        let Beginning { settings, disk, lock, mark, segments, next } = beginning;
        // So many come back at once that were written while as many waited.
        let buffers = bounded(2 * settings.queue);
        let shared = Self {
            id: mark.mark().journal,
            room: Room::new(settings.queue_bytes),
            settings,
            disk,
            segments,
            mark: Mutex::new(mark),
            consumers: Arc::default(),
            is_full: Arc::default(),
            is_holding: AtomicBool::new(false),
            kick,
            failure: OnceLock::new(),
            is_closed: AtomicBool::new(false),
            synced: AtomicU64::new(next.0),
            news: News::default(),
            buffers,
            buffer_bytes: AtomicUsize::new(0),
            _lock: lock,
        };
        (Arc::new(shared), kicked)
    }

    /// All below is synced.
    pub(super) fn synced(&self) -> Lsn {
        Lsn(self.synced.load(Ordering::Acquire))
    }

    /// Tells readers that all below `next` is synced.
    pub(super) fn publish(&self, next: Lsn) {
        self.synced.store(next.0, Ordering::SeqCst);
        self.news.tell(next);
    }

    /// Waits until more than what lies below `next` is synced, but no longer than `timeout`.
    pub(super) fn wait_past(&self, next: Lsn, timeout: Duration) -> Lsn {
        self.news.wait(timeout, || self.synced() > next || self.is_closed() || self.failure.get().is_some());
        self.synced()
    }

    /// Has `watcher` called whenever more is synced.
    pub(super) fn watch(&self, watcher: Watcher) {
        self.news.watchers.write().unwrap_or_else(PoisonError::into_inner).push(watcher);
    }

    /// Why nothing can be appended, if nothing can.
    pub(super) fn demand_open(&self) -> Result<(), AppendError> {
        if let Some(cause) = self.failure() {
            return Err(AppendError::Failed { cause });
        }
        if self.is_closed() { Err(AppendError::Closed) } else { Ok(()) }
    }

    /// Something waits for room on the disk.
    pub(super) fn is_holding(&self) -> bool {
        self.is_holding.load(Ordering::SeqCst)
    }

    /// Something begins to wait for room on the disk, or nothing does any more.
    pub(super) fn set_holding(&self, is_holding: bool) {
        if self.is_holding.swap(is_holding, Ordering::SeqCst) == is_holding {
            return;
        }
        // Whoever hands over what has happened must not be kept waiting as long as the disk is full.
        self.room.lift(is_holding);
        if is_holding {
            tracing::warn!(
                "the disk is full to the last; what has happened waits for room to be written down"
            );
        } else {
            tracing::info!("what waited for room on the disk is written down");
            self.news.tell(self.synced());
        }
    }

    pub(super) fn disk_full(&self) -> AppendError {
        AppendError::DiskFull { retry_after: self.settings.retry_after }
    }

    pub(super) fn failure(&self) -> Option<Arc<Failure>> {
        self.failure.get().cloned()
    }

    /// The end of all appending. The first failure is the one that counts.
    pub(super) fn fail(&self, failure: Failure) -> Arc<Failure> {
        tracing::error!(doing = failure.doing, segment = failure.segment, source = %failure.source, "the journal failed");
        let cause = Arc::clone(self.failure.get_or_init(|| Arc::new(failure)));
        self.news.tell(self.synced());
        cause
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// Closes; `false` if it was closed before.
    pub(super) fn close(&self) -> bool {
        let is_first = !self.is_closed.swap(true, Ordering::SeqCst);
        self.room.shut();
        self.news.tell(self.synced());
        is_first
    }

    pub(super) fn mark(&self) -> MutexGuard<'_, MarkFile> {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A batch, with a buffer that was used before if there is one.
    pub(super) fn batch(&self) -> Batch {
        let buffer = self.buffers.1.try_recv().unwrap_or_default();
        self.buffer_bytes.fetch_sub(buffer.capacity(), Ordering::Relaxed);
        Batch::new(buffer, self.settings.limits())
    }

    /// Keeps a batch's buffer for the next.
    pub(super) fn recycle(&self, batch: Batch) {
        let buffer = batch.into_buffer();
        let n_bytes = buffer.capacity();
        let before = self.buffer_bytes.fetch_add(n_bytes, Ordering::Relaxed);
        if before + n_bytes > BUFFER_BYTES || self.buffers.0.try_send(buffer).is_err() {
            self.buffer_bytes.fetch_sub(n_bytes, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("id", &self.id).field("synced", &self.synced()).finish_non_exhaustive()
    }
}

/// Called whenever more is synced, with what comes next. It runs on the committer's thread and must not
/// block.
pub(super) type Watcher = Box<dyn Fn(Lsn) + Send + Sync>;

/// Who waits for more to be synced.
#[derive(Default)]
struct News {
    n_waiting: AtomicUsize,
    door: Mutex<()>,
    told: Condvar,
    watchers: RwLock<Vec<Watcher>>,
}

impl News {
    fn tell(&self, next: Lsn) {
        if self.n_waiting.load(Ordering::SeqCst) > 0 {
            // Whoever looked before this waits by now.
            drop(self.door.lock().unwrap_or_else(PoisonError::into_inner));
            self.told.notify_all();
        }
        for watcher in self.watchers.read().unwrap_or_else(PoisonError::into_inner).iter() {
            // A watcher that panics is its owner's failure.
            if catch_unwind(AssertUnwindSafe(|| watcher(next))).is_err() {
                tracing::error!("a watcher of the journal panicked");
            }
        }
    }

    fn wait(&self, timeout: Duration, is_there: impl Fn() -> bool) {
        if is_there() {
            return;
        }
        let door = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        self.n_waiting.fetch_add(1, Ordering::SeqCst);
        let _door = self.told.wait_timeout_while(door, timeout, |()| !is_there());
        self.n_waiting.fetch_sub(1, Ordering::SeqCst);
    }
}
