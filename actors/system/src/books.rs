//! The books of many cells: figures and open items, each cell read at a turn boundary of its own.

use crate::cell::SharedCell;
use crate::directory::Directory;
use acequia_core::cell::{CellTurn, EdgeKind, EdgeName, Open};
use acequia_core::ledger::Entry;
use std::sync::Arc;

/// The ledger of one cell, with the sinks of its detached graphs.
pub(crate) async fn ledger_of(cell: &Arc<SharedCell>) -> Vec<(EdgeName, Entry)> {
    let edges = cell.ask(|state, _| (state.ledger(), CellTurn::default())).await;
    let mut edges = edges.unwrap_or_default();
    for worker in cell.workers().all() {
        let outputs = worker.outputs().into_iter();
        edges.extend(outputs.map(|(place, entry)| {
            (EdgeName { reactor: cell.name().clone(), kind: EdgeKind::Outputs(place) }, entry)
        }));
    }
    edges
}

/// What is open in one cell, and in the sinks of its detached graphs.
pub(crate) async fn open_of(cell: &Arc<SharedCell>) -> Vec<Open> {
    let mut open = cell.ask(|state, _| (state.open(), CellTurn::default())).await.unwrap_or_default();
    for worker in cell.workers().all() {
        for (place, entry) in worker.outputs().into_iter().filter(|(_, entry)| entry.unsettled > 0) {
            let edge = EdgeName { reactor: cell.name().clone(), kind: EdgeKind::Outputs(place) };
            open.push(Open { edge, n: entry.unsettled, claimed: false, held: 0, since: None });
        }
    }
    open
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
