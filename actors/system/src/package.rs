//! One package: supervisor of its reactors, accumulators and graphs.
//!
//! Owns its children, started in precedence order and stopped in reverse. Supervised by the root,
//! permanent. Waits for its children only, with a deadline. A crash loses nothing that was accepted:
//! cells and rings are the engine's, and the next incarnation finds them.

use crate::accumulator::{AccumulatorActor, AccumulatorArgs, AccumulatorMsg};
use crate::answer::answer;
use crate::cell::SharedCell;
use crate::children::{Children, Spawn, Stopped};
use crate::directory::Directory;
use crate::env::Env;
use crate::graph::{GraphActor, GraphArgs, GraphMsg};
use crate::reactor::{ReactorActor, ReactorArgs};
use acequia_core::graph::GraphDecl;
use acequia_core::health::Health;
use acequia_core::id::{AccumulatorName, ReactorName};
use acequia_core::source::SourceOffset;
use acequia_core::supervision::{ChildSpec, Intensity, Reaction, Strategy, Supervisor};
use acequia_sdk::Package;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort, SpawnErr, SupervisionEvent};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub(crate) struct PackageActor;

#[derive(Clone)]
pub(crate) struct PackageArgs {
    pub(crate) package: Arc<Package>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) offsets: Arc<HashMap<AccumulatorName, Arc<SourceOffset>>>,
    pub(crate) env: Arc<Env>,
}

pub(crate) enum PackageMsg {
    /// Everything is in its place: let it run.
    Activate { reply: RpcReplyPort<()> },
    /// Start children again, after a delay.
    Restart { children: Range<usize> },
    /// Stop all sources; pushes still come.
    StopSources { reply: RpcReplyPort<()> },
    /// Stop all children, in reverse of their start.
    StopChildren { deadline: Duration, reply: RpcReplyPort<Vec<Stopped>> },
    /// The children with their actors.
    Children { reply: RpcReplyPort<Vec<ChildStatus>> },
    /// An operator lifts a child's quarantine.
    Pardon { child: String, reply: RpcReplyPort<bool> },
    /// The actor of a child, for tests that end it.
    #[cfg(feature = "testing")]
    Child { child: String, reply: RpcReplyPort<Option<ActorCell>> },
    /// End as if by a fault, for tests of supervision.
    #[cfg(feature = "testing")]
    Fail { reason: String },
}

/// One child, for listings.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ChildStatus {
    /// Its name in the tree.
    pub name: String,
    /// Id of its actor, while it lives.
    pub actor: Option<String>,
    /// What the actor does.
    pub status: String,
}

pub(crate) struct PackageState {
    args: PackageArgs,
    children: Children,
    accumulators: HashMap<AccumulatorName, ()>,
    quarantined: HashMap<usize, String>,
    stopping: bool,
}

/// Restarts of all children together, before the package gives up itself.
const INTENSITY: Intensity = Intensity { restarts: 20, period: Duration::from_secs(60) };

impl Actor for PackageActor {
    type Msg = PackageMsg;
    type State = PackageState;
    type Arguments = PackageArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<PackageMsg>,
        args: PackageArgs,
    ) -> Result<PackageState, ActorProcessingErr> {
        let supervisor = Supervisor::new(Strategy::OneForOne, INTENSITY);
        let children = Children::new(supervisor, args.env.settings.seed);
        let mut state = PackageState {
            args,
            children,
            accumulators: HashMap::new(),
            quarantined: HashMap::new(),
            stopping: false,
        };
        if let Err(error) = state.start_all(&myself.get_cell()).await {
            // All or nothing: what came up goes down, in reverse.
            let deadline = state.args.env.settings.call_deadline;
            state.children.stop_all(&myself.get_cell(), deadline).await;
            return Err(error.into());
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<PackageMsg>,
        message: PackageMsg,
        state: &mut PackageState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            PackageMsg::Activate { reply } => answer(reply, state.on_activate()),
            PackageMsg::Restart { children } => return state.on_restart(&myself, children).await,
            PackageMsg::StopSources { reply } => answer(reply, state.on_stop_sources().await),
            PackageMsg::StopChildren { deadline, reply } => {
                // A restart that was put off must not bring a child back behind this.
                state.stopping = true;
                answer(reply, state.children.stop_all(&myself.get_cell(), deadline).await);
            }
            PackageMsg::Children { reply } => answer(reply, state.list().await),
            PackageMsg::Pardon { child, reply } => answer(reply, state.on_pardon(&myself, &child).await),
            #[cfg(feature = "testing")]
            PackageMsg::Child { child, reply } => answer(reply, state.children.actor(&child).cloned()),
            #[cfg(feature = "testing")]
            PackageMsg::Fail { reason } => return Err(reason.into()),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<PackageMsg>,
        event: SupervisionEvent,
        state: &mut PackageState,
    ) -> Result<(), ActorProcessingErr> {
        match state.children.ended(event, state.args.env.now()) {
            Some((child, reaction)) => state.react(&myself, child, reaction),
            None => Ok(()),
        }
    }
}

