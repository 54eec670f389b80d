//! The register: what the catalog's actor works on, and what outlives it.
//!
//! The actor may end at any moment, and its mailbox with it; requests, the catalog, and the loaded versions
//! lie here. Whoever reads takes the published snapshot, and waits for nobody who deploys.

use super::actor::CatalogMsg;
use super::archives::Archives;
use super::boot::BootReport;
use super::hold::Hold;
use super::point::{DeployPoint, OnDeployPoint};
use super::reader::{Make, Reader, Source, Taken};
use super::request::Request;
use crate::env::Env;
use crate::reconciler::Desk;
use acequia_core::catalog::{AuditEntry, Catalog, Command, Decision, FoldError, Record, Refusal, Snapshot};
use acequia_core::id::PackageName;
use acequia_core::package::{Package, Version};
use acequia_core::ring::Doorbell;
use acequia_store::Lsn;
use ractor::ActorRef;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::Notify;

/// How many audit entries an engine without a journal keeps.
const ENTRIES: usize = 10_000;

/// A version of a package.
pub(super) type Key = (PackageName, Version);

/// What the catalog's actor works on, and what outlives it.
pub(crate) struct Register {
    pub(super) env: Arc<Env>,
    pub(super) desk: Arc<Desk>,
    pub(super) reader: Arc<dyn Reader>,
    pub(super) archives: Option<Archives>,
    pub(super) points: OnDeployPoint,
    pub(super) hold: Hold,
    published: Mutex<Arc<Snapshot>>,
    inner: Mutex<Inner>,
    /// Apart from the rest: whoever lets go of a version rings for it.
    actor: Mutex<Option<ActorRef<CatalogMsg>>>,
    /// Told when changes of pins that were under way have been folded.
    pub(super) settled: Notify,
}

pub(super) struct Inner {
    pub(super) catalog: Catalog,
    /// Every record of the catalog up to this one is in it.
    pub(super) folded: Lsn,
    residents: BTreeMap<Key, Make>,
    queue: VecDeque<Request>,
    is_busy: bool,
    closed: Option<String>,
    /// Changes of pins that are on their way to the journal, by version.
    pub(super) under_way: BTreeMap<Key, usize>,
    /// Drains that something other than a pin keeps from ending, until they are looked at again.
    pub(super) postponed: BTreeSet<PackageName>,
    /// Without a journal: the last audit entries.
    pub(super) entries: VecDeque<AuditEntry>,
    /// What the start came to.
    pub(super) report: BootReport,
}

/// Rings for the actor.
struct Bell(Weak<Register>);

impl Doorbell for Bell {
    fn ring(&self) {
        if let Some(register) = self.0.upgrade() {
            register.wake();
        }
    }
}

/// What a register is made with.
pub(crate) struct RegisterArgs {
    pub(crate) env: Arc<Env>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) archives: Option<Archives>,
    pub(crate) points: OnDeployPoint,
    /// What the journal's records add up to.
    pub(crate) recovered: Catalog,
}

impl Register {
    pub(crate) fn new(args: RegisterArgs) -> Result<Arc<Self>, FoldError> {
        let RegisterArgs { env, desk, reader, archives, points, recovered } = args;
        let mut failed = None;
        let hold = Hold::new(env.journal());
        // All that the journal had when it was opened is in what was recovered.
        let folded =
            env.journal().map_or(Lsn::ZERO, |journal| Lsn(journal.journal().synced().0.saturating_sub(1)));
        let made = Arc::new_cyclic(|weak: &Weak<Self>| {
            let mut catalog = Catalog::with_doorbell(Arc::new(Bell(Weak::clone(weak))));
            failed = recovered.condensed().iter().find_map(|record| catalog.apply(record).err());
            let inner = Inner {
                catalog,
                folded,
                residents: BTreeMap::new(),
                queue: VecDeque::new(),
                is_busy: false,
                closed: None,
                under_way: BTreeMap::new(),
                postponed: BTreeSet::new(),
                entries: VecDeque::new(),
                report: BootReport::default(),
            };
            let published = Mutex::new(inner.catalog.snapshot());
            let (inner, actor, settled) = (Mutex::new(inner), Mutex::default(), Notify::default());
            Self { env, desk, reader, archives, points, hold, published, inner, actor, settled }
        });
        failed.map_or(Ok(made), Err)
    }

