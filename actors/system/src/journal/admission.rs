//! Who comes into a durable accumulator for the first time: asked before anything is written.

use acequia_core::Timestamp;
use acequia_core::durable::dedupe::{Arrival, Dedupe, DedupeError, Stamp, Window, WindowError};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::Notify;

/// An event on its way to disk. Whoever brings the same one waits with it.
pub(crate) struct Flight {
    stamp: Stamp,
    /// It is the journal's now: whoever brought it may go.
    is_written: AtomicBool,
    /// Where it lies, or that it does not.
    landed: OnceLock<Option<u64>>,
    news: Notify,
}

impl Flight {
    fn new(stamp: Stamp) -> Arc<Self> {
        let (landed, news) = (OnceLock::new(), Notify::new());
        Arc::new(Self { stamp, is_written: AtomicBool::new(false), landed, news })
    }

    /// Where it lies, once it does; none if it never will.
    pub(crate) async fn landed(&self) -> Option<u64> {
        loop {
            let news = self.news.notified();
            if let Some(landed) = self.landed.get() {
                return *landed;
            }
            news.await;
        }
    }

    fn end(&self, landed: Option<u64>) {
        let _ = self.landed.set(landed);
        self.news.notify_waiters();
    }
}

/// The events of one accumulator that are known again.
pub(crate) struct Admission {
    window: Mutex<Window<Arc<Flight>>>,
    duplicates: AtomicU64,
}

/// What became of an event that arrived.
pub(crate) enum Entrance {
    /// It is new: write it, and keep this until then.
    New(Ticket),
    /// It was accepted, and lies there, as far as that is known.
    Duplicate(Option<u64>),
    /// Somebody else brings it.
    InFlight(Arc<Flight>),
}

/// The right to write a new event; dropped before that, it is as if the event had not come.
pub(crate) struct Ticket {
    admission: Arc<Admission>,
    pub(crate) flight: Arc<Flight>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.flight.is_written.load(Ordering::Acquire) {
            self.admission.lose(self.flight.stamp);
        }
    }
}

impl Admission {
    pub(super) fn new(policy: Dedupe) -> Arc<Self> {
        Arc::new(Self { window: Mutex::new(Window::new(policy)), duplicates: AtomicU64::new(0) })
    }

    /// Know what an earlier process knew.
    pub(super) fn resume(&self, window: Window<Arc<Flight>>) {
        *self.lock() = window;
    }

    /// Decide on an event.
    pub(crate) fn arrive(self: &Arc<Self>, stamp: Stamp, now: Timestamp) -> Result<Entrance, DedupeError> {
        let flight = Flight::new(stamp);
        Ok(match self.lock().arrive(stamp, now, Arc::clone(&flight))? {
            Arrival::New => Entrance::New(Ticket { admission: Arc::clone(self), flight }),
            Arrival::Duplicate(lsn) => Entrance::Duplicate(lsn),
            Arrival::InFlight(flight) => Entrance::InFlight(flight),
        })
    }

    /// The event goes to the journal.
    pub(super) fn write(&self, stamp: Stamp) {
        if let Some(flight) = self.lock().flight(stamp) {
            flight.is_written.store(true, Ordering::Release);
        }
    }

    /// It is on disk.
    pub(super) fn land(&self, stamp: Stamp, lsn: u64, at: Timestamp) {
        let flight = self.lock().land(stamp, lsn, at);
        if let Some(flight) = flight {
            flight.end(Some(lsn));
        }
    }

    /// It is not, and will not be.
    pub(super) fn lose(&self, stamp: Stamp) {
        let flight = self.lock().lose(stamp);
        if let Some(flight) = flight {
            flight.end(None);
        }
    }

    /// A duplicate was answered.
    pub(crate) fn count_duplicate(&self) {
        self.duplicates.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were, in this process.
    pub(crate) fn duplicates(&self) -> u64 {
        self.duplicates.load(Ordering::Relaxed)
    }

    /// How many ids are known.
    pub(super) fn n_ids(&self) -> usize {
        self.lock().n_ids()
    }

    /// All that was accepted, as bytes.
    pub(super) fn encode(&self) -> Result<Vec<u8>, WindowError> {
        self.lock().encode()
    }

    fn lock(&self) -> MutexGuard<'_, Window<Arc<Flight>>> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
