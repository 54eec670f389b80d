//! What a cell's owner has in hand, for whoever looks on from another thread.
//!
//! User code that never returns keeps its cell, and the thread below it. Nobody can stop it; but a
//! watchdog can say whose it is.

use crate::id::{AccumulatorName, GraphName, PackageName};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Nothing is in hand, or only the engine's own code.
const NOTHING: u32 = u32::MAX;
/// From here on, numbers mean graphs; below, accumulators.
const FIRST_GRAPH: u32 = 1 << 16;

/// A part that has the thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InHand {
    /// The engine's own code.
    Nothing,
    /// An accumulator of the reactor.
    Accumulator(AccumulatorName),
    /// A graph, and the package that brought it.
    Graph(GraphName, PackageName),
}

/// Written by the cell's owner with plain stores, read by anybody.
#[derive(Debug)]
pub struct Crumb {
    turn: AtomicU64,
    part: AtomicU32,
    accumulators: Box<[AccumulatorName]>,
    graphs: Mutex<Arc<[(GraphName, PackageName)]>>,
}

impl Crumb {
    pub(crate) fn new(accumulators: impl Iterator<Item = AccumulatorName>) -> Arc<Self> {
        Arc::new(Self {
            turn: AtomicU64::new(0),
            part: AtomicU32::new(NOTHING),
            accumulators: accumulators.collect(),
            graphs: Mutex::new(Arc::new([])),
        })
    }

    /// Number of the turn that runs, or that ran last.
    pub fn turn(&self) -> u64 {
        self.turn.load(Ordering::Relaxed)
    }

    /// Whose code has the thread.
    pub fn in_hand(&self) -> InHand {
        match self.part.load(Ordering::Relaxed) {
            NOTHING => InHand::Nothing,
            source @ ..FIRST_GRAPH => {
                let name = self.accumulators.get(source as usize);
                name.map_or(InHand::Nothing, |name| InHand::Accumulator(name.clone()))
            }
            graph => {
                let graphs = Arc::clone(&self.graphs.lock().unwrap_or_else(PoisonError::into_inner));
                let known = graphs.get((graph - FIRST_GRAPH) as usize);
                known
                    .map_or(InHand::Nothing, |(graph, package)| InHand::Graph(graph.clone(), package.clone()))
            }
        }
    }

    // One owner at a time: loads and stores, no read-modify-write.
    #[inline]
    pub(crate) fn begin_turn(&self) {
        self.turn.store(self.turn.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn accumulator(&self, source: usize) {
        self.part.store(source as u32, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn graph(&self, seat: usize) {
        self.part.store(FIRST_GRAPH + seat as u32, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn nothing(&self) {
        self.part.store(NOTHING, Ordering::Relaxed);
    }

    /// These graphs are seated from now on.
    pub(crate) fn seated(&self, graphs: Arc<[(GraphName, PackageName)]>) {
        *self.graphs.lock().unwrap_or_else(PoisonError::into_inner) = graphs;
    }
}