impl PackageState {
    /// Start everything in precedence order: reactors, each with its accumulators, then graphs.
    async fn start_all(&mut self, parent: &ActorCell) -> Result<(), SpawnErr> {
        let package = Arc::clone(&self.args.package);
        for reactor in package.reactors() {
            let Some(cell) = self.args.directory.reactors.get(&reactor.name).map(|e| Arc::clone(&e.cell))
            else {
                continue;
            };
            let spawn = self.spawn_reactor(reactor.name.clone(), Arc::clone(&cell));
            let spec = ChildSpec::permanent(format!("reactor {}", reactor.name));
            self.children.start(spec, spawn, parent.clone()).await?;
            for (source, accumulator) in reactor.accumulators.iter().enumerate() {
                let args = AccumulatorArgs {
                    name: accumulator.name.clone(),
                    cell: Arc::clone(&cell),
                    source,
                    decl: accumulator.source.clone(),
                    offset: self.args.offsets.get(&accumulator.name).cloned().unwrap_or_default(),
                    env: Arc::clone(&self.args.env),
                };
                self.accumulators.insert(accumulator.name.clone(), ());
                let spec = ChildSpec::permanent(format!("accumulator {}", accumulator.name));
                self.children.start(spec, spawn_accumulator(args), parent.clone()).await?;
            }
        }
        for graph in package.graphs() {
            let spawn = self.spawn_graph(graph.clone());
            let spec = ChildSpec::permanent(format!("graph {}", graph.name));
            self.children.start(spec, spawn, parent.clone()).await?;
        }
        Ok(())
    }

    fn spawn_reactor(&self, name: ReactorName, cell: Arc<SharedCell>) -> Spawn {
        let directory = Arc::clone(&self.args.directory);
        Box::new(move |parent| {
            let (directory, name, cell) = (Arc::clone(&directory), name.clone(), Arc::clone(&cell));
            Box::pin(async move {
                let (actor, _) =
                    Actor::spawn_linked(None, ReactorActor, ReactorArgs { cell }, parent).await?;
                if let Some(mut entry) = directory.reactors.get_mut(&name) {
                    entry.actor = Some(actor.clone());
                }
                Ok(actor.get_cell())
            })
        })
    }

    /// A graph has started once it is bound.
    fn spawn_graph(&self, decl: GraphDecl) -> Spawn {
        let directory = Arc::clone(&self.args.directory);
        let deadline = self.args.env.settings.call_deadline;
        let package = self.args.package.name().clone();
        Box::new(move |parent| {
            let (directory, decl) = (Arc::clone(&directory), decl.clone());
            let args = GraphArgs { decl: decl.clone(), package: package.clone() };
            Box::pin(async move {
                let (actor, _) = Actor::spawn_linked(None, GraphActor, args, parent.clone()).await?;
                if let Err(reason) = bind(&directory, &decl, &actor, deadline).await {
                    actor.get_cell().unlink(parent);
                    actor.stop(None);
                    return Err(SpawnErr::StartupFailed(reason.into()));
                }
                if let Some(mut entry) = directory.graphs.get_mut(&decl.name) {
                    entry.actor = Some(actor.clone());
                }
                Ok(actor.get_cell())
            })
        })
    }

    fn react(
        &mut self,
        myself: &ActorRef<PackageMsg>,
        child: usize,
        reaction: Reaction,
    ) -> Result<(), ActorProcessingErr> {
        let name = self.children.name(child).to_owned();
        match reaction {
            Reaction::Ignore => {}
            Reaction::Restart { children, delay } => {
                self.args.env.counters.restarts.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(package = %self.args.package.name(), child = %name, ?delay, "child ended, restarting");
                myself.send_after(delay, move || PackageMsg::Restart { children });
            }
            Reaction::Quarantine { child, reason } => self.quarantine(child, &name, reason),
            Reaction::Escalate { reason } => {
                tracing::error!(package = %self.args.package.name(), %reason, "package gives up");
                return Err(reason.into());
            }
        }
        Ok(())
    }

    /// The child is out of service; what it left waiting is dropped with that reason.
    fn quarantine(&mut self, child: usize, name: &str, reason: String) {
        tracing::error!(package = %self.args.package.name(), child = %name, %reason, "child quarantined");
        self.args.env.counters.quarantines.fetch_add(1, Ordering::Relaxed);
        self.quarantined.insert(child, reason.clone());
        crate::quarantine::take_out(&self.args.directory, name, reason);
    }

    fn on_activate(&mut self) {
        for reactor in self.args.package.reactors() {
            if let Some(entry) = self.args.directory.reactors.get(&reactor.name) {
                entry.cell.arm();
            }
        }
        for accumulator in self.accumulators.keys() {
            if let Some(actor) = self.children.actor(&format!("accumulator {accumulator}")) {
                let _ = actor.send_message(AccumulatorMsg::Activate);
            }
        }
    }

