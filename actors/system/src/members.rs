//! The members of one package: its parts with their cells and runs, whether they are dormant or work.
//!
//! Owned by the engine, not by the package's actor: that finds here what it has to start again. Names
//! become visible only when the directory publishes them.

use crate::cell::SharedCell;
use crate::graph::GraphMsg;
use crate::reactor::ReactorMsg;
use crate::reconciler::Supplied;
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

/// A cell of a package: a reactor, or a shared accumulator, which has no actor of a reactor.
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
    /// A shared accumulator, by the name of its cell.
    Shared(ReactorName),
    /// A graph.
    Graph(GraphName),
}

impl Member {
    /// The cell that it is, if it is one.
    pub(crate) fn cell(&self) -> Option<&ReactorName> {
        match self {
            Self::Reactor(cell) | Self::Shared(cell) => Some(cell),
            Self::Graph(_) => None,
        }
    }
}

/// The members of one package.
pub(crate) struct Members {
    name: PackageName,
    contents: Mutex<(Arc<Package>, Version)>,
    supplied: Supplied,
    inner: Mutex<Inner>,
    active: AtomicBool,
}

#[derive(Default)]
struct Inner {
    /// What its cells are made of, reactors and shared accumulators alike.
    decls: HashMap<ReactorName, ReactorDecl>,
    reactors: HashMap<ReactorName, ReactorEntry>,
    shared: HashMap<ReactorName, ReactorEntry>,
    graphs: HashMap<GraphName, GraphEntry>,
    offsets: HashMap<AccumulatorName, Arc<SourceOffset>>,
    /// What has been started, in that order.
    started: Vec<Member>,
}

impl Members {
    pub(crate) fn new(package: Arc<Package>, version: Version, supplied: Supplied) -> Arc<Self> {
        let inner = Inner { decls: decls(&package), ..Inner::default() };
        let (name, contents) = (package.name().clone(), Mutex::new((package, version)));
        Arc::new(Self { name, contents, supplied, inner: Mutex::new(inner), active: AtomicBool::new(false) })
    }

    pub(crate) fn name(&self) -> &PackageName {
        &self.name
    }

    /// Who loaded it, and may change it.
    pub(crate) fn supplied(&self) -> Supplied {
        self.supplied
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
        let mut inner = self.lock();
        inner.decls = decls(&package);
        let Inner { decls, reactors, shared, graphs, .. } = &mut *inner;
        for (name, entry) in reactors.iter_mut().chain(shared) {
            if let Some(decl) = decls.get(name) {
                entry.decl = decl.clone();
            }
        }
        for decl in package.graphs() {
            if let Some(entry) = graphs.get_mut(&decl.name) {
                entry.decl = decl.clone();
            }
        }
        drop(inner);
        *lock(&self.contents) = (package, version);
    }

    /// It was committed: from now on its graphs take their seats, and its sources start.
    pub(crate) fn set_active(&self, active: bool) {
        self.active.store(active, Ordering::Release);
    }

    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    /// What the cell `name` is made of.
    pub(crate) fn decl(&self, name: &ReactorName) -> Option<ReactorDecl> {
        self.lock().decls.get(name).cloned()
    }

    pub(crate) fn add_reactor(&self, entry: ReactorEntry) {
        let mut inner = self.lock();
        inner.own_offsets(&entry);
        inner.reactors.insert(entry.decl.name.clone(), entry);
    }

    pub(crate) fn add_shared(&self, entry: ReactorEntry) {
        let mut inner = self.lock();
        inner.own_offsets(&entry);
        inner.shared.insert(entry.decl.name.clone(), entry);
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

    /// A cell: that of a reactor, or of a shared accumulator.
    pub(crate) fn cell(&self, name: &ReactorName) -> Option<ReactorEntry> {
        let inner = self.lock();
        inner.reactors.get(name).or_else(|| inner.shared.get(name)).cloned()
    }

    pub(crate) fn all_shared(&self) -> Vec<ReactorEntry> {
        self.lock().shared.values().cloned().collect()
    }

    pub(crate) fn reactors(&self) -> Vec<ReactorEntry> {
        self.lock().reactors.values().cloned().collect()
    }

    /// Its cells, those that consume before those that produce.
    pub(crate) fn cells(&self) -> Vec<ReactorEntry> {
        let inner = self.lock();
        inner.reactors.values().chain(inner.shared.values()).cloned().collect()
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

    pub(crate) fn is_started(&self, member: &Member) -> bool {
        self.lock().started.contains(member)
    }

    pub(crate) fn started(&self) -> Vec<Member> {
        self.lock().started.clone()
    }

    /// Forget a part; what its author's code does as it goes is no fault of ours.
    pub(crate) fn forget(&self, member: &Member) {
        let mut inner = self.lock();
        let (reactor, graph) = match member {
            Member::Reactor(name) => (inner.reactors.remove(name), None),
            Member::Shared(name) => (inner.shared.remove(name), None),
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

impl Inner {
    fn own_offsets(&mut self, entry: &ReactorEntry) {
        for accumulator in entry.decl.accumulators.iter().filter(|decl| !decl.is_share()) {
            self.offsets.entry(accumulator.name.clone()).or_default();
        }
    }
}

fn decls(package: &Package) -> HashMap<ReactorName, ReactorDecl> {
    package.cells().into_iter().map(|decl| (decl.name.clone(), decl)).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
