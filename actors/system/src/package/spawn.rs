//! How the children of a package are started, the first time and at every restart.

use super::PackageArgs;
use crate::accumulator::{AccumulatorActor, AccumulatorArgs};
use crate::children::Spawn;
use crate::graph::{GraphActor, GraphArgs, GraphMsg};
use crate::members::{GraphEntry, ReactorEntry};
use crate::reactor::{BindPhase, ReactorActor, ReactorArgs, ReactorMsg};
use ractor::{Actor, ActorRef, SpawnErr};
use std::sync::Arc;

/// A graph has started once it is bound.
pub(super) fn spawn_graph(args: &PackageArgs, entry: GraphEntry) -> Spawn {
    let args = args.clone();
    Box::new(move |parent| {
        let (args, entry) = (args.clone(), entry.clone());
        Box::pin(async move {
            let graph_args = GraphArgs { entry: entry.clone() };
            let (actor, _) = Actor::spawn_linked(None, GraphActor, graph_args, parent.clone()).await?;
            if let Err(reason) = bind(&args, &entry, &actor).await {
                actor.get_cell().unlink(parent);
                actor.stop(None);
                return Err(SpawnErr::StartupFailed(reason.into()));
            }
            entry.actor.set(actor.clone());
            Ok(actor.get_cell())
        })
    })
}

pub(super) fn spawn_accumulator(args: AccumulatorArgs) -> Spawn {
    Box::new(move |parent| {
        let args = args.clone();
        Box::pin(async move {
            let (actor, _) = Actor::spawn_linked(None, AccumulatorActor, args, parent).await?;
            Ok(actor.get_cell())
        })
    })
}

pub(super) fn spawn_reactor(entry: ReactorEntry) -> Spawn {
    // Without its declaration: that of an older version would hold its library for as long as the reactor is there.
    let ReactorEntry { package, cell, actor: slot, .. } = entry;
    Box::new(move |parent| {
        let args = ReactorArgs { package: package.clone(), cell: Arc::clone(&cell) };
        let slot = slot.clone();
        Box::pin(async move {
            let (actor, _) = Actor::spawn_linked(None, ReactorActor, args, parent).await?;
            slot.set(actor.clone());
            Ok(actor.get_cell())
        })
    })
}

/// Have a graph's actor bind to its reactor, dormant or to its seat, as its package is; a trigger-less
/// graph has nothing to bind to.
pub(crate) async fn bind(
    args: &PackageArgs,
    entry: &GraphEntry,
    actor: &ActorRef<GraphMsg>,
) -> Result<(), String> {
    let Some(name) = &entry.decl.reactor else { return Ok(()) };
    let own = args.members.reactor(name).or_else(|| args.directory.find_reactor(name));
    let reactor: Option<ActorRef<ReactorMsg>> = own.and_then(|reactor| reactor.actor.get());
    let Some(reactor) = reactor else { return Err(format!("reactor {name} is not there")) };
    // A subscriber of ours that is another package's is active, or it would not be listed.
    let foreign = entry.package != *args.members.name();
    let phase = if foreign || args.members.is_active() { BindPhase::Seated } else { BindPhase::Dormant };
    let deadline = args.env.settings.call_deadline;
    let called =
        actor.call(|reply| GraphMsg::BindTo { reactor, phase, deadline, reply }, Some(deadline)).await;
    match called {
        Ok(ractor::rpc::CallResult::Success(result)) => result,
        Ok(_) | Err(_) => Err("the graph's actor did not answer".to_owned()),
    }
}
