//! Pins of runs: begun at a version's door, and changed in the batch of what they protect.

use super::register::{Key, Register};
use super::write::push;
use acequia_core::catalog::{Change, Holder, HolderPage, PinChange, PinKind, Record, Refusal, StartPin};
use acequia_core::id::PackageName;
use acequia_core::package::Version;
use acequia_store::Lsn;
use acequia_store::journal::{AppendError, Batch};
use std::ops::Range;
use std::sync::Arc;

/// Changes of pins that were admitted, on their way into the journal.
///
/// Put them into the batch of what they protect with [`push`](Self::push), and tell them what became of it with
/// [`synced`](Self::synced), in the batch's own callback. Until then, or until this is dropped, the versions
/// are not unloaded. A batch takes one of these.
#[must_use = "nothing is pinned before its record is synced"]
pub struct PinTicket {
    register: Arc<Register>,
    record: Record,
    keys: Vec<Key>,
}

impl PinTicket {
    /// Add the record to a batch, as the last of the catalog in it.
    ///
    /// # Errors
    /// What cannot be encoded, or has no room.
    pub fn push(&self, batch: &mut Batch) -> Result<(), Refusal> {
        push(batch, &self.record).map_err(|reason| Refusal::Store { reason })
    }

    /// The batch is synced, or it is not: the pins count from here on, or never did.
    ///
    /// # Errors
    /// [`Refusal::Store`] if it is not.
    pub fn synced(self, range: Result<Range<Lsn>, AppendError>) -> Result<(), Refusal> {
        self.register.synced(range, &self.record).map_err(|reason| Refusal::Store { reason })
    }
}

impl Drop for PinTicket {
    fn drop(&mut self) {
        let mut inner = self.register.lock();
        for key in &self.keys {
            if let Some(n) = inner.under_way.get_mut(key) {
                *n -= 1;
                if *n == 0 {
                    inner.under_way.remove(key);
                }
            }
        }
        drop(inner);
        self.register.settled.notify_waiters();
    }
}

impl Register {
    /// Admit changes of pins. From here on no unload overlooks them.
    pub(super) fn admit(self: &Arc<Self>, changes: Vec<PinChange>) -> Result<PinTicket, Refusal> {
        let mut inner = self.lock();
        inner.catalog.check_pins(&changes)?;
        let keys: Vec<Key> =
            changes.iter().map(|change| change.target()).map(|(p, v)| (p.clone(), v.clone())).collect();
        for key in &keys {
            *inner.under_way.entry(key.clone()).or_default() += 1;
        }
        drop(inner);
        let record = Record::unaudited(changes.into_iter().map(Change::Pin).collect());
        Ok(PinTicket { register: Arc::clone(self), record, keys })
    }

    /// The same as a record of its own.
    pub(super) async fn pin(self: &Arc<Self>, changes: Vec<PinChange>) -> Result<(), Refusal> {
        let ticket = self.admit(changes)?;
        self.write(ticket.record.clone()).await
    }

    pub(super) fn start_child(
        &self,
        package: &PackageName,
        version: &Version,
        parent: &Holder,
        child: Holder,
    ) -> Result<StartPin, Refusal> {
        self.lock().catalog.start_child(package, version, parent, child)
    }

    pub(super) fn holders(
        &self,
        package: &PackageName,
        version: &Version,
        kind: PinKind,
        after: Option<&Holder>,
        limit: usize,
    ) -> HolderPage {
        self.lock().catalog.holders(package, version, kind, after, limit)
    }

    pub(super) fn stranded(&self) -> Vec<(PackageName, Version, PinKind, Holder)> {
        self.lock().catalog.stranded()
    }
}
