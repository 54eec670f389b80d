//! Names of one engine: read by many threads, written by the reconciler alone.
//!
//! What stands in the three tables is loaded and visible; what is staged is prepared and seen by nobody
//! but those who bind to it; what retires has lost its name and is not yet accounted for. Nothing here
//! is registered with `ractor`, whose registry is shared by the whole process.

use crate::cell::SharedCell;
use crate::graph::GraphMsg;
pub(crate) use crate::members::{GraphEntry, Members, ReactorEntry};
use crate::retired::{Leaving, Retired};
use acequia_core::id::{AccumulatorName, GraphName, ReactorName};
use acequia_core::payload::PayloadType;
use dashmap::DashMap;
use ractor::ActorRef;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An accumulator by name.
#[derive(Clone)]
pub(crate) struct AccumulatorEntry {
    pub(crate) cell: Arc<SharedCell>,
    pub(crate) source: usize,
    pub(crate) event: PayloadType,
}

/// All names of one engine.
#[derive(Default)]
pub(crate) struct Directory {
    pub(crate) accumulators: DashMap<AccumulatorName, AccumulatorEntry>,
    pub(crate) reactors: DashMap<ReactorName, ReactorEntry>,
    pub(crate) graphs: DashMap<GraphName, GraphEntry>,
    /// Shared accumulators, by the names of their cells.
    pub(crate) shared: DashMap<ReactorName, ReactorEntry>,
    /// Ledgers of what is gone.
    pub(crate) retired: Retired,
    staged: Mutex<HashMap<ReactorName, ReactorEntry>>,
    retiring: Mutex<Retiring>,
}

#[derive(Default)]
struct Retiring {
    cells: Vec<Arc<SharedCell>>,
    seats: Vec<Arc<Leaving>>,
}

impl Directory {
    /// The cells that events are accounted for in, by the reactor's name: loaded and retiring ones.
    pub(crate) fn cells(&self) -> Vec<Arc<SharedCell>> {
        let loaded = self.reactors.iter().chain(self.shared.iter());
        let mut cells: Vec<_> = loaded.map(|entry| Arc::clone(&entry.cell)).collect();
        for cell in &self.lock_retiring().cells {
            if !cells.iter().any(|known| Arc::ptr_eq(known, cell)) {
                cells.push(Arc::clone(cell));
            }
        }
        cells.sort_by(|a, b| a.name().cmp(b.name()));
        cells
    }

    /// The cell that a graph is bound to.
    pub(crate) fn cell_of(&self, graph: &GraphName) -> Option<Arc<SharedCell>> {
        let reactor = self.graphs.get(graph)?.decl.reactor.clone()?;
        self.reactors.get(&reactor).map(|entry| Arc::clone(&entry.cell))
    }

    /// A reactor, loaded or staged.
    pub(crate) fn find_reactor(&self, reactor: &ReactorName) -> Option<ReactorEntry> {
        let loaded = self.reactors.get(reactor).map(|entry| entry.clone());
        loaded.or_else(|| lock(&self.staged).get(reactor).cloned())
    }

    /// A cell that is loaded: a reactor's, or that of a shared accumulator.
    pub(crate) fn entry(&self, cell: &ReactorName) -> Option<ReactorEntry> {
        let reactor = self.reactors.get(cell).map(|entry| entry.clone());
        reactor.or_else(|| self.shared.get(cell).map(|entry| entry.clone()))
    }

    /// Graphs bound to a reactor that have an actor now.
    pub(crate) fn bound_to(&self, reactor: &ReactorName) -> Vec<(GraphEntry, ActorRef<GraphMsg>)> {
        self.graphs
            .iter()
            .filter(|entry| entry.decl.reactor.as_ref() == Some(reactor))
            .filter_map(|entry| entry.actor.get().map(|actor| (entry.clone(), actor)))
            .collect()
    }

    /// A reactor is prepared: graphs can bind to it, nobody else sees it.
    pub(crate) fn stage(&self, entry: ReactorEntry) {
        lock(&self.staged).insert(entry.decl.name.clone(), entry);
    }

