//! The door of a version: where starts come in, and where an unload keeps them out.
//!
//! A start is in flight from the moment that its version is resolved until its run is recorded. Its pin is
//! a matter of memory: after a crash there is no start. The lock is held for a few instructions, never
//! over anything else that a deploy does.

use super::pin::{Holder, HolderPage, beyond};
use crate::ring::Doorbell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct Inner {
    /// Decisions under way that want nobody to come in.
    closers: usize,
    /// An unload waits for the last pin.
    draining: bool,
    /// The version is unloaded; old snapshots may still lead here.
    gone: bool,
    starts: BTreeMap<Holder, usize>,
    n_starts: usize,
}

/// Where starts of one version come in.
pub(super) struct Door {
    inner: Mutex<Inner>,
    /// Rung when the last start leaves a door that is not open.
    bell: Option<Arc<dyn Doorbell>>,
}

/// Why a door did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shut {
    /// The version drains.
    Draining,
    /// The version is unloaded.
    Gone,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        let open = inner.closers == 0 && !inner.draining && !inner.gone;
        write!(f, "Door({}, {} starts)", if open { "open" } else { "shut" }, inner.n_starts)
    }
}

/// Keeps a door shut. Dropping it opens the door again, unless the version is gone by then.
#[derive(Debug)]
pub struct Closed(Arc<Door>);

/// A start in flight: as long as it lives, its version is not unloaded.
///
/// Keep it until the run is recorded and the catalog has folded the record, or the start has failed.
#[derive(Debug)]
#[must_use = "dropping it lets the version go"]
pub struct StartPin {
    door: Arc<Door>,
    holder: Holder,
}

impl Door {
    pub(super) fn new(bell: Option<Arc<dyn Doorbell>>) -> Arc<Self> {
        Arc::new(Self { inner: Mutex::default(), bell })
    }

    /// Let a start in. Work of somebody who holds the version already may come in while it drains.
    pub(super) fn enter(self: &Arc<Self>, holder: Holder, holds_already: bool) -> Result<StartPin, Shut> {
        let mut inner = self.lock();
        if inner.gone {
            return Err(Shut::Gone);
        }
        if (inner.draining || inner.closers > 0) && !holds_already {
            return Err(Shut::Draining);
        }
        *inner.starts.entry(holder.clone()).or_default() += 1;
        inner.n_starts += 1;
        Ok(StartPin { door: Arc::clone(self), holder })
    }

    pub(super) fn close(self: &Arc<Self>) -> Closed {
        self.lock().closers += 1;
        Closed(Arc::clone(self))
    }

    pub(super) fn drain(&self, draining: bool) {
        self.lock().draining = draining;
    }

    pub(super) fn wall_up(&self) {
        self.lock().gone = true;
    }

    /// Whether a decision under way keeps it shut.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closers > 0
    }

    /// Whether this start is in flight.
    pub(super) fn has(&self, holder: &Holder) -> bool {
        self.lock().starts.contains_key(holder)
    }

    pub(super) fn n_starts(&self) -> usize {
        self.lock().n_starts
    }

    pub(super) fn page(&self, after: Option<&Holder>, limit: usize) -> HolderPage {
        let inner = self.lock();
        HolderPage::of(inner.starts.range::<Holder, _>(beyond(after)).map(|(holder, _)| holder), limit)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics while it holds the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StartPin {
    /// Who starts.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.closers = inner.closers.saturating_sub(1);
    }
}

impl Drop for StartPin {
    fn drop(&mut self) {
        let mut inner = self.door.lock();
        if let Some(n) = inner.starts.get_mut(&self.holder) {
            *n -= 1;
            if *n == 0 {
                inner.starts.remove(&self.holder);
            }
        }
        inner.n_starts -= 1;
        let was_last = inner.n_starts == 0 && inner.draining;
        drop(inner);
        if let Some(bell) = self.door.bell.as_ref().filter(|_| was_last) {
            bell.ring();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Door, Shut};
    use crate::ring::Doorbell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Doorbell for Counted {
        fn ring(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_door_that_is_closed_twice_opens_after_both() {
        let door = Door::new(None);
        let (one, two) = (door.close(), door.close());
        assert_eq!(door.enter("s".into(), false).map(|_| ()), Err(Shut::Draining));
        drop(one);
        assert_eq!(door.enter("s".into(), false).map(|_| ()), Err(Shut::Draining));
        drop(two);
        assert!(door.enter("s".into(), false).is_ok());
    }

    #[test]
    fn the_last_start_to_leave_a_draining_version_is_told_of() {
        let bell = Arc::new(Counted::default());
        let door = Door::new(Some(bell.clone()));
        let starts = ["a", "b", "b"].map(|holder| door.enter(holder.into(), false).ok());
        assert_eq!(door.n_starts(), 3);
        door.drain(true);
        let [a, b, c] = starts;
        drop((a, b));
        assert_eq!((door.page(None, 9).holders.len(), bell.0.load(Ordering::SeqCst)), (1, 0));
        drop(c);
        assert_eq!((door.n_starts(), bell.0.load(Ordering::SeqCst)), (0, 1));
    }

    #[test]
    fn who_holds_a_draining_version_may_start_more_of_it_but_nobody_enters_what_is_gone() {
        let door = Door::new(None);
        door.drain(true);
        assert_eq!(door.enter("new".into(), false).map(|_| ()), Err(Shut::Draining));
        assert!(door.enter("child".into(), true).is_ok());
        door.wall_up();
        assert_eq!(door.enter("child".into(), true).map(|_| ()), Err(Shut::Gone));
    }
}
