//! The books of many cells: figures and open items, each cell read at a turn boundary of its own.

use crate::cell::SharedCell;
use crate::directory::Directory;
use acequia_core::cell::{CellTurn, EdgeKind, EdgeName, Open};
use acequia_core::ledger::Entry;
use std::sync::Arc;

/// The ledger of one cell, with the sinks of its detached graphs.
pub(crate) async fn ledger_of(cell: &Arc<SharedCell>) -> Vec<(EdgeName, Entry)> {
    let shared = Arc::clone(cell);
    // Under the claim: a graph is then with the cell or with its worker, never both.
    let edges = cell.ask(move |state, _| {
        let mut edges = state.ledger();
        edges.extend(outputs(&shared));
        (edges, CellTurn::default())
    });
    edges.await.unwrap_or_default()
}

/// What is open in one cell, and in the sinks of its detached graphs.
pub(crate) async fn open_of(cell: &Arc<SharedCell>) -> Vec<Open> {
    let shared = Arc::clone(cell);
    let open = cell.ask(move |state, _| {
        let mut open = state.open();
        let waiting = outputs(&shared).filter(|(_, entry)| entry.unsettled > 0);
        let waits = |(edge, entry): (EdgeName, Entry)| Open {
            edge,
            n: entry.unsettled,
            claimed: false,
            held: 0,
            since: None,
        };
        open.extend(waiting.map(waits));
        (open, CellTurn::default())
    });
    open.await.unwrap_or_default()
}

/// The edges of the sinks of a cell's detached graphs.
fn outputs(cell: &SharedCell) -> impl Iterator<Item = (EdgeName, Entry)> {
    let reactor = cell.name().clone();
    let entries = cell.workers().all().into_iter().flat_map(|worker| worker.outputs());
    entries.map(move |(place, entry)| {
        (EdgeName { reactor: reactor.clone(), kind: EdgeKind::Outputs(place) }, entry)
    })
}

impl Directory {
    /// The ledger of everything that ever was: loaded, retiring and retired.
    pub(crate) async fn ledger(&self) -> Vec<(EdgeName, Entry)> {
        let mut edges = Vec::new();
        for cell in self.cells() {
            edges.extend(ledger_of(&cell).await);
        }
        edges.extend(self.leaving().iter().map(|seat| seat.edge()));
        edges.extend(self.retired.all());
        edges
    }

    /// Everything open.
    pub(crate) async fn open(&self) -> Vec<Open> {
        let mut open = Vec::new();
        for cell in self.cells() {
            open.extend(open_of(&cell).await);
        }
        open.extend(self.leaving().iter().flat_map(|seat| seat.open()));
        open
    }
}