    pub(crate) fn unstage(&self, reactor: &ReactorName) {
        lock(&self.staged).remove(reactor);
    }

    /// Everything of these packages becomes visible. Twice is as good as once.
    pub(crate) fn publish(&self, members: &[Arc<Members>]) {
        for entry in members.iter().flat_map(|members| members.cells()) {
            for (source, accumulator) in entry.decl.accumulators.iter().enumerate() {
                if accumulator.is_share() {
                    continue;
                }
                let own =
                    AccumulatorEntry { cell: Arc::clone(&entry.cell), source, event: accumulator.event };
                self.accumulators.insert(accumulator.name.clone(), own);
            }
            self.unstage(&entry.decl.name);
        }
        for entry in members.iter().flat_map(|members| members.reactors()) {
            self.reactors.insert(entry.decl.name.clone(), entry);
        }
        for entry in members.iter().flat_map(|members| members.all_shared()) {
            self.shared.insert(entry.decl.name.clone(), entry);
        }
        for entry in members.iter().flat_map(|members| members.graphs()) {
            self.graphs.insert(entry.decl.name.clone(), entry);
        }
    }

    /// Nothing of these packages is visible any more; their cells retire. Twice is as good as once.
    pub(crate) fn withdraw(&self, members: &[Arc<Members>]) {
        for entry in members.iter().flat_map(|members| members.cells()) {
            let mut retiring = self.lock_retiring();
            if !retiring.cells.iter().any(|cell| Arc::ptr_eq(cell, &entry.cell)) {
                retiring.cells.push(Arc::clone(&entry.cell));
            }
        }
        self.forget(members);
    }

    /// Nothing of these packages is visible any more.
    pub(crate) fn forget(&self, members: &[Arc<Members>]) {
        for entry in members.iter().flat_map(|members| members.cells()) {
            let own = |cell: &Arc<SharedCell>| Arc::ptr_eq(cell, &entry.cell);
            for accumulator in &entry.decl.accumulators {
                self.accumulators.remove_if(&accumulator.name, |_, known| own(&known.cell));
            }
            self.reactors.remove_if(&entry.decl.name, |_, known| own(&known.cell));
            self.shared.remove_if(&entry.decl.name, |_, known| own(&known.cell));
        }
        for members in members {
            for entry in members.graphs() {
                self.graphs.remove_if(&entry.decl.name, |_, known| known.package == *members.name());
            }
        }
    }

    /// A seat has left its cell and is worked off.
    pub(crate) fn leave(&self, seat: Arc<Leaving>) {
        self.lock_retiring().seats.push(seat);
    }

    /// Seats that are worked off.
    pub(crate) fn leaving(&self) -> Vec<Arc<Leaving>> {
        self.lock_retiring().seats.clone()
    }

    /// A cell is gone, and its ledger with the retired ones, in one step as every reader sees it.
    pub(crate) fn retire_cell(
        &self,
        cell: &Arc<SharedCell>,
        edges: Vec<(acequia_core::cell::EdgeName, acequia_core::ledger::Entry)>,
    ) {
        let mut retiring = self.lock_retiring();
        let before = retiring.cells.len();
        retiring.cells.retain(|known| !Arc::ptr_eq(known, cell));
        if retiring.cells.len() < before {
            self.retired.add(edges);
        }
    }

    /// The same for a seat.
    pub(crate) fn retire_seat(
        &self,
        seat: &Arc<Leaving>,
        edges: Vec<(acequia_core::cell::EdgeName, acequia_core::ledger::Entry)>,
    ) {
        let mut retiring = self.lock_retiring();
        let before = retiring.seats.len();
        retiring.seats.retain(|known| !Arc::ptr_eq(known, seat));
        if retiring.seats.len() < before {
            self.retired.add(edges);
        }
    }

    fn lock_retiring(&self) -> MutexGuard<'_, Retiring> {
        lock(&self.retiring)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
