//! The members of one package: its parts with their cells and runs, whether they are dormant or work.
//!
//! Owned by the engine, not by the package's actor: that finds here what it has to start again. Names
//! become visible only when the directory publishes them.

use crate::cell::SharedCell;
use crate::graph::GraphMsg;
use crate::reactor::ReactorMsg;
use acequia_core::cell::GraphRun;
use acequia_core::fault::guarded;
use acequia_core::graph::GraphDecl;
use acequia_core::id::{AccumulatorName, GraphName, PackageName, ReactorName};
use acequia_core::package::{Package, Version};
use acequia_core::reactor::ReactorDecl;
use acequia_core::source::SourceOffset;
use ractor::ActorRef;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The actor of a part, while one lives: whoever knows the part sees its next incarnation.
pub(crate) struct ActorSlot<M>(Arc<Mutex<Option<ActorRef<M>>>>);

impl<M> Clone for ActorSlot<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> Default for ActorSlot<M> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<M> ActorSlot<M> {
    pub(crate) fn get(&self) -> Option<ActorRef<M>> {
        lock(&self.0).clone()
    }

    pub(crate) fn set(&self, actor: ActorRef<M>) {
        *lock(&self.0) = Some(actor);
    }
}

/// A reactor of a package.
#[derive(Clone)]
pub(crate) struct ReactorEntry {
    pub(crate) package: PackageName,
    pub(crate) decl: ReactorDecl,
    pub(crate) cell: Arc<SharedCell>,
    pub(crate) actor: ActorSlot<ReactorMsg>,
}

/// A graph of a package.
#[derive(Clone)]
pub(crate) struct GraphEntry {
    pub(crate) package: PackageName,
    pub(crate) decl: GraphDecl,
    pub(crate) actor: ActorSlot<GraphMsg>,
    run: Arc<Mutex<Option<GraphRun>>>,
}

impl GraphEntry {
    /// A graph with its run made, which waits for its seat.
    pub(crate) fn new(package: PackageName, decl: GraphDecl, run: GraphRun) -> Self {
        let run = Arc::new(Mutex::new(Some(run)));
        Self { package, decl, actor: ActorSlot::default(), run }
    }

    /// Give the dormant run a sink at the terminal `index`.
    pub(crate) fn attach(&self, index: usize, sink: Box<dyn acequia_core::sink::AnySink>) {
        if let Some(run) = &mut *lock(&self.run) {
            run.attach(index, sink);
        }
    }

    /// The run that was made when the graph was prepared, until it took its seat.
    pub(crate) fn take_run(&self) -> Option<GraphRun> {
        lock(&self.run).take()
    }
}

/// One child of a package's actor, with what hangs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Member {
    /// A reactor with its accumulators.
    Reactor(ReactorName),
    /// A graph.
    Graph(GraphName),
}

/// The members of one package.
pub(crate) struct Members {
    name: PackageName,
    contents: Mutex<(Arc<Package>, Version)>,
    inner: Mutex<Inner>,
    active: AtomicBool,
}

#[derive(Default)]
struct Inner {
    reactors: HashMap<ReactorName, ReactorEntry>,
    graphs: HashMap<GraphName, GraphEntry>,
    offsets: HashMap<AccumulatorName, Arc<SourceOffset>>,
    /// What has been started, in that order.
    started: Vec<Member>,
}

impl Members {
    pub(crate) fn new(package: Arc<Package>, version: Version) -> Arc<Self> {
        let (name, contents) = (package.name().clone(), Mutex::new((package, version)));
        Arc::new(Self { name, contents, inner: Mutex::default(), active: AtomicBool::new(false) })
    }

    pub(crate) fn name(&self) -> &PackageName {
        &self.name
    }

    /// What it declares.
    pub(crate) fn package(&self) -> Arc<Package> {
        Arc::clone(&lock(&self.contents).0)
    }

    pub(crate) fn version(&self) -> Version {
        lock(&self.contents).1.clone()
    }

    /// From now on it is this version: parts that start again are of it.
    pub(crate) fn set_version(&self, package: Arc<Package>, version: Version) {
        for decl in package.reactors() {
            if let Some(entry) = self.lock().reactors.get_mut(&decl.name) {
                entry.decl = decl.clone();
            }
        }
        for decl in package.graphs() {
            if let Some(entry) = self.lock().graphs.get_mut(&decl.name) {
                entry.decl = decl.clone();
            }
        }
        *lock(&self.contents) = (package, version);
    }

    /// It was committed: from now on its graphs take their seats, and its sources start.
    pub(crate) fn set_active(&self, active: bool) {
        self.active.store(active, Ordering::Release);
    }

    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    pub(crate) fn add_reactor(&self, entry: ReactorEntry) {
        let mut inner = self.lock();
        for accumulator in &entry.decl.accumulators {
            inner.offsets.entry(accumulator.name.clone()).or_default();
        }
        inner.reactors.insert(entry.decl.name.clone(), entry);
    }

    pub(crate) fn add_graph(&self, entry: GraphEntry) {
        self.lock().graphs.insert(entry.decl.name.clone(), entry);
    }

    pub(crate) fn reactor(&self, name: &ReactorName) -> Option<ReactorEntry> {
        self.lock().reactors.get(name).cloned()
    }

    pub(crate) fn graph(&self, name: &GraphName) -> Option<GraphEntry> {
        self.lock().graphs.get(name).cloned()
    }

    pub(crate) fn reactors(&self) -> Vec<ReactorEntry> {
        self.lock().reactors.values().cloned().collect()
    }

    pub(crate) fn graphs(&self) -> Vec<GraphEntry> {
        self.lock().graphs.values().cloned().collect()
    }

    pub(crate) fn offset(&self, accumulator: &AccumulatorName) -> Arc<SourceOffset> {
        self.lock().offsets.get(accumulator).cloned().unwrap_or_default()
    }

    /// `member` has been started: a later incarnation of the package's actor starts it again.
    pub(crate) fn note_started(&self, member: Member) {
        let mut inner = self.lock();
        if !inner.started.contains(&member) {
            inner.started.push(member);
        }
    }

    /// `member` is not to be started again.
    pub(crate) fn note_dropped(&self, member: &Member) {
        self.lock().started.retain(|known| known != member);
    }

    pub(crate) fn started(&self) -> Vec<Member> {
        self.lock().started.clone()
    }

    /// Forget a part; what its author's code does as it goes is no fault of ours.
    pub(crate) fn forget(&self, member: &Member) {
        let mut inner = self.lock();
        let (reactor, graph) = match member {
            Member::Reactor(name) => (inner.reactors.remove(name), None),
            Member::Graph(name) => (None, inner.graphs.remove(name)),
        };
        drop(inner);
        // A part whose `Drop` panics must not take the reconciler with it.
        let _ = guarded(|| Ok(drop((reactor, graph))));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
