//! The step of a graph: its run, its actor, its seat and the link to its reactor.

use super::failpoint::Halt;
use super::reactor::unbound;
use super::transaction::{Phase, Transaction};
use super::{Reconciler, STOP_DEADLINE, killed};
use crate::cell::SharedCell;
use crate::members::{GraphEntry, Member};
use crate::package::{PackageMsg, bind};
use crate::reactor::{ReactorMsg, install};
use crate::retired::Leaving;
use crate::worker::Worker;
use acequia_core::cell::{CellTurn, EdgeKind, EdgeName, GraphRun};
use acequia_core::fault::guarded;
use acequia_core::id::GraphName;
use acequia_core::reconcile::Step;
use std::sync::Arc;

impl Reconciler {
    /// Make its run, start its actor, and have that link to its reactor; it takes no seat yet. The
    /// author's code makes the part.
    pub(super) async fn prepare_graph(
        &self,
        transaction: &Transaction,
        step: &Step,
        name: &GraphName,
    ) -> Result<(), Halt> {
        let members = transaction.members_of(&step.package);
        let found =
            members.and_then(|m| Some((m, m.package().graphs().iter().find(|d| d.name == *name)?.clone())));
        let Some((members, decl)) = found else {
            return Err(Halt::Failed(format!("graph {name} is not declared")));
        };
        let run = guarded(|| Ok(GraphRun::new(decl.clone())));
        let run = run.map_err(|failure| Halt::Failed(format!("a part could not be made: {failure}")))?;
        members.add_graph(GraphEntry::new(step.package.clone(), decl.clone(), run));
        self.start_member(step, Member::Graph(name.clone())).await
    }

    /// It takes its seat; from now on firings reach it. That needs its reactor's cell only: an actor that
    /// restarts at this moment finds the seat.
    pub(super) async fn activate_graph(&self, transaction: &Transaction, step: &Step, name: &GraphName) {
        let Some(entry) = transaction.graph(name) else { return };
        let reactor = entry.decl.reactor.as_ref();
        let Some(reactor) = reactor.and_then(|name| self.args.directory.find_reactor(name)) else { return };
        let (shared, own) = (Arc::clone(&reactor.cell), entry.clone());
        let seated =
            reactor.cell.ask(move |cell, _| (install(&shared, cell, &own), CellTurn::default())).await;
        if let Some(Err(reason)) = seated {
            tracing::error!(graph = %name, %reason, "a committed graph did not get its seat");
        }
        let args = self.package_args(transaction, &step.package);
        if let (Some(args), Some(actor)) = (args, entry.actor.get())
            && let Err(reason) = bind(&args, &entry, &actor).await
        {
            tracing::info!(graph = %name, %reason, "link comes with the restart of its actor or its reactor");
        }
    }

    /// Its seat goes, with all that was not worked off; then its actor, and the link.
    pub(super) async fn drop_graph(&self, transaction: &Transaction, step: &Step, name: &GraphName) {
        let Some(members) = transaction.members_of(&step.package) else { return };
        let entry = members.graph(name);
        if transaction.phase() == Phase::Committed
            && let Some(entry) = &entry
        {
            self.leave(transaction, entry).await;
            let leaving = self.args.directory.leaving();
            for seat in leaving.iter().filter(|seat| seat.graph == *name) {
                self.retire_seat(transaction, seat).await;
            }
        }
        let member = Member::Graph(name.clone());
        let (asked, deadline) = (member.clone(), STOP_DEADLINE);
        let stopped = self
            .ask_package(&step.package, |reply| PackageMsg::Drop { member: asked, deadline, reply })
            .await;
        members.note_dropped(&member);
        transaction.progress().left.extend(killed(&stopped.unwrap_or_default()));
        if let Some(reactor) = entry.as_ref().and_then(|entry| self.reactor_of(transaction, entry))
            && let Some(actor) = reactor.actor.get()
        {
            let _ = actor.cast(ReactorMsg::Release { graph: name.clone() });
        }
        members.forget(&member);
    }

    fn reactor_of(
        &self,
        transaction: &Transaction,
        entry: &GraphEntry,
    ) -> Option<crate::members::ReactorEntry> {
        let name = entry.decl.reactor.as_ref()?;
        let own = transaction.members.iter().find_map(|members| members.reactor(name));
        own.or_else(|| self.args.directory.find_reactor(name))
    }

    /// Take a graph out of its cell: firings from now on do not concern it, and a worker goes on with what
    /// queued.
    pub(super) async fn leave(&self, transaction: &Transaction, entry: &GraphEntry) {
        let Some(reactor) = self.reactor_of(transaction, entry) else { return };
        let (shared, name) = (Arc::clone(&reactor.cell), entry.decl.name.clone());
        let directory = Arc::clone(&self.args.directory);
        // Within the turn that takes the seat, so that the ledger never misses it.
        let left = reactor.cell.ask(move |cell, _| {
            if let Some(seat) = leave_now(&shared, cell, &name) {
                directory.leave(seat);
            }
            ((), CellTurn::default())
        });
        let _ = left.await;
    }

    async fn retire_seat(&self, transaction: &Transaction, seat: &Arc<Leaving>) {
        let (before, _) = books(seat);
        seat.worker.retire(STOP_DEADLINE).await;
        let mut letters = Vec::new();
        seat.give_up(self.args.env.now(), &mut letters);
        self.args.env.report(letters, &[]);
        let (after, edges) = books(seat);
        transaction.progress().dropped += after.saturating_sub(before);
        self.args.directory.retire_seat(seat, edges);
        seat.cell.workers().remove(&seat.graph);
    }
}

/// How much of a seat was given up, and its edges.
fn books(seat: &Leaving) -> (u64, Vec<(EdgeName, acequia_core::ledger::Entry)>) {
    let outputs = seat.worker.outputs().into_iter().map(|(place, entry)| {
        (EdgeName { reactor: seat.reactor.clone(), kind: EdgeKind::Outputs(place) }, entry)
    });
    let edges: Vec<_> = outputs.chain([seat.edge()]).collect();
    (unbound(&edges), edges)
}

fn leave_now(
    shared: &Arc<SharedCell>,
    cell: &mut acequia_core::cell::Cell,
    graph: &GraphName,
) -> Option<Arc<Leaving>> {
    let (seat, run) = cell.leave(graph)?;
    let delivery = Arc::clone(seat.delivery());
    let worker = match run {
        Some(run) => Worker::place(shared, run, delivery),
        None => shared.workers().get(graph)?,
    };
    // It may have been held while its actor was out.
    worker.resume();
    Some(Leaving::new(Arc::clone(shared), graph.clone(), seat, worker))
}
