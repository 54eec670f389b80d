//! One change in the making. It lives at the desk, not in the actor: whoever takes the reconciler's place
//! finds how far it came, and ends it.

use super::request::{LoadRequest, Unload, UnloadError, UnloadReport};
use crate::catalog::{Commit, Passage};
use crate::members::Members;
use acequia_core::Timestamp;
use acequia_core::id::{GraphName, PackageName, ReactorName};
use acequia_core::reconcile::Plan;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// How far a transaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Steps are prepared; nobody sees them.
    Preparing,
    /// Something failed: what was prepared is dropped, in reverse.
    Undoing,
    /// It counts. From here on it is only carried forward.
    Committed,
}

/// What a transaction carries out.
pub(crate) enum Task {
    /// Packages come.
    Load(Mutex<LoadRequest>),
    /// Packages go.
    Unload {
        /// How.
        how: Unload,
        /// What is written before it counts.
        commit: Option<Arc<Commit>>,
        /// Who asked.
        reply: Mutex<Option<oneshot::Sender<Result<UnloadReport, UnloadError>>>>,
    },
}

/// One change in the making.
pub(crate) struct Transaction {
    pub(crate) id: u64,
    pub(crate) plan: Plan,
    /// The packages that come or go, in that order.
    pub(crate) members: Vec<Arc<Members>>,
    pub(crate) task: Task,
    /// The new version of a package that goes on.
    pub(crate) next: Option<super::upgrade::Next>,
    progress: Mutex<Progress>,
}

/// What is remembered of it on the way.
pub(crate) struct Progress {
    pub(crate) phase: Phase,
    /// Steps whose preparation has begun.
    pub(crate) begun: usize,
    /// What failed, and in which package.
    pub(crate) failure: Option<(PackageName, String)>,
    /// What could not be taken down again.
    pub(crate) left: Vec<String>,
    /// What was torn down.
    pub(crate) torn: Vec<String>,
    /// Items that were given up.
    pub(crate) dropped: u64,
    /// When draining ends.
    pub(crate) drain_ends: Option<Timestamp>,
}

impl Transaction {
    pub(crate) fn new(
        id: u64,
        plan: Plan,
        members: Vec<Arc<Members>>,
        task: Task,
        phase: Phase,
    ) -> Arc<Self> {
        let progress = Progress {
            phase,
            begun: 0,
            failure: None,
            left: Vec::new(),
            torn: Vec::new(),
            dropped: 0,
            drain_ends: None,
        };
        Arc::new(Self { id, plan, members, task, next: None, progress: Mutex::new(progress) })
    }

    /// The same for a package that goes on in another version.
    pub(crate) fn upgrading(
        id: u64,
        plan: Plan,
        members: Arc<Members>,
        task: Task,
        next: super::upgrade::Next,
    ) -> Arc<Self> {
        let transaction = Self::new(id, plan, vec![members], task, Phase::Preparing);
        let unshared = Arc::into_inner(transaction);
        match unshared {
            Some(transaction) => Arc::new(Self { next: Some(next), ..transaction }),
            None => unreachable!("nobody else has seen it yet"),
        }
    }

    /// What is written before it counts, if it is the catalog's.
    pub(crate) fn commit(&self) -> Option<Arc<Commit>> {
        match &self.task {
            Task::Load(request) => lock(request).commit.clone(),
            Task::Unload { commit, .. } => commit.clone(),
        }
    }

    /// It has come so far.
    pub(crate) fn passed(&self, passage: Passage) {
        if let Some(commit) = self.commit() {
            commit.pass(passage);
        }
    }

    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        lock(&self.progress)
    }

    pub(crate) fn phase(&self) -> Phase {
        self.progress().phase
    }

    /// It failed before it was committed.
    pub(crate) fn fail(&self, package: &PackageName, reason: String) {
        let mut progress = self.progress();
        progress.phase = Phase::Undoing;
        progress.failure.get_or_insert((package.clone(), reason));
    }

    pub(crate) fn members_of(&self, package: &PackageName) -> Option<&Arc<Members>> {
        self.members.iter().find(|members| members.name() == package)
    }

    /// A reactor that comes or goes with it.
    pub(crate) fn owns_reactor(&self, reactor: &ReactorName) -> bool {
        self.members
            .iter()
            .any(|members| members.package().reactors().iter().any(|decl| decl.name == *reactor))
    }

    /// A graph that comes or goes with it.
    pub(crate) fn graph(&self, graph: &GraphName) -> Option<crate::members::GraphEntry> {
        self.members.iter().find_map(|members| members.graph(graph))
    }
}

pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
