//! Names of one engine: read by many threads, written by whoever brings things up.
//!
//! Nothing here is registered with `ractor`, whose registry is shared by the whole process.

use crate::cell::SharedCell;
use crate::graph::GraphMsg;
use crate::reactor::ReactorMsg;
use acequia_core::graph::GraphDecl;
use acequia_core::id::{AccumulatorName, GraphName, PackageName, ReactorName};
use acequia_core::payload::PayloadType;
use acequia_core::reactor::ReactorDecl;
use dashmap::DashMap;
use ractor::ActorRef;
use std::sync::Arc;

/// An accumulator by name.
#[derive(Clone)]
pub(crate) struct AccumulatorEntry {
    pub(crate) cell: Arc<SharedCell>,
    pub(crate) source: usize,
    pub(crate) event: PayloadType,
}

/// A reactor by name.
#[derive(Clone)]
pub(crate) struct ReactorEntry {
    pub(crate) package: PackageName,
    pub(crate) decl: ReactorDecl,
    pub(crate) cell: Arc<SharedCell>,
    pub(crate) actor: Option<ActorRef<ReactorMsg>>,
}

/// A graph by name.
#[derive(Clone)]
pub(crate) struct GraphEntry {
    pub(crate) package: PackageName,
    pub(crate) decl: GraphDecl,
    pub(crate) actor: Option<ActorRef<GraphMsg>>,
}

/// All names of one engine.
#[derive(Default)]
pub(crate) struct Directory {
    pub(crate) accumulators: DashMap<AccumulatorName, AccumulatorEntry>,
    pub(crate) reactors: DashMap<ReactorName, ReactorEntry>,
    pub(crate) graphs: DashMap<GraphName, GraphEntry>,
    /// What feeds what: reactor to reactor, through a graph's terminal.
    pub(crate) feeds: DashMap<(ReactorName, ReactorName), ()>,
}

impl Directory {
    /// The cells, by the reactor's name.
    pub(crate) fn cells(&self) -> Vec<Arc<SharedCell>> {
        let mut cells: Vec<_> = self.reactors.iter().map(|entry| Arc::clone(&entry.cell)).collect();
        cells.sort_by(|a, b| a.name().cmp(b.name()));
        cells
    }

    /// The cell that a graph is bound to.
    pub(crate) fn cell_of(&self, graph: &GraphName) -> Option<Arc<SharedCell>> {
        let reactor = self.graphs.get(graph)?.decl.reactor.clone()?;
        self.reactors.get(&reactor).map(|entry| Arc::clone(&entry.cell))
    }

    /// Graphs bound to a reactor that have an actor now.
    pub(crate) fn bound_to(&self, reactor: &ReactorName) -> Vec<(GraphName, ActorRef<GraphMsg>)> {
        self.graphs
            .iter()
            .filter(|entry| entry.decl.reactor.as_ref() == Some(reactor))
            .filter_map(|entry| entry.actor.clone().map(|actor| (entry.key().clone(), actor)))
            .collect()
    }

    /// Forget a package.
    pub(crate) fn remove(&self, package: &PackageName) {
        self.graphs.retain(|_, entry| entry.package != *package);
        let gone: Vec<ReactorName> = self
            .reactors
            .iter()
            .filter(|entry| entry.package == *package)
            .map(|entry| entry.key().clone())
            .collect();
        for reactor in &gone {
            self.accumulators.retain(|_, entry| entry.cell.name() != reactor);
            self.reactors.remove(reactor);
        }
        self.feeds.retain(|(from, to), ()| !gone.contains(from) && !gone.contains(to));
    }
}
