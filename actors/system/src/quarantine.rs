//! Out of service and back: what the quarantine of a child means for what it left in the cell.
//!
//! The cell knows which parts are out; a supervisor knows which actors are. Nothing is kept here.

use crate::cell::SharedCell;
use crate::directory::Directory;
use crate::package::PackageArgs;
use crate::reactor::{ReactorMsg, reseat};
use acequia_core::cell::{Cell, CellTurn};
use acequia_core::fault::guarded;
use acequia_core::graph::GraphDecl;
use acequia_core::health::SourceHealth;
use acequia_core::id::{GraphName, PackageName};
use std::collections::HashMap;
use std::sync::Arc;

/// The child named `name` is out of service; what it left waiting is dropped with that reason.
pub(crate) fn take_out(directory: &Directory, name: &str, reason: String) {
    match name.split_once(' ') {
        Some(("graph", graph)) => take_out_graph(directory, GraphName::from(graph), reason),
        Some(("reactor", reactor)) => {
            if let Some(entry) = directory.reactors.get(reactor) {
                entry.cell.quarantine(reason);
            }
        }
        Some(("accumulator", accumulator)) => {
            if let Some(entry) = directory.accumulators.get(accumulator) {
                entry.cell.set_source_health(entry.source, SourceHealth::Quarantined { reason });
            }
        }
        _ => {}
    }
}

fn take_out_graph(directory: &Directory, graph: GraphName, reason: String) {
    let Some(cell) = directory.cell_of(&graph) else { return };
    let reactor = directory.reactors.get(cell.name()).and_then(|entry| entry.actor.get());
    let name = graph.clone();
    cell.post(move |cell, cx| {
        let mut turn = CellTurn::default();
        let mut run_cx = turn.run_context(cx.now, cx.waker);
        cell.quarantine(&name, reason, &mut run_cx);
        turn
    });
    if let Some(reactor) = reactor {
        // Its seat is kept for nobody any more.
        let _ = reactor.cast(ReactorMsg::Release { graph });
    }
}

/// A whole package is out of service: so is everything of it.
pub(crate) fn take_out_package(directory: &Directory, package: &PackageName, reason: &str) {
    let graphs: Vec<GraphName> = directory
        .graphs
        .iter()
        .filter(|entry| entry.package == *package)
        .map(|entry| entry.key().clone())
        .collect();
    for graph in graphs {
        take_out_graph(directory, graph, reason.to_owned());
    }
    for entry in directory.reactors.iter().chain(directory.shared.iter()).filter(|e| e.package == *package) {
        entry.cell.quarantine(reason.to_owned());
    }
}

/// A whole package comes back: its parts wait for their actors.
pub(crate) fn lift_package(directory: &Directory, package: &PackageName) {
    let graphs: Vec<GraphDecl> = directory
        .graphs
        .iter()
        .filter(|entry| entry.package == *package)
        .map(|entry| entry.decl.clone())
        .collect();
    for decl in graphs {
        let Some(cell) = directory.cell_of(&decl.name) else { continue };
        let shared = Arc::clone(&cell);
        cell.post(move |cell, _| {
            lift_graph(&shared, cell, &decl, true);
            CellTurn::default()
        });
    }
    for entry in directory.reactors.iter().chain(directory.shared.iter()).filter(|e| e.package == *package) {
        entry.cell.pardon();
    }
}

