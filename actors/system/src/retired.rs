//! Ledgers of what is gone: the totals of the engine stay true after names are not there any more.

use crate::cell::SharedCell;
use crate::worker::Worker;
use acequia_core::Timestamp;
use acequia_core::cell::{EdgeKind, EdgeName, Open, Seat};
use acequia_core::id::{GraphName, ReactorName};
use acequia_core::ledger::{Dropped, Entry};
use acequia_core::letter::{DeadLetter, Place};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Edges that are remembered by name; beyond that their figures are added up by kind.
const EDGES_KEPT: usize = 1024;

/// Ledgers of edges that were taken down, added up by name.
#[derive(Default)]
pub(crate) struct Retired {
    edges: Mutex<Vec<(EdgeName, Entry)>>,
}

impl Retired {
    /// Remember the last figures of these edges.
    pub(crate) fn add(&self, edges: Vec<(EdgeName, Entry)>) {
        let mut kept = lock(&self.edges);
        for (name, entry) in edges {
            if let Some((_, known)) = kept.iter_mut().find(|(known, _)| *known == name) {
                *known += entry;
            } else if kept.len() < EDGES_KEPT {
                kept.push((name, entry));
            } else {
                let name = nameless(&name.kind);
                match kept.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, known)) => *known += entry,
                    None => kept.push((name, entry)),
                }
            }
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<(EdgeName, Entry)> {
        lock(&self.edges).clone()
    }
}

/// The edge under which those of this kind are added up that are too many to be named.
fn nameless(kind: &EdgeKind) -> EdgeName {
    let kind = match kind {
        EdgeKind::Events(_) => EdgeKind::Events("*".into()),
        EdgeKind::Boundaries(_) => EdgeKind::Boundaries("*".into()),
        EdgeKind::Forwards(_) => EdgeKind::Forwards("*".into()),
        EdgeKind::Shares(_) => EdgeKind::Shares("*".into()),
        EdgeKind::Firings => EdgeKind::Firings,
        EdgeKind::Deliveries(_) => EdgeKind::Deliveries("*".into()),
        EdgeKind::Outputs(_) => EdgeKind::Outputs(Place::Graph("*".into())),
    };
    EdgeName { reactor: "*".into(), kind }
}

/// A seat that has left its cell: its worker works off what queued.
pub(crate) struct Leaving {
    pub(crate) reactor: ReactorName,
    pub(crate) graph: GraphName,
    pub(crate) cell: Arc<SharedCell>,
    pub(crate) worker: Arc<Worker>,
    seat: Mutex<Seat>,
}

impl Leaving {
    pub(crate) fn new(cell: Arc<SharedCell>, graph: GraphName, seat: Seat, worker: Arc<Worker>) -> Arc<Self> {
        Arc::new(Self { reactor: cell.name().clone(), graph, cell, worker, seat: Mutex::new(seat) })
    }

    /// The delivery edge. Those of its sinks are with the worker.
    pub(crate) fn edge(&self) -> (EdgeName, Entry) {
        let kind = EdgeKind::Deliveries(self.graph.clone());
        (EdgeName { reactor: self.reactor.clone(), kind }, lock(&self.seat).delivered())
    }

    /// Whether everything that it had was worked off.
    pub(crate) fn is_idle(&self) -> bool {
        let worked_off = lock(&self.seat).delivery().is_idle();
        worked_off
            && self.worker.is_idle()
            && self.worker.outputs().iter().all(|(_, entry)| entry.unsettled == 0)
    }

    /// What is open in it.
    pub(crate) fn open(&self) -> Vec<Open> {
        let seat = lock(&self.seat);
        let delivery = seat.delivery();
        let (waiting, in_hand) = delivery.since();
        let kind = EdgeKind::Deliveries(self.graph.clone());
        let edge = EdgeName { reactor: self.reactor.clone(), kind };
        let mut open = Vec::new();
        for (n, claimed, since) in
            [(delivery.waiting() as u64, false, waiting), (delivery.in_hand(), true, in_hand)]
        {
            if n > 0 {
                open.push(Open { edge: edge.clone(), n, claimed, held: 0, since });
            }
        }
        open
    }

    /// Give up what is left of its deliveries.
    pub(crate) fn give_up(&self, now: Timestamp, letters: &mut Vec<DeadLetter>) {
        lock(&self.seat).delivery().retire(Dropped::Unbound, now, letters);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
