//! What a cell's owner has in hand, for whoever looks on from another thread.
//!
//! User code that never returns keeps its cell, and the thread below it. Nobody can stop it; but a
//! watchdog can say whose it is.

use crate::id::{AccumulatorName, GraphName, PackageName};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// From here on, numbers mean graphs; below, accumulators, counted from 1; 0 is nobody.
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

/// Which turn runs, and which of its parts. Written by the cell's owner with plain stores, read by anybody.
#[derive(Debug, Default)]
pub struct Crumb {
    turn: AtomicU64,
    part: AtomicU32,
}

impl Crumb {
    /// Number of the turn that runs, or that ran last.
    pub fn turn(&self) -> u64 {
        self.turn.load(Ordering::Relaxed)
    }

    // One owner at a time: loads and stores, no read-modify-write.
    #[inline]
    pub(crate) fn begin_turn(&self) {
        self.turn.store(self.turn.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn accumulator(&self, source: usize) {
        self.part.store(source as u32 + 1, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn graph(&self, seat: usize) {
        self.part.store(FIRST_GRAPH + seat as u32, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn nothing(&self) {
        self.part.store(0, Ordering::Relaxed);
    }
}

/// The parts of a cell by name.
#[derive(Debug)]
pub struct PartNames {
    accumulators: Box<[AccumulatorName]>,
    graphs: Mutex<Box<[(GraphName, PackageName)]>>,
}

impl PartNames {
    pub(crate) fn new(accumulators: impl Iterator<Item = AccumulatorName>) -> Arc<Self> {
        Arc::new(Self { accumulators: accumulators.collect(), graphs: Mutex::default() })
    }

    /// Whose code `crumb` says has the thread.
    pub fn in_hand(&self, crumb: &Crumb) -> InHand {
        match crumb.part.load(Ordering::Relaxed) {
            0 => InHand::Nothing,
            source @ ..FIRST_GRAPH => {
                let name = self.accumulators.get(source as usize - 1);
                name.map_or(InHand::Nothing, |name| InHand::Accumulator(name.clone()))
            }
            graph => {
                let graphs = self.graphs.lock().unwrap_or_else(PoisonError::into_inner);
                let known = graphs.get((graph - FIRST_GRAPH) as usize).cloned();
                known.map_or(InHand::Nothing, |(graph, package)| InHand::Graph(graph, package))
            }
        }
    }

    /// These graphs are seated from now on.
    pub(crate) fn seated(&self, graphs: impl Iterator<Item = (GraphName, PackageName)>) {
        *self.graphs.lock().unwrap_or_else(PoisonError::into_inner) = graphs.collect();
    }
}
