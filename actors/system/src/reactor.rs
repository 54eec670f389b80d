//! One reactor: control and guard of the cell where events become firings.
//!
//! Owns the links to bound graphs; the cell itself outlives it. Supervised by its package, permanent.
//! Waits for nobody: what needs the cell is left there and answered from there. A crash loses nothing
//! that was accepted, and no pause: rings, cache and flags are the cell's. It loses a closed gate: what
//! it parked is refused, and who closed it asks again.

use crate::answer::answer;
use crate::cell::SharedCell;
use crate::members::GraphEntry;
use crate::worker::Worker;
use acequia_core::AccumulatorName;
use acequia_core::cell::{CellTurn, FireError, GraphRun};
use acequia_core::column::AnyColumn;
use acequia_core::fault::guarded;
use acequia_core::graph::{GraphDecl, GraphPlacement};
use acequia_core::id::{FiringId, GraphName, PackageName};
use acequia_core::reconcile::Hold;
use ractor::{
    Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, ActorStatus, RpcReplyPort, SupervisionEvent,
};
use std::collections::HashMap;
use std::sync::Arc;

pub(crate) struct ReactorActor;

pub(crate) struct ReactorArgs {
    pub(crate) package: PackageName,
    pub(crate) cell: Arc<SharedCell>,
}

/// Values laid over the cache for one firing.
pub(crate) type FireInputs = Vec<(AccumulatorName, Box<dyn AnyColumn>)>;

pub(crate) enum ReactorMsg {
    /// Hold a link to a graph's actor, and take the graph in.
    Bind(Bind),
    /// Close the gate, unless others than `leaving` hold the reactor: then they are the answer. It opens
    /// again by itself when `watcher` ends.
    Gate { leaving: Arc<[PackageName]>, watcher: ActorCell, reply: RpcReplyPort<Vec<(GraphName, Hold)>> },
    /// Open the gate; those that waited at it are let in.
    Reopen,
    /// Fire now, whatever the criteria say.
    Fire { inputs: FireInputs, reply: RpcReplyPort<Result<FiringId, FireError>> },
    /// Stop firing; accept and remember.
    Pause { reply: RpcReplyPort<()> },
    /// Fire again, what is pending first.
    Resume { reply: RpcReplyPort<()> },
    /// Let batch and window accumulators flush.
    Flush { reply: RpcReplyPort<()> },
    /// Cache, flags, queues, subscribers, last firings, as JSON.
    Inspect { reply: RpcReplyPort<serde_json::Value> },
    /// Graphs linked, and graphs whose seat is kept for a restart.
    Subscribers { reply: RpcReplyPort<Vec<(GraphName, Link)>> },
    /// The graph is out for good: release what is kept for it.
    Release { graph: GraphName },
    /// End as if by a fault, for tests of supervision.
    #[cfg(feature = "testing")]
    Fail { reason: String },
}

/// What holds a subscriber's seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Its actor lives, and is monitored.
    Linked(ActorId),
    /// Its actor died; the seat waits for the next one.
    Reserved,
}

/// A graph that wants in.
pub(crate) struct Bind {
    pub(crate) graph: Box<GraphEntry>,
    pub(crate) phase: BindPhase,
    pub(crate) owner: ActorCell,
    pub(crate) reply: RpcReplyPort<Result<(), String>>,
}

/// How far a bind goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BindPhase {
    /// Only the link: the graph is dormant, sees no firing and is not listed.
    Dormant,
    /// The graph takes its seat.
    Seated,
}

/// A link to a graph's actor.
struct Linked {
    graph: GraphName,
    package: PackageName,
    phase: BindPhase,
}

/// A closed gate.
struct Gate {
    leaving: Arc<[PackageName]>,
    watcher: ActorCell,
    parked: Vec<Bind>,
}

pub(crate) struct ReactorState {
    package: PackageName,
    cell: Arc<SharedCell>,
    links: HashMap<ActorId, Linked>,
    reserved: HashMap<GraphName, PackageName>,
    gate: Option<Gate>,
}

impl Actor for ReactorActor {
    type Msg = ReactorMsg;
    type State = ReactorState;
    type Arguments = ReactorArgs;

    async fn pre_start(
        &self,
        _: ActorRef<ReactorMsg>,
        args: ReactorArgs,
    ) -> Result<ReactorState, ActorProcessingErr> {
        // After a crash every seat is kept until its graph has bound again: a window without link or
        // reservation would let it be taken for free.
        let seated = args.cell.ask(|cell, _| (seats_in_service(cell), CellTurn::default()));
        let seated = tokio::time::timeout(args.cell.env().settings.call_deadline, seated).await?;
        let reserved = seated.unwrap_or_default().into_iter().collect();
        let (package, cell) = (args.package, args.cell);
        Ok(ReactorState { package, cell, links: HashMap::new(), reserved, gate: None })
    }