/// Lift what keeps the part of `child` out. If its actor `restarts`, the part waits for it.
pub(crate) async fn lift(args: &PackageArgs, child: &str, restarts: bool) -> bool {
    let directory = &args.directory;
    match child.split_once(' ') {
        Some(("graph", graph)) => {
            let Some(decl) = directory.graphs.get(graph).map(|entry| entry.decl.clone()) else {
                return false;
            };
            let Some(cell) = directory.cell_of(&decl.name) else { return false };
            let shared = Arc::clone(&cell);
            ask(args, &cell, move |cell| lift_graph(&shared, cell, &decl, restarts)).await.unwrap_or(false)
        }
        Some(("reactor", reactor)) => {
            directory.reactors.get(reactor).is_some_and(|entry| entry.cell.pardon())
        }
        Some(("accumulator", accumulator)) => {
            let entry = directory.accumulators.get(accumulator).map(|entry| entry.clone());
            let Some(entry) = entry else { return false };
            let source = entry.source;
            let dead = matches!(entry.cell.source_health(source), SourceHealth::Quarantined { .. });
            if dead && restarts {
                entry.cell.set_source_health(source, SourceHealth::default());
            }
            let lifted = ask(args, &entry.cell, move |cell| lift_accumulator(cell, source)).await;
            lifted.unwrap_or(false) || dead
        }
        _ => false,
    }
}

fn lift_graph(shared: &Arc<SharedCell>, cell: &mut Cell, decl: &GraphDecl, restarts: bool) -> bool {
    let is_out = cell.seat(&decl.name).is_some_and(|seat| seat.quarantined().is_some());
    let lifted = is_out && reseat(shared, cell, decl).is_ok();
    if lifted && restarts {
        // Its firings queue until its actor binds.
        if let Some(worker) = shared.workers().get(&decl.name) {
            worker.hold();
        }
        cell.take_out(&decl.name);
    }
    lifted
}

fn lift_accumulator(cell: &mut Cell, source: usize) -> bool {
    let Some(slot) = cell.slots_mut().get_mut(source).filter(|slot| slot.is_quarantined()) else {
        return false;
    };
    let reinstalled = guarded(|| {
        slot.reinstall();
        Ok(())
    });
    reinstalled.is_ok()
}

/// Parts of a package that are out of service, by the name of their child, with the reason.
pub(crate) async fn parts(args: &PackageArgs) -> HashMap<String, String> {
    let directory = &args.directory;
    let mut cells: Vec<Arc<SharedCell>> = Vec::new();
    for entry in args.members.cells() {
        cells.extend(directory.entry(&entry.decl.name).map(|entry| entry.cell));
    }
    for graph in args.members.package().graphs() {
        let cell = directory.cell_of(&graph.name);
        cells.extend(cell.filter(|cell| cells.iter().all(|known| known.name() != cell.name())));
    }
    let mut out = HashMap::new();
    for cell in cells {
        out.extend(cell.quarantined().map(|reason| (format!("reactor {}", cell.name()), reason)));
        out.extend(ask(args, &cell, |cell| parts_of(cell)).await.unwrap_or_default());
        let sources: Vec<_> = (0..cell.rings().len()).map(|source| cell.source_health(source)).collect();
        let names = directory.entry(cell.name()).map(|entry| entry.decl.source_names());
        for (name, health) in names.unwrap_or_default().into_iter().zip(sources) {
            if let SourceHealth::Quarantined { reason } = health {
                out.insert(format!("accumulator {name}"), format!("its source: {reason}"));
            }
        }
    }
    out
}

fn parts_of(cell: &Cell) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for graph in cell.subscribers() {
        let reason = cell.seat(&graph).and_then(|seat| seat.quarantined());
        out.extend(reason.map(|reason| (format!("graph {graph}"), reason.to_owned())));
    }
    for (slot, accumulator) in cell.slots().iter().zip(&cell.decl().accumulators) {
        if slot.is_quarantined() {
            let reason = "its function failed more often than its budget allows".to_owned();
            out.push((format!("accumulator {}", accumulator.name), reason));
        }
    }
    out
}

/// Ask a cell, with the deadline of a call.
async fn ask<R: Send + 'static>(
    args: &PackageArgs,
    cell: &SharedCell,
    question: impl FnOnce(&mut Cell) -> R + Send + 'static,
) -> Option<R> {
    // Whoever waits for the answer to this has the whole deadline.
    let patience = args.env.settings.call_deadline / 4;
    let asked = cell.ask(|cell, _| (question(cell), CellTurn::default()));
    tokio::time::timeout(patience, asked).await.ok().flatten()
}
