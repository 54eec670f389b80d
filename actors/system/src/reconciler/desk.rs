//! The desk of the reconciler: what was asked, what is in the making, what is loaded.
//!
//! The actor may end at any moment, and its mailbox with it; the desk is the engine's. Messages only say
//! that there is something on it.

use super::ReconcilerMsg;
use super::event::{EventSink, StepEvent, StepPhase};
use super::failpoint::FailPoints;
use super::request::{LoadError, LoadRequest, Request, UnloadError};
use super::transaction::{Transaction, lock};
use crate::members::Members;
use acequia_core::id::{PackageName, ReactorName};
use acequia_core::package::Version;
use acequia_core::reconcile::{Actual, Plan, Quarantine, Step};
use ractor::ActorRef;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use tokio::sync::Notify;

/// What was asked, what is in the making, what is loaded.
#[derive(Default)]
pub(crate) struct Desk {
    inner: Mutex<Inner>,
    pub(crate) events: EventSink,
    pub(crate) failpoints: FailPoints,
    /// Told of each request.
    asked: Notify,
    /// Told of every quarantine, so that it outlives the process.
    told: OnceLock<TellKept>,
}

/// Hears of quarantines.
type TellKept = Box<dyn Fn(Kept<'_>) + Send + Sync>;

/// A version that is kept out, or those of a package that are not any more.
pub(crate) enum Kept<'k> {
    /// This one is.
    Out { package: &'k PackageName, version: &'k Version, reason: &'k str },
    /// None of these are.
    No { package: &'k PackageName },
}

#[derive(Default)]
struct Inner {
    queue: VecDeque<Request>,
    /// Begun and not ended, the outer ones first: a load may be carried out while an unload drains.
    open: Vec<Arc<Transaction>>,
    actual: Actual,
    members: BTreeMap<PackageName, Arc<Members>>,
    /// Loads that wait for reactors, in the order in which they came.
    parked: Vec<(LoadRequest, Vec<ReactorName>)>,
    /// Loads that failed and are tried again, with what failed.
    retrying: Vec<(LoadRequest, String)>,
    next: u64,
    next_shard: usize,
    actor: Option<ActorRef<ReconcilerMsg>>,
    closed: Option<String>,
}

impl Desk {
    /// Put a request on the desk. If nobody will ever work on it, it is dropped, and its reply with it.
    pub(crate) fn ask(&self, request: Request) {
        let mut inner = self.lock();
        if inner.closed.is_some() {
            return;
        }
        inner.queue.push_back(request);
        let actor = inner.actor.clone();
        drop(inner);
        self.asked.notify_one();
        if let Some(actor) = actor {
            // It may be between two lives: the next one looks at the desk first.
            let _ = actor.cast(ReconcilerMsg::Wake);
        }
    }

    /// A reconciler begins.
    pub(crate) fn attend(&self, actor: ActorRef<ReconcilerMsg>) {
        self.lock().actor = Some(actor);
    }

    /// Nobody will work on anything any more.
    pub(crate) fn close(&self, reason: &str) {
        let mut inner = self.lock();
        inner.closed.get_or_insert_with(|| reason.to_owned());
        let (queue, open) = (std::mem::take(&mut inner.queue), std::mem::take(&mut inner.open));
        let (parked, retrying) = (std::mem::take(&mut inner.parked), std::mem::take(&mut inner.retrying));
        drop(inner);
        // What stood still for an upgrade goes on.
        let cells = open.iter().flat_map(|open| &open.members).flat_map(|members| members.cells());
        cells.for_each(|entry| entry.cell.thaw());
        // Their replies go with them.
        drop((queue, open, parked, retrying));
    }

    /// Why nobody works here any more.
    pub(crate) fn closed(&self) -> String {
        self.lock().closed.clone().unwrap_or_else(|| "it was restarted".to_owned())
    }

    pub(crate) fn next_request(&self) -> Option<Request> {
        self.lock().queue.pop_front()
    }

    /// Wait for a load at the head of the queue that `may` be carried out now.
    pub(crate) async fn next_load(&self, may: impl Fn(&LoadRequest) -> bool) -> LoadRequest {
        loop {
            // Whoever asks behind this look leaves a word.
            let asked = self.asked.notified();
            if let Some(load) = self.take_load(&may) {
                return load;
            }
            asked.await;
        }
    }

    fn take_load(&self, may: impl Fn(&LoadRequest) -> bool) -> Option<LoadRequest> {
        let mut inner = self.lock();
        match inner.queue.pop_front()? {
            Request::Load(load) if may(&load) => Some(load),
            other => {
                inner.queue.push_front(other);
                None
            }
        }
    }

    /// The next number of a transaction.
    pub(crate) fn number(&self) -> u64 {
        let mut inner = self.lock();
        inner.next += 1;
        inner.next
    }

    /// The next shard, one after another.
    pub(crate) fn next_shard(&self, n: usize) -> usize {
        let mut inner = self.lock();
        inner.next_shard += 1;
        (inner.next_shard - 1) % n.max(1)
    }

    pub(crate) fn open(&self, transaction: Arc<Transaction>) {
        self.lock().open.push(transaction);
    }

    /// The transaction that was begun last and not ended.
    pub(crate) fn begun(&self) -> Option<Arc<Transaction>> {
        self.lock().open.last().cloned()
    }

    /// The transaction that was begun last has ended.
    pub(crate) fn end(&self) {
        self.lock().open.pop();
    }

    /// What is loaded.
    pub(crate) fn actual(&self) -> Actual {
        let inner = self.lock();
        let mut actual = inner.actual.clone();
        for (request, missing) in &inner.parked {
            for (package, _) in &request.packages {
                actual.parked.insert(package.name().clone(), missing.clone());
            }
        }
        actual
    }

    /// The commit point: from here on the plan counts. What makes it durable is synced by then.
    pub(crate) fn commit(&self, transaction: &Transaction) {
        let mut inner = self.lock();
        inner.actual.apply(&transaction.plan);
        if let Some(next) = &transaction.next {
            for members in &transaction.members {
                let name = members.name();
                inner.actual.quarantined.retain(|_, known| known.package != *name);
                members.set_version(Arc::clone(&next.package), next.version.clone());
            }
            transaction.progress().phase = super::transaction::Phase::Committed;
            return;
        }
        for members in &transaction.members {
            match transaction.plan.direction {
                acequia_core::reconcile::Direction::Up => {
                    let name = members.name().clone();
                    inner.actual.quarantined.retain(|_, known| known.package != name);
                    inner.members.insert(name, Arc::clone(members));
                }
                acequia_core::reconcile::Direction::Down => {
                    inner.members.remove(members.name());
                }
            }
        }
        transaction.progress().phase = super::transaction::Phase::Committed;
    }

    /// A sink was attached that feeds an accumulator.
    pub(crate) fn add_feed(&self, feed: acequia_core::reconcile::Feed) {
        self.lock().actual.feeds.insert(feed);
    }

    /// The members of a package that is loaded.
    pub(crate) fn members(&self, package: &PackageName) -> Option<Arc<Members>> {
        self.lock().members.get(package).cloned()
    }

    /// The members of all packages that are loaded.
    pub(crate) fn all_members(&self) -> Vec<Arc<Members>> {
        self.lock().members.values().cloned().collect()
    }

    pub(crate) fn park(&self, request: LoadRequest, missing: Vec<ReactorName>) {
        self.lock().parked.push((request, missing));
    }

    /// Loads whose reactors are all there now go on the desk, before anything that was asked later.
    pub(crate) fn unpark(&self) {
        let mut inner = self.lock();
        let parked = std::mem::take(&mut inner.parked);
        let mut ready = Vec::new();
        for (request, missing) in parked {
            if missing.iter().all(|reactor| inner.actual.reactors.contains_key(reactor)) {
                ready.push(request);
            } else {
                inner.parked.push((request, missing));
            }
        }
        for request in ready.into_iter().rev() {
            inner.queue.push_front(Request::Load(request));
        }
    }

    /// A parked or a retried load is not wanted any more; true if there was one.
    pub(crate) fn cancel(&self, package: &PackageName) -> bool {
        let mut inner = self.lock();
        let before = inner.parked.len() + inner.retrying.len();
        inner.parked.retain(|(request, _)| !names(request, package));
        inner.retrying.retain(|(request, _)| !names(request, package));
        inner.parked.len() + inner.retrying.len() < before
    }

    pub(crate) fn retry_later(&self, request: LoadRequest, reason: String) {
        self.lock().retrying.push((request, reason));
    }

    /// Loads that failed go on the desk again: those of `package`, or all.
    pub(crate) fn retry_now(&self, package: Option<&PackageName>) {
        let mut inner = self.lock();
        let retrying = std::mem::take(&mut inner.retrying);
        for (request, reason) in retrying {
            if package.is_none_or(|package| names(&request, package)) {
                inner.queue.push_back(Request::Load(request));
            } else {
                inner.retrying.push((request, reason));
            }
        }
    }

    /// Keep a version out.
    pub(crate) fn keep_out(&self, package: &PackageName, version: &Version, reason: &str) {
        let quarantine = Quarantine { package: package.clone(), reason: reason.to_owned() };
        self.lock().actual.quarantined.insert(version.clone(), quarantine);
        self.tell(Kept::Out { package, version, reason });
    }

    /// Have `told` hear of every quarantine from now on.
    pub(crate) fn tell_of_quarantines(&self, told: impl Fn(Kept<'_>) + Send + Sync + 'static) {
        let _ = self.told.set(Box::new(told));
    }

    fn tell(&self, kept: Kept<'_>) {
        if let Some(told) = self.told.get() {
            told(kept);
        }
    }

    /// A package that is loaded failed too often: its version is kept out once it is unloaded.
    pub(crate) fn quarantine(&self, package: &PackageName, reason: &str) {
        if let Some(members) = self.members(package) {
            self.keep_out(package, &members.version(), reason);
        }
    }

    /// An operator lets the versions of a package in again; true if one was kept out.
    pub(crate) fn clear_quarantine(&self, package: &PackageName) -> bool {
        let mut inner = self.lock();
        let before = inner.actual.quarantined.len();
        inner.actual.quarantined.retain(|_, known| known.package != *package);
        let is_cleared = inner.actual.quarantined.len() < before;
        drop(inner);
        self.tell(Kept::No { package });
        is_cleared
    }

    /// Loads that wait, with what for.
    pub(crate) fn waiting(&self) -> Vec<(PackageName, Version, super::status::PackageState)> {
        use super::status::PackageState;
        let inner = self.lock();
        let parked = inner.parked.iter().flat_map(|(request, missing)| {
            request.packages.iter().map(|(package, version)| {
                let state = PackageState::Parked { missing: missing.clone() };
                (package.name().clone(), version.clone(), state)
            })
        });
        let retrying = inner.retrying.iter().flat_map(|(request, reason)| {
            request.packages.iter().map(|(package, version)| {
                let state = PackageState::Retrying { failures: request.failures, reason: reason.clone() };
                (package.name().clone(), version.clone(), state)
            })
        });
        parked.chain(retrying).collect()
    }

    /// Tell everybody about a step of a transaction.
    pub(crate) fn say(
        &self,
        transaction: &Transaction,
        step: &Step,
        phase: StepPhase,
        detail: Option<String>,
    ) {
        let version = transaction.members_of(&step.package).map(|members| members.version());
        self.events.send(StepEvent {
            transaction: transaction.id,
            package: step.package.clone(),
            version,
            step: Some(step.record.to_string()),
            phase,
            detail,
        });
    }

    /// Tell everybody about the packages of a plan.
    pub(crate) fn say_all(&self, transaction: u64, plan: &Plan, phase: StepPhase, detail: Option<&str>) {
        for (package, loaded) in &plan.packages {
            self.events.send(StepEvent {
                transaction,
                package: package.clone(),
                version: Some(loaded.version.clone()),
                step: None,
                phase,
                detail: detail.map(ToOwned::to_owned),
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

fn names(request: &LoadRequest, package: &PackageName) -> bool {
    request.packages.iter().any(|(known, _)| known.name() == package)
}

/// What a caller is told whose reply was dropped.
pub(crate) fn interrupted_load(desk: &Desk, stopping: bool) -> LoadError {
    if stopping { LoadError::Stopping } else { LoadError::Interrupted { reason: desk.closed() } }
}

/// The same for an unload.
pub(crate) fn interrupted_unload(desk: &Desk, stopping: bool) -> UnloadError {
    if stopping { UnloadError::Stopping } else { UnloadError::Interrupted { reason: desk.closed() } }
}
