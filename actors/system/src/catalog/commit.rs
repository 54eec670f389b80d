//! The record with which a transaction of the reconciler commits.
//!
//! It is written once, however often the reconciler begins anew: whoever comes after the one that began waits
//! for the same result, and so never undoes what is on disk.

use super::point::DeployPoint;
use super::register::Register;
use acequia_core::catalog::Record;
use acequia_core::id::ReactorName;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What a transaction does for the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deploy {
    Load,
    Route,
    Unload,
}

/// A place in a transaction, as far as the catalog's points are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    /// The author's hook has run.
    Begun,
    /// Everything is prepared: new parts made, cells still, gates closed.
    Prepared,
    /// Nobody holds what leaves.
    Free,
    /// The new parts are in their places, and published.
    Swapped,
    /// What leaves has drained.
    Drained,
    /// What leaves is torn down.
    TornDown,
}

/// The record of one transaction.
pub(crate) struct Commit {
    register: Arc<Register>,
    deploy: Deploy,
    /// Durable reactors that end with it.
    ends: Vec<ReactorName>,
    progress: Mutex<Progress>,
    ended: Notify,
    /// What a new version could not take over of the old one's state.
    incompatible: Mutex<Option<String>>,
}

/// Why nothing is known of a record.
#[derive(Debug, thiserror::Error)]
enum CommitError {
    #[error(
        "E0752: the thread that wrote the record of a deployment ended before its time; whether the record is on disk shows at the next start: start the engine again"
    )]
    Unended,
}

/// The duty to say how a record's writing ended, even if its thread panics or never runs.
struct Duty {
    commit: Arc<Commit>,
    result: Option<Result<(), String>>,
}

impl Duty {
    fn note(&mut self, result: Result<(), String>) {
        self.result = Some(result);
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        let result = self.result.take().unwrap_or_else(|| Err(CommitError::Unended.to_string()));
        *self.commit.progress() = Progress::Ended(result);
        self.commit.ended.notify_waiters();
    }
}

enum Progress {
    Waiting(Box<Record>),
    Writing,
    Ended(Result<(), String>),
}

impl Commit {
    pub(super) fn new(register: &Arc<Register>, deploy: Deploy, record: Record) -> Arc<Self> {
        Arc::new(Self {
            register: Arc::clone(register),
            deploy,
            ends: Vec::new(),
            progress: Mutex::new(Progress::Waiting(Box::new(record))),
            ended: Notify::new(),
            incompatible: Mutex::default(),
        })
    }

    /// The record of an unload that ends these durable reactors: after a crash they begin anew.
    pub(super) fn ending(register: &Arc<Register>, record: Record, ends: Vec<ReactorName>) -> Arc<Self> {
        let commit = Self::new(register, Deploy::Unload, record);
        match Arc::into_inner(commit) {
            Some(commit) => Arc::new(Self { ends, ..commit }),
            None => unreachable!("nobody else has seen it yet"),
        }
    }

    /// Whether it may be on disk.
    pub(crate) fn is_begun(&self) -> bool {
        !matches!(*self.progress(), Progress::Waiting(_))
    }

    /// Write the record, or wait for who does; once it is synced, it counts.
    pub(crate) async fn write(self: &Arc<Self>) -> Result<(), String> {
        self.begin();
        loop {
            let ended = self.ended.notified();
            if let Progress::Ended(result) = &*self.progress() {
                return result.clone();
            }
            ended.await;
        }
    }

    fn begin(self: &Arc<Self>) {
        let mut progress = self.progress();
        let Progress::Waiting(record) = &mut *progress else { return };
        let record = std::mem::take(&mut **record);
        *progress = Progress::Writing;
        drop(progress);
        let mut duty = Duty { commit: Arc::clone(self), result: None };
        // It ends by itself, and says so, whatever becomes of who waits for it.
        drop(self.register.env.spawn_blocking(move || {
            let own = Arc::clone(&duty.commit);
            if own.deploy == Deploy::Load {
                own.register.points.reach(DeployPoint::UploadCatalogCommit);
            }
            let result = own.register.write_ending(record, &own.ends);
            let is_ok = result.is_ok();
            duty.note(result);
            if is_ok {
                own.register.points.reach(match own.deploy {
                    Deploy::Load => DeployPoint::LoadCommit,
                    Deploy::Route => DeployPoint::RouteCommit,
                    Deploy::Unload => DeployPoint::UnloadCommit,
                });
            }
        }));
    }

    /// Why it is not on disk, if that is so.
    pub(super) fn failure(&self) -> Option<String> {
        match &*self.progress() {
            Progress::Ended(Err(reason)) => Some(reason.clone()),
            _ => None,
        }
    }

    /// The new version does not take over what the old one keeps.
    pub(crate) fn note_incompatible(&self, reason: &str) {
        *self.incompatible.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
    }

    pub(super) fn incompatible(&self) -> Option<String> {
        self.incompatible.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The transaction has come so far.
    pub(crate) fn pass(&self, passage: Passage) {
        let point = match (self.deploy, passage) {
            (Deploy::Load, Passage::Begun) => DeployPoint::LoadInit,
            (Deploy::Load, Passage::Prepared) => DeployPoint::LoadRegister,
            (Deploy::Route, Passage::Prepared) => DeployPoint::RouteGate,
            (Deploy::Route, Passage::Swapped) => DeployPoint::RouteSwap,
            (Deploy::Unload, Passage::Prepared) => DeployPoint::UnloadGate,
            (Deploy::Unload, Passage::Free) => DeployPoint::UnloadLinkCheck,
            (Deploy::Unload, Passage::Drained) => DeployPoint::UnloadDrain,
            (Deploy::Unload, Passage::TornDown) => DeployPoint::UnloadCheckpoint,
            _ => return,
        };
        self.register.points.reach(point);
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