    /// The versions and routes of this moment.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&lock(&self.published))
    }

    /// From here on load, route, unload and starts are refused.
    pub(crate) fn shut_down(&self) {
        self.lock().catalog.shut_down();
    }

    /// Nobody will work on anything any more.
    pub(crate) fn close(&self, reason: &str) {
        self.shut_down();
        let mut inner = self.lock();
        inner.closed.get_or_insert_with(|| reason.to_owned());
        let queue = std::mem::take(&mut inner.queue);
        drop(inner);
        // Their replies go with them.
        drop(queue);
    }

    /// Why nobody works here any more.
    pub(super) fn closed(&self) -> String {
        self.lock().closed.clone().unwrap_or_else(|| "what carried it out has failed".to_owned())
    }

    /// Put a request into the queue. If nobody will ever work on it, it is dropped, and its reply with it.
    pub(super) fn ask(&self, request: Request) {
        let mut inner = self.lock();
        if inner.closed.is_some() {
            return;
        }
        inner.queue.push_back(request);
        drop(inner);
        self.wake();
    }

    /// An actor begins.
    pub(super) fn attend(&self, actor: ActorRef<CatalogMsg>) {
        *lock(&self.actor) = Some(actor);
    }

    /// There is something to look at.
    pub(super) fn wake(&self) {
        let actor = lock(&self.actor).clone();
        if let Some(actor) = actor {
            // It may be between two lives: the next one looks first.
            let _ = actor.cast(CatalogMsg::Wake);
        }
    }

    /// The next request, if nobody is at work on one; then somebody is, until the answer is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Option<(Request, Busy)> {
        let mut inner = self.lock();
        if inner.is_busy || inner.closed.is_some() {
            return None;
        }
        let request = inner.queue.pop_front().or_else(|| {
            let postponed = &inner.postponed;
            let mut due = inner.catalog.drained().into_iter();
            let due = due.find(|operation| !postponed.contains(operation.package()))?;
            Some(Request::FinishDrain { package: due.package().clone() })
        })?;
        inner.is_busy = true;
        Some((request, Busy(Arc::clone(self))))
    }

    /// Decide. Nothing has changed yet.
    pub(super) fn decide(&self, command: &Command) -> Result<Decision, Refusal> {
        self.lock().catalog.decide(command)
    }

    /// A synced record counts from here on.
    pub(super) fn fold(&self, lsn: Option<Lsn>, record: &Record) -> Result<(), FoldError> {
        let mut inner = self.lock();
        inner.catalog.apply(record)?;
        inner.folded = lsn.unwrap_or(inner.folded);
        *lock(&self.published) = inner.catalog.snapshot();
        if let (None, Some(entry)) = (lsn, &record.audit) {
            inner.entries.push_back(entry.clone());
            let beyond = inner.entries.len().saturating_sub(ENTRIES);
            inner.entries.drain(..beyond);
        }
        let is_due = !inner.catalog.drained().is_empty();
        drop(inner);
        if is_due {
            self.wake();
        }
        Ok(())
    }

    /// Keep what makes the declarations of a version.
    pub(super) fn settle_in(&self, package: &PackageName, version: &Version, make: Make) {
        self.lock().residents.insert((package.clone(), version.clone()), make);
    }

    /// Let go of it, and of its library with the last part.
    pub(super) fn let_go(&self, package: &PackageName, version: &Version) {
        let gone = self.lock().residents.remove(&(package.clone(), version.clone()));
        // Not under the lock: a library may take its time.
        drop(gone);
    }

    pub(super) fn resident(&self, package: &PackageName, version: &Version) -> Option<Make> {
        self.lock().residents.get(&(package.clone(), version.clone())).cloned()
    }

    /// The declarations of a loaded version, read from its archive if it is not resident.
    pub(super) async fn declarations(
        self: &Arc<Self>,
        package: &PackageName,
        version: &Version,
    ) -> Result<Package, String> {
        let make = match self.resident(package, version) {
            Some(make) => make,
            None => {
                let taken = self.read_back(package, version).await?;
                self.settle_in(package, version, Arc::clone(&taken.make));
                taken.make
            }
        };
        // The authors' code declares; it may take its time.
        let made = self.env.spawn_blocking(move || make()).await;
        made.map_err(|error| format!("its declarations could not be made: {error}"))
    }

    /// Read the archive of a loaded version, and see that it is what was loaded.
    pub(super) async fn read_back(
        self: &Arc<Self>,
        package: &PackageName,
        version: &Version,
    ) -> Result<Taken, String> {
        let (own, version, package) = (Arc::clone(self), version.clone(), package.clone());
        let read = self.env.spawn_blocking(move || {
            let Some(archives) = &own.archives else { return Err("there is no archive of it".to_owned()) };
            let archive =
                archives.read(&(package.clone(), version.clone())).map_err(|damage| damage.to_string())?;
            let nobody = |_: DeployPoint| ();
            let taken = own.reader.read(Source::Bytes(archive), &nobody).map_err(|error| error.reason)?;
            if taken.package != package || taken.version != version {
                let found = format!("{} {}", taken.package, taken.version);
                return Err(format!("its archive holds {found}"));
            }
            Ok(taken)
        });
        read.await.unwrap_or_else(|_| Err("the engine's runtime is going down".to_owned()))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

/// Somebody is at work on a request. When that ends, however it does, the next one begins.
pub(super) struct Busy(Arc<Register>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.lock().is_busy = false;
        self.0.wake();
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