    async fn handle(
        &self,
        myself: ActorRef<ReactorMsg>,
        message: ReactorMsg,
        state: &mut ReactorState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ReactorMsg::Bind(bind) => state.on_bind(&myself.get_cell(), bind),
            ReactorMsg::Gate { leaving, watcher, reply } => {
                answer(reply, state.on_gate(&myself.get_cell(), leaving, watcher));
            }
            ReactorMsg::Reopen => state.on_reopen(&myself.get_cell()),
            ReactorMsg::Fire { inputs, reply } => state.on_fire(inputs, reply),
            ReactorMsg::Pause { reply } => state.on_control(reply, acequia_core::cell::Cell::pause),
            ReactorMsg::Resume { reply } => state.on_control(reply, acequia_core::cell::Cell::resume),
            ReactorMsg::Flush { reply } => state.on_flush(reply),
            ReactorMsg::Inspect { reply } => state.on_inspect(reply),
            ReactorMsg::Subscribers { reply } => answer(reply, state.subscribers()),
            ReactorMsg::Release { graph } => state.on_release(&graph),
            #[cfg(feature = "testing")]
            ReactorMsg::Fail { reason } => return Err(reason.into()),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<ReactorMsg>,
        event: SupervisionEvent,
        state: &mut ReactorState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(actor, ..) | SupervisionEvent::ActorFailed(actor, _) => {
                state.on_ended(&myself.get_cell(), actor.get_id());
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl ReactorState {
    /// Somebody who was monitored ended: a subscriber, or who had the gate closed.
    fn on_ended(&mut self, myself: &ActorCell, actor: ActorId) {
        if self.gate.as_ref().is_some_and(|gate| gate.watcher.get_id() == actor) {
            return self.on_reopen(myself);
        }
        self.on_subscriber_ended(actor);
    }

    /// The link becomes a reservation in this same turn: between a crash and the restart there is no
    /// moment without either. A dormant graph has no seat to be kept.
    fn on_subscriber_ended(&mut self, actor: ActorId) {
        let Some(Linked { graph, package, phase }) = self.links.remove(&actor) else { return };
        if phase == BindPhase::Dormant {
            return;
        }
        self.reserved.insert(graph.clone(), package);
        if let Some(worker) = self.cell.workers().get(&graph) {
            worker.hold();
        }
        self.cell.post(move |cell, _| {
            cell.take_out(&graph);
            CellTurn::default()
        });
    }

    fn on_bind(&mut self, myself: &ActorCell, bind: Bind) {
        let package = &bind.graph.package;
        if let Some(gate) = &mut self.gate
            && *package != self.package
            && !gate.leaving.contains(package)
        {
            return gate.parked.push(bind);
        }
        let Bind { graph: entry, phase, owner, reply } = bind;
        let graph = entry.decl.name.clone();
        // Monitor, insert, then look: a death before the monitor gives no event.
        myself.monitor(owner.clone());
        self.links.retain(|_, linked| linked.graph != graph);
        let link = Linked { graph: graph.clone(), package: entry.package.clone(), phase };
        self.links.insert(owner.get_id(), link);
        self.reserved.remove(&graph);
        if owner.get_status() >= ActorStatus::Stopping {
            self.on_subscriber_ended(owner.get_id());
            return answer(reply, Err(format!("the actor of graph {graph} ended before it was bound")));
        }
        if phase == BindPhase::Dormant {
            return answer(reply, Ok(()));
        }
        let shared = Arc::clone(&self.cell);
        self.cell.post(move |cell, _| {
            answer(reply, install(&shared, cell, &entry));
            CellTurn::default()
        });
    }

    /// Who holds it, without those that leave with it; with nobody, the gate is closed from here on.
    fn on_gate(
        &mut self,
        myself: &ActorCell,
        leaving: Arc<[PackageName]>,
        watcher: ActorCell,
    ) -> Vec<(GraphName, Hold)> {
        let linked = self.links.values().map(|linked| (&linked.graph, &linked.package, Hold::Linked));
        let reserved = self.reserved.iter().map(|(graph, package)| (graph, package, Hold::Reserved));
        let holders = linked.chain(reserved).filter(|(_, package, _)| !leaving.contains(package));
        let holders: Vec<_> = holders.map(|(graph, _, hold)| (graph.clone(), hold)).collect();
        if holders.is_empty() {
            myself.monitor(watcher.clone());
            let ended = watcher.get_status() >= ActorStatus::Stopping;
            let parked = self.gate.take().map(|gate| gate.parked).unwrap_or_default();
            self.gate = Some(Gate { leaving, watcher, parked });
            if ended {
                self.on_reopen(myself);
            }
        }
        holders
    }

    fn on_reopen(&mut self, myself: &ActorCell) {
        let Some(gate) = self.gate.take() else { return };
        myself.unmonitor(gate.watcher);
        for bind in gate.parked {
            self.on_bind(myself, bind);
        }
    }

    fn on_fire(&mut self, inputs: FireInputs, reply: RpcReplyPort<Result<FiringId, FireError>>) {
        self.cell.post(move |cell, cx| match cell.fire(&inputs, cx) {
            Ok((id, turn)) => {
                answer(reply, Ok(id));
                turn
            }
            Err(refusal) => {
                answer(reply, Err(refusal));
                CellTurn::default()
            }
        });
    }

    fn on_control(
        &mut self,
        reply: RpcReplyPort<()>,
        control: impl FnOnce(&mut acequia_core::cell::Cell) + Send + 'static,
    ) {
        self.cell.post(move |cell, _| {
            control(cell);
            answer(reply, ());
            CellTurn::default()
        });
    }

    /// What it shares is flushed where it is, for all that share it.
    fn on_flush(&mut self, reply: RpcReplyPort<()>) {
        for upstream in (0..self.cell.rings().len()).filter_map(|source| self.cell.upstream(source)) {
            upstream.post(|cell, _| {
                cell.ask_flush();
                CellTurn::default()
            });
        }
        self.on_control(reply, acequia_core::cell::Cell::ask_flush);
    }

    fn on_inspect(&mut self, reply: RpcReplyPort<serde_json::Value>) {
        self.cell.post(move |cell, _| {
            answer(reply, cell.inspect());
            CellTurn::default()
        });
    }

    fn subscribers(&self) -> Vec<(GraphName, Link)> {
        let seated = self.links.iter().filter(|(_, linked)| linked.phase == BindPhase::Seated);
        let linked = seated.map(|(id, linked)| (linked.graph.clone(), Link::Linked(*id)));
        let reserved = self.reserved.keys().map(|graph| (graph.clone(), Link::Reserved));
        let mut all: Vec<_> = linked.chain(reserved).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    fn on_release(&mut self, graph: &GraphName) {
        self.reserved.remove(graph);
        self.links.retain(|_, linked| linked.graph != *graph);
    }
}

/// Put a graph into its seat: a new one, or the one that was kept for it.
pub(crate) fn install(
    shared: &Arc<SharedCell>,
    cell: &mut acequia_core::cell::Cell,
    entry: &GraphEntry,
) -> Result<(), String> {
    let decl = &entry.decl;
    let graph = decl.name.clone();
    let elsewhere = decl.placement != GraphPlacement::InPlace || decl.deadline.is_some();
    if let Some(seat) = cell.seat(&graph) {
        // Only an operator lifts a quarantine; and where the reactor alone restarted, the part is sound.
        let out = seat.is_out();
        return if out { reseat(shared, cell, decl) } else { Ok(()) };
    }
    let run = match entry.take_run() {
        Some(run) => run,
        None => guarded(|| Ok(GraphRun::new(decl.clone()))).map_err(|failure| failure.to_string())?,
    };
    let delivery = cell.bind(run, entry.package.clone()).map_err(|refusal| refusal.to_string())?;
    if elsewhere {
        if let Some(run) = cell.detach(&graph) {
            Worker::place(shared, run, delivery);
        }
    } else {
        delivery.set_doorbell(shared.doorbell());
    }
    Ok(())
}

/// Put a fresh part into the seat that was kept; sinks and what queued are still there.
pub(crate) fn reseat(
    shared: &Arc<SharedCell>,
    cell: &mut acequia_core::cell::Cell,
    decl: &GraphDecl,
) -> Result<(), String> {
    let Some(worker) = shared.workers().get(&decl.name) else {
        let reseated = guarded(|| {
            cell.reseat(&decl.name);
            Ok(())
        });
        return reseated.map_err(|failure| failure.to_string());
    };
    let part = guarded(|| Ok(decl.part())).map_err(|failure| failure.to_string())?;
    cell.reseat(&decl.name);
    worker.post(move |run, _| run.install(part));
    worker.resume();
    Ok(())
}

/// Graphs whose seats are kept, with their packages.
pub(crate) fn seats_in_service(cell: &acequia_core::cell::Cell) -> Vec<(GraphName, PackageName)> {
    let seats = cell.subscribers().into_iter().filter_map(|graph| {
        let seat = cell.seat(&graph).filter(|seat| seat.quarantined().is_none())?;
        Some((graph, seat.package().clone()))
    });
    seats.collect()
}
