//! The ledger of a cell, edge by edge, and what is open where.

use super::Cell;
use crate::accumulator::AccumulatorDecl;
use crate::id::{AccumulatorName, GraphName, ReactorName};
use crate::ledger::{Entry, Imbalance};
use crate::letter::Place;
use crate::time::Timestamp;

/// Which edge of the data path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EdgeKind {
    /// Source or pusher to accumulator.
    Events(AccumulatorName),
    /// Accumulator to reactor.
    Boundaries(AccumulatorName),
    /// Shared accumulator to all of its reactors; settled once the last of them has it.
    Forwards(AccumulatorName),
    /// Shared accumulator to one of its reactors.
    Shares(AccumulatorName),
    /// Reactor to its subscribers.
    Firings,
    /// Reactor to one graph.
    Deliveries(GraphName),
    /// Terminal to sink.
    Outputs(Place),
}

/// An edge by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeName {
    /// The reactor it belongs to; for a shared accumulator, the name of its cell.
    pub reactor: ReactorName,
    /// Which of its edges.
    pub kind: EdgeKind,
}

impl std::fmt::Display for EdgeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            EdgeKind::Events(name) => write!(f, "{}/events/{name}", self.reactor),
            EdgeKind::Boundaries(name) => write!(f, "{}/boundaries/{name}", self.reactor),
            EdgeKind::Forwards(name) => write!(f, "{}/forwards/{name}", self.reactor),
            EdgeKind::Shares(name) => write!(f, "{}/shares/{name}", self.reactor),
            EdgeKind::Firings => write!(f, "{}/firings", self.reactor),
            EdgeKind::Deliveries(name) => write!(f, "{}/deliveries/{name}", self.reactor),
            EdgeKind::Outputs(place) => write!(f, "{}/outputs/{place}", self.reactor),
        }
    }
}

/// Items open at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The edge.
    pub edge: EdgeName,
    /// How many.
    pub n: u64,
    /// Whether somebody works on them, or they wait.
    pub claimed: bool,
    /// How many of them an accumulator holds until a flush, or until their time has come.
    pub held: u64,
    /// Since when the oldest has been there, where that is known.
    pub since: Option<Timestamp>,
}

impl Cell {
    /// The ledger of every edge, to be read at a turn boundary. The edges of a detached graph's sinks
    /// are with its worker.
    pub fn ledger(&self) -> Vec<(EdgeName, Entry)> {
        let edge = |kind| EdgeName { reactor: self.decl.name.clone(), kind };
        let mut ledger = Vec::new();
        for (source, accumulator) in self.decl.accumulators.iter().enumerate() {
            ledger.push((edge(Self::into_slot(accumulator)), self.slots[source].entry()));
            let mut boundaries = self.policy.entry(source);
            // Boundaries that no merge has reached yet.
            let unmerged = self.unmerged(source);
            boundaries.accepted += unmerged;
            boundaries.unsettled += unmerged;
            ledger.push((edge(self.out_of_slot(accumulator)), boundaries));
        }
        ledger.push((edge(EdgeKind::Firings), self.firings));
        for seat in &self.seats {
            let (mut deliveries, owed) = (seat.entry(), self.owed_to(&seat.name));
            deliveries.accepted += owed;
            deliveries.unsettled += owed;
            ledger.push((edge(EdgeKind::Deliveries(seat.name.clone())), deliveries));
            if let Some(run) = &seat.run {
                ledger.extend(
                    run.sink_entries().map(|(place, entry)| (edge(EdgeKind::Outputs(place.clone())), entry)),
                );
            }
        }
        ledger
    }

    fn into_slot(accumulator: &AccumulatorDecl) -> EdgeKind {
        let name = accumulator.name.clone();
        if accumulator.is_share() { EdgeKind::Shares(name) } else { EdgeKind::Events(name) }
    }

    fn out_of_slot(&self, accumulator: &AccumulatorDecl) -> EdgeKind {
        let name = accumulator.name.clone();
        if self.is_shared() { EdgeKind::Forwards(name) } else { EdgeKind::Boundaries(name) }
    }

    /// Values in a source's column that the policy was not told of.
    fn unmerged(&self, source: usize) -> u64 {
        (self.columns[source].len() as u64).saturating_sub(u64::from(self.policy.n_arrived(source)))
    }

    /// Firings of an earlier life that its next turn delivers.
    fn owed_to(&self, graph: &GraphName) -> u64 {
        self.owed().filter(|(name, _)| *name == graph).map(|(_, n)| n as u64).sum()
    }

    /// Check every edge.
    ///
    /// # Errors
    /// The first edge that does not balance, with its figures.
    pub fn check_ledger(&self) -> Result<(), (EdgeName, Imbalance)> {
        for (edge, entry) in self.ledger() {
            entry.check().map_err(|imbalance| (edge, imbalance))?;
        }
        Ok(())
    }

    /// Everything open, place by place.
    pub fn open(&self) -> Vec<Open> {
        let edge = |kind| EdgeName { reactor: self.decl.name.clone(), kind };
        let mut open = Vec::new();
        let mut push = |kind, n: u64, claimed, held, since| {
            if n > 0 {
                open.push(Open { edge: edge(kind), n, claimed, held, since });
            }
        };
        for (source, accumulator) in self.decl.accumulators.iter().enumerate() {
            let slot = &self.slots[source];
            let events = || Self::into_slot(accumulator);
            push(events(), slot.ring().len() as u64, false, 0, None);
            push(events(), slot.in_hand(), true, slot.held(), None);
            let pending = self.policy.pending(source) + self.unmerged(source);
            push(self.out_of_slot(accumulator), pending, false, 0, None);
        }
        for seat in &self.seats {
            let (waiting, in_hand) = seat.delivery.since();
            let n = seat.delivery.waiting() as u64 + self.owed_to(&seat.name);
            push(EdgeKind::Deliveries(seat.name.clone()), n, false, 0, waiting);
            push(EdgeKind::Deliveries(seat.name.clone()), seat.delivery.in_hand(), true, 0, in_hand);
            for (place, entry) in seat.run.iter().flat_map(|run| run.sink_entries()) {
                push(EdgeKind::Outputs(place.clone()), entry.unsettled, false, 0, None);
            }
        }
        open
    }
}