    async fn on_restart(
        &mut self,
        myself: &ActorRef<PackageMsg>,
        children: Range<usize>,
    ) -> Result<(), ActorProcessingErr> {
        if self.stopping {
            return Ok(());
        }
        let (now, deadline) = (self.args.env.now(), self.args.env.settings.call_deadline);
        let restarted: Vec<String> =
            children.clone().map(|child| self.children.name(child).to_owned()).collect();
        if let Err((child, reaction)) =
            self.children.restart(children, &myself.get_cell(), deadline, now).await
        {
            return self.react(myself, child, reaction);
        }
        for name in restarted {
            if let Some(reactor) = name.strip_prefix("reactor ") {
                self.relink(&ReactorName::from(reactor)).await;
            }
        }
        Ok(())
    }

    /// A restarted reactor knows none of its subscribers: each binds again, to the seat it has.
    async fn relink(&self, reactor: &ReactorName) {
        let directory = &self.args.directory;
        for (name, actor) in directory.bound_to(reactor) {
            let Some(decl) = directory.graphs.get(&name).map(|entry| entry.decl.clone()) else { continue };
            if let Err(reason) = bind(directory, &decl, &actor, self.args.env.settings.call_deadline).await {
                tracing::error!(graph = %name, %reason, "subscriber could not be linked again");
            }
        }
    }

    async fn on_stop_sources(&mut self) {
        let deadline = self.args.env.settings.call_deadline;
        for accumulator in self.accumulators.keys() {
            if let Some(actor) = self.children.actor(&format!("accumulator {accumulator}")) {
                let actor = ActorRef::<AccumulatorMsg>::from(actor.clone());
                let _ = actor.call(|reply| AccumulatorMsg::StopSource { reply }, Some(deadline)).await;
            }
        }
    }

    /// Its actor may be out of service, or its part, or both.
    async fn on_pardon(&mut self, myself: &ActorRef<PackageMsg>, child: &str) -> bool {
        let Some(index) = self.children.find(child) else { return false };
        let restart = self.quarantined.remove(&index).is_some();
        let lifted = crate::quarantine::lift(&self.args, child, restart).await;
        if restart {
            self.children.pardon(index);
            let _ = myself.cast(PackageMsg::Restart { children: index..index + 1 });
        } else if let (true, Some(actor)) = (child.starts_with("accumulator "), self.children.actor(child)) {
            let _ = actor.send_message(AccumulatorMsg::PardonSource);
        }
        restart || lifted
    }

    async fn list(&self) -> Vec<ChildStatus> {
        let parts = crate::quarantine::parts(&self.args).await;
        let out = |index: usize, name: &str| self.quarantined.get(&index).or_else(|| parts.get(name));
        let children = self.children.list().into_iter().enumerate();
        children
            .map(|(index, (name, actor, status))| ChildStatus {
                actor: actor.map(|id| id.to_string()),
                status: match (out(index, &name), status) {
                    (Some(reason), _) => format!("quarantined: {reason}"),
                    (None, Some(status)) => format!("{status:?}").to_lowercase(),
                    (None, None) => "restarting".to_owned(),
                },
                name,
            })
            .collect()
    }
}

fn spawn_accumulator(args: AccumulatorArgs) -> Spawn {
    Box::new(move |parent| {
        let args = args.clone();
        Box::pin(async move {
            let (actor, _) = Actor::spawn_linked(None, AccumulatorActor, args, parent).await?;
            Ok(actor.get_cell())
        })
    })
}

/// Have a graph's actor bind to its reactor; a trigger-less graph has nothing to bind to.
async fn bind(
    directory: &Directory,
    decl: &GraphDecl,
    actor: &ActorRef<GraphMsg>,
    deadline: Duration,
) -> Result<(), String> {
    let Some(reactor) = &decl.reactor else { return Ok(()) };
    let Some(reactor) = directory.reactors.get(reactor).and_then(|entry| entry.actor.clone()) else {
        return Err(format!("reactor {reactor} is not there"));
    };
    let called = actor.call(|reply| GraphMsg::BindTo { reactor, deadline, reply }, Some(deadline)).await;
    match called {
        Ok(ractor::rpc::CallResult::Success(result)) => result,
        Ok(_) | Err(_) => Err("the graph's actor did not answer".to_owned()),
    }
}

/// Health of a reactor, as its cell and its sources have it.
pub(crate) async fn health(cell: &Arc<SharedCell>) -> Option<Health> {
    if let Some(reason) = cell.quarantined() {
        return Some(Health::Quarantined { reason });
    }
    if !cell.is_armed() {
        return Some(Health::Starting);
    }
    let ready: Vec<bool> =
        (0..cell.rings().len()).map(|source| cell.source_health(source).is_ready()).collect();
    let were_ready = cell.were_ready();
    cell.ask(move |state, _| (state.health(&ready, &were_ready), Default::default())).await
}
